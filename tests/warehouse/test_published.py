"""What `python -m publish build` published of the whole study on synthetic data."""

import json
import re

import duckdb
import pytest

from publish.dictionary import is_of_persons, read_models
from publish.record import read_published


@pytest.fixture
def results(demo_data):
    return demo_data / "results"


@pytest.fixture
def published(results):
    with duckdb.connect(str(results / "nhanes_bone.duckdb"), read_only=True) as connection:
        yield lambda query: connection.execute(query).fetchall()


def test_files_are_those_of_the_manifest(results):
    shown = read_published(results)
    assert shown.source == "demo"
    assert {"nhanes_bone.duckdb", "dbt_docs.html", "parquet/associations.parquet"} <= set(
        shown.facts["outputs"]
    )
    assert len(shown.facts["inputs"]) == 31
    assert shown.facts["package_versions"]["duckdb"] == duckdb.__version__
    assert shown.facts["variables"] == {"fit_profile": "quick"}


def test_older_clients_can_open_it(published):
    assert published("select tags['storage_version'] from duckdb_databases() where not internal") == [
        ("v1.5.0+",)
    ]


def test_it_holds_every_result_mart_and_no_rows_of_people(published):
    tables = {name for (name,) in published("select table_name from duckdb_tables()")}
    marts = [table for table in read_models() if table.folder == "marts"]
    assert tables == {table.name for table in marts if not is_of_persons(table)} | {"data_dictionary"}
    assert published("select count(*) from duckdb_columns() where column_name = 'seqn'") == [(0,)]
    assert published("select count(*) from duckdb_views() where not internal") == [(0,)]


def test_every_row_is_of_the_run(published, results):
    run = read_published(results).run_id
    for (table,) in published("select table_name from duckdb_tables() where table_name != 'data_dictionary'"):
        assert published(f"select distinct run_id, source from {table}") in ([(run, "demo")], []), table


def test_every_table_and_column_is_described_as_in_the_yaml(published):
    found = published("select table_name, column_name, data_type, unit, description from data_dictionary")
    expected = [
        (table.name, column.name, column.data_type, column.unit, column.description)
        for table in read_models()
        if table.folder == "marts" and not is_of_persons(table)
        for column in table.columns
    ]
    own = [row for row in found if row[0] == "data_dictionary"]
    assert sorted(map(str, found)) == sorted(map(str, expected + own))
    assert all(row[4] for row in found)
    assert (
        published("""
        select table_name, column_name, description from data_dictionary
        except
        select table_name, column_name, comment from duckdb_columns()
    """)
        == []
    )
    assert published("select table_name from duckdb_tables() where coalesce(comment, '') = ''") == []


def test_parquet_files_are_the_tables(published, results):
    for (table,) in published("select table_name from duckdb_tables()"):
        file = results / "parquet" / f"{table}.parquet"
        assert published(f"from {table} except all from '{file}'") == []
        assert published(f"from '{file}' except all from {table}") == []
    metadata = dict(
        published(f"""
            select key::varchar, value::varchar from parquet_kv_metadata('{results}/parquet/runs.parquet')
        """)
    )
    assert metadata["run_id"] == read_published(results).run_id


def test_the_documentation_loads_nothing_from_the_network(results):
    text = (results / "dbt_docs.html").read_text()
    assert not re.findall(r"""<(?:script|link|img|iframe)[^>]+(?:src|href)=["'](?:https?:)?//[^"']+""", text)
    assert '"send_anonymous_usage_stats": false' in text
    assert "from transport files to a replicated paper" in text, "the overview page"


def test_the_build_counted_all_its_parts(demo_data, published):
    """What the macro counted is what dbt wrote of the run: every model, seed and test."""
    manifest = json.loads((demo_data / "target" / "manifest.json").read_text())
    nodes = [
        node
        for node in [*manifest["nodes"].values(), *manifest["unit_tests"].values()]
        if node["resource_type"] in ("model", "seed", "test", "unit_test")
    ]
    ((run,),) = published("select run_id from runs")
    with duckdb.connect(str(demo_data / "warehouse.duckdb"), read_only=True) as connection:
        outcome = connection.execute(
            "select expected, succeeded from provenance.run_outcomes where run_id = ?", [run]
        ).fetchall()
    assert outcome == [(len(nodes), len(nodes))]
