"""What would each person tick? Keyed and raw answers of staff to both forms, on one or two occasions."""

import numpy as np
from numpy.typing import NDArray

from microresearch.simulate.forms import Form
from microresearch.simulate.hospitals import normals
from microresearch.simulate.plant import CODES, FINE, Floats, Plant, grid
from microresearch.simulate.population import parts

Codes = NDArray[np.int8]
BLANK, CANT_RATE = 0, -1


def draw_answers(
    forms: tuple[Form, Form],
    plant: Plant,
    means: Floats,
    role: NDArray[np.int64],
    academic: NDArray[np.bool_],
    again: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[list[Codes], list[Codes]]:
    """Answers as ticked (not reversed): 1, 2, ...; 0 blank; -1 can't rate.

    Parameters
    ----------
    means : array, shape (N, 10)
        Latent means of each person's unit.
    role, academic : arrays, shape (N,)
        Role, and whether the unit is academic.
    again : array of bool, shape (N,)
        Who answers a second time.

    Returns
    -------
    first, second : lists of arrays
        One array a form, of shapes (N, J) and (number again, J).
    """
    staff = means + grid(np.array(plant.roles)).T[role]
    root = plant.staff.root().T
    trait = grid(normals(rng, len(role), len(CODES)) @ root, FINE)
    occasion = [normals(rng, n, len(CODES)) for n in (len(role), int(again.sum()))]
    lasting, passing = parts(plant.trait)
    people = [
        grid(staff[rows] + lasting * trait[rows] + passing * grid(state @ root, FINE), FINE)
        for rows, state in zip((np.ones_like(again), again), occasion, strict=True)
    ]
    first: list[Codes] = []
    second: list[Codes] = []
    for form in forms:
        own = normals(rng, len(role), len(form.loading))
        for rows, person, out in ((np.ones_like(again), people[0], first), (again, people[1], second)):
            out.append(_tick(form, plant, person, own[rows], role[rows], academic[rows], rng))
    return first, second


def _tick(
    form: Form,
    plant: Plant,
    person: Floats,
    own: Floats,
    role: NDArray[np.int64],
    academic: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Codes:
    keep, renew = parts(plant.specific)
    unique = grid(keep * own + renew * normals(rng, *own.shape), FINE)
    propensity = person[:, form.characteristic] * form.loading + unique * form.residual
    keyed = 1 + (propensity[..., None] >= form.thresholds).sum(axis=-1)
    high = form.thresholds.shape[1] + 1
    raw = np.where(form.reversed, 1 + high - keyed, keyed)
    raw[rng.random(raw.shape) < form.cant_rate.T[role]] = CANT_RATE
    raw[rng.random(raw.shape) < plant.blank] = BLANK
    return unasked(form, raw.astype(np.int8), academic)


def unasked(form: Form, raw: Codes, academic: NDArray[np.bool_]) -> Codes:
    """The same answers with items blank that the person's unit is not asked."""
    return np.where(form.academic_only & ~academic[:, None], np.int8(BLANK), raw)
