"""What this repository publishes: attacked as a reader would, and its checklists counted."""

import csv
import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

RESULTS = Path(__file__).parents[2] / "results"
TABLES = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((RESULTS / "tables").glob("*.json"))]
COUNTED = [table for table in TABLES if table.get("of") and "counts" in table]


Where = frozenset[tuple[str, str]]


def counts(of: str) -> dict[Where, float | None]:
    """Whom each count counts, and how many as published, in tables and among numbers; None where it is hidden."""
    found: dict[Where, float | None] = {}
    cells = [cell for table in COUNTED if table["of"] == of for column in table["counts"].values() for cell in column]
    for who, value in (cell for cell in cells if cell is not None):
        where = frozenset(who.items())
        found[where] = value if value is not None else found.get(where)
    return found


def attacked(counts: dict[Where, float | None]) -> list[tuple[float, float]]:
    """What an integer program finds for hidden counts and for differences, over the full classification of them."""
    dims: dict[str, set[str]] = {}
    for dim, level in (pair for where in counts for pair in where):
        dims.setdefault(dim, {"(none of these)"}).add(level)
    order = {dim: sorted(levels) for dim, levels in dims.items()}
    grids = np.meshgrid(*[np.arange(len(levels)) for levels in order.values()], indexing="ij")
    codes = {dim: grid.ravel() for dim, grid in zip(order, grids, strict=True)}
    everybody = [np.ones(grids[0].size if grids else 1, bool)]
    rows = np.array(
        [np.all([codes[d] == order[d].index(v) for d, v in where] or everybody, axis=0) for where in counts], float
    )
    low = np.array([0.0 if value is None else value for value in counts.values()])
    high = np.array([np.inf if value is None else value for value in counts.values()])
    targets = [row for row, value in zip(rows, counts.values(), strict=True) if value is None]
    pairs = [(a, b) for a in range(len(rows)) for b in range(len(rows)) if list(counts)[a] < list(counts)[b]]
    targets += [rows[a] - rows[b] for a, b in pairs if not 10 < low[a] - high[b] < np.inf]
    ends = []
    for target in targets:
        found = [
            milp(sign * target, integrality=np.ones(rows.shape[1]), bounds=Bounds(0, 1e7),
                 constraints=LinearConstraint(rows, low, high)) for sign in (1, -1)
        ]  # fmt: skip
        assert all(one.success for one in found)
        ends.append((found[0].fun, -found[1].fun))
    return ends


@pytest.mark.parametrize("of", sorted({table["of"] for table in COUNTED}))
def test_no_hidden_count_of_the_published_tables_is_pinned(of: str) -> None:
    """Dimensions that no table classifies together share but the number of all, which is shown: each set by itself."""
    known = counts(of)
    assert all(value is None or value == 0 or value > 10 for value in known.values())
    sets: list[set[str]] = []
    for where in known:
        mine = {dim for dim, _ in where}
        sets = [one for one in sets if not one & mine] + [mine.union(*(one for one in sets if one & mine))]
    for dims in sets:
        part = {where: value for where, value in known.items() if {dim for dim, _ in where} <= dims}
        assert not [ends for ends in attacked(part) if ends[0] >= 1 and ends[1] <= 10], dims


def test_every_table_that_counts_people_says_whom() -> None:
    """What stands outside counts units, hospitals, columns or cost lines, or nothing."""
    if not COUNTED:
        pytest.skip("results/ were made before tables said whom they count")
    bare = {
        (table["columns"][i], table["title"])
        for table in TABLES
        for i, column in enumerate(table["columns"])
        if column in ("n", "answered", "cant_rate", "blank", "flagged", "n_roster") and not table["of"]
    }
    assert all("compared" in title or "every pair" in title for _, title in bare), bare


def test_no_step_of_the_published_flow_is_small() -> None:
    with (RESULTS / "figures/flow.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 3
    remaining = [int(row["remaining"]) for row in rows if row["remaining"]]
    steps = [int(row["excluded"]) for row in rows[1:] if row["excluded"]]
    assert all(step > 10 for step in steps) and remaining == sorted(remaining, reverse=True)
    assert all(a - b > 10 for a, b in pairwise(remaining))


def test_no_number_is_a_small_count() -> None:
    numbers = json.loads((RESULTS / "numbers.json").read_text(encoding="utf-8"))
    people = {
        name: one["value"]
        for name, one in numbers.items()
        if one.get("unit") in ("responses", "staff", "stays") and "value" in one
    }
    assert people and all(value > 10 for value in people.values())


def test_four_of_five_applicable_items_are_answered() -> None:
    page = (RESULTS / "report.html").read_text(encoding="utf-8")
    if ">Checklists</h2>" not in page:
        pytest.skip("results/ were made before the report had checklists")
    found = re.findall(r"(\d+) of (\d+) applicable items answered \(", page)
    assert len(found) == 4
    assert all(int(answered) >= 0.8 * int(applicable) for answered, applicable in found)
    anchors = set(re.findall(r'id="([^"]+)"', page))
    links = re.findall(r'<a href="#([^"]+)">(?:Figure|Table|§)', page)
    assert len(links) > 60 and set(links) <= anchors
