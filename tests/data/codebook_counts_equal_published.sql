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
        select file, columns(* exclude (file, cycle, seqn))::varchar from {{ source('nhanes', component) }}
    ) unpivot include nulls (answer for variable in (columns(* exclude (file))))
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

-- a number without a code of its own belongs to the range
coded as (
    select
        counts.file,
        counts.name,
        case when counts.answer is null then '.' else coalesce(codes.code, 'range') end as code,
        sum(counts.n) as n
    from counts
    left join codebook as codes
        on counts.file = codes.file and counts.name = codes.name and counts.answer = codes.answer
    group by all
)

select
    codebook.file,
    codebook.variable,
    codebook.code,
    codebook.expected,
    coded.n as found
from codebook
inner join {{ ref('stg_nhanes_files') }} as files on codebook.file = files.file
left join coded
    on
        codebook.file = coded.file
        and codebook.name = coded.name
        and case codebook.kind when 'range' then 'range' else codebook.code end = coded.code
where files.source = 'nhanes' and codebook.expected != coalesce(coded.n, 0)
