with alcohol as (
    select * from {{ ref('stg_alcohol') }}
),

drinking_days as (
    select * from {{ ref('drinking_days') }}
),

harmonised as (
    select
        alcohol.seqn,
        alcohol.cycle,
        coalesce(alcohol.drinking_times_code, alcohol.drinking_frequency_code) is not null
            as drinking_frequency_answered,
        coalesce(
            case
                when alcohol.drinking_times = 0 then 0
                -- people who never had twelve drinks are not asked how often
                when alcohol.twelve_drinks_ever_code = 2 then 0
                -- least() passes over nulls
                when alcohol.drinking_times * unit.days_per_year is not null
                    then least(alcohol.drinking_times * unit.days_per_year, 365)
            end,
            case when alcohol.any_drink_ever_code = 2 then 0 else frequency.days_per_year end
        ) as drinking_days_per_year
    from alcohol
    left join drinking_days as unit
        on unit.variable = 'ALQ120U' and alcohol.drinking_unit_code = unit.code
    left join drinking_days as frequency
        on frequency.variable = 'ALQ121' and alcohol.drinking_frequency_code = frequency.code
),

final as (
    select
        seqn,
        cycle,
        drinking_frequency_answered,
        drinking_days_per_year,
        case
            when drinking_days_per_year = 0 then 'none'
            when drinking_days_per_year < 52 then 'less than weekly'
            when drinking_days_per_year >= 52 then 'weekly or more'
        end as drinking
    from harmonised
)

select * from final
