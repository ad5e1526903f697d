"""What a report is made of: sections of tables, figures, flow charts and notes."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pandas as pd

from report.formats import count, plain

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
        What the CSV holds: the same rows with more digits and columns.
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
    ticked : tuple of str
        Headings of columns that hold ticks and crosses, which are read aloud as yes and no.
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
    ticked: tuple[str, ...] = ()

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


@dataclass(frozen=True, kw_only=True)
class ForestRow:
    """One estimate of a forest plot, or a heading among them.

    Parameters
    ----------
    label : str
        What is estimated; of a heading, its text.
    series : str
        Label of the entry of the key whose symbol the row has; none for a heading.
    before, after : tuple of str
        Cells left and right of the picture.
    value, low, high : float or None
        What is drawn; without a finite value nothing is.
    is_hollow : bool
        Whether the fit has not converged.
    """

    label: str
    series: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    value: float | None = None
    low: float | None = None
    high: float | None = None
    is_hollow: bool = False


@dataclass(frozen=True, kw_only=True)
class Forest:
    """Estimates with intervals as a table: a picture of each row stands beside its numbers.

    Parameters
    ----------
    name : str
        Unique in the report.
    caption, how_to_read, not_shown : str
        What it shows, what it does not.
    headings : tuple of str
        Of the first column, and of the cells left and right of the picture.
    rows : sequence of ForestRow
        From top to bottom.
    axis : str
        What the picture measures, with its unit.
    ends : (str, str)
        What lies to the left and to the right of `null`.
    domain : (float, float)
        Ends of the axis; what lies beyond is cut and has an arrow.
    ticks : sequence of float
        Where numbers stand.
    logarithmic : bool
        Scale.
    null : float
        Where a line says "no association".
    keys : sequence of Key
        Symbols of the series.
    data : pandas.DataFrame
        What the CSV holds.
    notes : tuple of str
        Printed beneath.
    """

    name: str
    caption: str
    how_to_read: str
    not_shown: str
    headings: tuple[str, ...]
    rows: Sequence[ForestRow]
    axis: str
    ends: tuple[str, str]
    domain: tuple[float, float]
    ticks: Sequence[float]
    logarithmic: bool
    null: float
    keys: Sequence[Key]
    data: pd.DataFrame
    notes: tuple[str, ...] = ()

    kind = "forest"

    def place(self, value: float) -> float:
        """Return where a value stands, in per cent of the picture's width; ends of the axis if beyond."""
        low, high, at = (
            math.log(item) if self.logarithmic else item
            for item in (*self.domain, max(value, self.domain[0]) if self.logarithmic else value)
        )
        return round(100 * min(max((at - low) / (high - low), 0.0), 1.0), 2)

    def is_drawn(self, row: ForestRow) -> bool:
        """Tell whether the row has a mark."""
        return row.value is not None and math.isfinite(row.value) and (row.value > 0 or not self.logarithmic)

    def marks(self) -> int:
        """Return how many estimates are drawn."""
        return sum(self.is_drawn(row) for row in self.rows)

    def columns(self) -> int:
        """Return how many columns the table has: those with headings, and the picture."""
        return len(self.headings) + 1

    def before(self) -> int:
        """Return how many columns stand left of the picture after the first."""
        return max((len(row.before) for row in self.rows), default=0)

    def key(self, row: ForestRow) -> Key:
        """Return the symbol of a row's series."""
        return next(key for key in self.keys if key.label == row.series)


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Who is analysed, as STROBE draws it: who was there, who left and why, who stays.

    Parameters
    ----------
    start, end : str
        The first and the last box.
    removed : sequence of (str, str, str)
        How many left, by which rule, how many stayed.
    data : pandas.DataFrame
        What the CSV holds.
    """

    name: str
    caption: str
    how_to_read: str
    not_shown: str
    start: str
    removed: Sequence[tuple[str, str, str]]
    end: str
    data: pd.DataFrame

    kind = "flow"


@dataclass(frozen=True)
class ByStudy:
    """Blocks of which a reader chooses those of one study."""

    blocks: Mapping[str, Sequence["Block"]]
    """By the study's code."""

    kind = "by_study"


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


@dataclass(frozen=True)
class Answer:
    """What the whole page says, the most important sentence first."""

    sentences: tuple[str, ...]

    kind = "answer"


Block = Table | Figure | Forest | Flow | Heading | Paragraph | Answer | ByStudy


@dataclass(frozen=True)
class Section:
    """A chapter of the report."""

    anchor: str
    title: str
    introduction: str
    blocks: Sequence[Block] = field(default_factory=tuple)

    def every_block(self) -> Iterator[tuple[str, Block]]:
        """Yield each block with the code of the study that it is shown for, if it is shown for one."""
        for block in self.blocks:
            if isinstance(block, ByStudy):
                for study, own in block.blocks.items():
                    yield from ((study, one) for one in own)
            else:
                yield "", block


def absent(*tables: str) -> Paragraph:
    """Return the note that stands for what the database lacks."""
    names = " and ".join(tables)
    return Paragraph(f"Not in this database: {names}.", is_absent=True)


def empty(table: str) -> Paragraph:
    """Return the note that stands for a table without rows."""
    return Paragraph(f"Nothing to show: {table} holds no rows for this.", is_absent=True)
