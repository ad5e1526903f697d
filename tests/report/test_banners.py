"""The box about fits that failed: one line for each kind of reason, chains that have not converged first."""

import duckdb
import pytest

from report.banners import banners
from report.marts import open_marts

SEPARATED = "SeparationError: found {}"
CHAINS = "NOT CONVERGED: ESS {} of r[Cd]"


@pytest.fixture
def said(tmp_path):
    """Many different reasons in one table, few rows of chains that have not converged in another."""
    path = tmp_path / "results.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"""
            create table associations as
            select 'r' as run_id, 'nhanes' as source, false as converged,
                format('{SEPARATED}', number) as warnings
            from range(50) as numbers (number), range(3)
        """)
        connection.execute(f"""
            create table bkmr_pips as
            select 'r' as run_id, 'nhanes' as source, number = 0 as converged,
                case when number > 0 then format('{CHAINS}', number) end as warnings
            from range(3) as numbers (number)
        """)
    with open_marts(path) as marts:
        (banner,) = banners(marts)
    return banner.items


def test_chains_come_first_and_many_reasons_of_one_kind_are_one_line(said):
    assert said == (
        "NOT CONVERGED: ESS 1 of r[Cd] and 1 like it (rows: BKMR pips 2)",
        "SeparationError: found 0 and 49 like it (rows: Associations 150)",
    )
