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


def test_every_query_of_several_is_answered(databases, monkeypatch, capsys):
    words = ask(monkeypatch, capsys, "select 1 as a; -- a comment; with ';'\nselect 'x;y' as b; /* end */ ;")
    assert words == ["a", "1", "b", "x;y"]


ANSWERED = {
    "values (1, 'a')": "a",
    "describe from runs": "place",
    "show tables": "runs",
    "summarize from runs": "place",
    "with one as (select 7 as n) select n from one": "7",
    "select [1, 2] as l, {'a': 3} as s, map {'k': 4} as m, null as n, 1::hugeint as h": "k",
    "select interval 1 day as i, 'infinity'::double as f, date '2020-01-02' as d": "inf",
    "select 1 as a, 2 as a": "2",
    "pivot (select 1 as k, 2 as v) on k using sum(v)": "2",
}


@pytest.mark.parametrize("query_text", ANSWERED)
def test_queries_of_every_form_are_answered(databases, monkeypatch, capsys, query_text):
    assert ANSWERED[query_text] in " ".join(ask(monkeypatch, capsys, query_text))


REFUSED = {
    "copy (select 1) to '{}'": "COPY",
    "select 1; copy (select 1) to '{}'": "COPY",
    "export database '{}'": "EXPORT",
    "attach '{}' as other": "ATTACH",
    "create table x (a integer)": "CREATE",
    "insert into runs values ('x')": "INSERT",
    "drop table runs": "DROP",
    "set threads = 1": "SET",
    "begin": "TRANSACTION",
    "prepare p as select 1": "PREPARE",
    "explain analyze select 1": "EXPLAIN",
    "install json": "LOAD",
    "checkpoint": "CALL",
}


@pytest.mark.parametrize("statement", REFUSED)
def test_what_is_no_query_is_refused_and_nothing_is_run(databases, tmp_path, monkeypatch, capsys, statement):
    target = tmp_path / "written"
    with pytest.raises(SystemExit, match=f"of the kind {REFUSED[statement]}.*nothing was run") as stop:
        ask(monkeypatch, capsys, statement.format(target))
    assert "expected queries" in str(stop.value)
    assert not target.exists()
    assert capsys.readouterr().out == ""


def test_without_the_look_at_statements_a_file_is_written(databases, tmp_path, monkeypatch):
    """The fault: a database that is open read-only still lets `copy` write beside it."""
    target = tmp_path / "written.csv"
    monkeypatch.setattr(query, "_require_query", lambda _: None)
    query.answer(f"copy (select 1 as a) to '{target}'", databases)
    assert target.exists()


@pytest.mark.parametrize("parameter", ["$place", "?"])
def test_parameters_are_refused(databases, monkeypatch, capsys, parameter):
    with pytest.raises(SystemExit, match="query without parameters, found"):
        ask(monkeypatch, capsys, f"from runs where place = {parameter}")


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
