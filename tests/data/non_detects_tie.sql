{# All non-detects of an exposure with one limit of detection are equal, and below everything detected. #}

select exposure, limit_of_detection
from {{ ref('int_exposures') }}
where limit_of_detection is not null
group by exposure, limit_of_detection
having
    count(distinct value) filter (where below_detection) > 1
    or max(value) filter (where below_detection) >= min(value) filter (where not below_detection)
