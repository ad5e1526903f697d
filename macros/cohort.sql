{# Whether one condition of a cohort rule (table cohort_conditions) holds for a person's value; both are text. #}
{% macro condition_holds(operator, value, expected) -%}
    case {{ operator }}
        when 'not_null' then {{ value }} is not null
        when 'is_null' then {{ value }} is null
        when 'in' then list_contains(string_split({{ expected }}, ';'), {{ value }})
        when 'not_in' then not list_contains(string_split({{ expected }}, ';'), {{ value }})
        when '>=' then cast({{ value }} as double) >= cast({{ expected }} as double)
        when '>' then cast({{ value }} as double) > cast({{ expected }} as double)
        when '<=' then cast({{ value }} as double) <= cast({{ expected }} as double)
        when '<' then cast({{ value }} as double) < cast({{ expected }} as double)
        else error('table cohort_conditions: unknown operator ' || {{ operator }})
    end
{%- endmacro %}
