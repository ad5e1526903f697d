# %% [markdown]
# # Quantile g-computation
#
# Quantile g-computation asks what becomes of an outcome when all exposures go up by one quantile together.
# Unlike WQS it lets exposures act in both directions, and it needs no split. The participants are made up:
# cadmium lowers bone density, selenium raises it and levels off, the other three metals do nothing.

# %%
from dataclasses import replace

import altair as alt
from made_up import EXPOSURES, made_up_people

from mixepi import QGComp, fit_qgcomp, fit_qgcomp_bootstrap, fit_qgcomp_sandwich

alt.renderers.enable("svg")  # pictures that need no network

people = made_up_people()

# %% [markdown]
# ## The joint effect

# %%
spec = QGComp(outcome="bone_density", exposures=EXPOSURES, covariates=("age", "bmi", "smoking"))
result = fit_qgcomp(spec, people)
result.estimates().round(4)

# %% [markdown]
# `psi1` is the change of bone density (g/cm2) when all five metals go up by one quartile. It is near zero,
# and that is not because nothing happens: the positive and the negative part cancel.

# %%
result.partial_effects().round(4)

# %%
result.plot_weights()

# %% [markdown]
# The two parts have no standard errors, because the same data chose their signs.
#
# ## Curved effects
#
# Further terms make the outcome model curved; `degree=2` lets the joint effect curve too. The bootstrap
# then gives standard errors, and the mean outcome at each joint quantile.

# %%
curved = replace(spec, terms=("I(selenium**2)", "cadmium:selenium"), degree=2)
bootstrap = fit_qgcomp_bootstrap(curved, people, seed=1, resamples=200)
bootstrap.estimates().round(4)

# %%
bootstrap.plot_overall()

# %% [markdown]
# Points are the means that the outcome model predicts if everybody had that quantile of every metal; the
# line and its band are the marginal structural model. `fit_qgcomp_sandwich` gives standard errors without
# resampling:

# %%
fit_qgcomp_sandwich(curved, people).estimates().round(4)

# %% [markdown]
# ## A binary outcome
#
# The closed form gives a conditional log odds ratio. The bootstrap gives a marginal risk ratio (the
# default) or odds ratio, which is easier to explain.

# %%
fracture = replace(spec, outcome="fracture", family="binomial")
fit_qgcomp(fracture, people).estimates().round(3)

# %%
fit_qgcomp_bootstrap(fracture, people, seed=1).estimates().round(3)
