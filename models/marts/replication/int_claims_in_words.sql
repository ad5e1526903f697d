{#
    Each finding in words of the paper's abstract: ours by four models (crude and adjusted for age and BMI, unweighted and
    with the survey design), of which the crude, unweighted one is the nearest to the paper's.
#}

with claims as (
    select * from {{ ref('published_claims') }}
    where published_value is null
),

subgroups as (
    select * from {{ ref('subgroups') }}
),

models (model, covariate_set, engine) as (
    values
    ('crude', 'crude', 'unweighted'),
    ('age_bmi', 'age_bmi', 'unweighted'),
    ('weighted', 'crude', 'survey'),
    ('weighted_age_bmi', 'age_bmi', 'survey')
),

leaders as (
    select
        study,
        outcome,
        direction,
        covariate_set,
        engine,
        arg_max(exposure, (weight, exposure)) as leader,
        max(weight) as weight
    from {{ ref('wqs_weights') }}
    where procedure = 'repeated_holdout' and subgroup = 'all'
    group by study, outcome, direction, covariate_set, engine
),

indices as (
    select
        averaged.study,
        averaged.outcome,
        averaged.direction,
        averaged.covariate_set,
        averaged.engine,
        averaged.ratio,
        averaged.ratio_low,
        averaged.ratio_high,
        averaged.warnings,
        tested.p_value,
        leaders.leader,
        leaders.weight,
        sign(averaged.estimate) = case averaged.direction when 'positive' then 1 else -1 end as has_sign
    from {{ ref('wqs_estimates') }} as averaged
    -- under the survey design there is no permutation test, and a single split decides nothing
    left join {{ ref('wqs_estimates') }} as tested
        on
            averaged.study = tested.study
            and averaged.outcome = tested.outcome
            and averaged.direction = tested.direction
            and averaged.covariate_set = tested.covariate_set
            and averaged.engine = tested.engine
            and averaged.subgroup = tested.subgroup
            and tested.procedure = 'permutation'
    inner join leaders
        on
            averaged.study = leaders.study
            and averaged.outcome = leaders.outcome
            and averaged.direction = leaders.direction
            and averaged.covariate_set = leaders.covariate_set
            and averaged.engine = leaders.engine
    where averaged.procedure = 'repeated_holdout' and averaged.subgroup = 'all'
),

index_findings as (
    select
        claims.claim,
        models.model,
        indices.ratio as value,
        indices.ratio_low as low,
        indices.ratio_high as high,
        indices.p_value,
        null::double as q_value,
        indices.has_sign and indices.leader = claims.exposure as pattern,
        indices.p_value < 0.05 as is_significant,
        format(
            'index {:.2f} per quartile (over splits {:.2f} to {:.2f}), p {}; largest weight {} {:.2f}',
            indices.ratio, indices.ratio_low, indices.ratio_high,
            {{ p_in_words('indices.p_value') }}, indices.leader, indices.weight
        ) as finding,
        indices.warnings
    from claims
    cross join models
    inner join indices
        on
            claims.study = indices.study
            and claims.outcome = indices.outcome
            and claims.contrast = indices.direction
            and models.covariate_set = indices.covariate_set
            and models.engine = indices.engine
    where claims.quantity = 'index_leader'
),

mixture_effects as (
    select
        study,
        outcome,
        covariate_set,
        bool_and(converged) as converged,
        any_value(warnings) as warnings,
        max(estimate) filter (where quantile = 0.75) as above,
        max(conf_low) filter (where quantile = 0.75) as above_low,
        max(conf_high) filter (where quantile = 0.75) as above_high,
        max(estimate) filter (where quantile = 0.25) as below
    from {{ ref('bkmr_overall') }}
    where coalesce(scale, 'link') = 'link' and subgroup = 'all'
    group by study, outcome, covariate_set
),

mixture_findings as (
    select
        claims.claim,
        models.model,
        case when mixture_effects.converged then mixture_effects.above end as value,
        case when mixture_effects.converged then mixture_effects.above_low end as low,
        case when mixture_effects.converged then mixture_effects.above_high end as high,
        null::double as p_value,
        null::double as q_value,
        case when mixture_effects.converged then mixture_effects.above > 0 and mixture_effects.below < 0 end as pattern,
        case when mixture_effects.converged then mixture_effects.above_low > 0 end as is_significant,
        format(
            'probit difference, all exposures at their 75th percentile against their medians: {:.3f} ({:.3f}, {:.3f})',
            mixture_effects.above, mixture_effects.above_low, mixture_effects.above_high
        ) as finding,
        mixture_effects.warnings
    from claims
    cross join models
    inner join mixture_effects
        on
            claims.study = mixture_effects.study
            and claims.outcome = mixture_effects.outcome
            and models.covariate_set = mixture_effects.covariate_set
    where claims.quantity = 'mixture_effect' and models.engine = 'unweighted'
),

