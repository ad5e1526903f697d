"""What must be known before anything else is read: synthetic data, and fits that have not converged."""

from dataclasses import dataclass
from textwrap import shorten

import pandas as pd

from report.formats import count, plain, words
from report.marts import Marts

_MOST_REASONS = 6
_REASON = 120  # characters: the tables say all of it


@dataclass(frozen=True)
class Banner:
    """A box above the report."""

    kind: str
    title: str
    text: str
    items: tuple[str, ...] = ()


def is_synthetic(marts: Marts) -> bool:
    """Tell whether any row of any result table comes from synthetic data."""
    return any(
        not marts.frame(f"select 1 from main.{table} where source = 'demo' limit 1").empty
        for table in marts.columns
    )


def banners(marts: Marts) -> list[Banner]:
    """Return the warnings that this database calls for."""
    found = []
    if is_synthetic(marts):
        found.append(
            Banner(
                "synthetic",
                "Synthetic data: nothing here is a finding about people",
                "The numbers come from made-up participants that only have the shape of the survey. They "
                "show that everything runs, and what the report looks like.",
            )
        )
    if items := _not_converged(marts):
        found.append(
            Banner(
                "convergence",
                "Some fits were refused or have not converged: do not use their numbers",
                "Where such a fit has numbers its mark is hollow, or its panel says so; where it has none "
                "it is missing from the picture. The tables give the reason.",
                items,
            )
        )
    return found


def _not_converged(marts: Marts) -> tuple[str, ...]:
    """Return one item for each kind of reason: chains that have not converged, then by number of rows."""
    found = []
    for table in sorted(marts.columns):
        if "converged" in marts.columns[table]:
            warnings = "warnings" if "warnings" in marts.columns[table] else "null"
            rows = marts.frame(f"""
                select coalesce({warnings}, 'No reason given') as reason, count(*) as n
                from main.{table}
                where converged is not true
                group by all
                order by n desc, reason
            """)
            found.append(rows.assign(table=_name(table)))
    if not found:
        return ()
    reasons = pd.concat(found, ignore_index=True)
    reasons["kind"] = reasons["reason"].map(lambda reason: str(reason).partition(":")[0])
    by_rows = reasons.groupby("kind")["n"].sum().sort_values(ascending=False, kind="stable")
    kinds = sorted(by_rows.index, key=lambda kind: kind != "NOT CONVERGED")
    items = [_item(reasons[reasons["kind"] == kind]) for kind in kinds]
    more = len(items) - _MOST_REASONS
    return (*items[:_MOST_REASONS], *([f"And {more} more reasons: see the tables."] if more > 0 else []))


def _item(reasons: pd.DataFrame) -> str:
    example = shorten(plain(reasons["reason"].iloc[0]), _REASON, placeholder=" ...")
    others = reasons["reason"].nunique() - 1
    like_it = f" and {count(others)} like it" if others else ""
    tables = ", ".join(f"{name} {count(n)}" for name, n in reasons.groupby("table")["n"].sum().items())
    return f"{example}{like_it} (rows: {tables})"


def _name(table: str) -> str:
    method, _, rest = table.partition("_")
    return f"{method.upper()} {rest.replace('_', ' ')}" if method in ("bkmr", "wqs") else words(table)
