"""What is true in the synthetic files: the effects that an analysis should find.

Bone density at each site is linear in age and body mass index, and given these two:

- every doubling of blood cadmium lowers it, every doubling of selenium raises it (`TRUE_EFFECTS`);
- lead, mercury and manganese do nothing. Their coefficient is zero given the other metals, age,
  body mass index and race/ethnicity: without these a model sees, as it would in reality, cadmium's
  effect through lead (they are correlated) and race through mercury and manganese.

Cadmium and selenium do not depend on race/ethnicity here, nor on each other once age, body mass
index and smoking are known; so age and body mass index alone are enough to estimate their effects.
Smoking acts on bone only through cadmium. The effects are the same for men and women, at every age,
on a straight line: an interaction, a threshold or a difference between subgroups is noise.

A quarter of what is seen crude is confounding: cadmium rises with age and falls with body mass
index (`CADMIUM_BY_YEAR`, `CADMIUM_BY_BMI`), while bone density does the opposite. In the cohort of
postmenopausal women about a quarter of the crude log odds ratio of cadmium for osteoporosis
vanishes when a model adjusts for both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

# log2 of cadmium per year of age (from 50 on) and per kg/m2 (adults), given smoking and sex
CADMIUM_BY_YEAR = 0.018
CADMIUM_BY_BMI = -0.042


@dataclass(frozen=True, kw_only=True)
class SiteEffects:
    """True coefficients of one site's bone density, in g/cm2.

    Attributes
    ----------
    cadmium, selenium, lead, mercury, manganese : float
        Per doubling of the blood concentration, given age, body mass index, race/ethnicity and
        the other metals.
    year_woman, year_man : float
        Per year of age (as recorded: top-coded at 80).
    bmi : float
        Per kg/m2.
    """

    cadmium: float
    selenium: float
    year_woman: float
    year_man: float
    bmi: float
    lead: float = 0.0
    mercury: float = 0.0
    manganese: float = 0.0


_SPINE = SiteEffects(cadmium=-0.026, selenium=0.130, year_woman=-0.0030, year_man=0.0010, bmi=0.0100)

# Keyed by the NHANES variable; total spine and its four vertebrae share one set.
TRUE_EFFECTS: Mapping[str, SiteEffects] = MappingProxyType(
    {
        "DXXOFBMD": SiteEffects(
            cadmium=-0.022, selenium=0.110, year_woman=-0.0045, year_man=-0.0017, bmi=0.0100
        ),
        "DXXNKBMD": SiteEffects(
            cadmium=-0.020, selenium=0.100, year_woman=-0.0042, year_man=-0.0026, bmi=0.0085
        ),
        "DXXTRBMD": SiteEffects(
            cadmium=-0.018, selenium=0.090, year_woman=-0.0033, year_man=-0.0010, bmi=0.0080
        ),
        "DXXINBMD": SiteEffects(
            cadmium=-0.025, selenium=0.125, year_woman=-0.0050, year_man=-0.0019, bmi=0.0115
        ),
        "DXXWDBMD": SiteEffects(
            cadmium=-0.020, selenium=0.100, year_woman=-0.0065, year_man=-0.0045, bmi=0.0070
        ),
        "DXXOSBMD": _SPINE,
        "DXXL1BMD": _SPINE,
        "DXXL2BMD": _SPINE,
        "DXXL3BMD": _SPINE,
        "DXXL4BMD": _SPINE,
    }
)
