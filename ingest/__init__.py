"""From NHANES transport files to the raw database: find or fetch, check, load."""
