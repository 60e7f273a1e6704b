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
COUNTED = [table for table in TABLES if table.get("of")]


def counts(table: dict) -> list[tuple[frozenset, float | None]]:
    """Whom each count cell counts, and how many as published; None where it is hidden."""
    found = []
    for row in table["cells"]:
        said = dict(zip(table["columns"], row, strict=True))
        named = (
            {said["variable"]: said["level"]}
            if table["by"] == ["variable", "level"]
            else {d: said[d] for d in table["by"]}
        )
        for column, more in (table["where"] or {"n": {}}).items():
            value = None if said[column] == "hidden" else float(said[column].replace(",", ""))
            found.append((frozenset({(d, v) for d, v in {**named, **more}.items() if v != "All"}), value))
    return found


@pytest.mark.parametrize("of", sorted({table["of"] for table in COUNTED}))
def test_no_hidden_count_of_the_published_tables_is_pinned(of: str) -> None:
    cells = [cell for table in COUNTED if table["of"] == of for cell in counts(table)]
    assert all(value is None or value == 0 or value > 10 for _, value in cells)
    dims: dict[str, set[str]] = {}
    for where, _ in cells:
        for dim, level in where:
            dims.setdefault(dim, {"(none of these)"}).add(level)
    grids = np.meshgrid(*[np.arange(len(levels)) for levels in dims.values()], indexing="ij")
    codes = {dim: grid.ravel() for dim, grid in zip(dims, grids, strict=True)}
    order = {dim: sorted(levels) for dim, levels in dims.items()}
    all_of_them = [np.ones(grids[0].size, bool)]
    inside = [np.all([codes[d] == order[d].index(v) for d, v in where] or all_of_them, axis=0) for where, _ in cells]
    rows = np.array(inside, dtype=float)
    low = np.array([1.0 if value is None else value for _, value in cells])
    high = np.array([np.inf if value is None else value for _, value in cells])
    for target in (row for row, (_, value) in zip(rows, cells, strict=True) if value is None):
        found = milp(-target, integrality=np.ones(rows.shape[1]), bounds=Bounds(0, 1e7),
                     constraints=LinearConstraint(rows, low, high))  # fmt: skip
        assert found.success and -found.fun > 10


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
