with source as (
    select * from {{ source('nhanes', 'rhq') }}
),

renamed as (
    select
        cast(seqn as integer) as seqn,
        cycle,
        {{ code('RHQ031') }} as regular_periods_code,
        {{ label('RHQ031') }} as regular_periods,
        {{ code('RHD043') }} as no_period_reason_code,
        {{ label('RHD043') }} as no_period_reason,
        {{ code('RHQ060') }} as age_last_period_code,
        {{ number('RHQ060') }} as age_last_period,
        {{ code('RHQ070') }} as age_last_period_range_code,
        {{ label('RHQ070') }} as age_last_period_range,
        {{ code('RHD280') }} as hysterectomy_code,
        {{ label('RHD280') }} as hysterectomy,
        {{ code('RHQ291') }} as age_hysterectomy_code,
        {{ number('RHQ291') }} as age_hysterectomy,
        {{ code('RHQ305') }} as ovaries_removed_code,
        {{ label('RHQ305') }} as ovaries_removed,
        {{ code('RHQ332') }} as age_ovaries_removed_code,
        {{ number('RHQ332') }} as age_ovaries_removed,
        {{ code('RHQ420') }} as birth_control_code,
        {{ label('RHQ420') }} as birth_control,
        {{ code('RHQ540') }} as female_hormones_code,
        {{ label('RHQ540') }} as female_hormones
    from source
)

select * from renamed
