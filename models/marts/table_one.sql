{#
    Means (continuous) and percentages (categorical) by osteoporosis and by release, unweighted and weighted.
    Every level of a categorical variable becomes 0 or 100, so that one set of sums serves both kinds.
#}

with variables as (
    select * from {{ ref('table_one_variables') }}
),

cohort as (
    select * from {{ ref('cohort') }}
),

-- bone density by the study's own rule, everything else as it is
person_values as (
    select
        cohort.study,
        person_values.seqn,
        person_values.variable,
        person_values.value
    from cohort
    inner join {{ ref('int_person_values') }} as person_values on cohort.seqn = person_values.seqn
    where person_values.variable not in (select sites.site from {{ ref('bmd_sites') }} as sites)
    union all
    select
        study,
        seqn,
        site as variable,
        bmd::varchar as value
    from {{ ref('int_study_bmd') }}
),

groups as (
    select
        study,
        seqn,
        blood_metals_weight,
        unnest([
            {
                'comparison': 'osteoporosis',
                'comparison_group': case osteoporosis when true then 'yes' when false then 'no' end
            },
            {'comparison': 'cycle', 'comparison_group': cycle},
            {'comparison': 'all', 'comparison_group': 'all'}
        ], recursive := true)
    from cohort
),

answers as (
    select
        cohort.study,
        cohort.seqn,
        variables.variable,
        variables.kind,
        person_values.value
    from cohort
    cross join variables
    inner join person_values
        on
            cohort.study = person_values.study
            and cohort.seqn = person_values.seqn
            and variables.variable = person_values.variable
),

levels as (
    select distinct
        study,
        variable,
        value as level
    from answers
    where kind = 'categorical'
),

measurements as (
    select
        study,
        seqn,
        variable,
        '' as level,
        cast(value as double) as measurement
    from answers
    where kind = 'continuous'
    union all
    select
        answers.study,
        answers.seqn,
        answers.variable,
        levels.level,
        case when answers.value = levels.level then 100 else 0 end as measurement
    from answers
    inner join levels on answers.study = levels.study and answers.variable = levels.variable
),

weighted as (
    select
        measurements.*,
        groups.comparison,
        groups.comparison_group,
        weightings.weighting,
        case weightings.weighting when 'unweighted' then 1 else groups.blood_metals_weight end as weight
    from measurements
    inner join groups
        on
            measurements.study = groups.study
            and measurements.seqn = groups.seqn
            and groups.comparison_group is not null
    cross join (values ('unweighted'), ('survey')) as weightings (weighting)
),

summarised as (
    select
        study,
        comparison,
        comparison_group,
        variable,
        level,
        weighting,
        count(*) filter (where weight > 0) as n,
        count(*) filter (where weight > 0 and measurement > 0 and level != '') as n_level,
        {{ exact_sum('weight * measurement') }} / nullif({{ exact_sum('weight') }}, 0) as mean,
        {{ exact_sum('weight * measurement * measurement') }} / nullif({{ exact_sum('weight') }}, 0) as mean_square
    from weighted
    group by study, comparison, comparison_group, variable, level, weighting
),

spread as (
    select
        *,
        -- n - 1 in the denominator when unweighted; with weights the population variance
        greatest(mean_square - mean * mean, 0)
        * case when weighting = 'unweighted' and level = '' and n > 1 then n / (n - 1) else 1 end as variance
    from summarised
),

pooled as (
    select
        study,
        comparison,
        variable,
        level,
        weighting,
        -- the second group in alphabetical order against the first; with more than two groups, none
        case
            when count(*) = 2
                then
                    (max_by(mean, comparison_group) - min_by(mean, comparison_group))
                    / nullif(sqrt(sum(variance) / 2), 0)
        end as standardised_mean_difference
    from spread
    group by study, comparison, variable, level, weighting
),

final as (
    select
        spread.study,
        spread.comparison,
        spread.comparison_group,
        spread.variable,
        variables.variable_order,
        variables.name,
        variables.unit,
        spread.level,
        list_position(string_split(variables.levels, ';'), spread.level) as level_order,
        spread.weighting,
        {{ label_columns(['study']) }},
        spread.n,
        case when spread.level != '' then spread.n_level end as n_level,
        case when spread.level = '' then 'mean' else 'percent' end as statistic,
        spread.mean as value,
        case when spread.level = '' then sqrt(spread.variance) end as standard_deviation,
        pooled.standardised_mean_difference,
        {{ run_columns() }}
    from spread
    inner join variables on spread.variable = variables.variable
    inner join pooled
        on
            spread.study = pooled.study
            and spread.comparison = pooled.comparison
            and spread.variable = pooled.variable
            and spread.level = pooled.level
            and spread.weighting = pooled.weighting
    {{ join_labels('spread', ['study']) }}
)

select * from final
order by study, comparison, comparison_group, variable_order, level_order, level, weighting
