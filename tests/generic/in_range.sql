{# Finite, and within the bounds given; null passes. #}
{% test in_range(model, column_name, at_least=none, at_most=none) %}

select {{ column_name }}
from {{ model }}
where
    not isfinite(cast({{ column_name }} as double))
    {%- if at_least is not none %} or {{ column_name }} < {{ at_least }}{% endif %}
    {%- if at_most is not none %} or {{ column_name }} > {{ at_most }}{% endif %}

{% endtest %}
