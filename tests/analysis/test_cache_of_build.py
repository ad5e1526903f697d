"""What Python models ask a running dbt for."""

from argparse import Namespace
from pathlib import Path

import pytest
from dbt import flags
from dbt.cli.flags import Flags
from dbt.cli.types import Command

from analysis.cache.of_build import fit_cache
from warehouse.paths import PROJECT_ROOT


@pytest.mark.parametrize("is_full", [False, True])
@pytest.mark.parametrize("command", [Command.BUILD, Command.RUN])
def test_full_refresh_fits_everything_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: Command, is_full: bool
) -> None:
    given = {"project_dir": PROJECT_ROOT, "profiles_dir": PROJECT_ROOT, "full_refresh": is_full}
    monkeypatch.setattr(flags, "GLOBAL_FLAGS", Flags.from_dict(command, given))
    monkeypatch.setenv("NHANES_BONE_FITS", str(tmp_path))
    assert fit_cache().refit is is_full
    assert fit_cache().folder == tmp_path
    monkeypatch.delenv("NHANES_BONE_FITS")
    assert fit_cache().folder == PROJECT_ROOT / "data" / "fits"


def test_a_flag_of_another_name_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flags, "GLOBAL_FLAGS", Namespace(REFRESH_ALL=True))
    with pytest.raises(AttributeError, match="FULL_REFRESH"):
        fit_cache()
