"""Constants whose reason is a row of the record of what was tried."""

import re
from pathlib import Path

import mixepi.bkmr

ROOT = Path(__file__).parents[2]


def test_every_row_that_a_comment_names_is_in_the_record():
    record = " ".join((ROOT / "docs" / "bkmr-what-was-tried.md").read_text().split())
    named = []
    for path in Path(mixepi.bkmr.__file__).parent.rglob("*.py"):
        text = " ".join(line.strip().removeprefix("# ") for line in path.read_text().splitlines())
        for reasons in re.findall(r'[Ww]hat was tried, ((?:"[^"]+"(?:,? and |, | \([^)]*\))*)+)', text):
            named += re.findall(r'"([^"]+)"', reasons)
    assert len(named) > 20
    assert not [name for name in named if name not in record]
