"""WQS under a survey design where people of a PSU are alike: the simulation of the guide, on fewer data sets.

With 400 data sets a rate of 5 % is known to 1.1 percentage points; the bounds below are three of these away.
"""

import pytest
from simulations.wqs_design import QGCOMP, ROWS, SCENARIOS, WHOLE, run

pytestmark = pytest.mark.statistical

NULLS = [scenario for scenario in SCENARIOS if scenario.effect == 0 and scenario.stratum_share == 0]


def test_the_index_of_whole_strata_keeps_its_level_and_that_of_rows_does_not():
    table = run(400, seed=2, bootstraps=20, scenarios=NULLS).set_index(["between PSUs", "method"])
    for share in (0.0, 0.1, 0.33):
        assert table.loc[(share, WHOLE), "rejects"] < 0.085
        assert table.loc[(share, WHOLE), "coverage"] > 0.91
        assert table.loc[(share, QGCOMP), "rejects"] < 0.085
    # The fault that splitting by rows is: the simulation would see it.
    assert table.loc[(0.33, ROWS), "rejects"] > 0.1
