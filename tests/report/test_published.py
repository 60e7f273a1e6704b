"""What this repository publishes: attacked as a reader would, and its checklists counted."""

import csv
import json
import re
from itertools import combinations, pairwise, product
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


def classified(counts: dict[Where, float | None]) -> tuple[np.ndarray, np.ndarray]:
    """Rows that add the cells of full classifications up to each count, and rows that must be 0.

    One classification by everything where that is small; else one for each set of dimensions that are published
    together, which agree in what they share (with one shared dimension that is as sharp).
    """
    levels: dict[str, list[str]] = {}
    for dim, level in sorted(pair for where in counts for pair in where):
        levels.setdefault(dim, ["(none of these)"])
        levels[dim] += [level] if level not in levels[dim] else []
    together = {frozenset(dim for dim, _ in where) for where in counts}
    parts = [sorted(one) for one in together if not any(one < other for other in together)]
    if np.prod([float(len(one)) for one in levels.values()]) < 300:
        parts = [sorted(levels)]
    parts.sort()
    sizes = [[len(levels[dim]) for dim in part] for part in parts]
    grids = [np.indices(size).reshape(len(size), int(np.prod(size))) for size in sizes]
    starts = np.cumsum([0, *(grid.shape[1] for grid in grids)])

    def row(part: int, where: Where) -> np.ndarray:
        found = np.zeros(starts[-1])
        held = [grids[part][parts[part].index(dim)] == levels[dim].index(level) for dim, level in where]
        found[starts[part] : starts[part + 1]] = np.all([*held, np.ones(grids[part].shape[1], bool)], axis=0)
        return found

    home = {where: next(i for i, part in enumerate(parts) if {dim for dim, _ in where} <= {*part}) for where in counts}
    agree = [
        row(i, where) - row(j, where)
        for (i, one), (j, other) in combinations(enumerate(parts), 2)
        for shared in [sorted({*one} & {*other})]
        for where in (frozenset(zip(shared, some, strict=True)) for some in product(*(levels[dim] for dim in shared)))
    ]
    return np.array([row(home[where], where) for where in counts]), np.array(agree).reshape(-1, starts[-1])


def attacked(counts: dict[Where, float | None]) -> list[tuple[float, float]]:
    """What an integer program finds for hidden counts and for differences, over the full classification of them."""
    rows, agree = classified(counts)
    low = np.array([0.0 if value is None else value for value in counts.values()])
    high = np.array([np.inf if value is None else value for value in counts.values()])
    targets = [row for row, value in zip(rows, counts.values(), strict=True) if value is None]
    pairs = [(a, b) for a in range(len(rows)) for b in range(len(rows)) if list(counts)[a] < list(counts)[b]]
    targets += [rows[a] - rows[b] for a, b in pairs if not 10 < low[a] - high[b] < np.inf]
    known = [LinearConstraint(rows, low, high), *([LinearConstraint(agree, 0, 0)] if len(agree) else [])]
    ends = []
    for target in targets:
        found: list[float] = []
        while len(found) < 2 and not (found and not 1 <= found[0] <= 10):  # it can be nobody, or is many: not pinned
            sign = -1 if found else 1
            one = milp(sign * target, integrality=np.ones(rows.shape[1]), bounds=Bounds(0, 1e7), constraints=known)
            assert one.success
            found.append(sign * one.fun)
        ends.append((found[0], found[-1] if len(found) > 1 else np.inf))
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
