"""The study on the real files: the numbers that the paper reports and that were worked out by hand."""

import pytest


def test_everyone_is_there_once(real):
    assert real("select count(*), count(distinct seqn) from participants") == [(25_735, 25_735)]


def test_source_is_nhanes(real):
    assert real("select distinct source from associations") == [("nhanes",)]


def test_cohort_of_the_paper(real):
    assert real("""
        select count(*), count(*) filter (osteoporosis) from cohort where study = 'peng2025'
    """) == [(910, 161)]


def test_recommended_cohort(real):
    assert real("""
        select count(*), count(*) filter (osteoporosis) from cohort where study = 'recommended'
    """) == [(1120, 212)]


def test_plausibility_removes_what_study_md_names(real):
    """A neck BMD of 0.144 and a trochanter BMD of 0, in two scans called valid."""
    assert real("""
        select site, bmd from intermediate.int_bmd
        where not is_plausible and site != 'wards_triangle'
        order by bmd
    """) == [("trochanter", 0.0), ("femoral_neck", 0.144)]


def test_design(real):
    assert real("select count(distinct strata), count(distinct (strata, psu)) from participants") == [
        (39, 79)
    ]
    assert real("""
        select distinct df + 1 from associations
        where engine = 'survey' and covariate_set = 'crude' and contrast = 'per_doubling'
            and subgroup = 'all'
    """) == [(40.0,)]


@pytest.mark.parametrize(
    ("exposure", "contrast", "ratio", "low", "high"),
    [
        ("Cd", "Q4", 2.11, 1.27, 3.52),
        ("Cd", "Q3", 1.79, 1.06, 3.01),
        ("Se", "Q2", 0.63, None, None),
        ("Se", "Q3", 0.47, None, None),
        ("Se", "Q4", 0.71, None, None),
    ],
)
def test_crude_odds_ratios(real, exposure, contrast, ratio, low, high):
    ((found, found_low, found_high),) = real(f"""
        select ratio, ratio_low, ratio_high from associations
        where subgroup = 'all' and study = 'peng2025' and outcome = 'osteoporosis' and exposure = '{exposure}'
            and contrast = '{contrast}' and covariate_set = 'crude' and engine = 'unweighted'
    """)
    assert found == pytest.approx(ratio, abs=0.0051)
    if low is not None:
        assert (found_low, found_high) == pytest.approx((low, high), abs=0.0051)


@pytest.mark.parametrize(("exposure", "p_value"), [("Cd", 0.005), ("Se", 0.069)])
def test_trend(real, exposure, p_value):
    ((found,),) = real(f"""
        select p_value from associations
        where subgroup = 'all' and study = 'peng2025' and outcome = 'osteoporosis' and exposure = '{exposure}'
            and contrast = 'trend_score' and covariate_set = 'crude' and engine = 'unweighted'
    """)
    assert found == pytest.approx(p_value, abs=0.0005)


def test_total_femur(real):
    ((estimate, standardised, p_value),) = real("""
        select estimate, standardised_beta, p_value from associations
        where subgroup = 'all' and study = 'peng2025' and outcome = 'bmd_total_femur'
            and exposure = 'Cd' and contrast = 'Q4'
            and covariate_set = 'crude' and engine = 'unweighted'
    """)
    assert (estimate, standardised) == pytest.approx((-0.037, -0.119), abs=0.0005)
    assert p_value == pytest.approx(0.003, abs=0.0005)


def test_adjusting_for_age_and_bmi_takes_cadmium_to_one_and_a_half(real):
    ((ratio, low, high),) = real("""
        select ratio, ratio_low, ratio_high from associations
        where subgroup = 'all' and study = 'peng2025' and outcome = 'osteoporosis'
            and exposure = 'Cd' and contrast = 'Q4' and covariate_set = 'age_bmi' and engine = 'unweighted'
    """)
    assert (ratio, low, high) == pytest.approx((1.5, 0.9, 2.6), abs=0.06)


def test_every_number_of_the_abstract_is_reproduced_and_none_passes_every_check(real):
    verdicts = dict(real("select claim, verdict from replication where published_value is not null"))
    assert len(verdicts) == 11
    assert verdicts.pop("se_q2_osteoporosis") == "number reproduced; not significant in our own model"
    assert all(verdict.startswith("reproduced") for verdict in verdicts.values()), verdicts
    findings = {claim: verdict for claim, verdict in verdicts.items() if "adjusted and weighted" in verdict}
    assert len(findings) == 6
    assert all(" (fails: " in verdict for verdict in findings.values())
    assert [claim for claim, verdict in findings.items() if "; holds adjusted and weighted" in verdict] == [
        "cd_q3_osteoporosis"
    ]


def test_findings_in_words(real):
    """Whatever the fit profile: regressions by subgroup, and their interaction tests."""
    verdicts = dict(real("select claim, verdict from replication where published_value is null"))
    assert len(verdicts) == 7
    differ = "not confirmed: no evidence that the subgroups differ"
    assert verdicts["cd_strongest_at_50_59"] == differ
    assert verdicts["cd_strongest_at_bmi_25_30"] == differ
    assert verdicts["se_protective_at_70"] == (
        "reproduced; holds adjusted and weighted (fails: weighting, multiple testing)"
    )
    assert (
        verdicts["se_protective_at_bmi_30"] == "not confirmed: the pattern is there, without evidence for it"
    )


