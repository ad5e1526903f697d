"""The habits of every result: a table of estimates, a summary, how it shows, and a file."""

from abc import ABC, abstractmethod
from html import escape
from os import PathLike
from typing import Any

import pandas as pd

from mixepi.errors import SavedResultError
from mixepi.files import user_path

# Longer tables are cut, so that a summary fits on one screen.
ROWS_SHOWN = 12


class Result(ABC):
    """What a fit returns."""

    @abstractmethod
    def estimates(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per term."""

    @abstractmethod
    def headline(self) -> str:
        """Return in one line what was fitted, and to how much data."""

    def remarks(self) -> tuple[str, ...]:
        """Return what to know before trusting the numbers."""
        return ()

    def tables_shown(self, level: float = 0.95) -> dict[str, pd.DataFrame]:
        """Return the tables of the summary by title."""
        return {"Estimates": self.estimates(level)}

    def summary(self, level: float = 0.95) -> str:
        """Return the main tables as text that fits on one screen.

        Parameters
        ----------
        level : float
            Confidence level of the intervals, 0.95 by default.
        """
        parts = [self.headline()]
        for title, table in self.tables_shown(level).items():
            cut = table.head(ROWS_SHOWN)
            text = cut.to_string(index=False, float_format=_number, na_rep="")
            parts.append("\n".join([f"{title}:", text, *_rest(table)]))
        if self.remarks():
            parts.append("\n".join(["Remarks:", *(f"- {remark}" for remark in self.remarks())]))
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.headline()}>"

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{escape(type(self).__name__)}</b>: {escape(self.headline())}</p>"]
        for title, table in self.tables_shown().items():
            cut = table.head(ROWS_SHOWN)
            parts.append(f"<p>{escape(title)}</p>")
            parts.append(cut.to_html(index=False, float_format=_number, na_rep="", border=0))
            parts += [f"<p>{escape(line)}</p>" for line in _rest(table)]
        if self.remarks():
            items = "".join(f"<li>{escape(remark)}</li>" for remark in self.remarks())
            parts.append(f"<ul>{items}</ul>")
        return "\n".join(parts)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the whole result to one file, which `mixepi.load` reads.

        Parameters
        ----------
        path : path
            A zip file of ``result.json`` and NumPy arrays; what was there is replaced once it is written.

        Raises
        ------
        SpecificationError
            The result holds an object of a class that is not mixepi's, such as a prior of your own.
        OSError
            The file cannot be written.
        """
        from mixepi.results.saved import save

        save(self, path)


class IntervalResult(Result):
    """A result whose estimates have intervals."""

    @abstractmethod
    def effect_label(self) -> str:
        """Return what the estimates measure, for the axis of a chart."""

    def plot_estimates(self, level: float = 0.95) -> Any:
        """Return an altair chart of the estimates with their intervals, without the intercept.

        Raises
        ------
        MissingPackageError
            Altair is not installed.
        """
        from mixepi.results.charts import plot_estimates

        return plot_estimates(self.estimates(level), self.effect_label(), self.headline(), level)


def load(path: str | PathLike[str]) -> Result:
    """Read a result that its method `save` wrote.

    Parameters
    ----------
    path : path

    Returns
    -------
    Result
        Of the class that was saved, with the same tables.

    Raises
    ------
    SavedResultError
        The file is something else, is damaged, or is of a version of mixepi that this one cannot read.
    FileNotFoundError
        There is no such file.
    """
    from mixepi.results import saved

    result = saved.read(user_path("path", path))
    if not isinstance(result, Result):
        raise SavedResultError(f"expected a result in {path}, found {type(result).__name__}: save a result")
    return result


def _number(value: float) -> str:
    return f"{value:.4g}"


def _rest(table: pd.DataFrame) -> list[str]:
    return [f"({len(table) - ROWS_SHOWN} more rows)"] if len(table) > ROWS_SHOWN else []
