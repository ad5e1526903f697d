"""Files that are whole or not there at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from mixepi.errors import SpecificationError


def user_path(name: str, path: str | PathLike[str]) -> Path:
    """Return a path that a user gave, `~` as the home directory; `SpecificationError` if it is none."""
    try:
        return Path(path).expanduser()
    except (TypeError, RuntimeError) as error:
        raise SpecificationError(
            f"expected {name} to be a path, found {path!r}: {error}; give a text or a pathlib.Path"
        ) from error


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Yield a stream to a file beside `path` that takes the place of `path` once it is written.

    What `path` held stays as it was if writing fails or is interrupted.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as stream:
            yield stream
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
