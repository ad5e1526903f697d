{# Every variable of the catalogue has its published counts, so that none goes untested. #}

select variables.file, variables.variable
from {{ ref('nhanes_variables') }} as variables
left join {{ ref('nhanes_codebook') }} as codebook
    on variables.file = codebook.file and variables.variable = codebook.variable
where variables.variable != 'SEQN' and codebook.file is null
