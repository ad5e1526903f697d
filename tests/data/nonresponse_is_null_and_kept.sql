{# Each refused or do not know of CDC's counts is kept as a row, and none is left as a number. #}

with kept as (
    select file, variable, code, count(*) as n
    from {{ ref('stg_nonresponse') }}
    group by file, variable, code
),

expected as (
    select
        codebook.file,
        codebook.variable,
        cast(codebook.code as integer) as code,
        coalesce(codebook.data_count, codebook.published_count) as n
    from {{ ref('nhanes_codebook') }} as codebook
    inner join {{ ref('stg_nhanes_files') }} as files on codebook.file = files.file
    where codebook.kind in ('refused', 'dont_know') and files.source = 'nhanes'
)

select expected.file, expected.variable, expected.code, expected.n as expected, kept.n as found
from expected
left join kept
    on expected.file = kept.file and expected.variable = kept.variable and expected.code = kept.code
where expected.n != coalesce(kept.n, 0)
union all
select 'ALQ' as file, 'drinks_per_day' as variable, null as code, 0 as expected, count(*) as found
from {{ ref('stg_alcohol') }}
where drinks_per_day >= 77 or drinking_times > 366
having count(*) > 0
union all
select 'RHQ' as file, 'age_last_period' as variable, null as code, 0 as expected, count(*) as found
from {{ ref('stg_reproductive_health') }}
where age_last_period > 80 or age_ovaries_removed > 80
having count(*) > 0
