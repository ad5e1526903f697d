"""One module per section of the report; each has `section(marts)`."""
