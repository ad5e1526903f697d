"""`python -m report.query` and `report.summary`: what they ask, and what they say when there is nothing."""

import os
import sys

import duckdb
import pytest

from report import places, query, summary


@pytest.fixture
def databases(tmp_path, monkeypatch):
    """A published database and a private one, each of which names itself."""
    results, data = tmp_path / "results" / "nhanes_bone.duckdb", tmp_path / "data"
    for path in (results, data / "warehouse.duckdb"):
        path.parent.mkdir()
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"create table runs as select '{path.parent.name}' as place")
    monkeypatch.setattr(places, "RESULTS", results)
    monkeypatch.setitem(os.environ, "NHANES_BONE_DATA", str(data))
    return results


def ask(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["report.query", *arguments])
    query.main()
    return capsys.readouterr().out.split()


def test_published_results_are_asked_and_the_last_build_only_by_name(databases, monkeypatch, capsys):
    assert ask(monkeypatch, capsys, "from runs") == ["place", "results"]
    assert ask(monkeypatch, capsys, "from runs", "--private") == ["place", "data"]


def test_a_build_that_is_not_published_does_not_answer(databases, monkeypatch, capsys):
    databases.unlink()
    with pytest.raises(SystemExit, match=r"expected published results at .*, found none: run `make demo`"):
        ask(monkeypatch, capsys, "from runs")
    monkeypatch.setattr(sys, "argv", ["report.summary"])
    with pytest.raises(SystemExit, match="expected published results at"):
        summary.main()


def test_a_warehouse_that_is_not_there(databases, tmp_path, monkeypatch, capsys):
    (tmp_path / "data" / "warehouse.duckdb").unlink()
    with pytest.raises(SystemExit, match=r"expected a warehouse at .*, found none: run `make demo`"):
        ask(monkeypatch, capsys, "from runs", "--private")


@pytest.mark.parametrize("nothing", ["", "   ", "-- nothing", ";"])
def test_no_query(databases, monkeypatch, capsys, nothing):
    with pytest.raises(SystemExit, match=r"expected a query in SQL, .* found none"):
        ask(monkeypatch, capsys, nothing)


def test_no_rows_are_said_with_the_columns(databases, monkeypatch, capsys):
    assert ask(monkeypatch, capsys, "from runs where false") == ["no", "rows;", "columns:", "place"]


def test_thousands_of_rows_are_cut_and_it_is_said(databases, monkeypatch, capsys):
    words = ask(monkeypatch, capsys, "select range as number from range(50000)")
    assert words[:2] == ["number", "0"]
    assert " ".join(words[10_241:]).startswith("The first 10,240 rows, there are more: narrow the query")
    assert ask(monkeypatch, capsys, "select range as number from range(10240)")[-1] == "10239"


def test_a_table_of_persons_is_looked_for_elsewhere(databases, monkeypatch, capsys):
    with pytest.raises(SystemExit, match="not published: --private asks them"):
        ask(monkeypatch, capsys, "from cohort")
    with pytest.raises(SystemExit) as stop:
        ask(monkeypatch, capsys, "from cohort", "--private")
    assert "--private asks" not in str(stop.value)