strata as (
    select
        associations.*,
        subgroups.subgroup_variable,
        subgroups.level,
        subgroups.subgroup_order,
        max(associations.estimate) over siblings as largest,
        bool_and(associations.converged) over siblings as all_estimated,
        string_agg(
            subgroups.level || ' ' || coalesce(format('{:.2f}', associations.ratio), 'not estimated'),
            ', ' order by subgroups.subgroup_order
        ) over siblings as side_by_side,
        max(associations.warnings) over siblings as a_warning
    from {{ ref('associations') }} as associations
    inner join subgroups on associations.subgroup = subgroups.subgroup
    window siblings as (
        partition by
            associations.study, associations.outcome, associations.exposure, associations.contrast,
            associations.covariate_set, associations.engine, subgroups.subgroup_variable
    )
),

subgroup_findings as (
    select
        claims.claim,
        models.model,
        strata.ratio as value,
        strata.ratio_low as low,
        strata.ratio_high as high,
        case claims.quantity when 'strongest_subgroup' then interactions.p_value else strata.p_value end as p_value,
        case claims.quantity when 'strongest_subgroup' then interactions.q_value else strata.q_value end as q_value,
        case claims.quantity
            -- with one of its kind missing, none is known to be the strongest
            when 'strongest_subgroup' then case when strata.all_estimated then strata.estimate = strata.largest end
            else strata.estimate < 0
        end as pattern,
        case claims.quantity when 'strongest_subgroup' then interactions.p_value else strata.p_value end < 0.05
            as is_significant,
        format(
            'odds ratios per quartile by subgroup: {}; here p {}, interaction p {}',
            strata.side_by_side,
            {{ p_in_words('strata.p_value') }}, {{ p_in_words('interactions.p_value') }}
        ) as finding,
        coalesce(strata.warnings, strata.a_warning, interactions.warnings) as warnings
    from claims
    cross join models
    inner join strata
        on
            claims.study = strata.study
            and claims.outcome = strata.outcome
            and claims.exposure = strata.exposure
            and claims.contrast = strata.contrast
            and claims.subgroup = strata.subgroup
            and models.covariate_set = strata.covariate_set
            and models.engine = strata.engine
    inner join {{ ref('interactions') }} as interactions
        on
            strata.study = interactions.study
            and strata.outcome = interactions.outcome
            and strata.exposure = interactions.exposure
            and strata.contrast = interactions.exposure_form
            and strata.subgroup_variable = interactions.subgroup_variable
            and strata.covariate_set = interactions.covariate_set
            and strata.engine = interactions.engine
    where claims.quantity in ('strongest_subgroup', 'protective_subgroup')
),

findings as (
    select * from index_findings
    union all
    select * from mixture_findings
    union all
    select * from subgroup_findings
),

final as (
    select
        claims.claim,
        crude.finding as our_text,
        crude.value as our_value,
        crude.low as our_low,
        crude.high as our_high,
        crude.p_value as our_p_value,
        crude.q_value as our_q_value,
        crude.pattern as agrees,
        true as is_finding,
        crude.is_significant as is_significant_here,
        age_bmi.value as age_bmi_value,
        age_bmi.p_value as age_bmi_p_value,
        case when age_bmi.pattern is not null then age_bmi.pattern and age_bmi.is_significant end as survives_age_bmi,
        weighted.value as weighted_value,
        weighted.p_value as weighted_p_value,
        case when weighted.pattern is not null then weighted.pattern and weighted.is_significant end
            as survives_weighting,
        crude.q_value < 0.05 as survives_multiple_testing,
        weighted_age_bmi.value as weighted_age_bmi_value,
        weighted_age_bmi.low as weighted_age_bmi_low,
        weighted_age_bmi.high as weighted_age_bmi_high,
        weighted_age_bmi.p_value as weighted_age_bmi_p_value,
        weighted_age_bmi.q_value as weighted_age_bmi_q_value,
        case
            when weighted_age_bmi.pattern is not null
                then weighted_age_bmi.pattern and weighted_age_bmi.is_significant
        end as holds,
        case when crude.pattern is null or crude.is_significant is null then crude.warnings end as why_not_checked
    from claims
    {% for model in ['crude', 'age_bmi', 'weighted', 'weighted_age_bmi'] -%}
    left join findings as {{ model }} on claims.claim = {{ model }}.claim and {{ model }}.model = '{{ model }}'
    {% endfor %}
)

select * from final
