{# Every row meets the condition. #}
{% test expression(model, condition) %}

select *
from {{ model }}
where not coalesce({{ condition }}, false)

{% endtest %}
