"""The SQL of the raw database's views: all loaded files of a component under one name."""

from collections.abc import Mapping, Sequence

from ingest.transport import Column
from warehouse.connection import quote_name, quote_text
from warehouse.seeds.catalogue import CatalogueFile, harmonised_names

Columns = Mapping[str, Sequence[Column]]


def component_view(component: str, files: Sequence[CatalogueFile], loaded: Columns) -> str:
    """Compose the view of a component.

    Parameters
    ----------
    component : str
        Name of the component, which lower-cased is the name of the view.
    files : sequence of CatalogueFile
        Its files, in the order of the catalogue.
    loaded : mapping
        The columns of each file that is loaded, by the file's name.

    Returns
    -------
    str
        A statement that creates ``nhanes.<component>``: ``file``, ``cycle``, the columns that the
        catalogue names (under their harmonised names, null where a file lacks one), then all others.
        Tables are named without their database, so that the view works under any alias.
    """
    present = [file for file in files if file.name in loaded]
    types = view_columns(files, loaded)
    if present:
        parts = [_branch(file, loaded[file.name], types) for file in present]
    else:
        nulls = [f"null::{kind} as {quote_name(name)}" for name, kind in types.items()]
        head = ["null::varchar as file", "null::varchar as cycle"]
        parts = [f"select {', '.join([*head, *nulls])} where false"]
    return f"create view nhanes.{quote_name(component.lower())} as {' union all by name '.join(parts)}"


def view_columns(files: Sequence[CatalogueFile], loaded: Columns) -> dict[str, str]:
    """Return the columns of a component's view after ``file`` and ``cycle``, and their types.

    A column that is not in the catalogue and has numbers in one file and text in another is text.
    """
    types = dict.fromkeys(harmonised_names(files), "DOUBLE")
    for file in files:
        names = {v.variable: v.name for v in file.variables}
        for column in loaded.get(file.name, ()):
            name = names.get(column.name, column.name)
            types[name] = "VARCHAR" if "VARCHAR" in (types.get(name), column.type) else "DOUBLE"
    return types


def view_labels(files: Sequence[CatalogueFile], loaded: Columns) -> dict[str, str]:
    """Return the label of each column of a component's view, from the first file that has one."""
    labels: dict[str, str] = {}
    for file in files:
        names = {v.variable: v.name for v in file.variables}
        for column in loaded.get(file.name, ()):
            if column.label:
                labels.setdefault(names.get(column.name, column.name), column.label)
    return labels


def _branch(file: CatalogueFile, columns: Sequence[Column], types: Mapping[str, str]) -> str:
    names = {v.variable: v.name for v in file.variables}
    own = {names.get(column.name, column.name): column for column in columns}
    selected = [f"{quote_text(file.name)} as file", f"{quote_text(file.cycle.name)} as cycle"]
    for name, kind in types.items():
        column = own.get(name)
        if column is None:
            value = f"null::{kind}"
        elif column.type == kind:
            value = quote_name(column.name)
        else:
            value = f"{quote_name(column.name)}::{kind}"
        selected.append(f"{value} as {quote_name(name)}")
    return f"select {', '.join(selected)} from nhanes_files.{quote_name(file.table)}"
