with source as (
    select * from {{ source('nhanes', 'paq') }}
),

renamed as (
    select
        cast(seqn as integer) as seqn,
        cycle,
        {{ code('PAQ605') }} as vigorous_work_code,
        {{ label('PAQ605') }} as vigorous_work,
        {{ code('PAQ620') }} as moderate_work_code,
        {{ label('PAQ620') }} as moderate_work,
        {{ code('PAQ635') }} as walk_or_bicycle_code,
        {{ label('PAQ635') }} as walk_or_bicycle,
        {{ code('PAQ650') }} as vigorous_recreation_code,
        {{ label('PAQ650') }} as vigorous_recreation,
        {{ code('PAQ665') }} as moderate_recreation_code,
        {{ label('PAQ665') }} as moderate_recreation
    from source
)

select * from renamed
