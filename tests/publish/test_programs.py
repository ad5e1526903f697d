"""A build that is stopped takes its dbt with it, whatever dbt does."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import is_at_work, wait_until

STEP = """
import sys
from pathlib import Path
from publish import programs
data = Path(sys.argv[1])
sys.executable = str(data / "python")
try:
    programs.dbt(data, "build")
except KeyboardInterrupt:
    sys.exit(130)
"""
# It does not listen.
DBT = """#!/bin/sh
trap "" TERM INT
echo $$ > "$NHANES_BONE_DATA/number.part"
mv "$NHANES_BONE_DATA/number.part" "$NHANES_BONE_DATA/number"
while :; do sleep 0.2; done
"""


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9), (signal.SIGTERM, -15)]
)
def test_dbt_ends_with_the_build(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    dbt = tmp_path / "dbt"
    dbt.write_text(DBT)
    dbt.chmod(0o755)
    number = tmp_path / "number"
    with subprocess.Popen([sys.executable, "-c", STEP, str(tmp_path)]) as build:
        try:
            wait_until(number.exists)
            build.send_signal(sent)
            assert build.wait(timeout=60) == code
        finally:
            build.kill()
    wait_until(lambda: not is_at_work(int(number.read_text())))


def test_dbt_is_not_begun_for_a_build_that_is_gone() -> None:
    """The build may end between the start of the process and its request to end with it."""
    code = "import os; from publish.programs import _end_with_parent as end; end(os.getppid() + 1); print(1)"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert (finished.returncode, finished.stdout) == (1, "")
