"""From a private build to published results: write, audit, publish.

A build works in its own file, `data/<demo or nhanes>/warehouse.duckdb`. What readers see, `results`, is a
link to a folder that never changes; a build that was found whole gets a new folder, and then the link is
turned in one step.
"""
