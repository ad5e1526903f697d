"""The analyses of a study: from a plan to tables, one row per fit, in parallel and from a cache."""
