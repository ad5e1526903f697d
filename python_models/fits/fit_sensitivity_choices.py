from analysis.variance_shares import variance_shares


def model(dbt, session):
    dbt.config(materialized="table")
    specifications = dbt.ref("sensitivity").df()
    choices = dbt.ref("choices").df()
    return variance_shares(
        specifications, keys=["study", "outcome", "exposure", "contrast"], choices=list(choices["choice"])
    )
