"""Statistical methods for environmental mixtures: regression, WQS, quantile g-computation, BKMR.

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envmix.bkmr.fit import fit_bkmr
    from envmix.bkmr.model import Priors
    from envmix.bkmr.priors import (
        GammaPrior,
        InclusionPrior,
        InverseGammaPrior,
        InverseUniformPrior,
        UniformPrior,
    )
    from envmix.bkmr.results import BKMRResult, ConvergenceWarning
    from envmix.bkmr.spec import BKMR, ChainOptions
    from envmix.qgcomp.fit import QGCompResult, fit_qgcomp
    from envmix.qgcomp.marginal import QGCompMarginalResult, fit_qgcomp_bootstrap, fit_qgcomp_sandwich
    from envmix.qgcomp.spec import QGComp
    from envmix.quantile_scores import QuantileScores, fit_quantile_scores
    from envmix.wqs.fit import fit_wqs
    from envmix.wqs.permutation import PermutationResult, permutation_test_wqs
    from envmix.wqs.repeated_holdout import RepeatedHoldoutResult, fit_repeated_holdout_wqs
    from envmix.wqs.results import WQSResult
    from envmix.wqs.spec import WQS

_MODULES = {
    "BKMR": "envmix.bkmr.spec",
    "WQS": "envmix.wqs.spec",
    "BKMRResult": "envmix.bkmr.results",
    "ChainOptions": "envmix.bkmr.spec",
    "ConvergenceWarning": "envmix.bkmr.results",
    "GammaPrior": "envmix.bkmr.priors",
    "InclusionPrior": "envmix.bkmr.priors",
    "InverseGammaPrior": "envmix.bkmr.priors",
    "InverseUniformPrior": "envmix.bkmr.priors",
    "PermutationResult": "envmix.wqs.permutation",
    "Priors": "envmix.bkmr.model",
    "QGComp": "envmix.qgcomp.spec",
    "QGCompMarginalResult": "envmix.qgcomp.marginal",
    "QGCompResult": "envmix.qgcomp.fit",
    "QuantileScores": "envmix.quantile_scores",
    "RepeatedHoldoutResult": "envmix.wqs.repeated_holdout",
    "UniformPrior": "envmix.bkmr.priors",
    "WQSResult": "envmix.wqs.results",
    "fit_bkmr": "envmix.bkmr.fit",
    "fit_qgcomp": "envmix.qgcomp.fit",
    "fit_qgcomp_bootstrap": "envmix.qgcomp.marginal",
    "fit_qgcomp_sandwich": "envmix.qgcomp.marginal",
    "fit_quantile_scores": "envmix.quantile_scores",
    "fit_repeated_holdout_wqs": "envmix.wqs.repeated_holdout",
    "fit_wqs": "envmix.wqs.fit",
    "permutation_test_wqs": "envmix.wqs.permutation",
}

__all__ = [
    "BKMR",
    "WQS",
    "BKMRResult",
    "ChainOptions",
    "ConvergenceWarning",
    "GammaPrior",
    "InclusionPrior",
    "InverseGammaPrior",
    "InverseUniformPrior",
    "PermutationResult",
    "Priors",
    "QGComp",
    "QGCompMarginalResult",
    "QGCompResult",
    "QuantileScores",
    "RepeatedHoldoutResult",
    "UniformPrior",
    "WQSResult",
    "fit_bkmr",
    "fit_qgcomp",
    "fit_qgcomp_bootstrap",
    "fit_qgcomp_sandwich",
    "fit_quantile_scores",
    "fit_repeated_holdout_wqs",
    "fit_wqs",
    "permutation_test_wqs",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'envmix' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(_MODULES)
