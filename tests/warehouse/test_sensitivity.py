"""The specification curve in the warehouse: every row is there, and agrees with what others found."""

import pytest


def test_every_specification_has_a_row_and_every_failure_a_reason(demo):
    assert demo("""
        select count(*) from intermediate.int_sensitivity_plan as plan
        anti join sensitivity
            on plan.study = sensitivity.study and plan.outcome = sensitivity.outcome
            and plan.exposure = sensitivity.exposure and plan.specification = sensitivity.specification
    """) == [(0,)]
    ((rows, estimated, unexplained),) = demo("""
        select count(*), count(estimate), count(*) filter (not converged and warnings is null)
        from sensitivity
    """)
    assert rows > 200
    assert estimated > 0.9 * rows
    assert unexplained == 0


def test_the_effects_in_the_synthetic_data_are_on_their_side(demo):
    medians = dict(
        demo("""
            select exposure, median(estimate) from sensitivity
            where outcome = 'osteoporosis' and contrast = 'per_doubling' group by exposure
        """)
    )
    assert medians["Cd"] > 0 > medians["Se"]


def test_one_specification_of_each_metal_and_outcome_is_the_published_one(demo):
    assert demo("""
        select outcome, exposure, count(*) from sensitivity where is_published group by all order by all
    """) == [
        (outcome, exposure, 1) for outcome in ("bmd_total_femur", "osteoporosis") for exposure in ("Cd", "Se")
    ]


def test_shares_of_the_choices_add_up_to_what_they_explain(demo):
    assert demo("""
        select count(*) from (
            select sum(share_of_variance) as shares, any_value(share_explained) as explained
            from sensitivity_choices group by study, outcome, exposure, contrast
        )
        where abs(shares - explained) > 1e-9 or explained > 1 + 1e-9
    """) == [(0,)]


def test_a_change_of_one_choice_is_counted_as_such(demo):
    """The median change by weighting, from the curve itself."""
    ((expected,),) = demo("""
        select median(abs(one.estimate - other.estimate))
        from sensitivity as one
        inner join sensitivity as other
            on other.specification
            = case when one.is_published then '' else one.specification || ', ' end || 'weighting=survey'
            and one.outcome = other.outcome and one.exposure = other.exposure
        where one.outcome = 'osteoporosis' and one.exposure = 'Cd' and one.contrast = 'Q4'
            and one.weighting = 'unweighted'
    """)
    assert demo("""
        select median_change from sensitivity_choices
        where outcome = 'osteoporosis' and exposure = 'Cd' and contrast = 'Q4' and choice = 'weighting'
    """) == [(expected,)]


def test_the_published_specification_is_the_number_of_the_paper(real):
    ((n, events, ratio, low, high),) = real("""
        select n, events, ratio, ratio_low, ratio_high from sensitivity
        where is_published and outcome = 'osteoporosis' and exposure = 'Cd'
    """)
    assert (n, events) == (910, 161)
    assert (ratio, low, high) == pytest.approx((2.11, 1.27, 3.52), abs=0.0051)


def test_five_steps_from_the_published_definition_is_the_recommended_one(real):
    found = real("""
        select sensitivity.exposure, sensitivity.n, sensitivity.events,
            sensitivity.estimate - associations.estimate, sensitivity.std_error - associations.std_error
        from sensitivity
        inner join associations
            on associations.study = 'recommended' and sensitivity.outcome = associations.outcome
            and sensitivity.exposure = associations.exposure and sensitivity.contrast = associations.contrast
            and sensitivity.covariate_set = associations.covariate_set
            and sensitivity.weighting = associations.engine and associations.subgroup = 'all'
        where sensitivity.bone_sites = 'three_sites' and sensitivity.cutoff = 'at_or_below'
            and sensitivity.plausibility = 'plausible_only' and sensitivity.covariates_required = 'as_needed'
            and sensitivity.contrast = 'Q4' and sensitivity.covariate_set = 'crude'
            and sensitivity.weighting = 'unweighted'
        order by sensitivity.exposure
    """)
    assert [row[:3] for row in found] == [("Cd", 1120, 212), ("Se", 1120, 212)]
    assert [row[3:] for row in found] == [pytest.approx((0, 0), abs=1e-9)] * 2
