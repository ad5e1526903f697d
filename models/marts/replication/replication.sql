{#
    Each claim of the paper's abstract beside ours, and what becomes of it when age and BMI, the survey design, or the
    number of tests are taken into account.
#}

{% set labelled = ['study', 'outcome', 'exposure', 'subgroup'] %}

with claims as (
    select * from {{ ref('published_claims') }}
),

verdict_rules as (
    select * from {{ ref('verdict_rules') }}
),

ours as (
    select * from {{ ref('int_claims_in_numbers') }}
    union all by name
    select * from {{ ref('int_claims_in_words') }}
),

compared as (
    select
        claims.*,
        verdict_rules.rule as verdict_rule,
        ours.* exclude (claim),
        list_filter(
            [
                case when not ours.survives_age_bmi then 'age and BMI' end,
                case when not ours.survives_weighting then 'weighting' end,
                case when not ours.survives_multiple_testing then 'multiple testing' end
            ],
            lambda reason: reason is not null
        ) as lost_to
    from claims
    inner join verdict_rules on claims.quantity = verdict_rules.quantity
    inner join ours on claims.claim = ours.claim
),

final as (
    select
        claim,
        claim_order,
        compared.study,
        description,
        quantity,
        compared.outcome,
        compared.exposure,
        contrast,
        compared.subgroup,
        {{ label_columns(labelled) }},
        published_value,
        published_low,
        published_high,
        published_p_value,
        published_text,
        our_value,
        our_low,
        our_high,
        our_p_value,
        our_q_value,
        our_text,
        agrees,
        verdict_rule,
        is_finding,
        is_significant_here,
        age_bmi_value,
        age_bmi_p_value,
        survives_age_bmi,
        weighted_value,
        weighted_p_value,
        survives_weighting,
        survives_multiple_testing,
        weighted_age_bmi_value,
        weighted_age_bmi_low,
        weighted_age_bmi_high,
        weighted_age_bmi_p_value,
        weighted_age_bmi_q_value,
        holds,
        case
            when (select bool_or(files.source = 'demo') from {{ ref('stg_nhanes_files') }} as files)
                then 'synthetic data: not a replication'
            when agrees is null
                then 'could not be checked: ' || coalesce(why_not_checked, 'no estimate of ours')
            when not agrees then 'not reproduced'
            when quantity = 'count' then 'reproduced'
            when not is_finding then 'reproduced; not a finding'
            when is_significant_here is null
                then 'not confirmed: could not be tested, ' || coalesce(why_not_checked, 'no p-value')
            when not is_significant_here and published_value is not null
                then 'number reproduced; not significant in our own model'
            when not is_significant_here and quantity = 'strongest_subgroup'
                then 'not confirmed: no evidence that the subgroups differ'
            when not is_significant_here then 'not confirmed: the pattern is there, without evidence for it'
            else 'reproduced; '
                || case holds
                    when true then 'holds adjusted and weighted'
                    when false then 'does not hold adjusted and weighted'
                    else 'not testable adjusted and weighted'
                end
                || case when len(lost_to) > 0 then ' (fails: ' || array_to_string(lost_to, ', ') || ')' else '' end
        end as verdict,
        source as published_source,
        {{ run_columns() }}
    from compared
    {{ join_labels('compared', labelled) }}
)

select * from final
order by claim_order
