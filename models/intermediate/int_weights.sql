with cycle_weights as (
    select * from {{ ref('nhanes_cycle_weights') }}
),

demographics as (
    select * from {{ ref('stg_demographics') }}
),

blood_metals as (
    select * from {{ ref('stg_blood_metals') }}
),

loaded_cycles as (
    select
        cycle,
        years,
        sum(years) over () as all_years
    from {{ ref('nhanes_cycles') }}
    where cycle in (select demographics.cycle from demographics)
),

released as (
    unpivot (
        select
            demographics.seqn,
            demographics.cycle,
            demographics.interview_weight,
            demographics.exam_weight,
            blood_metals.blood_metals_subsample_weight
        from demographics
        left join blood_metals on demographics.seqn = blood_metals.seqn
    ) on columns(* exclude (seqn, cycle)) into name weight_variable value released_weight
    union all
    -- weights of other subsamples, by CDC's names
    select
        answers.seqn,
        answers.cycle,
        answers.variable as weight_variable,
        max(answers.value) as released_weight
    from {{ ref('stg_answers') }} as answers
    where answers.variable in (select cycle_weights.weight_variable from cycle_weights)
    group by answers.seqn, answers.cycle, answers.variable
),

final as (
    select
        released.seqn,
        released.cycle,
        cycle_weights.weight,
        released.weight_variable,
        released.released_weight,
        {{ combined_weight('released.released_weight', 'loaded_cycles.years', 'loaded_cycles.all_years') }}
            as combined_weight
    from released
    inner join cycle_weights
        on released.cycle = cycle_weights.cycle and released.weight_variable = cycle_weights.weight_variable
    inner join loaded_cycles on released.cycle = loaded_cycles.cycle
)

select * from final
