{# A value below the limit of detection becomes LOD / sqrt(2), computed once and alike for every release. #}
{% macro refill_non_detect(value, below_detection, limit_of_detection) -%}
    case when {{ below_detection }} then {{ limit_of_detection }} / sqrt(2) else {{ value }} end
{%- endmacro %}

{# Standard deviations above the mean of young adults; rounded, so that a T-score of exactly -2.5 is one. #}
{% macro t_score(bmd, mean, sd) -%}
    round(({{ bmd }} - {{ mean }}) / {{ sd }}, 9)
{%- endmacro %}

{# Whether some T-score of a person, one a row, reaches the cutoff; null unless there is one at each of the sites. #}
{% macro osteoporosis(t_score, cutoff, cutoff_is_osteoporosis, sites_needed) -%}
    case
        when count({{ t_score }}) = any_value({{ sites_needed }})
            then bool_or({{ t_score }} < {{ cutoff }} or ({{ cutoff_is_osteoporosis }} and {{ t_score }} = {{ cutoff }}))
    end
{%- endmacro %}

{# Weight of a person when releases are pooled: each release stands for its share of the pooled years. #}
{% macro combined_weight(weight, years, all_years) -%}
    {{ weight }} * {{ years }} / {{ all_years }}
{%- endmacro %}

{# A sum that does not depend on the order of its rows, which differs between runs: decimals add up exactly. #}
{% macro exact_sum(expression) -%}
    cast(sum(cast({{ expression }} as decimal(38, 8))) as double)
{%- endmacro %}
