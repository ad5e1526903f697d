"""What must be known before anything else is read: synthetic data, and fits that have not converged."""

from dataclasses import dataclass
from textwrap import shorten

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
    """Return one item for each reason, with the tables that have it."""
    tables: dict[str, list[str]] = {}
    for table in sorted(marts.columns):
        if "converged" not in marts.columns[table]:
            continue
        warnings = "warnings" if "warnings" in marts.columns[table] else "null"
        reasons = marts.frame(f"""
            select coalesce({warnings}, 'No reason given') as reason, count(*) as n
            from main.{table}
            where converged is not true
            group by all
        """)
        short = reasons["reason"].map(lambda reason: shorten(plain(reason), _REASON, placeholder=" ..."))
        for reason, n in reasons["n"].groupby(short, sort=True).sum().items():
            tables.setdefault(str(reason), []).append(f"{_name(table)} {count(n)}")
    items = [f"{reason} (rows: {', '.join(names)})" for reason, names in tables.items()]
    more = len(items) - _MOST_REASONS
    return (*items[:_MOST_REASONS], *([f"And {more} more reasons: see the tables."] if more > 0 else []))


def _name(table: str) -> str:
    method, _, rest = table.partition("_")
    return f"{method.upper()} {rest.replace('_', ' ')}" if method in ("bkmr", "wqs") else words(table)
