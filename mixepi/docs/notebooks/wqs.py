# %% [markdown]
# # WQS
#
# Weighted quantile sum regression asks whether a weighted sum of exposures, an index, goes with an outcome,
# and which exposures make up the index. The participants here are made up (`made_up.py`, beside this
# notebook), so we know what is true of them: cadmium lowers bone density, selenium raises it, the other
# three metals do nothing.

# %%
import warnings
from dataclasses import replace

import altair as alt
from made_up import EXPOSURES, made_up_people

from mixepi import (
    WQS,
    DirectionWarning,
    HoldoutOptions,
    PermutationOptions,
    fit_repeated_holdout_wqs,
    fit_wqs,
    permutation_test_wqs,
)

alt.renderers.enable("svg")  # pictures that need no network

people = made_up_people()
people.head()

# %% [markdown]
# ## One split
#
# Metals that harm lower bone density: the index is asked for in the negative direction. Forty percent of
# the people choose the weights, the others test the index.

# %%
spec = WQS(
    outcome="bone_density",
    exposures=EXPOSURES,
    covariates=("age", "bmi", "smoking"),
    direction="negative",
    identifier="id",
)
result = fit_wqs(spec, people, seed=1)
result

# %%
result.estimates().round(4)

# %% [markdown]
# The row `wqs` is the change of bone density (g/cm2) when all of the index goes up by one quartile. The
# weights say who is in the index; the dashed line is an equal share, the thin lines are intervals over the
# bootstraps.

# %%
result.plot_weights()

# %% [markdown]
# ## Many splits
#
# Another seed gives another split, and other weights. A hundred splits show how much of the picture was
# chance.

# %%
repeated = fit_repeated_holdout_wqs(spec, people, seed=1, options=HoldoutOptions(workers=1, progress=False))
repeated.plot_weights()

# %% [markdown]
# The intervals over splits describe splits, not samples: they are too narrow for a confidence interval. The
# permutation test needs no split and uses all people for both.

# %%
tested = permutation_test_wqs(spec, people, seed=1, options=PermutationOptions(workers=1, progress=False))
tested.estimates()

# %%
tested.plot_permutations()

# %% [markdown]
# ## Two directions
#
# Selenium protects, which one negative index cannot show. With `direction="both"` each sign has an index.

# %%
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DirectionWarning)
    two = fit_wqs(replace(spec, direction="both"), people, seed=1)
two.estimates().head(3).round(4)

# %%
two.plot_weights()

# %% [markdown]
# The negative index is mostly cadmium, the positive one mostly selenium: what is true of these people.
