with source as (
    select * from {{ source('nhanes', 'answers') }}
),

codes as (
    select * from {{ source('nhanes', 'codes') }}
    where kind in ('refused', 'dont_know')
),

catalogue as (
    select * from {{ ref('nhanes_variables') }}
),

renamed as (
    select
        source.seqn,
        source.release as cycle,
        source.file,
        catalogue.name as variable,
        source.value
    from source
    inner join catalogue on source.file = catalogue.file and source.variable = catalogue.variable
    where
        (source.file, source.variable, source.value) not in (
            select (codes.file, codes.variable, codes.number) from codes
            where codes.number is not null
        )
)

select * from renamed
