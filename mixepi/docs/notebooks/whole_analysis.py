# %% [markdown]
# # A whole mixture analysis
#
# Is the mixture of five metals in blood associated with bone density? From the data to an answer: who is
# analysed, each metal alone under the survey design, what of missing values, three mixture methods, and
# what they say together. The participants are made up: cadmium lowers bone density by 0.035 g/cm2 for each
# standard deviation of its logarithm, selenium raises it, the other three metals do nothing.

# %%
import altair as alt
import numpy as np
import pandas as pd
from made_up import EXPOSURES, made_up_people

from mixepi import (
    BKMR,
    WQS,
    ChainOptions,
    PermutationOptions,
    QGComp,
    RegressionSpec,
    false_discovery_rate,
    fit_bkmr,
    fit_qgcomp,
    fit_regression,
    fit_wqs,
    impute,
    joint_test,
    permutation_test_wqs,
    pool,
    restricted_cubic_spline,
)

alt.renderers.enable("svg")  # pictures that need no network

people = made_up_people()
people[["age", "bmi", *EXPOSURES, "bone_density"]].describe().round(2)

# %% [markdown]
# Metals are skewed: we take logarithms, and divide by log 2 so that a coefficient is the effect of a
# doubling.

# %%
doublings = [f"log2_{metal}" for metal in EXPOSURES]
people[doublings] = np.log2(people[list(EXPOSURES)])
people[doublings].corr().round(2)

# %% [markdown]
# ## Each metal alone, under the survey design
#
# People were sampled in clusters (`psu`) within strata, with unequal probabilities. Weights, strata and
# clusters are all three named, and the standard errors take them into account. Five tests: the q value
# allows for that.

# %%
design = {"weights": "weight", "strata": "stratum", "psu": "psu"}
covariates = ("age", "bmi", "smoking")


def one_metal(column: str) -> pd.DataFrame:
    """The row of one metal's regression."""
    spec = RegressionSpec(outcome="bone_density", exposures=(column,), covariates=covariates, **design)
    return fit_regression(spec, people).estimates().query("term == @column")


alone = pd.concat([one_metal(column) for column in doublings], ignore_index=True)
alone["q_value"] = false_discovery_rate(alone["p_value"])
alone[["term", "estimate", "conf_low", "conf_high", "p_value", "q_value"]].round(4)

# %% [markdown]
# ## Is it a straight line?
#
# A restricted cubic spline has one straight column and two curved ones. The test of the curved ones asks
# whether the straight line is enough.

# %%
knots = np.quantile(people["log2_cadmium"], [0.05, 0.35, 0.65, 0.95])
columns = ["straight", "curve_1", "curve_2"]
splined = people.assign(
    **dict(zip(columns, restricted_cubic_spline(people["log2_cadmium"].to_numpy(), knots).T, strict=True))
)
spline_spec = RegressionSpec(outcome="bone_density", exposures=columns, covariates=covariates, **design)
joint_test(fit_regression(spline_spec, splined), splined, ["curve_1", "curve_2"])

# %% [markdown]
# ## Missing values
#
# Suppose that a fifth of the people had no body mass index. Twenty completed copies, one fit each, and
# Rubin's rules for what comes of them:

# %%
rng = np.random.default_rng(1)
incomplete = people.assign(bmi=people["bmi"].mask(rng.random(len(people)) < 0.2))
used = ["bone_density", "log2_cadmium", "age", "bmi", "smoking", "weight"]
copies = impute(incomplete, used, seed=1)
spec = RegressionSpec(outcome="bone_density", exposures=("log2_cadmium",), covariates=covariates, **design)
fits = [fit_regression(spec, copy) for copy in copies]
rows = [fit.estimates().set_index("term").loc["log2_cadmium"] for fit in fits]
pooled = pool(
    [row["estimate"] for row in rows],
    [row["std_error"] for row in rows],
    df_complete=[fit.df for fit in fits],
)
print(f"{pooled.estimate:.4f} ({pooled.std_error:.4f}), missing information {pooled.missing_information:.0%}")

# %% [markdown]
# ## The mixture, three ways
#
# WQS: a test without a split that the metals together lower bone density, and who does it.

# %%
wqs = WQS(
    outcome="bone_density",
    exposures=EXPOSURES,
    covariates=covariates,
    direction="negative",
    identifier="id",
)
permutation_test_wqs(wqs, people, seed=1, options=PermutationOptions(workers=1, progress=False)).estimates()

# %%
fit_wqs(wqs, people, seed=1).plot_weights()

# %% [markdown]
# Quantile g-computation, under the survey design: the effect of all metals together, and its two parts.

# %%
qgcomp = QGComp(outcome="bone_density", exposures=EXPOSURES, covariates=covariates, **design)
qgcomp_fit = fit_qgcomp(qgcomp, people)
qgcomp_fit.estimates().round(4)

# %%
qgcomp_fit.plot_weights()

# %% [markdown]
# BKMR: which metals belong in the model, and the shape of what they do. It has no survey weights; the
# variables behind the weights (here age) are among the covariates.

# %%
numbers = people.head(300).assign(smokes=lambda frame: (frame["smoking"] == "current").astype(float))
bkmr = BKMR(outcome="bone_density", exposures=EXPOSURES, covariates=("age", "bmi", "smokes"), log=True)
bkmr_fit = fit_bkmr(
    bkmr, numbers, seed=1, options=ChainOptions(warmup=200, draws=400, workers=1, progress=False)
)
print(bkmr_fit.status)
bkmr_fit.plot_pips()

# %%
bkmr_fit.plot_response()

# %% [markdown]
# ## What to report
#
# - All of them together: quantile g-computation finds little, because one harmful and one protective metal
#   cancel. That is a finding about the sum, not about the metals.
# - Who: cadmium leads the negative side in all three methods, selenium the positive side.
# - How sure: the survey-weighted regression with its q value, and the permutation test. WQS's single split
#   is one draw.
# - What none of them can say: that it is causal. These are cross-sectional associations, given the
#   covariates.
