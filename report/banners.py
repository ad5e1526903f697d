"""What must be known before anything else is read: synthetic data, and fits that have not converged."""

from dataclasses import dataclass
from textwrap import shorten

from report.formats import count, plain, words
from report.marts import Marts

_MOST_REASONS = 2
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
    if items := tuple(item for table in sorted(marts.columns) for item in _not_converged(marts, table)):
        found.append(
            Banner(
                "convergence",
                "Some fits have not converged: do not use their numbers",
                "Where such a fit has numbers its mark is hollow, or its panel says so; where it has none "
                "it is missing from the picture. The tables give the reason.",
                items,
            )
        )
    return found


def _not_converged(marts: Marts, table: str) -> list[str]:
    if "converged" not in marts.columns[table]:
        return []
    failed, rows = marts.frame(
        f"select count(*) filter (where converged is not true), count(*) from main.{table}"
    ).iloc[0]
    if not failed:
        return []
    text = f"{_name(table)}: {count(failed)} of {count(rows)} rows"
    if "warnings" not in marts.columns[table]:
        return [text]
    reasons = marts.frame(f"""
        select warnings, count(*) as n
        from main.{table}
        where converged is not true and warnings is not null
        group by all
        order by n desc, warnings
    """)["warnings"].tolist()
    short = list(dict.fromkeys(shorten(plain(reason), _REASON, placeholder=" ...") for reason in reasons))
    shown = "; ".join(short[:_MOST_REASONS])
    more = f"; and {len(short) - _MOST_REASONS} more reasons" if len(short) > _MOST_REASONS else ""
    return [f"{text} ({shown}{more})" if shown else text]


def _name(table: str) -> str:
    method, _, rest = table.partition("_")
    return f"{method.upper()} {rest.replace('_', ' ')}" if method in ("bkmr", "wqs") else words(table)
