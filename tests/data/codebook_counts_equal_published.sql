{#
    Every count of every variable used equals CDC's published count, or what the seed notes about CDC's file.
    Synthetic data keep these shares only roughly, so they are left to the tests of the generator.
#}
{% set components = [
    'demo', 'pbcd', 'dxxfem', 'dxxspn', 'bmx', 'rhq', 'smq', 'alq', 'diq', 'bpq', 'paq', 'osq', 'mcq', 'cot',
    'biopro', 'vid'
] %}

with answers as (
    {% for component in components -%}
    select file, upper(variable) as name, try_cast(answer as double) as answer
    from (
        unpivot include nulls (
            select file, columns(* exclude (file, cycle, seqn))::varchar from {{ source('nhanes', component) }}
        )
        on columns(* exclude (file)) into name variable value answer
    )
    {{ "union all" if not loop.last }}
    {% endfor %}
),

counts as (
    select file, name, answer, count(*) as n
    from answers
    group by file, name, answer
),

codebook as (
    select
        *,
        coalesce(data_count, published_count) as expected,
        case when kind in ('value', 'refused', 'dont_know') then cast(code as double) end as answer
    from {{ ref('nhanes_codebook') }}
),

found as (
    select
        codebook.file,
        codebook.variable,
        codebook.code,
        codebook.expected,
        coalesce(sum(counts.n) filter (
            case codebook.kind
                when 'missing' then counts.answer is null
                when 'range'
                    then
                        counts.answer is not null
                        and not exists (
                            select 1
                            from codebook as other
                            where
                                other.file = codebook.file
                                and other.name = codebook.name
                                and other.answer = counts.answer
                        )
                else counts.answer = codebook.answer
            end
        ), 0) as found
    from codebook
    inner join counts on codebook.file = counts.file and codebook.name = counts.name
    group by codebook.file, codebook.variable, codebook.code, codebook.expected
)

select found.*
from found
inner join {{ ref('stg_nhanes_files') }} as files on found.file = files.file
where files.source = 'nhanes' and found.found != found.expected
