"""`fit_bkmr`: from a data frame to a result."""

from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from warnings import warn

import numpy as np
import pandas as pd

from mixepi.arguments import require_seed, require_type
from mixepi.bkmr.design import Scaler, build, sample_design
from mixepi.bkmr.likelihood.solver import Solver
from mixepi.bkmr.model.model import Model
from mixepi.bkmr.posterior import MONITORED
from mixepi.bkmr.results import BKMRResult
from mixepi.bkmr.sampler.chain import ChainRun, ChainTask, run_chain
from mixepi.bkmr.sampler.draws import stack
from mixepi.bkmr.sampler.progress import show_sweeps
from mixepi.bkmr.sampler.search import search
from mixepi.bkmr.spec import BKMR, ChainOptions
from mixepi.errors import ConvergenceWarning
from mixepi.fan_out import fan_out


@cache
def _source_digest() -> str:
    """Of the sampler itself: a chain begun by another version would go on with other moves."""
    digest = sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _fingerprint(spec: BKMR, model: Model, options: ChainOptions, seed: int) -> str:
    # What does not change the draws may change between the parts of a run.
    lengths = (options.chains, options.warmup, options.thin)
    digest = sha256(repr((_source_digest(), spec, lengths, seed)).encode())
    for array in (model.y, model.X, model.z):
        digest.update(np.ascontiguousarray(array).tobytes())
    for optional in (model.cluster, model.weights):
        if optional is not None:
            digest.update(optional.tobytes())
    return digest.hexdigest()


def fit_bkmr(spec: BKMR, data: pd.DataFrame, *, seed: int, options: ChainOptions | None = None) -> BKMRResult:
    """Sample the posterior of a BKMR.

    Parameters
    ----------
    spec : BKMR
    data : DataFrame
        One row per participant, no missing values in the columns used.
    seed : int
        Same seed, same machine: the same draws, whatever the number of workers.
    options : ChainOptions, optional
        Number and length of chains, checkpoints.

    Returns
    -------
    BKMRResult

    Raises
    ------
    DataError, SpecificationError, SeparationError, EstimationError
        Each says what was expected, what was found and what to do.

    Warns
    -----
    ConvergenceWarning
        If R-hat exceeds 1.05, or a bulk or tail ESS is below 400.

    Examples
    --------
    >>> spec = BKMR(outcome="bmd", exposures=("pb", "cd"), covariates=("age",))  # doctest: +SKIP
    >>> result = fit_bkmr(spec, frame, seed=1)  # doctest: +SKIP
    >>> result.pips()  # doctest: +SKIP
    """
    require_type("spec", spec, BKMR)
    require_seed(seed)
    options = ChainOptions() if options is None else options
    require_type("options", options, ChainOptions)
    model, scaler = build(spec, data)
    design = sample_design(spec, data)
    result = run(spec, model, scaler, seed, options)
    return result if design is None else replace(result, design=design)


def _run_chains(tasks: list[ChainTask], options: ChainOptions) -> list[ChainRun]:
    try:
        if not options.progress:
            return fan_out(run_chain, tasks, workers=options.workers)
        with show_sweeps(len(tasks), len(tasks) * options.sweeps) as path:
            return fan_out(run_chain, [replace(t, sweeps=path) for t in tasks], workers=options.workers)
    except KeyboardInterrupt as interrupt:
        if options.checkpoint is not None:
            interrupt.add_note(f"The chains are saved in {options.checkpoint}: the same call resumes them.")
        raise


def run(spec: BKMR, model: Model, scaler: Scaler, seed: int, options: ChainOptions) -> BKMRResult:
    """Run the chains on arrays already built (`fit_bkmr` is the door for users)."""
    if options.max_draws is None:
        result = _run_to(spec, model, scaler, seed, options)
    elif options.checkpoint is None:
        with TemporaryDirectory(prefix="bkmr-") as folder:
            result = _run_on(spec, model, scaler, seed, replace(options, checkpoint=Path(folder)))
        result = replace(result, options=replace(result.options, checkpoint=None))
    else:
        result = _run_on(spec, model, scaler, seed, options)
    if result.status != "converged":
        warn(
            f"{result.status}: run longer chains before reading the tables", ConvergenceWarning, stacklevel=3
        )
    return result


def _run_on(spec: BKMR, model: Model, scaler: Scaler, seed: int, options: ChainOptions) -> BKMRResult:
    """Go on from the checkpoints with twice as many draws until the chains have converged."""
    assert options.max_draws is not None
    result = _run_to(spec, model, scaler, seed, options)
    while result.status != "converged" and 2 * result.options.draws <= options.max_draws:
        result = _run_to(spec, model, scaler, seed, replace(options, draws=2 * result.options.draws))
    return result


def _run_to(spec: BKMR, model: Model, scaler: Scaler, seed: int, options: ChainOptions) -> BKMRResult:
    monitors = np.quantile(model.z, MONITORED, axis=0)
    solver = Solver(spec.solver, spec.tolerance, min(spec.inducing, model.n))
    fingerprint = _fingerprint(spec, model, options, seed)
    # Through `fan_out` for its one BLAS thread, on which the last bits of a sum depend.
    modes = fan_out(search, [(model, solver, seed)], workers=1)[0]
    tasks = [
        ChainTask(
            model=model,
            solver=solver,
            options=options,
            seed=seed,
            chain=chain,
            monitors=monitors,
            fingerprint=fingerprint,
            modes=modes,
        )
        for chain in range(options.chains)
    ]
    chains = _run_chains(tasks, options)

    def total(name: str) -> dict[str, int]:
        counts: dict[str, int] = {}
        for chain in chains:
            for move, n in getattr(chain, name).items():
                counts[move] = counts.get(move, 0) + n
        return counts

    return BKMRResult(
        spec=spec,
        options=options,
        seed=seed,
        scaler=scaler,
        model=model,
        monitors=monitors,
        modes=modes,
        **stack([chain.draws for chain in chains]),
        attempts=total("attempts"),
        accepted=total("accepted"),
        evaluations=sum(chain.evaluations for chain in chains),
        seconds=sum(chain.seconds for chain in chains),
    )
