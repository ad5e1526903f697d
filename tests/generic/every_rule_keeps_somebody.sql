{# No rule of a study removes everybody that the rules before it left; the error names one that does. #}
{% test every_rule_keeps_somebody(model) %}

with reached as (
    select study, max(last_step_passed) as last_step
    from {{ model }}
    group by study
)

select steps.*
from {{ ref('int_study_steps') }} as steps
inner join reached on steps.study = reached.study
where
    case
        when steps.step = reached.last_step + 1
            then error(
                'study ' || steps.study || ', step ' || steps.step || ': expected the rule ' || steps.rule
                || ' to keep somebody, found nobody whom it and the rules before it keep: '
                || 'correct its file in studies/'
            ) is null
        else false
    end

{% endtest %}
