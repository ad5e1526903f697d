import numpy as np
import pandas as pd
import pytest

from mixepi import BKMR, ChainOptions
from tests.bkmr.support.fits import COVARIATES, METALS, quiet_fit
from tests.support.paths import FIXTURES


@pytest.fixture(scope="session")
def people():
    frame = pd.read_csv(FIXTURES / "bkmr" / "sim2000_first250.csv").iloc[:100]
    return frame.assign(site=np.arange(len(frame)) % 20)


@pytest.fixture(scope="session")
def spec():
    return BKMR(outcome="bmd_fn", exposures=METALS, covariates=COVARIATES, log=True)


@pytest.fixture(scope="session")
def short():
    return ChainOptions(chains=2, warmup=40, draws=40, workers=1, progress=False)


@pytest.fixture(scope="session")
def gaussian(people, spec, short):
    return quiet_fit(spec, people, seed=1, options=short)


@pytest.fixture(scope="session")
def binomial(people, short):
    spec = BKMR(outcome="osteo", exposures=METALS, covariates=COVARIATES, log=True, family="binomial")
    return quiet_fit(spec, people, seed=1, options=short)
