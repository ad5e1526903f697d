{# A text says something, or is null. #}
{% test not_empty(model, column_name) %}

select *
from {{ model }}
where {{ column_name }} = ''

{% endtest %}
