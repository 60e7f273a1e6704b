"""What is planted in a simulated study? Every number of the generating model, in one frozen value.

Notation: the answer to item j by staff member p of unit u in hospital h rests on a latent propensity

    y*_pj = lambda_j (m_c(x_u) + a_hc + b_uc + rho_rc + zeta_pc) + epsilon_pj,

with a ~ N(0, A) between hospitals, b ~ N(0, B) between units of a hospital, zeta ~ N(0, W) between staff of a unit, m_c
the effects of the unit's type, beds and academic status, rho the effect of the person's role, and Var(epsilon) =
1 - lambda^2. Matrix roots and standard deviations lie on a dyadic grid, so that the latent sums are exact in double
precision and no answer depends on the processor.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from microresearch.errors import DataError

Floats = NDArray[np.float64]

CODES = (
    "leadership", "organizational_support", "staff_focus", "education_training", "interdependence", "patient_focus",
    "community_market_focus", "performance_results", "process_improvement", "information_technology",
)  # fmt: skip
ROLES = ("nurse", "physician", "allied health", "support")
TYPES = ("intensive care", "medical", "surgical", "ambulatory")
AGE_BANDS = ((18, 44), (45, 64), (65, 74), (75, 97))
COMORBIDITY_GROUPS = ((0, 0), (1, 2), (3, 4), (5, 9))
SEXES = ("F", "M")
FINE, COARSE = 2.0**16, 2.0**12


def grid(values: Floats | float, steps: float = COARSE) -> Floats:
    """Values moved to the nearest multiple of 1 / steps, where sums and products are exact."""
    return np.rint(np.asarray(values, dtype=np.float64) * steps) / steps


@dataclass(frozen=True, slots=True)
class Spread:
    """Variances of ten latent characteristics and their correlations: g_i g_j, plus s^2 within a group."""

    variances: tuple[float, ...]
    general: tuple[float, ...]
    group: float

    def root(self) -> Floats:
        """Lower triangular root on the grid, shape (10, 10)."""
        loading = np.array(self.general)
        same = np.equal.outer(GROUP_OF, GROUP_OF)
        correlation = np.outer(loading, loading) + self.group**2 * same
        np.fill_diagonal(correlation, 1.0)
        sd = np.sqrt(np.array(self.variances))
        return grid(np.asarray(np.linalg.cholesky(correlation * np.outer(sd, sd)), dtype=np.float64))

    def covariance(self) -> Floats:
        """The covariance matrix that `root` implies, shape (10, 10)."""
        root = self.root()
        return root @ root.T


GROUP_OF = np.array([0, 0, 1, 1, 1, 2, 2, 3, 3, 4])

LOADINGS = {
    "leadership": (0.78, 0.72, 0.74, 0.66, 0.82, 0.70, 0.76),
    "organizational_support": (0.74, 0.80, 0.62),
    "staff_focus": (0.64, 0.70, 0.72, 0.60, 0.68, 0.55),
    "education_training": (0.76, 0.72, 0.66),
    "interdependence": (0.82, 0.80, 0.74, 0.62, 0.78, 0.70),
    "patient_focus": (0.78, 0.80, 0.70, 0.60, 0.66, 0.62),
    "community_market_focus": (0.68, 0.72, 0.64),
    "performance_results": (0.66, 0.56, 0.70, 0.74, 0.58, 0.72),
    "process_improvement": (0.76, 0.70, 0.62, 0.74, 0.72),
    "information_technology": (0.66, 0.78, 0.70, 0.64, 0.60, 0.76, 0.74),
}
SHAPES = {  # thresholds of the five answers: even, leaning to agreement, strongly skewed, leaning to disagreement
    "e": (-1.5, -0.6, 0.3, 1.4),
    "a": (-1.9, -1.2, -0.4, 1.0),
    "h": (-2.2, -1.6, -0.9, 0.3),
    "l": (-1.0, -0.2, 0.6, 1.6),
}
ITEM_SHAPES = {
    "leadership": "aaeahee", "organizational_support": "ela", "staff_focus": "aaheel", "education_training": "aea",
    "interdependence": "aahahh", "patient_focus": "hhaeea", "community_market_focus": "eel",
    "performance_results": "aeeele", "process_improvement": "aeele", "information_technology": "aaeeeea",
}  # fmt: skip
HARD_TO_RATE = {  # items that many cannot rate, beyond the base rate
    "organizational_support_2": 0.05, "staff_focus_1": 0.06, "staff_focus_6": 0.04, "education_training_3": 0.03,
    "community_market_focus_1": 0.06, "community_market_focus_2": 0.08, "community_market_focus_3": 0.05,
    "performance_results_2": 0.08, "performance_results_5": 0.05, "process_improvement_3": 0.07,
}  # fmt: skip
_TYPE_EFFECTS = (  # rows as CODES, columns as TYPES, in standard deviations between staff of a unit
    (0.10, -0.10, -0.15, 0.15), (-0.05, -0.15, 0.05, 0.15), (0.15, -0.10, -0.10, 0.05), (0.25, -0.10, 0.00, -0.15),
    (0.25, -0.10, -0.20, 0.05), (0.05, -0.15, -0.10, 0.20), (-0.15, -0.05, -0.10, 0.30), (0.20, -0.10, 0.05, -0.15),
    (0.25, -0.15, -0.05, -0.05), (0.20, -0.15, -0.10, 0.05),
)  # fmt: skip
_ROLE_EFFECTS = (  # rows as CODES, columns as ROLES
    (-0.08, 0.22, 0.02, 0.00), (-0.08, 0.08, 0.00, 0.12), (-0.02, 0.10, 0.04, -0.06), (0.00, 0.10, 0.06, -0.14),
    (-0.02, 0.14, 0.02, -0.10), (0.04, 0.06, 0.00, -0.12), (-0.04, 0.00, 0.06, 0.08), (-0.04, 0.14, 0.00, 0.00),
    (-0.04, 0.12, 0.06, -0.02), (-0.06, 0.10, 0.00, 0.06),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """One patient outcome, linear on its scale: identity (experience), log (cost, los), logit (readmitted, died).

    `per_sd` holds the **marginal** within-hospital slope of each characteristic per true SD, adjusted for the unit's
    type, beds and academic status; the joint coefficients that generate the data are derived from it.
    """

    name: str
    base: float
    per_sd: tuple[float, ...]
    types: tuple[float, ...]
    beds: float
    academic: float
    ages: tuple[float, ...]
    male: float
    comorbidity: tuple[float, ...]
    unit_sd: float
    hospital_sd: float
    hospital_with_scores: float
    spread: float


_NONE = (0.0,) * 10
OUTCOMES = (
    Outcome(
        "experience", 70.0, (1.9, 0.8, 1.2, 0.0, 1.8, 2.5, 0.0, 0.9, 1.3, 0.6), (-2.5, -2.0, 0.0, 4.0), -0.8, -0.7,
        (0.0, 1.0, 2.5, 2.0), 0.8, (0.0, -0.8, -2.0, -3.5), 2.2, 0.9, 0.5, 8.0,
    ),
    Outcome(
        "cost", 8.9, (-0.030, -0.010, -0.015, 0.0, -0.022, 0.0, 0.0, -0.045, -0.050, -0.035),
        (0.95, 0.0, 0.45, -0.90), -0.04, 0.10, (0.0, 0.10, 0.22, 0.30), 0.04, (0.0, 0.12, 0.30, 0.55),
        0.070, 0.032, -0.4, 1.8,
    ),
    Outcome(
        "los", 1.45, (-0.015, -0.010, 0.0, 0.0, -0.020, 0.0, 0.0, -0.025, -0.035, -0.030), (0.35, 0.0, -0.15, -1.60),
        0.02, 0.05, (0.0, 0.10, 0.25, 0.35), 0.02, (0.0, 0.15, 0.30, 0.45), 0.070, 0.034, -0.3, 2.5,
    ),
    Outcome(
        "readmitted", -2.40, (-0.04, -0.04, -0.02, 0.0, -0.05, -0.08, 0.0, -0.04, -0.06, -0.05),
        (0.10, 0.15, 0.0, -0.60), 0.02, 0.03, (0.0, 0.10, 0.20, 0.25), 0.05, (0.0, 0.25, 0.50, 0.80),
        0.12, 0.05, -0.3, 0.0,
    ),
    Outcome(
        "died", -4.60, (-0.04, 0.0, -0.03, 0.0, -0.08, -0.03, 0.0, -0.05, -0.06, -0.04), (1.30, 0.0, -0.50, -2.20),
        0.02, 0.02, (0.0, 0.60, 1.00, 1.50), 0.10, (0.0, 0.30, 0.60, 0.90), 0.12, 0.05, -0.3, 0.0,
    ),
)  # fmt: skip
"""`spread`: precision of a beta on 0-100 (experience), gamma shape (cost), negative binomial size (los)."""
MONTHLY = (
    Outcome(
        "falls", -5.5, (-0.045, -0.020, -0.030, 0.0, -0.060, -0.050, 0.0, -0.030, -0.050, -0.020),
        (-0.50, 0.10, 0.0, -0.70), 0.03, 0.0, (0.0,) * 4, 0.0, (0.0,) * 4, 0.10, 0.05, -0.3, 4.0,
    ),
)  # fmt: skip
"""Counted per unit and month: logarithm of the rate per patient-day; `spread`: negative binomial size of a month."""


@dataclass(frozen=True, slots=True)
class Mess:
    """How many rows of each kind of mess are planted in a study of 2,880 staff; other sizes scale in proportion."""

    preview: int = 14
    consent: int = 38
    duplicate: int = 36
    eligibility: int = 21
    progress: int = 58
    time: int = 31
    answered: int = 17
    retest: int = 150
    kept_partial: int = 40
    misspelt: int = 170


@dataclass(frozen=True, slots=True)
class Plant:
    """The generating model; `dataclasses.replace` makes another one."""

    staff: Spread = Spread((1.0,) * 10, (0.76, 0.70, 0.74, 0.70, 0.74, 0.66, 0.58, 0.74, 0.78, 0.72), 0.30)
    unit: Spread = Spread(
        (0.14, 0.16, 0.11, 0.10, 0.17, 0.13, 0.10, 0.12, 0.15, 0.14),
        (0.62, 0.58, 0.55, 0.50, 0.66, 0.60, 0.40, 0.62, 0.70, 0.58),
        0.40,
    )
    hospital: Spread = Spread(
        (0.055, 0.065, 0.045, 0.045, 0.065, 0.050, 0.045, 0.050, 0.060, 0.055),
        (0.70, 0.75, 0.65, 0.60, 0.70, 0.60, 0.50, 0.70, 0.75, 0.65),
        0.35,
    )
    types: tuple[tuple[float, ...], ...] = _TYPE_EFFECTS
    beds: tuple[float, ...] = (-0.08, -0.06, -0.06, -0.04, -0.10, -0.09, 0.02, -0.05, -0.07, -0.05)
    academic: tuple[float, ...] = (-0.05, -0.08, 0.05, 0.20, -0.04, -0.06, -0.05, 0.08, 0.12, 0.06)
    roles: tuple[tuple[float, ...], ...] = _ROLE_EFFECTS
    role_share: tuple[float, ...] = (0.55, 0.15, 0.12, 0.18)
    role_response: tuple[float, ...] = (0.74, 0.62, 0.78, 0.64)
    unit_response: tuple[float, ...] = (0.8, 0.9, 1.0, 1.1, 1.2)
    roster_sizes: tuple[int, ...] = (14, 18, 22, 26, 30, 34, 40, 56)
    type_beds: tuple[tuple[int, ...], ...] = (
        (8, 10, 12, 14, 18),
        (20, 24, 28, 30, 36),
        (18, 22, 26, 28, 34),
        (10, 12, 14, 16, 20),
    )
    academic_share: float = 0.4
    trait: float = 0.85
    specific: float = 0.5
    assessment_loading: float = 0.8
    assessment_thresholds: tuple[float, float] = (-0.9, 0.7)
    cant_rate: float = 0.012
    cant_rate_role: tuple[float, ...] = (1.0, 0.8, 1.3, 2.2)
    assessment_cant_rate: float = 0.03
    blank: float = 0.015
    straight_lining: float = 0.015
    straight_answers: tuple[float, ...] = (0.0, 0.0, 0.4, 0.4, 0.2)
    outcomes: tuple[Outcome, ...] = OUTCOMES
    monthly: tuple[Outcome, ...] = MONTHLY
    type_stays: tuple[float, ...] = (450.0, 650.0, 600.0, 800.0)
    stays_multipliers: tuple[float, ...] = (0.5, 0.75, 1.0, 1.25, 1.5)
    experience_sampled: float = 0.25
    mess: Mess = Mess()

    @property
    def every(self) -> tuple[Outcome, ...]:
        """Outcomes of stays, then those of unit-months."""
        return (*self.outcomes, *self.monthly)

    def outcome(self, name: str) -> Outcome:
        """The outcome of that name."""
        return next(outcome for outcome in self.every if outcome.name == name)

    def with_mess(self, factor: float) -> "Plant":
        """Every kind of mess times `factor`; the retest, which is none, stays."""
        counts = {part.name: round(getattr(self.mess, part.name) * factor) for part in fields(self.mess)}
        mess = Mess(**{**counts, "retest": self.mess.retest})
        return replace(self, mess=mess, straight_lining=self.straight_lining * factor)

    def with_effects(self, scale: float, named: Mapping[str, Mapping[str, float]]) -> "Plant":
        """Every planted effect times `scale`; an outcome in `named` takes its slopes per SD from there (absent: 0)."""
        known = [outcome.name for outcome in self.every]
        if strange := sorted(set(named) - set(known)):
            raise DataError(f"{', '.join(strange)}: no such outcome; known: {', '.join(known)}.")
        outcomes = []
        for outcome in self.every:
            given = named.get(outcome.name)
            if given is not None and (strange := sorted(set(given) - set(CODES))):
                raise DataError(
                    f"{outcome.name}: {', '.join(strange)} is no characteristic; known: {', '.join(CODES)}."
                )
            slopes = outcome.per_sd if given is None else tuple(float(given.get(code, 0.0)) for code in CODES)
            outcomes.append(replace(outcome, per_sd=tuple(scale * slope for slope in slopes)))
        kept = len(self.outcomes)
        return replace(self, outcomes=tuple(outcomes[:kept]), monthly=tuple(outcomes[kept:]))
