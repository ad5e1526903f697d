{# How many cut points lie below the value: 0 for the lowest group, which is closed on the right. #}
{% macro quantile_score(value, cut_points) -%}
    cast(list_count(list_filter({{ cut_points }}, lambda cut_point: {{ value }} > cut_point)) as integer)
{%- endmacro %}

{#
    Cut points between the quantile groups of an exposure, one row per key and cut_number. `measured` has the keys,
    seqn, value, weight, quantile_groups and quantile_weighting.

    Unweighted: type-7 quantiles, as R's default, numpy's and DuckDB's quantile_cont, written out because the
    number of groups is a study's choice, and in whole numbers because a cut point that falls on a value must equal
    it. Survey: the smallest value at which the cumulative share of the
    weights reaches the probability. With many equal values several cut points are equal; a group between two
    equal ones is empty, and the others keep their names.
#}
{% macro cut_points(measured, keys) -%}
    {%- set key = keys | join(', ') -%}
    select
        {{ key }},
        cut_number,
        case
            when quantile_weighting = 'survey'
                then min(value) filter (where weight_share >= probability - 1e-12)
            else
                -- lower + (upper - lower) * share: exact where the two are tied, and where the share is 0
                max(value) filter (where position = ((n - 1) * cut_number) // quantile_groups)
                + (
                    max(value) filter (where position = ((n - 1) * cut_number + quantile_groups - 1) // quantile_groups)
                    - max(value) filter (where position = ((n - 1) * cut_number) // quantile_groups)
                ) * ((max(n - 1) * cut_number) % quantile_groups / quantile_groups)
        end as cut_point
    from (
        select
            *,
            cut_number / quantile_groups as probability
        from (
            select
                *,
                unnest(generate_series(1, quantile_groups - 1)) as cut_number
            from (
                select
                    *,
                    row_number() over by_value - 1 as position,
                    count(*) over (partition by {{ key }}) as n,
                    sum(weight) over by_value / sum(weight) over (partition by {{ key }}) as weight_share
                from {{ measured }}
                window by_value as (partition by {{ key }} order by value, seqn)
            ) as ordered
        ) as cut
    ) as shares
    group by {{ key }}, cut_number, quantile_groups, probability, quantile_weighting
{%- endmacro %}
