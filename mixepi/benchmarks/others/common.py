"""What the scripts of the other packages share: no more than NumPy, for their environment has no more."""

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def read() -> tuple[Path, dict[str, Any], Any, Any, Any]:
    """Return folder, settings, outcome (n,), exposures (n, p) and covariates (n, q)."""
    folder = Path(sys.argv[1])
    with (folder / "data.csv").open() as file:
        names, *rows = list(csv.reader(file))
    values = np.array(rows, dtype=float)
    columns = {first: [j for j, name in enumerate(names) if name[0] == first] for first in "yzx"}
    settings = json.loads((folder / "settings.json").read_text())
    return folder, settings, values[:, columns["y"][0]], values[:, columns["z"]], values[:, columns["x"]]


def attempts(tries: dict[str, Callable[[], object]]) -> dict[str, str]:
    """Return, for each thing tried, "accepted" or the first line of the refusal."""
    found = {}
    for name, function in tries.items():
        try:
            function()
            found[name] = "accepted"
        except Exception as error:  # noqa: BLE001  (what is refused, and how, is the answer)
            found[name] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return found


def write(folder: Path, answer: dict[str, Any]) -> None:
    """Store the answer."""
    (folder / "answer.json").write_text(json.dumps(answer))
