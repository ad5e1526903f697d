"""`ingest add`: files of any release beside those of the project, fetched, copied, and kept by later runs."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ingest.download import Policy
from ingest.errors import DownloadError, RefusedError, SourceError
from ingest.load import run
from ingest.raw_database import read_contents
from ingest.sources.added import AddedSource, WithAdded, chosen, component, published_entry
from ingest.sources.cdc import CdcSource
from ingest.sources.directory import DirectorySource
from tests.ingest.support.misbehaving_server import Site, cut, good, serve
from tests.ingest.support.pages import page_of
from tests.ingest.support.reading import query
from tests.ingest.support.small_files import write_xpt
from warehouse.errors import WarehouseError
from warehouse.seeds.catalogue import Catalogue, read_catalogue
from warehouse.seeds.published import read_published

PUBLISHED = read_published()
OLDER = pd.DataFrame({"SEQN": [51_624.0, 51_625, 51_626], "LBXBPB": [1.0, np.nan, 2.5]})


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """Return a folder with a small file of 2009-2010 and its page."""
    write_xpt(tmp_path / "older" / "PBCD_F.XPT", OLDER)
    page_of(tmp_path / "older", "PBCD_F", OLDER)
    return tmp_path / "older"


def adding(
    catalogue: Catalogue, raw_path: Path, taken_from: Path | None, base: str | None = None
) -> AddedSource:
    """Return a source that adds the file of 2009-2010."""
    entries = [published_entry(file, catalogue) for file in chosen(PUBLISHED, "2009-2010", ["pbcd"])]
    folder = raw_path.parent / "added"
    return AddedSource(
        entries=entries,
        cdc=CdcSource(folder, base=base, policy=Policy(first_wait=0.01)),
        taken_from=taken_from,
    )


def test_names_are_found_with_and_without_their_release() -> None:
    assert [file.file for file in chosen(PUBLISHED, "2009-2010", ["PBCD_F", "pbcd", "pfc_f.xpt"])] == [
        "PBCD_F",
        "PBCD_F",
        "PFC_F",
    ]
    assert [file.file for file in chosen(PUBLISHED, "2017-2020", ["pbcd", "P_DEMO"])] == ["P_PBCD", "P_DEMO"]
    assert [component(name) for name in ("DEMO", "ALB_CR_H", "P_UM", "PAXRAW_D")] == [
        "DEMO",
        "ALB_CR",
        "UM",
        "PAXRAW",
    ]


@pytest.mark.parametrize(
    ("release", "name", "message"),
    [
        ("2009-2010", "PBCD_G", "PBCD_G, which is of 2011-2012: the nearest of 2009-2010 are PBCD_F"),
        ("2009-2010", "PBDC", "the nearest of 2009-2010 are .*PBCD_F"),
        ("2009", "PBCD", "Expected a release of 1999-2000, .*; found '2009'"),
    ],
)
def test_other_names_are_refused_with_the_nearest(release: str, name: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        chosen(PUBLISHED, release, [name])


def test_added_files_stay_through_later_runs(
    catalogue: Catalogue, folder: Path, older: Path, raw_path: Path, seeds: Path
) -> None:
    run(adding(catalogue, raw_path, older), raw_path, catalogue, print, beside=True)  # before all others
    source = WithAdded(source=DirectorySource(folder), folder=raw_path.parent / "added")
    report = run(source, raw_path, catalogue, print)
    assert (report.loaded, report.unchanged) == (("DEMO_H", "P_DEMO", "PBCD_H"), ("PBCD_F",))
    report = run(adding(catalogue, raw_path, older), raw_path, catalogue, print, beside=True)
    assert (report.loaded, report.unchanged) == ((), ("PBCD_F",))
    assert len(read_contents(raw_path).files) == 4
    answers = "select seqn, release, value from raw.nhanes.answers where file = 'PBCD_F' order by 1"
    assert query(raw_path, answers) == [(51_624, "2009-2010", 1.0), (51_626, "2009-2010", 2.5)]
    # the views of the project's components do not change
    assert query(raw_path, "select distinct file from raw.nhanes.pbcd") == [("PBCD_H",)]
    variables = seeds / "nhanes_variables.csv"
    variables.write_text(variables.read_text().replace(",WTMEC\n", ",WEIGHT\n"))
    other = read_catalogue(seeds)
    with pytest.raises(WarehouseError, match="was loaded with other seeds"):
        run(adding(other, raw_path, older), raw_path, other, print, beside=True)
    assert "PBCD_F" in run(source, raw_path, other, print).loaded


def test_adding_with_a_page_that_differs_changes_nothing(
    catalogue: Catalogue, older: Path, raw_path: Path
) -> None:
    page = older / "PBCD_F.htm"
    page.write_text(page.read_text().replace("<td>2</td>", "<td>3</td>"))
    with pytest.raises(RefusedError, match="3 -> 2"):
        run(adding(catalogue, raw_path, older), raw_path, catalogue, print, beside=True)
    assert not raw_path.exists()


def test_files_come_from_a_server_and_a_missing_one_says_its_address(
    catalogue: Catalogue, older: Path, raw_path: Path
) -> None:
    site = Site({"PBCD_F": (older / "PBCD_F.XPT").read_bytes()}, behaviours=[cut, good])
    site.pages = {"PBCD_F": (older / "PBCD_F.htm").read_bytes()}
    with serve(site):
        source = adding(catalogue, raw_path, None, site.base)
        assert run(source, raw_path, catalogue, print, beside=True).rows == 3
    facts = read_contents(raw_path).files
    assert [(f.file, f.source, f.address) for f in facts] == [
        ("PBCD_F", "cdc", "https://wwwn.cdc.gov/Nchs/Data/Nhanes/Public/2009/DataFiles/PBCD_F.xpt")
    ]
    assert facts[0].page_sha256
    (raw_path.parent / "added" / "2009-2010" / "PBCD_F.XPT").unlink()
    with serve(Site({})) as empty:
        source = adding(catalogue, raw_path, None, empty.base)
        address = re.escape(f"{empty.base}/Nchs/Data/Nhanes/Public/2009/DataFiles/PBCD_F.xpt")
        with pytest.raises(DownloadError, match=address):
            run(source, raw_path, catalogue, print, beside=True)


def test_the_files_of_another_release_load_with_their_pages(real_files: Path, tmp_path: Path) -> None:
    catalogue = read_catalogue()
    names = [path.stem for path in real_files.rglob("*_F.XPT")]
    if not names:
        pytest.skip("the files of 2009-2010 are not there")
    entries = [published_entry(file, catalogue) for file in chosen(PUBLISHED, "2009-2010", names)]
    source = AddedSource(entries=entries, cdc=CdcSource(tmp_path / "added"), taken_from=real_files)
    said: list[str] = []
    path = tmp_path / "raw.duckdb"
    assert len(run(source, path, catalogue, said.append, beside=True).loaded) == len(names)
    assert said == []
    assert query(path, "select count(*) from raw.nhanes.variables where not on_page") == [(0,)]
    people = query(
        path,
        "select count(*), count(*) filter (value = 1) from raw.nhanes.answers where variable = 'LBDBPBLC'",
    )
    assert people == [(8793, 23)]  # measured, and below the limit, by CDC's page
