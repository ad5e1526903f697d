{# Every coded answer that is a refusal or a "don't know", kept with its reason. #}
{% set components = ['demo', 'rhq', 'smq', 'alq', 'diq', 'bpq', 'paq', 'osq', 'mcq'] %}

with source as (
    {% for component in components -%}
    select
        file,
        cycle,
        cast(seqn as integer) as seqn,
        variable,
        answer
    from (
        unpivot (
            select file, cycle, seqn, columns(* exclude (file, cycle, seqn))::varchar
            from {{ source('nhanes', component) }}
        )
        on columns(* exclude (file, cycle, seqn)) into name variable value answer
    )
    {{ "union all" if not loop.last }}
    {% endfor %}
),

renamed as (
    select
        source.seqn,
        source.cycle,
        source.file,
        codebook.variable,
        cast(codebook.code as integer) as code,
        codebook.kind as reason
    from source
    inner join {{ ref('nhanes_codebook') }} as codebook
        on
            source.file = codebook.file
            and upper(source.variable) = codebook.name
            and try_cast(source.answer as double) = try_cast(codebook.code as double)
    where codebook.kind in ('refused', 'dont_know')
)

select * from renamed
