"""The analyses of a study: from a plan, one row per fit, to tables, one row per fit, in parallel and from a cache."""
