"""The file in which a chain keeps its state, replaced whole at every save."""

import pickle
from pathlib import Path
from typing import Any

from mixepi.errors import SpecificationError
from mixepi.files import written_whole


class CheckpointError(OSError):
    """A chain's state cannot be saved.

    Not one of the failures that the data of one fit bring about: the other fits have the same disk.
    """


class DamagedCheckpointError(SpecificationError):
    """A saved state cannot be read: the machine went down before it was on the disk."""


def save(path: Path, fingerprint: str, state: object) -> None:
    """Write the state, whole or not at all.

    Raises
    ------
    CheckpointError
        The disk is full or may not be written; what was saved before is kept.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as stream:
            pickle.dump((fingerprint, state), stream)
    except OSError as error:
        raise CheckpointError(
            f"expected to save the state of a chain in {path.parent}, which failed: "
            f"{error.strerror or error}. Make room there, allow writing, or choose another directory, and "
            "run again: it goes on from what was saved before"
        ) from error


def load(path: Path, fingerprint: str) -> Any:
    """Return the saved state.

    Raises
    ------
    SpecificationError
        The file is of another fit.
    DamagedCheckpointError
        The file is not whole.
    """
    try:
        with path.open("rb") as stream:
            found, state = pickle.load(stream)
    except (EOFError, pickle.UnpicklingError) as error:
        raise DamagedCheckpointError(
            f"expected the state of a chain in {path}, found a damaged file ({error}): remove it, and "
            "the chain begins anew"
        ) from error
    if found != fingerprint:
        raise SpecificationError(
            f"expected checkpoint {path.name} to be of this very fit, found one of another specification, "
            "data, seed, warm-up or version of mixepi: choose an empty checkpoint directory"
        )
    return state
