with source as (
    select * from {{ source('nhanes', 'alq') }}
),

renamed as (
    select
        cast(seqn as integer) as seqn,
        cycle,
        -- 2013-2014 asks for twelve drinks, then for a number and its unit
        {{ code('ALQ101') }} as twelve_drinks_a_year_code,
        {{ label('ALQ101') }} as twelve_drinks_a_year,
        {{ code('ALQ110') }} as twelve_drinks_ever_code,
        {{ label('ALQ110') }} as twelve_drinks_ever,
        {{ code('ALQ120Q') }} as drinking_times_code,
        {{ number('ALQ120Q') }} as drinking_times,
        {{ code('ALQ120U') }} as drinking_unit_code,
        {{ label('ALQ120U') }} as drinking_unit,

        -- 2017-2020 asks for any drink, then for a frequency in words
        {{ code('ALQ111') }} as any_drink_ever_code,
        {{ label('ALQ111') }} as any_drink_ever,
        {{ code('ALQ121') }} as drinking_frequency_code,
        {{ label('ALQ121') }} as drinking_frequency,

        -- both
        {{ code('ALQ130') }} as drinks_per_day_code,
        {{ number('ALQ130') }} as drinks_per_day
    from source
)

select * from renamed
