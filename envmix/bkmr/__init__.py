"""Bayesian kernel machine regression for mixtures, exact and fast.

>>> from envmix.bkmr import BkmrSpec, fit
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envmix.bkmr.model import Priors
    from envmix.bkmr.priors import (
        GammaPrior,
        InclusionPrior,
        InverseGammaPrior,
        InverseUniformPrior,
        UniformPrior,
    )
    from envmix.bkmr.results import BkmrResult, ConvergenceWarning, fit
    from envmix.bkmr.spec import BkmrSpec, ChainOptions

__all__ = [
    "BkmrResult",
    "BkmrSpec",
    "ChainOptions",
    "ConvergenceWarning",
    "GammaPrior",
    "InclusionPrior",
    "InverseGammaPrior",
    "InverseUniformPrior",
    "Priors",
    "UniformPrior",
    "fit",
]

_HOMES = {
    "spec": ("BkmrSpec", "ChainOptions"),
    "model": ("Priors",),
    "priors": ("GammaPrior", "InclusionPrior", "InverseGammaPrior", "InverseUniformPrior", "UniformPrior"),
    "results": ("BkmrResult", "ConvergenceWarning", "fit"),
}


def __getattr__(name: str) -> Any:
    # Loaded on first use: numba alone takes longer to import than `envmix` may.
    from importlib import import_module

    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"envmix.bkmr.{module}"), name)
    raise AttributeError(f"module 'envmix.bkmr' has no attribute {name!r}")
