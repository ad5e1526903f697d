{# Every laboratory column as a row, so that an exposure is a row of the table exposures and not a column here. #}
{% set laboratory_models = ['stg_blood_metals', 'stg_cotinine', 'stg_biochemistry', 'stg_vitamin_d'] %}

with laboratory as (
    {% for model in laboratory_models -%}
    select seqn, cycle, variable, value
    from (
        unpivot (
            select seqn, cycle, columns(* exclude (seqn, cycle))::double
            from (
                -- the comments in CDC's words; their codes are numbers
                select columns(lambda name: not ends_with(name, '_comment'))
                from {{ ref(model) }}
            )
        )
        on columns(* exclude (seqn, cycle)) into name variable value value
    )
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select * from laboratory
