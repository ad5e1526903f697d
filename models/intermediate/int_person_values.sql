{# Everything that a cohort rule may ask about a person, one row per person and variable, as text. #}

with people as (
    select * from {{ ref('int_people') }}
),

final as (
    select seqn, variable, value
    from (
        unpivot (select seqn, columns(* exclude (seqn))::varchar from people)
        on columns(* exclude (seqn)) into name variable value value
    )
)

select * from final
