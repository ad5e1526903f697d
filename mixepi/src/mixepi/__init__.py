"""Statistical methods for environmental mixtures: regression, WQS, quantile g-computation, BKMR.

Names are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mixepi.bkmr.fit import fit_bkmr
    from mixepi.bkmr.model.model import Priors
    from mixepi.bkmr.model.priors import (
        GammaPrior,
        InclusionPrior,
        InverseGammaPrior,
        InverseUniformPrior,
        UniformPrior,
    )
    from mixepi.bkmr.results import BKMRResult, ConvergenceWarning
    from mixepi.bkmr.spec import BKMR, ChainOptions
    from mixepi.qgcomp.fit import QGCompResult, fit_qgcomp
    from mixepi.qgcomp.marginal import QGCompMarginalResult, fit_qgcomp_bootstrap, fit_qgcomp_sandwich
    from mixepi.qgcomp.spec import QGComp
    from mixepi.quantile_scores import QuantileScores, fit_quantile_scores
    from mixepi.wqs.fit import fit_wqs
    from mixepi.wqs.permutation import PermutationResult, permutation_test_wqs
    from mixepi.wqs.repeated_holdout import RepeatedHoldoutResult, fit_repeated_holdout_wqs
    from mixepi.wqs.results import WQSResult
    from mixepi.wqs.spec import WQS

_MODULES = {
    "BKMR": "mixepi.bkmr.spec",
    "WQS": "mixepi.wqs.spec",
    "BKMRResult": "mixepi.bkmr.results",
    "ChainOptions": "mixepi.bkmr.spec",
    "ConvergenceWarning": "mixepi.bkmr.results",
    "GammaPrior": "mixepi.bkmr.model.priors",
    "InclusionPrior": "mixepi.bkmr.model.priors",
    "InverseGammaPrior": "mixepi.bkmr.model.priors",
    "InverseUniformPrior": "mixepi.bkmr.model.priors",
    "PermutationResult": "mixepi.wqs.permutation",
    "Priors": "mixepi.bkmr.model.model",
    "QGComp": "mixepi.qgcomp.spec",
    "QGCompMarginalResult": "mixepi.qgcomp.marginal",
    "QGCompResult": "mixepi.qgcomp.fit",
    "QuantileScores": "mixepi.quantile_scores",
    "RepeatedHoldoutResult": "mixepi.wqs.repeated_holdout",
    "UniformPrior": "mixepi.bkmr.model.priors",
    "WQSResult": "mixepi.wqs.results",
    "fit_bkmr": "mixepi.bkmr.fit",
    "fit_qgcomp": "mixepi.qgcomp.fit",
    "fit_qgcomp_bootstrap": "mixepi.qgcomp.marginal",
    "fit_qgcomp_sandwich": "mixepi.qgcomp.marginal",
    "fit_quantile_scores": "mixepi.quantile_scores",
    "fit_repeated_holdout_wqs": "mixepi.wqs.repeated_holdout",
    "fit_wqs": "mixepi.wqs.fit",
    "permutation_test_wqs": "mixepi.wqs.permutation",
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
        raise AttributeError(f"module 'mixepi' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(_MODULES)
