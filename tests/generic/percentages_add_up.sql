{# The levels of a categorical variable share 100 % of each group. #}
{% test percentages_add_up(model) %}

select study, comparison, comparison_group, variable, weighting, sum(value) as total
from {{ model }}
where statistic = 'percent'
group by study, comparison, comparison_group, variable, weighting
having abs(sum(value) - 100) > 1e-6

{% endtest %}
