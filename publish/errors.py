"""The errors of this package; messages say what was expected, what was found and what to do."""

from warehouse.errors import ProjectError


class PublishError(ProjectError):
    """Base of the errors of building and publishing: nothing that was published has changed."""


class StepError(PublishError):
    """A step of the build failed, and has said why itself.

    Parameters
    ----------
    step : str
        What failed.
    code : int
        Its exit code, which becomes that of the command.
    reason : str, optional
        What to do about it, where that is known.
    """

    def __init__(self, step: str, code: int, reason: str | None = None) -> None:
        text = f"{step} failed (exit code {code}), so nothing was published"
        super().__init__(f"{text}: {reason}" if reason else text)
        self.code = code


class AuditError(PublishError):
    """The private warehouse is not one whole, successful build."""


class DamagedError(PublishError):
    """Published files are not those that their manifest lists."""
