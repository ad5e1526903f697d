import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixepi.bkmr.likelihood.kernel import kernel_between, kernel_upper, pivoted_cholesky
from tests.bkmr.support import naive


@pytest.mark.parametrize("r", [[0.0, 0.0, 0.0], [0.01, 0.0, 2.0], [1.0, 0.3, 50.0]])
def test_kernel_equals_the_double_loop(r):
    z = np.random.default_rng(1).normal(size=(13, 3))
    r = np.array(r)
    expected = naive.kernel(z, r)
    np.testing.assert_allclose(kernel_between(z, z, r), expected, rtol=1e-11, atol=1e-18)
    upper = np.triu(kernel_upper(np.ascontiguousarray(z.T), r, scale=2.5, ridge=1.0))
    np.testing.assert_allclose(upper, np.triu(2.5 * expected + np.eye(13)), rtol=1e-11, atol=1e-18)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    r=st.lists(st.floats(0, 5), min_size=2, max_size=3),
    tolerance=st.floats(1e-8, 1e-1),
)
def test_pivoted_cholesky_keeps_its_promise(seed, r, tolerance):
    z = np.random.default_rng(seed).normal(size=(20, len(r)))
    r = np.array(r)
    rows, pivots, residual = pivoted_cholesky(np.ascontiguousarray(z.T), r, max_rank=20, tolerance=tolerance)
    left = naive.kernel(z, r) - rows.T @ rows
    assert residual.sum() <= tolerance
    np.testing.assert_allclose(np.diag(left), residual, atol=1e-11)
    assert np.linalg.eigvalsh(left).min() > -1e-11
    assert np.linalg.norm(left, 2) <= residual.sum() + 1e-10
    lower = rows[:, pivots].T
    np.testing.assert_array_equal(lower, np.tril(lower))


def test_the_cap_on_the_rank_holds():
    z = np.random.default_rng(0).normal(size=(30, 2))
    rows, _, residual = pivoted_cholesky(np.ascontiguousarray(z.T), np.ones(2), max_rank=5, tolerance=0.0)
    assert rows.shape == (5, 30)
    assert residual.sum() > 0


FACTOR_BITS = """
import numpy as np
from hashlib import sha256
from mixepi.bkmr.likelihood.kernel import kernel_between, kernel_upper, pivoted_cholesky
z = np.random.default_rng(0).normal(size=(100, 5))
zt, r = np.ascontiguousarray(z.T), np.array([0.3, 0.2, 0.1, 0.5, 0.3])
kernels = kernel_between(z, z, r), np.triu(kernel_upper(zt, r))
arrays = *pivoted_cholesky(zt, r, max_rank=60, tolerance=0.0), *kernels
print(sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest())
"""


def test_code_from_the_cache_computes_what_freshly_compiled_code_does(tmp_path):
    """To the last bit: workers that fill numba's cache and workers that read it draw the same."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    digests = [
        subprocess.run(
            [sys.executable, "-c", FACTOR_BITS], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in ("compiled", "from the cache")
    ]
    assert list(tmp_path.rglob("*.nbc"))
    assert digests[0] == digests[1]
