{# Only women are asked, and the rules nest: natural menopause within menopause or hysterectomy. #}

select menopause.seqn
from {{ ref('int_menopause') }} as menopause
inner join {{ ref('stg_demographics') }} as demographics on menopause.seqn = demographics.seqn
where
    demographics.sex != 'Female'
    or (menopause.menopause_natural and not menopause.menopause_or_hysterectomy)
    or (menopause.menopause_or_hysterectomy and not menopause.menopause_hysterectomy_or_ovaries_removed)
    or (menopause.menopause_or_hysterectomy and not menopause.no_period_in_12_months)
