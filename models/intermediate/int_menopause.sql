with reproductive_health as (
    select * from {{ ref('stg_reproductive_health') }}
),

final as (
    select
        seqn,
        cycle,
        -- RHD042, before 2013, has one code for both: natural where no hysterectomy is reported
        case
            when no_period_reason = 'Menopause/Hysterectomy' then hysterectomy_code = 2
            else no_period_reason_code = 7
        end as menopause_natural,
        no_period_reason_code in (3, 7) as menopause_or_hysterectomy,
        regular_periods_code = 2 and coalesce(no_period_reason_code not in (1, 2), true) as no_period_in_12_months,
        coalesce(no_period_reason_code in (3, 7), false) or coalesce(ovaries_removed_code = 1, false)
            as menopause_hysterectomy_or_ovaries_removed,
        age_last_period,
        case female_hormones_code when 1 then true when 2 then false end as ever_used_hormones
    from reproductive_health
)

select * from final
