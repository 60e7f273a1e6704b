"""Which patients does a unit admit? Shares of age band, sex and comorbidity group by type of unit, and what they do."""

import numpy as np

from microresearch.simulate.plant import AGE_BANDS, COMORBIDITY_GROUPS, SEXES, TYPES, Floats, Outcome

SHAPE = (len(AGE_BANDS), len(SEXES), len(COMORBIDITY_GROUPS))
TILTS = (-1, 0, 1)
TILT_SHARE = (0.25, 0.5, 0.25)

_AGES = ((0.18, 0.30, 0.26, 0.26), (0.15, 0.27, 0.25, 0.33), (0.22, 0.36, 0.24, 0.18), (0.34, 0.36, 0.18, 0.12))
_FEMALE = (0.46, 0.52, 0.50, 0.56)
_COMORBIDITY = ((0.62, 0.28, 0.07, 0.03), (0.40, 0.38, 0.15, 0.07), (0.24, 0.40, 0.23, 0.13), (0.16, 0.38, 0.28, 0.18))
_SICKER = ((0.7, 1.0, 1.2, 1.5), (1.0, 1.0, 1.0, 1.0), (1.2, 1.0, 0.9, 0.7), (1.4, 1.0, 0.7, 0.5))
_OLDER = ((1.30, 1.05, 0.85, 0.75), (1.0, 1.0, 1.0, 1.0), (0.75, 0.95, 1.15, 1.30))


def case_mix_shares() -> Floats:
    """Shares of the patterns, shape (types, tilts, ages, sexes, comorbidity groups); each type and tilt sums to 1."""
    ages = np.array(_AGES)[:, None, :] * np.array(_OLDER)
    ages /= ages.sum(axis=-1, keepdims=True)
    sexes = np.stack([np.array(_FEMALE), 1 - np.array(_FEMALE)], axis=1)
    sick = np.array(_COMORBIDITY) * np.array(_SICKER)[:, None, :]
    sick /= sick.sum(axis=-1, keepdims=True)
    shares = ages[:, :, :, None, None] * sexes[:, None, None, :, None] * sick[:, None, :, None, :]
    if shares.shape != (len(TYPES), len(TILTS), *SHAPE):
        raise AssertionError(shares.shape)
    return shares


def case_mix_effects(outcome: Outcome) -> Floats:
    """What each pattern adds to the linear predictor of an outcome, shape (ages, sexes, comorbidity groups)."""
    male = np.array([0.0, outcome.male])
    return np.array(outcome.ages)[:, None, None] + male[:, None] + np.array(outcome.comorbidity)
