"""What does the planted model imply for a unit? Its kind, its latent means, and its true scores.

The true score T_uc of a unit is the expected score (half rule, reversed items keyed, on the scale of the answers) of a
member of its staff who responds, given the unit's latent means: an average over roles, over who can rate which item,
and over the few who give one answer throughout.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from microresearch.simulate.forms import Form
from microresearch.simulate.plant import CODES, TYPES, Floats, Plant, grid
from microresearch.simulate.weights import mix_of


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """The X kinds of unit (type x beds x academic); each unit draws its kind, whatever its hospital.

    Attributes
    ----------
    type, beds, academic : arrays, shape (X,)
    share : array, shape (X,)
        Probability of the kind.
    features : array, shape (X, 5)
        Covariates as analysed: three type indicators, beds per 10, academic.
    latent : array, shape (X, 10)
        m_c(x).
    """

    type: NDArray[np.int64]
    beds: NDArray[np.int64]
    academic: NDArray[np.bool_]
    share: Floats
    features: Floats
    latent: Floats


def kinds_of(plant: Plant) -> Kinds:
    """All kinds of unit with their probabilities."""
    rows = [(t, b, a) for t in range(len(TYPES)) for b in plant.type_beds[t] for a in (False, True)]
    kind, beds, academic = (np.array(column) for column in zip(*rows, strict=True))
    share = np.where(academic, plant.academic_share, 1 - plant.academic_share)
    share = share / (len(TYPES) * np.array([len(plant.type_beds[t]) for t in kind]))
    return Kinds(kind, beds, academic, share, features(kind, beds, academic), latent(plant, kind, beds, academic))


def features(kind: NDArray[np.int64], beds: NDArray[np.int64], academic: NDArray[np.bool_]) -> Floats:
    """The unit covariates as a model sees them: type indicators (first left out), beds per 10, academic."""
    return np.column_stack([kind[:, None] == np.arange(1, len(TYPES)), beds / 10, academic]).astype(np.float64)


def latent(plant: Plant, kind: NDArray[np.int64], beds: NDArray[np.int64], academic: NDArray[np.bool_]) -> Floats:
    """m_c(x): the part of a unit's latent means that its kind explains, on the grid, shape (units, 10)."""
    per_type = grid(np.array(plant.types).T)[kind]
    return per_type + grid(np.outer((beds - 20) / 10, plant.beds)) + grid(np.outer(academic, plant.academic))


def parts(lasting: float) -> tuple[float, float]:
    """Weights, on the grid, of what lasts in a person and of what is new on each occasion; squares sum to one."""
    return float(grid(np.sqrt(lasting))), float(grid(np.sqrt(1 - lasting)))


def person_variance(plant: Plant) -> tuple[Floats, Floats]:
    """Latent variance between staff of a unit on one occasion, and the part of it that lasts, each of shape (10,)."""
    trait, state = parts(plant.trait)
    within = np.diag(plant.staff.covariance())
    return within * (trait**2 + state**2), within * trait**2


def unique_variance(form: Form, plant: Plant) -> tuple[Floats, Floats]:
    """Variance of an item's own part on one occasion, and the part of it that lasts, each of shape (J,)."""
    keep, renew = parts(plant.specific)
    return form.residual**2 * (keep**2 + renew**2), form.residual**2 * keep**2


def true_scores(form: Form, plant: Plant, means: Floats, academic: NDArray[np.bool_]) -> Floats:
    """T_uc of units with these latent means, shape (units, 10).

    Parameters
    ----------
    means : array, shape (units, 10)
        m_c(x_u) + a_hc + b_uc.
    academic : array of bool, shape (units,)
    """
    out = np.empty_like(means)
    within, unique = person_variance(plant)[0], unique_variance(form, plant)[0]
    for c, code in enumerate(CODES):
        for inside in (False, True):
            items, here = form.of(code, academic=inside), academic == inside
            mix, lam = mix_of(form, plant, items), form.loading[items]
            sd = np.sqrt(lam**2 * within[c] + unique[items])
            centre = means[here, c][:, None] + grid(np.array(plant.roles))[c]  # units, roles
            t = (form.thresholds[items] - lam[:, None] * centre[..., None, None]) / sd[:, None]
            expected = np.einsum("urk,r,rk->u", 1 + ndtr(-t).sum(axis=-1), mix.roles, mix.items)
            out[here, c] = (1 - mix.flat) * expected + mix.flat * mix.flat_first
    return out
