{% macro p_in_words(p_value) -%}
    {#- A p-value with three decimals; one that would print as 0.000 is said to be below 0.001. -#}
    case when {{ p_value }} < 0.0005 then 'below 0.001' else format('{:.3f}', {{ p_value }}) end
{%- endmacro %}
