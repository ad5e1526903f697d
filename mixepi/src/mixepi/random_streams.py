"""One random stream per task, derived from a seed and the task's name alone."""

from hashlib import sha256

import numpy as np

from mixepi.arguments import require_seed


def random_stream(seed: int, *key: str | int) -> np.random.Generator:
    """Return the generator of the task named by `key`.

    The stream depends on `seed` and `key` only: neither the number of workers nor the order in
    which tasks run can change a result.

    Parameters
    ----------
    seed : int
        Non-negative seed of the whole analysis.
    *key : str or int
        Names the task, for instance ``("wqs", "bootstrap", 7)``.

    Returns
    -------
    numpy.random.Generator
        A PCG64 generator.

    Raises
    ------
    SpecificationError
        If `seed` is no whole number of at least 0.
    """
    seed = require_seed(seed)
    digest = sha256(repr(key).encode()).digest()
    words = np.frombuffer(digest[:16], dtype=np.uint32)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(int(w) for w in words)))
