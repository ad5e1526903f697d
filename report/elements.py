"""What a report is made of: sections of tables, figures, flow charts and notes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pandas as pd

from report.formats import count, csv_text, plain

MOST_ROWS = 20
"""How many rows of most tables are printed: a page of thousands is of use to nobody, and slow."""


@dataclass(frozen=True)
class Table:
    """A table of the page, with the same rows as CSV.

    Parameters
    ----------
    name : str
        Unique in the report; names the CSV.
    caption : str
        What the table holds.
    shown : pandas.DataFrame
        Texts as printed; the columns' names are the headings.
    data : pandas.DataFrame
        What the CSV holds: the same rows with eight digits and more columns.
    row_headings : int
        How many columns from the left name the row.
    text_columns : tuple of str
        Headings of columns that hold prose and are set to the left; the others hold numbers.
    groups : tuple of (str, int)
        Headings above the headings, each with the number of columns it spans.
    notes : tuple of str
        Printed beneath.
    cards : bool
        Whether a phone shows each row as a card instead of a table to scroll.
    most_rows : int
        How many rows are printed.
    """

    name: str
    caption: str
    shown: pd.DataFrame
    data: pd.DataFrame
    row_headings: int = 1
    text_columns: tuple[str, ...] = ()
    groups: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()
    cards: bool = False
    most_rows: int = MOST_ROWS

    kind = "table"

    def headings(self) -> list[str]:
        """Return the headings of the columns; blanks that keep them apart are dropped."""
        return [str(name).strip() for name in self.shown.columns]

    def is_text(self, position: int) -> bool:
        """Tell whether the column at this position is set to the left."""
        return position < self.row_headings or self.shown.columns[position] in self.text_columns

    def rows(self) -> list[list[str]]:
        """Return the printed cells, row by row."""
        printed = self.shown.head(self.most_rows)
        return [[plain(cell) for cell in row] for row in printed.itertuples(index=False, name=None)]

    def spans(self) -> list[int]:
        """Return how many rows the first heading of each printed row covers, 0 where one above does.

        Of two row headings the first may be blank: the row belongs to the nearest one above.
        """
        first = [row[0] for row in self.rows()]
        starts = [place for place, cell in enumerate(first) if cell or not place or self.row_headings < 2]
        covered = [0] * len(first)
        for start, end in pairwise([*starts, len(first)]):
            covered[start] = end - start
        return covered

    def cut(self) -> str:
        """Return the note that the page holds fewer rows than the CSV, if it does."""
        if len(self.shown) <= self.most_rows:
            return ""
        return f"The first {self.most_rows} of {count(len(self.shown))} rows; the CSV holds all."

    def csv(self) -> str:
        """Return the table as CSV in the form of an address, which the browser saves without a network."""
        return "data:text/csv;charset=utf-8," + quote(
            csv_text(self.data), safe=",;:/()*!@$=+", errors="replace"
        )


@dataclass(frozen=True)
class Panel:
    """One chart of a figure.

    Parameters
    ----------
    title : str
        Printed above it.
    spec : mapping
        Vega-Lite; its width follows the page.
    marks : int
        How many symbols, bars or lines of data it must show; the page checks it after drawing.
    description : str
        Read aloud by screen readers.
    """

    title: str
    spec: Mapping[str, Any]
    marks: int
    description: str


@dataclass(frozen=True)
class Key:
    """One entry of a legend.

    Parameters
    ----------
    label : str
        In words.
    colour : str
        As `#rrggbb`.
    shape : str
        `circle`, `square`, `triangle`, `diamond`, `bar`, `line`, `dashed` or `dotted`.
    """

    label: str
    colour: str
    shape: str


@dataclass(frozen=True)
class Figure:
    """Charts with a caption, how to read them, what they do not show, and their numbers as a table."""

    name: str
    caption: str
    how_to_read: str
    not_shown: str
    panels: Sequence[Panel]
    table: Table
    keys: Sequence[Key] = ()
    size: str = "medium"
    """Width of a panel: `small` and `medium` stand side by side, `wide` takes at least half the page."""
    notes: tuple[str, ...] = ()

    kind = "figure"


@dataclass(frozen=True)
class Step:
    """One box of a flow chart."""

    description: str
    n: str
    excluded: str
    cases: str


@dataclass(frozen=True)
class Flow:
    """A flow chart."""

    name: str
    caption: str
    how_to_read: str
    not_shown: str
    steps: Sequence[Step]

    kind = "flow"


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str

    kind = "heading"


@dataclass(frozen=True)
class Paragraph:
    """Prose, or a note that something is absent."""

    text: str
    is_absent: bool = False

    kind = "paragraph"


Block = Table | Figure | Flow | Heading | Paragraph


@dataclass(frozen=True)
class Section:
    """A chapter of the report."""

    anchor: str
    title: str
    introduction: str
    blocks: Sequence[Block] = field(default_factory=tuple)


def absent(*tables: str) -> Paragraph:
    """Return the note that stands for what the database lacks."""
    names = " and ".join(tables)
    return Paragraph(f"Not in this database: {names}.", is_absent=True)


def empty(table: str) -> Paragraph:
    """Return the note that stands for a table without rows."""
    return Paragraph(f"Nothing to show: {table} holds no rows for this.", is_absent=True)
