"""Whose answers make a unit's expected score? Shares of roles, of those who can rate, of those who give one answer."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from microresearch.simulate.forms import Form
from microresearch.simulate.plant import ROLES, Floats, Plant


@dataclass(frozen=True, slots=True, eq=False)
class Weighting:
    """How independent items enter a person's score.

    Attributes
    ----------
    available : float
        Probability that at least half of the k items are answered.
    items : array, shape (k,)
        Mean weight of an item in the score, given that there is one; sums to 1.
    pairs : array, shape (k, k)
        Mean product of two items' weights.
    """

    available: float
    items: Floats
    pairs: Floats


def weighting(answers: Floats) -> Weighting:
    """Weights of items answered with these probabilities, shape (k,), summed over all 2^k patterns.

    Examples
    --------
    >>> w = weighting(np.array([0.9, 0.5]))
    >>> w.available, w.items
    (0.95, array([0.71052632, 0.28947368]))
    """
    k = len(answers)
    pattern = np.array(list(product((0.0, 1.0), repeat=k)))
    count = pattern.sum(axis=1)
    chance = np.prod(np.where(pattern == 1, answers, 1 - answers), axis=1) * (count >= k / 2)
    share = pattern / np.maximum(count, 1)[:, None]
    available = float(chance.sum())
    return Weighting(available, chance @ share / available, (share * chance[:, None]).T @ share / available)


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """Who stands behind a score of these items: R roles, k items.

    Attributes
    ----------
    flat : float
        Share that gave one answer throughout.
    roles, twice : arrays, shape (R,)
        Shares of the roles among the others who have a score; among those who have one on two occasions.
    items : array, shape (R, k)
        Mean weight of an item in the score.
    pairs : array, shape (R, k, k)
    flat_first, flat_second : float
        E[score] and E[score^2] of those who gave one answer.
    """

    flat: float
    roles: Floats
    twice: Floats
    items: Floats
    pairs: Floats
    flat_first: float
    flat_second: float


def mix_of(form: Form, plant: Plant, items: NDArray[np.int64]) -> Mix:
    """The mix of staff behind the score of these items of a form."""
    presence = answered(form, plant)[items]
    weights = [weighting(presence[:, r]) for r in range(len(ROLES))]
    available = np.array([w.available for w in weights])
    shares = respondents(plant) * available
    twice = shares * available
    scored = shares.sum() * (1 - plant.straight_lining)
    answer, keyed = straight_answers(form, items, plant)
    return Mix(
        plant.straight_lining / (scored + plant.straight_lining),
        shares / shares.sum(),
        twice / twice.sum(),
        np.array([w.items for w in weights]),
        np.array([w.pairs for w in weights]),
        float(answer @ keyed.mean(axis=1)),
        float(answer @ keyed.mean(axis=1) ** 2),
    )


def respondents(plant: Plant) -> Floats:
    """Shares of the roles among those who respond, shape (R,); alike in every unit because unit rates multiply."""
    weight = np.array(plant.role_share) * np.array(plant.role_response)
    return weight / weight.sum()


def answered(form: Form, plant: Plant) -> Floats:
    """Probability that an item that was shown is answered, shape (J, R)."""
    return (1 - form.cant_rate) * (1 - plant.blank)


def straight_answers(form: Form, items: NDArray[np.int64], plant: Plant) -> tuple[Floats, Floats]:
    """Shares of the answers that some give throughout, shape (S,), and what they mean once keyed, shape (S, k)."""
    high = form.thresholds.shape[1] + 1
    given = np.minimum(np.arange(1, len(plant.straight_answers) + 1), high)[:, None]
    return np.array(plant.straight_answers), np.where(form.reversed[items], 1 + high - given, given).astype(np.float64)
