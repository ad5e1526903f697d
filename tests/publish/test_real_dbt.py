"""The real dbt and the real macros, on a project of two tables: what fails or dies is not published."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
import yaml

from publish import programs
from publish.__main__ import main
from publish.build import BuildSteps, build, publish_again
from publish.errors import AuditError, StepError
from publish.layout import PublishLayout
from publish.record import read_published
from tests.publish.support.small_build import steps as small_steps
from tests.support.processes import Moments
from warehouse.connection import connect

ROOT = Path(__file__).resolve().parent.parent.parent

MODELS = {
    "models/staging/_sources.yml": None,
    "models/staging/stg_nhanes_files.sql": None,
    "models/groups.yml": None,
    "models/docs/columns.md": None,
    "models/staging/stg_runs.sql": None,
    "models/marts/runs.sql": None,
    "models/marts/numbers.sql": (
        "select value, {{ run_columns() }}\n"
        "from (select '{{ var(\"fit_profile\") }}' as value from range(3)) as numbers\n"
    ),
    "models/marts/numbers.yml": (
        "models:\n"
        "  - name: numbers\n"
        "    description: One row per number.\n"
        "    columns:\n"
        "      - {name: value, description: Profile., data_type: varchar}\n"
        "      - {name: run_id, description: Run., data_type: varchar}\n"
        "      - {name: source, description: Kind of data., data_type: varchar}\n"
    ),
    "models/marts/runs.yml": None,
    "tests/is_full.sql": "select value from {{ ref('numbers') }} where value != 'full'\n",
}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """Return a copy of this project whose models, seeds and tests are the few above, and point dbt at it."""
    folder = tmp_path / "project"
    for name, text in MODELS.items():
        path = folder / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if text is not None else (ROOT / name).read_text())
    for name in ("models", "python_models", "macros", "seeds"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copytree(ROOT / "tests/generic", folder / "small/tests/generic")
    shutil.copy(ROOT / "profiles.yml", folder / "profiles.yml")
    settings = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    settings |= {
        "model-paths": ["small/models"],
        "seed-paths": ["small/seeds"],
        "test-paths": ["small/tests"],
        "vars": settings.get("vars", {}) | {"fit_profile": "full"},
    }
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(settings))
    monkeypatch.setenv("DBT_PROJECT_DIR", str(folder))
    monkeypatch.setenv("DBT_PROFILES_DIR", str(folder))
    return folder


@pytest.fixture
def layout(tmp_path, project) -> PublishLayout:
    return with_raw_data(PublishLayout(tmp_path / "data", tmp_path / "results"))


def with_raw_data(layout: PublishLayout) -> PublishLayout:
    """Make the data directory with what loading leaves there."""
    layout.data.mkdir()
    with connect(layout.data / "raw.duckdb", read_only=False) as connection:
        connection.execute("create schema meta")
        connection.execute("""
            create table meta.files as select
                'DEMO_H' as file, '2013-2014' as cycle, 'DEMO' as component, 'demo' as source,
                'here' as address, 'abc' as sha256, 9::bigint as bytes, 9::bigint as rows,
                9::bigint as columns, null::varchar as file_label, now()::timestamp as loaded_at
        """)
    return layout


def todo(layout: PublishLayout, profile: str) -> BuildSteps:
    def write_report(_: Path, folder: Path) -> None:
        (folder / "report.html").write_text(profile)

    small = small_steps(layout, 0)
    return BuildSteps(
        load=lambda: None,
        transform=lambda: programs.transform(layout.data, {"fit_profile": profile}),
        write_docs=small.write_docs,
        write_report=write_report,
    )


def test_a_failed_test_keeps_the_old_results(layout, capfd):
    first = build(layout, todo(layout, "full"), print, 0)
    assert first.facts["tables"] == {"data_dictionary": 17, "numbers": 3, "runs": 1}
    assert first.facts["variables"] == {"fit_profile": "full"}
    with pytest.raises(StepError):
        build(layout, todo(layout, "quick"), print, 0)
    assert "is_full" in capfd.readouterr().out, "dbt says which"
    assert read_published(layout.results) == first
    with duckdb.connect(str(layout.warehouse), read_only=True) as connection:
        assert connection.execute("select distinct value from numbers").fetchall() == [("quick",)]
    with pytest.raises(AuditError, match="of the others: is_full fail"):
        publish_again(layout, todo(layout, "quick"), print, 0)
    assert read_published(layout.results) == first


# It does not shrink by compression.
EIGHT_MEGABYTES = "select random()::varchar as value, {{ run_columns() }} from range(500000)\n"


def test_a_disk_that_fills_up_while_dbt_builds(project, small_disk, tmp_path, capfd):
    layout = with_raw_data(PublishLayout(small_disk / "data", tmp_path / "results"))
    first = build(layout, small_steps(layout, 1), print, 0)
    model = project / "small/models/marts/numbers.sql"
    model.write_text(EIGHT_MEGABYTES)
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (shutil.disk_usage(small_disk).free - 2_000_000))
    capfd.readouterr()
    message = f"dbt build failed .* the disk that holds {layout.data} is full .* free some space"
    with pytest.raises(StepError, match=message):
        build(layout, todo(layout, "full"), print, 0)
    printed = capfd.readouterr()
    assert "ERROR creating sql table model main.numbers" in printed.out
    assert "Logging error" not in printed.err, "thousands of lines, for dbt cannot write its log either"
    assert read_published(layout.results) == first
    with pytest.raises(AuditError):
        publish_again(layout, todo(layout, "full"), print, 0)
    model.write_text(MODELS["models/marts/numbers.sql"])
    filler.unlink()
    second = build(layout, todo(layout, "full"), print, 0)
    assert read_published(layout.results) == second
    assert second.facts["tables"] == {"data_dictionary": 17, "numbers": 3, "runs": 1}


@pytest.mark.statistical
def test_tests_left_out_are_noticed(layout):
    first = build(layout, todo(layout, "full"), print, 0)
    for arguments, message in (
        (("build", "--exclude-resource-type", "test"), "of the others: .*is_full not run"),
        (("build", "--select", "runs"), "of the others: .*numbers not run"),
        (("run",), "did not .or was no `dbt build`"),
    ):
        programs.dbt(layout.data, *arguments, "--vars", "{fit_profile: quick}")
        with pytest.raises(AuditError, match=message):
            publish_again(layout, todo(layout, "quick"), print, 0)
        assert read_published(layout.results) == first


@pytest.mark.statistical
def test_killed_at_random_moments(layout):
    """The command itself, with files of 1,000 people: ingest, dbt, documentation, publication."""
    (layout.data / "raw.duckdb").unlink()
    command = [
        sys.executable, "-m", "publish", "build",
        "--data", str(layout.data), "--results", str(layout.results),
        "--profile", "full", "--wait", "30", "demo", "--people", "1000",
    ]  # fmt: skip
    start = time.monotonic()
    subprocess.run(command, check=True, capture_output=True, env=os.environ)
    seconds = time.monotonic() - start
    published = read_published(layout.results).run_id
    moments = Moments(1, seconds)
    for number in range(20):
        seed = str(number % 2)  # other files every time, so that ingest has something to do
        process = subprocess.Popen(
            [*command, "--seed", seed], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ
        )
        try:
            process.wait(moments.next())
        except subprocess.TimeoutExpired:
            process.kill()
        _, printed = process.communicate()
        moments.learn(process.returncode == -signal.SIGKILL)
        assert process.returncode in (0, -signal.SIGKILL), printed
        found = read_published(layout.results).run_id
        assert process.returncode != 0 or found != published
        published = found
    assert moments.killed > 5
    assert main([*command[3:], "--seed", "3"]) == 0
    assert read_published(layout.results).run_id != published
