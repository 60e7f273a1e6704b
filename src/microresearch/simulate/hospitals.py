"""Which units and staff does a simulated study have? Hospitals, units with names and latent means, and the roster."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.simulate.plant import CODES, FINE, ROLES, TYPES, Floats, grid
from microresearch.simulate.population import Kinds, latent, true_scores
from microresearch.simulate.truth import Population

PLACES = (
    "Ashford", "Birchwood", "Cedar Hill", "Dunmore", "Eastvale", "Fairhaven", "Greenfield", "Hollybrook", "Ironbridge",
    "Juniper Park", "Kingsmead", "Larkfield", "Maplewood", "Northgate", "Oakridge", "Pinecrest", "Quarrybank",
    "Riverside", "Stonebridge", "Thornbury", "Underhill", "Valleyview", "Westbrook", "Yarrow",
)  # fmt: skip
_FORMS = {
    "intensive care": ("Intensive Care Unit", "ICU", "Intensiv Care Unit"),
    "medical": ("Medical Ward", "Med Ward", "Medcial Ward"),
    "surgical": ("Surgical Ward", "Surg Ward", "Surgcal Ward"),
    "ambulatory": ("Ambulatory Clinic", "Amb Clinic", "Ambulatry Clinic"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """Hospitals, units and staff; H hospitals, U units, N staff.

    Attributes
    ----------
    units : DataFrame, U rows
        As units.csv: unit, name, variants, hospital, type, beds, academic.
    hospital : array of int, shape (U,)
    kind : Kinds
        A row a unit.
    hospital_means : array, shape (H, 10)
        a_h.
    means, true : arrays, shape (U, 10)
        Latent means and true scores of the units on the long form.
    roster : DataFrame, N rows
        As roster.csv: staff_id, unit, role.
    staff_unit, staff_role : arrays of int, shape (N,)
    responds : array of bool, shape (N,)
    """

    units: pd.DataFrame
    hospital: NDArray[np.int64]
    kind: Kinds
    hospital_means: Floats
    means: Floats
    true: Floats
    roster: pd.DataFrame
    staff_unit: NDArray[np.int64]
    staff_role: NDArray[np.int64]
    responds: NDArray[np.bool_]


def normals(rng: np.random.Generator, *shape: int) -> Floats:
    """Standard normals on the fine grid."""
    return grid(rng.standard_normal(shape), FINE)


def draw_setting(
    population: Population, hospitals: int, units_per_hospital: int, staff: float, rng: np.random.Generator
) -> Setting:
    """Draw hospitals, units and roster; `staff` is the mean number of staff of a unit."""
    plant, n = population.plant, hospitals * units_per_hospital
    kinds = _draw_kinds(population, n, rng)
    hospital = np.repeat(np.arange(hospitals), units_per_hospital)
    above = grid(normals(rng, hospitals, len(CODES)) @ plant.hospital.root().T, FINE)
    own = grid(normals(rng, n, len(CODES)) @ plant.unit.root().T, FINE)
    means = kinds.latent + above[hospital] + own
    true = true_scores(population.forms[0], plant, means, kinds.academic)
    sizes = np.rint(rng.choice(plant.roster_sizes, n) * staff / np.mean(plant.roster_sizes)).astype(np.int64)
    unit = np.repeat(np.arange(n), np.maximum(sizes, 2))
    role = _draw(np.array(plant.role_share), rng.random(len(unit)))
    rate = rng.choice(plant.unit_response, n)
    responds = rng.random(len(unit)) < rate[unit] * np.array(plant.role_response)[role]
    units = _unit_table(kinds, hospital, means)
    numbers = rng.permutation(len(unit)) + 1
    roster = pd.DataFrame({
        "staff_id": [f"E{number:05d}" for number in numbers],
        "unit": units["unit"].to_numpy()[unit],
        "role": np.array(ROLES)[role],
    })  # fmt: skip
    return Setting(units, hospital, kinds, above, means, true, roster, unit, role, responds)


def _draw_kinds(population: Population, n: int, rng: np.random.Generator) -> Kinds:
    """Each unit's kind, drawn independently; drawn again until every type occurs where there are 12 units or more."""
    plant, table = population.plant, population.kinds
    least = 2 if n >= 24 else int(n >= 12)
    while True:
        pick = _draw(table.share, rng.random(n))
        kind, beds, academic = table.type[pick], table.beds[pick], table.academic[pick]
        if np.bincount(kind, minlength=len(TYPES)).min() >= least:
            break
    return Kinds(kind, beds, academic, np.full(n, 1 / n), table.features[pick], latent(plant, kind, beds, academic))


def _draw(shares: Floats, uniform: Floats) -> NDArray[np.int64]:
    """Categories with these probabilities, by comparison with their sums."""
    return np.minimum(np.searchsorted(np.cumsum(shares), uniform, side="right"), len(shares) - 1)


def _unit_table(kinds: Kinds, hospital: NDArray[np.int64], means: Floats) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    seen: dict[tuple[int, int], int] = {}
    for u in range(len(means)):
        place = int(hospital[u]), int(kinds.type[u])
        seen[place] = number = seen.get(place, 0) + 1
        kind, town = TYPES[place[1]], _town(place[0])
        full, brief, typo = (f"{town} {form} {number}" for form in _FORMS[kind])
        rows.append({
            "unit": f"U{u + 1:03d}", "name": full,
            "variants": "|".join([brief, typo, f"{typo.lower()}.", f"{brief} ({town})"]),
            "hospital": f"H{place[0] + 1:02d}", "type": kind, "beds": int(kinds.beds[u]),
            "academic": "yes" if kinds.academic[u] else "no",
        })  # fmt: skip
    return pd.DataFrame(rows)


def _town(hospital: int) -> str:
    turn, place = divmod(hospital, len(PLACES))
    return PLACES[place] if not turn else f"{PLACES[place]} {turn + 1}"
