{# Each number of the paper's abstract beside ours from the nearest model: the claim's study, crude, unweighted. #}

with claims as (
    select * from {{ ref('published_claims') }}
    where published_value is not null
),

associations as (
    select * from {{ ref('associations') }}
    where subgroup = 'all'
),

crude as (
    select * from associations
    where covariate_set = 'crude' and engine = 'unweighted'
),

adjusted as (
    select * from associations
    where covariate_set = 'age_bmi' and engine = 'unweighted'
),

weighted as (
    select * from associations
    where covariate_set = 'crude' and engine = 'survey'
),

weighted_adjusted as (
    select * from associations
    where covariate_set = 'age_bmi' and engine = 'survey'
),

cohort_counts as (
    select
        study,
        count(*) as women,
        count(*) filter (where osteoporosis) as osteoporosis_cases
    from {{ ref('cohort') }}
    group by study
),

compared as (
    select
        claims.*,

        -- ours
        case
            when claims.quantity = 'count' and claims.outcome is null then cohort_counts.women
            when claims.quantity = 'count' then cohort_counts.osteoporosis_cases
            when claims.quantity = 'odds_ratio' then crude.ratio
            when claims.quantity = 'standardised_beta' then crude.standardised_beta
            when claims.quantity = 'p_value' then crude.p_value
        end as our_value,
        case claims.quantity
            when 'odds_ratio' then crude.ratio_low
            when 'standardised_beta' then crude.conf_low * crude.standardised_beta / crude.estimate
        end as our_low,
        case claims.quantity
            when 'odds_ratio' then crude.ratio_high
            when 'standardised_beta' then crude.conf_high * crude.standardised_beta / crude.estimate
        end as our_high,
        crude.p_value as our_p_value,
        crude.estimate as our_estimate,
        case claims.quantity
            when 'standardised_beta' then crude.std_error * crude.standardised_beta / crude.estimate
            else crude.std_error
        end as our_std_error,
        crude.q_value as our_q_value,
        crude.warnings as our_warnings,

        -- the same contrast with age and BMI, the survey's weights, or both taken into account
        coalesce(adjusted.ratio, adjusted.standardised_beta) as age_bmi_value,
        adjusted.p_value as age_bmi_p_value,
        adjusted.estimate as age_bmi_estimate,
        coalesce(weighted.ratio, weighted.standardised_beta) as weighted_value,
        weighted.p_value as weighted_p_value,
        weighted.estimate as weighted_estimate,
        coalesce(weighted_adjusted.ratio, weighted_adjusted.standardised_beta) as weighted_age_bmi_value,
        case claims.quantity
            when 'odds_ratio' then weighted_adjusted.ratio_low
            when 'standardised_beta'
                then weighted_adjusted.conf_low * weighted_adjusted.standardised_beta / weighted_adjusted.estimate
        end as weighted_age_bmi_low,
        case claims.quantity
            when 'odds_ratio' then weighted_adjusted.ratio_high
            when 'standardised_beta'
                then weighted_adjusted.conf_high * weighted_adjusted.standardised_beta / weighted_adjusted.estimate
        end as weighted_age_bmi_high,
        weighted_adjusted.p_value as weighted_age_bmi_p_value,
        weighted_adjusted.q_value as weighted_age_bmi_q_value,
        weighted_adjusted.estimate as weighted_age_bmi_estimate
    from claims
    left join cohort_counts on claims.study = cohort_counts.study
    {% for model in ['crude', 'adjusted', 'weighted', 'weighted_adjusted'] -%}
    left join {{ model }}
        on
            claims.study = {{ model }}.study
            and claims.outcome = {{ model }}.outcome
            and claims.exposure = {{ model }}.exposure
            and claims.contrast = {{ model }}.contrast
    {% endfor -%}
),

judged as (
    select
        *,
        case quantity
            when 'count' then abs(our_value / published_value - 1) <= 0.01
            when 'odds_ratio'
                then
                    (our_value > 1) = (published_value > 1)
                    and abs(ln(our_value) - ln(published_value)) <= our_std_error / 2
            when 'standardised_beta'
                then
                    sign(our_value) = sign(published_value)
                    and abs(our_value - published_value) <= abs(our_std_error) / 2
            when 'p_value'
                then
                    (our_value < 0.05) = (published_value < 0.05)
                    and greatest(our_value, published_value) <= 3 * least(our_value, published_value)
        end as agrees,
        -- a finding is a number that the paper's own interval or p-value calls significant
        case quantity
            when 'odds_ratio' then published_low > 1 or published_high < 1
            when 'count' then false
            else published_p_value < 0.05
        end as is_finding,
        our_p_value < 0.05 as is_significant_here
    from compared
),

survived as (
    select
        *,
        case when is_finding then sign(age_bmi_estimate) = sign(our_estimate) and age_bmi_p_value < 0.05 end
            as survives_age_bmi,
        case when is_finding then sign(weighted_estimate) = sign(our_estimate) and weighted_p_value < 0.05 end
            as survives_weighting,
        case when is_finding then our_q_value < 0.05 end as survives_multiple_testing,
        case
            when is_finding
                then sign(weighted_age_bmi_estimate) = sign(our_estimate) and weighted_age_bmi_p_value < 0.05
        end as holds
    from judged
),

final as (
    select
        claim,
        null as our_text,
        our_value,
        our_low,
        our_high,
        our_p_value,
        our_q_value,
        agrees,
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
        case when our_value is null then our_warnings end as why_not_checked
    from survived
)

select * from final
