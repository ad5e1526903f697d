"""A study that is based on another takes from it what its own file does not say."""

from collections.abc import Mapping

from warehouse.seeds.findings import Finding, nearest_names
from warehouse.studies.document import Document

_NEVER_TAKEN_OVER = frozenset({"study", "order", "title", "description", "based_on", "claims", "sensitivity"})
# Sections that define names: those of both studies are known.
_DEFINITIONS = ("variables", "rules", "covariates", "choices")


def with_base(
    name: str, documents: Mapping[str, Document], above: tuple[str, ...] = ()
) -> tuple[Document, list[Finding]]:
    """Return a study file with the sections that it takes from the study that it is based on.

    Parameters
    ----------
    name : str
        The study.
    documents : mapping
        All study files.
    above : tuple of str
        Studies that are based on this one, which it cannot be based on.

    Returns
    -------
    Document
        Each value with the place that it is from.
    list of Finding
        What is wrong with the names of the studies that it is based on.
    """
    own = documents[name]
    base = own.values.get("based_on")
    if base is None:
        return own, []
    others = sorted(documents.keys() - {name, *above})
    if base not in others:
        expected = "another study, based on neither this one nor one that is"
        near = nearest_names(str(base), others)
        return own, [Finding(own.place(("based_on",)), expected, repr(base), near)]
    taken, findings = with_base(base, documents, (*above, name))
    values = {key: value for key, value in taken.values.items() if key not in _NEVER_TAKEN_OVER}
    for key, value in own.values.items():
        old = values.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            # A name with nothing after it is as in the other study.
            filled = {part: old.get(part) if given is None else given for part, given in value.items()}
            values[key] = {**old, **filled} if key in _DEFINITIONS else filled
        else:
            values[key] = value
    anew = {path[:2] for path in own.lines if len(path) > 2}
    kept = {path: line for path, line in taken.lines.items() if path[:2] not in anew}
    return Document(values=values, lines={**kept, **own.lines}), findings
