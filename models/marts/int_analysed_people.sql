{# What the fits may ask of a person of a cohort: the columns of `cohort`, sex, and the variables of studies. #}

with cohort as (
    select * from {{ ref('cohort') }}
),

people as (
    select * from {{ ref('int_person_variables') }}
),

final as (
    select
        cohort.*,
        people.sex
        {%- for variable in compiled('person_variables') %},
        people.{{ variable.variable }}
        {%- endfor %}
    from cohort
    inner join people on cohort.seqn = people.seqn
)

select * from final
order by study, seqn
