"""Where stored outputs of the R packages lie, and oracles that may not be stored here."""

from pathlib import Path

LIBRARY = Path(__file__).parents[2]
FIXTURES = LIBRARY / "tests" / "fixtures"
# Oracles whose terms do not let a copy be kept with the tests: used where they lie.
PUBLISHED = LIBRARY.parents[1] / "shared" / "oracles" / "published"
