"""Write the page of a synthetic file, with its own counts, in the form of CDC's pages."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import pandas as pd

_HEAD = """<!DOCTYPE html>
<html lang="en-us"><head><meta charset="utf-8"><title>{file}</title></head><body>
<h3>Synthetic demo data ({file})</h3>
<h4>Data File: {file}.xpt</h4>
<div id="Codebook">
"""
_VARIABLE = """<div class="pagebreak">
<h3 class="vartitle" id="{name}">{name} - {label}</h3>
<dl><dt>Variable Name: </dt><dd class="info">{name}</dd>
<dt>SAS Label: </dt><dd>{label}</dd>
<dt>English Text: </dt><dd class="info">{label}</dd>
<dt>Target: </dt><dd>{target}</dd></dl>
{table}</div>
"""
_TABLE = """<table class="values"><thead><tr><th>Code or Value</th><th>Value Description</th><th>Count</th>
<th>Cumulative</th><th>Skip to Item</th></tr></thead><tbody>
{rows}
</tbody></table>
"""
_ROW = "<tr><td>{code}</td><td>{label}</td><td>{count}</td><td>{cumulative}</td><td></td></tr>"


def write_page(
    frame: pd.DataFrame,
    path: Path,
    *,
    file: str,
    labels: Mapping[str, str],
    codes: Mapping[str, Sequence[tuple[str, str]]],
    target: str = "Synthetic people",
) -> None:
    """Write the page of a file.

    Parameters
    ----------
    frame : pandas.DataFrame
        What the file holds: numbers.
    path : pathlib.Path
        Where the page goes.
    file : str
        Name of the file.
    labels : mapping
        Label of each column; its own name where it has none.
    codes : mapping
        Code and CDC's words, for each column that has a table: numbers are codes, ``"."`` is missing, and
        anything else is the range of the rest, which is written as the values have it.
    target : str
        Who is in the file.
    """
    parts = [_HEAD.format(file=escape(file))]
    for name in frame.columns:
        rows = _rows(frame[name], codes[name]) if name in codes else ""
        parts.append(
            _VARIABLE.format(
                name=escape(name),
                label=escape(labels.get(name) or name),
                target=escape(target),
                table=_TABLE.format(rows=rows) if rows else "",
            )
        )
    path.write_text("".join([*parts, "</div></body></html>\n"]), encoding="utf-8")


def _rows(values: pd.Series, codes: Sequence[tuple[str, str]]) -> str:
    numbers = [float(code) for code, _ in codes if _is_number(code)]
    rest = values[values.notna() & ~values.isin(numbers)]
    rows, cumulative = [], 0
    for code, label in codes:
        if code == ".":
            shown, count = code, int(values.isna().sum())
        elif _is_number(code):
            shown, count = code, int((values == float(code)).sum())
        else:
            shown, count = f"{rest.min():.10g} to {rest.max():.10g}" if len(rest) else code, len(rest)
        cumulative += count
        rows.append(_ROW.format(code=escape(shown), label=escape(label), count=count, cumulative=cumulative))
    return "\n".join(rows)


def _is_number(code: str) -> bool:
    return code.lstrip("-").replace(".", "", 1).isdecimal()
