"""Synthetic NHANES files: the real names, columns, codes and gaps, and effects that are known.

Nothing in them describes a person. What is true in them is stated in `demo.truth`.
"""

from demo.generate import DEFAULT_PEOPLE, DEFAULT_SEED, write_demo_files
from demo.truth import TRUE_EFFECTS, SiteEffects

__all__ = ["DEFAULT_PEOPLE", "DEFAULT_SEED", "TRUE_EFFECTS", "SiteEffects", "write_demo_files"]