def test_outside_check_of_bone_density_and_weights(real):
    """PMC7891684, table 3: women 50 and over, 2013-2014; within one published standard error."""
    found = dict(
        real("""
            select
                scores.site || case when scores.t_score <= -2.5 then ' osteoporosis' else ' low' end,
                100 * sum(demographics.exam_weight) / any_value(everyone.weight)
            from intermediate.int_t_scores as scores
            inner join staging.stg_demographics as demographics using (seqn)
            cross join (
                select sum(exam_weight) as weight, count(*) as n
                from staging.stg_demographics
                where cycle = '2013-2014' and sex = 'Female' and age_years >= 50
                    and seqn in (select seqn from intermediate.int_bmd where site = 'femoral_neck')
                    and seqn in (select seqn from intermediate.int_bmd where site = 'spine_valid_vertebrae')
            ) as everyone
            where demographics.cycle = '2013-2014' and sex = 'Female' and age_years >= 50 and t_score <= -1
                and seqn in (select seqn from intermediate.int_bmd where site = 'femoral_neck')
                and seqn in (select seqn from intermediate.int_bmd where site = 'spine_valid_vertebrae')
                and (reference_set, site) in (
                    ('rounded', 'femoral_neck'), ('looker1998', 'spine_valid_vertebrae')
                )
            group by 1
        """)
    )
    assert found["femoral_neck osteoporosis"] == pytest.approx(9.8, abs=0.05)
    assert found["femoral_neck low"] == pytest.approx(52.9, abs=0.05)
    assert found["spine_valid_vertebrae osteoporosis"] == pytest.approx(12.4, abs=0.05)
    assert found["spine_valid_vertebrae low"] == pytest.approx(36.3, abs=0.05)


def test_every_model_was_estimated(real):
    assert real("select count(*) from associations where not converged and subgroup = 'all'") == [(0,)]


@pytest.mark.parametrize(
    ("exposure", "variable", "order", "subgroup", "ratio"),
    [
        ("Cd", "age_group", "desc", "age 50-59", 6.08),
        ("Cd", "bmi_group", "desc", "BMI 25-30", 2.15),
        ("Se", "age_group", "asc", "age 70 and over", 0.39),
    ],
)
def test_subgroups_where_the_paper_sees_most_and_no_interaction(
    real, exposure, variable, order, subgroup, ratio
):
    ((found, found_ratio),) = real(f"""
        select subgroup, ratio from associations inner join reference.subgroups using (subgroup)
        where study = 'peng2025' and outcome = 'osteoporosis' and exposure = '{exposure}' and contrast = 'Q4'
            and covariate_set = 'crude' and engine = 'unweighted' and subgroup_variable = '{variable}'
        order by ratio {order} limit 1
    """)
    assert (found, found_ratio) == (subgroup, pytest.approx(ratio, abs=0.0051))
    ((smallest,),) = real(f"""
        select min(p_value) from interactions
        where study = 'peng2025' and outcome = 'osteoporosis' and exposure = '{exposure}'
            and subgroup_variable = '{variable}' and covariate_set = 'crude' and engine = 'unweighted'
    """)
    assert smallest > 0.1


def test_interactions_equal_r(real):
    """regTermTest of R's survey on the same files: Cd per doubling, age and BMI adjusted, osteoporosis."""
    found = dict(
        real("""
            select subgroup_variable, statistic from interactions
            where study = 'peng2025' and outcome = 'osteoporosis' and exposure = 'Cd' and engine = 'survey'
                and covariate_set = 'age_bmi' and exposure_form = 'per_doubling' and df_residual = 33
        """)
    )
    assert found == {
        "age_group": pytest.approx(0.361537023505, rel=1e-7),
        "bmi_group": pytest.approx(0.519923620856, rel=1e-7),
    }


def test_only_full_models_of_few_events_are_not_estimated(real):
    """Where 27 or 22 events meet 20 coefficients; the rows say so."""
    failed = real("""
        select distinct covariate_set, subgroup, outcome, split_part(warnings, ':', 1) from associations
        where not converged order by all
    """)
    assert failed == [
        ("full", "BMI 30 and over", "osteoporosis", "SeparationError"),
        ("full", "age 50-59", "osteoporosis", "SeparationError"),
    ]
    assert real("select count(*) from interactions where not converged") == [(0,)]
    assert real("select count(*) from dose_response where not converged") == [(0,)]


def test_cadmium_curve_is_straight(real):
    """Crude: risk rises with cadmium, and nothing says that it does so otherwise than evenly."""
    ((overall, nonlinear),) = real("""
        select distinct p_overall, p_nonlinear from dose_response
        where study = 'peng2025' and outcome = 'osteoporosis' and exposure = 'Cd'
            and covariate_set = 'crude' and engine = 'unweighted'
    """)
    assert (overall, nonlinear) == pytest.approx((0.0126, 0.7327), abs=0.00005)
