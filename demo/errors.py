"""What may go wrong while synthetic files are made."""

from warehouse.errors import ProjectError


class DemoError(ProjectError):
    """The files cannot be made as asked, or the catalogue lists what the generator does not know."""
