# %% [markdown]
# # BKMR
#
# Bayesian kernel machine regression estimates a surface: the outcome as any smooth function of all
# exposures together, and the probability that each exposure belongs in it. The participants are made up:
# cadmium lowers bone density, selenium raises it and levels off, the other three metals do nothing.

# %%
import altair as alt
from made_up import EXPOSURES, made_up_people

from mixepi import BKMR, ChainOptions, fit_bkmr

alt.renderers.enable("svg")  # pictures that need no network

people = made_up_people(300)
people["smokes"] = (people["smoking"] == "current").astype(float)  # covariates of BKMR are numbers

# %% [markdown]
# ## The fit
#
# Exposures enter as centred and scaled logarithms. Four chains start at different points, so that they can
# be compared.

# %%
spec = BKMR(outcome="bone_density", exposures=EXPOSURES, covariates=("age", "bmi", "smokes"), log=True)
options = ChainOptions(warmup=200, draws=400, workers=1, progress=False)
result = fit_bkmr(spec, people, seed=1, options=options)
result

# %% [markdown]
# Did the chains agree? `status` says so, and every table carries it. R-hat near 1 and some hundred
# effective draws (`ess_bulk`) are what to look for.

# %%
result.status

# %%
result.estimates().query("judged")[["term", "estimate", "r_hat", "ess_bulk"]].round(3)

# %%
result.plot_trace()

# %% [markdown]
# ## Which exposures

# %%
result.plot_pips()

# %% [markdown]
# The black ticks are the probabilities before the data: 0.5 says nothing either way.
#
# ## The shape
#
# h along each exposure, the others at their medians, with 95 % intervals.

# %%
result.plot_response()

# %% [markdown]
# All exposures at each quantile, compared with all at their medians. Cadmium and selenium cancel, as
# quantile g-computation says too.

# %%
result.plot_overall()

# %% [markdown]
# Two exposures at once:

# %%
result.plot_bivariate("cadmium", "selenium")

# %% [markdown]
# ## For new people
#
# The scaling of the fit is kept, so new data need no preparation.

# %%
result.predict(people.head(3)).drop(columns=["status", "method"]).round(3)
