"""The files as files: names, columns, labels, bytes, sizes, sequence numbers."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from demo import generate, metals, write_demo_files
from demo.errors import DemoError
from demo.generate import draw_release
from demo.release import read_releases
from ingest.codebook_checks import compare
from ingest.codebook_page import read_page
from ingest.transport import read_transport
from warehouse.paths import seeds_directory

CATALOGUE = pd.read_csv(seeds_directory() / "nhanes_files.csv")
VARIABLES = pd.read_csv(seeds_directory() / "nhanes_variables.csv")


def digests(directory: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in directory.glob("*/*.XPT")}


def test_every_file_of_the_catalogue_lies_in_its_release(demo_directory: Path) -> None:
    written = {str(path.relative_to(demo_directory)) for path in demo_directory.rglob("*.XPT")}
    assert written == {f"{row.cycle}/{row.file}.XPT" for row in CATALOGUE.itertuples()}


@pytest.mark.parametrize("name", CATALOGUE["file"])
def test_columns_are_those_of_the_catalogue(name: str, files: dict[str, pd.DataFrame]) -> None:
    assert list(files[name].columns) == VARIABLES.loc[VARIABLES["file"] == name, "variable"].to_list()
    assert (files[name].dtypes == np.float64).all()


def test_rows_per_file_are_near_the_real_ones(files: dict[str, pd.DataFrame]) -> None:
    rows = CATALOGUE["file"].map(lambda name: len(files[name]))
    assert (rows / CATALOGUE["expected_rows"]).between(0.96, 1.04).all()


def test_sequence_numbers_are_unique_ascending_and_of_their_release(files: dict[str, pd.DataFrame]) -> None:
    cycles = pd.read_csv(seeds_directory() / "nhanes_cycles.csv").set_index("cycle")
    for row in CATALOGUE.itertuples():
        seqn = files[row.file]["SEQN"]
        assert (seqn.diff().dropna() > 0).all(), row.file
        assert seqn.between(cycles.loc[row.cycle, "first_seqn"], cycles.loc[row.cycle, "last_seqn"]).all()


def test_files_say_that_they_are_synthetic_and_carry_labels(demo_directory: Path) -> None:
    for path in demo_directory.glob("*/*.XPT"):
        _, meta = pyreadstat.read_xport(path, metadataonly=True)
        assert (meta.file_label, meta.table_name) == ("SYNTHETIC DEMO DATA", path.stem)
        assert all(0 < len(label) <= 40 for label in meta.column_names_to_labels.values())


def test_no_stored_value_is_a_broken_zero(files: dict[str, pd.DataFrame]) -> None:
    for name, frame in files.items():
        values = frame.to_numpy()
        assert not ((np.abs(values) > 0) & (np.abs(values) < 1e-60)).any(), name
        assert not np.isinf(values).any(), name


def test_same_seed_same_bytes_and_another_seed_another_population(tmp_path: Path) -> None:
    for folder, seed in (("one", 7), ("two", 7), ("three", 8)):
        write_demo_files(tmp_path / folder, people=2_000, seed=seed)
    first, second, third = (digests(tmp_path / folder) for folder in ("one", "two", "three"))
    assert len(first) == 31
    assert first == second
    assert all(first[name] != third[name] for name in first)
    header = next((tmp_path / "one").rglob("P_DEMO.XPT")).read_bytes()[:560]
    assert header.count(b"01JAN20:00:00:00") == 4


@pytest.mark.parametrize("people", [1_000, 2_000, 6_000])
def test_small_sizes_have_every_stratum_and_no_empty_file(people: int, tmp_path: Path) -> None:
    write_demo_files(tmp_path, people=people, seed=3)
    frames = {path.stem: pyreadstat.read_xport(path)[0] for path in tmp_path.glob("*/*.XPT")}
    assert len(frames["DEMO_H"]) + len(frames["P_DEMO"]) == people
    design = pd.concat(
        [frames[name][["SDMVSTRA", "SDMVPSU"]].drop_duplicates() for name in ("DEMO_H", "P_DEMO")]
    )
    assert (design["SDMVSTRA"].nunique(), len(design)) == (39, 79)
    assert all(len(frame) > 0 for frame in frames.values())


@pytest.mark.parametrize("people", [0, 999, 25_736])
def test_impossible_sizes_are_refused(people: int, tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=f"expected between 1000 and 25735 people, found {people}"):
        write_demo_files(tmp_path, people=people)
    assert not list(tmp_path.iterdir())


def test_a_variable_without_a_rule_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, second = read_releases()
    labels = {**first.labels, "BMX_H": {**first.labels["BMX_H"], "BMXHIP": "Hip circumference (cm)"}}
    monkeypatch.setattr(generate, "read_releases", lambda: [replace(first, labels=labels), second])
    with pytest.raises(DemoError, match=r"found BMX_H\.BMXHIP without a rule"):
        write_demo_files(tmp_path, people=1_000)
    assert not list(tmp_path.iterdir())


def test_a_change_in_one_part_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for release in read_releases():
        before = {part.component: part for part in draw_release(release, people=1_000, seed=5)}
        with monkeypatch.context() as patch:
            patch.setitem(metals.SPREADS, "lead", 0.9)
            after = {part.component: part for part in draw_release(release, people=1_000, seed=5)}
        changed = {
            name
            for name in before
            if any(
                not np.array_equal(before[name].columns[column], after[name].columns[column], equal_nan=True)
                for column in before[name].columns
            )
        }
        assert changed == {"PBCD"}


def test_each_page_counts_what_its_file_holds(demo_directory: Path) -> None:
    """Every code of CDC's codebook is there; ingest itself compares the counts when it loads the demo."""
    counts = pd.read_csv(seeds_directory() / "nhanes_codebook.csv", dtype={"code": str})
    for path in demo_directory.glob("*/*.XPT"):
        page = read_page(path.with_suffix(".htm").read_bytes())
        assert page.file == path.stem
        listed = counts[counts["file"] == path.stem]
        assert {variable.name for variable in page.variables if variable.codes} == set(listed["variable"])
        transport = read_transport(path.read_bytes())
        codes, findings = compare(path.stem, str(path), transport, page, ())
        assert findings == []
        assert len(codes) == len(listed)
