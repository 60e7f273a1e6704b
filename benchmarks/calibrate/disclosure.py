"""Can a reader pin a small count from everything that is published together? The guard attacked on random sets.

Each seed is a population, classified by role, type of unit and sex, some of whom answered and some of those completely.
It publishes one to three cross-tables with or without totals, and with shares of those who answered (percentages whose
counts are not shown) or numbers left out in two steps. The attack is written apart from the guard: one integer program
over the full classification, from the published cells alone, that bounds every hidden count, and every difference of
counts of which one lies within the other. It succeeds where a count can only be 1 to 10.

    python benchmarks/calibrate/disclosure.py --sets 500
"""

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp

from microresearch.errors import DisclosureError
from microresearch.report.audit import guard_together
from microresearch.report.disclosure import guard
from microresearch.report.tables import ALL, HIDDEN, Table

TABLE = Path(__file__).parent / "disclosure.csv"
DIMS = {"role": 4, "type": 3, "sex": 2}
STEPS = ({}, {"answered": "yes"}, {"answered": "yes", "complete": "yes"})  # each lies within the one before
FEW = 10


def population(rng: np.random.Generator) -> np.ndarray:
    """Counts of role x type x sex x (silent, answered in part, completely): many small ones, some zeros."""
    size = tuple(int(rng.integers(2, top + 1)) for top in DIMS.values())
    all_of_them = np.where(rng.random(size) < 0.15, 0, rng.negative_binomial(0.9, 0.9 / (0.9 + 18), size))
    answered = rng.binomial(all_of_them, 0.8)
    complete = rng.binomial(answered, 0.9)
    return np.stack([all_of_them - answered, answered - complete, complete], axis=-1)


def tables(rng: np.random.Generator, joint: np.ndarray) -> dict[str, Table]:
    """One to three tables of this population, of three kinds: counts, percentages, and steps of exclusion."""
    subsets = [dims for size in (1, 2, 3) for dims in itertools.combinations(DIMS, size)]
    chosen = [subsets[i] for i in rng.choice(len(subsets), size=int(rng.integers(1, 4)), replace=False)]
    return {
        " x ".join(dims): _table(rng, joint, dims, str(rng.choice(["counts", "shares", "steps"]))) for dims in chosen
    }


def _table(rng: np.random.Generator, joint: np.ndarray, dims: tuple[str, ...], kind: str) -> Table:
    names, rows = list(DIMS), []
    levels = list(itertools.product(*(range(joint.shape[names.index(dim)]) for dim in dims)))
    for some in [*levels, *([None] if rng.random() < 0.5 else [])]:
        index = tuple(slice(None) if some is None or d not in dims else some[dims.index(d)] for d in names)
        part = joint[index].reshape(-1, 3).sum(axis=0)
        said = dict.fromkeys(dims, ALL) if some is None else {d: f"{d}{i}" for d, i in zip(dims, some, strict=True)}
        rows.append({**said, "n": int(part.sum()), "answered": int(part[1:].sum()), "complete": int(part[2])})
    frame = pd.DataFrame(rows)
    if kind == "counts":
        return Table(frame.drop(columns=["answered", "complete"]), kind, counts=("n",), of="staff", by=dims)
    where = dict(zip(("n", "answered", "complete"), STEPS, strict=True))
    if kind == "steps":
        return Table(frame, kind, counts=tuple(where), of="staff", by=dims, where=where)
    share = (100 * frame["answered"] / frame["n"]).where(frame["n"] > 0)
    return Table(
        frame[[*dims, "n"]].assign(share=share), kind, counts=("n",), of="staff", by=dims,
        shares={"share": ("", "n")}, where={"n": {}, "share": {"answered": "yes"}},
    )  # fmt: skip


def attack(published: dict[str, Table], shape: tuple[int, ...]) -> Iterator[tuple[float, float]]:
    """The least and the most that each hidden count and each difference can be; zeros are shown, but of percentages."""
    place = np.arange(np.prod(shape)).reshape(shape)
    cells = [cell for table in published.values() for cell in _cells(table, place)]
    rows = np.array([row for row, _, _ in cells])
    low = np.array([least if value is None else value for _, value, least in cells], dtype=float)
    high = np.array([np.inf if value is None else value for _, value, _ in cells])
    targets = [row for row, value, _ in cells if value is None]
    for a, b in itertools.permutations(range(len(rows)), 2):
        if low[a] - high[b] <= FEW and (rows[a] >= rows[b]).all() and (rows[a] > rows[b]).any():
            targets.append(rows[a] - rows[b])
    for target in np.unique(np.array(targets), axis=0) if targets else ():
        ends = []
        for sign in (1, -1):
            found = milp(
                sign * target, integrality=np.ones(place.size), bounds=Bounds(0, 1e5),
                constraints=LinearConstraint(rows, low, high),
            )  # fmt: skip
            if not found.success:
                raise AssertionError(found.message)
            ends.append(sign * found.fun)
            if sign == 1 and (ends[0] < 1 or ends[0] > FEW):
                break  # it can be nobody, or is many: not pinned
        if len(ends) == 2:
            yield round(ends[0]), round(ends[1])
        else:
            yield round(ends[0]), np.inf


def _cells(table: Table, place: np.ndarray) -> Iterator[tuple[np.ndarray, float | None, float]]:
    """What each published cell adds up, its count (None where hidden), and the least that a hidden one can be."""
    kinds = {"n": slice(None), "answered": slice(1, None), "share": slice(1, None), "complete": slice(2, None)}
    for record in table.frame.to_dict("records"):
        index = tuple(
            slice(None) if record.get(name, ALL) == ALL else int(str(record[name]).removeprefix(name)) for name in DIMS
        )
        for column in set(kinds) & set(record):
            value, row = record[column], np.zeros(place.size)
            row[place[(*index, kinds[column])].ravel()] = 1
            if value == HIDDEN or pd.isna(value):
                yield row, None, 0.0 if column == "share" else 1.0
            elif column != "share":
                yield row, float(value), 0.0
            elif record["n"] != HIDDEN:
                yield row, round(value / 100 * record["n"]), 0.0


def one_set(seed: int, together: bool = True) -> dict[str, object]:
    """One set of tables, guarded and attacked: together, or one by one to see that the attack can succeed."""
    rng = np.random.default_rng(seed)
    joint = population(rng)
    exact = tables(rng, joint)
    row = {"seed": seed, "tables": len(exact), "kinds": " ".join(table.title for table in exact.values())}
    try:
        shown = guard_together(exact) if together else {name: guard(table) for name, table in exact.items()}
    except DisclosureError:
        return row | {"refused": 1, "hidden": 0, "pinned": 0}
    for name, table in shown.items():
        for column in exact[name].counts:
            for was, now in zip(exact[name].frame[column], table.frame[column], strict=True):
                if now != HIDDEN and (now != was or 0 < was <= FEW):
                    raise AssertionError(f"seed {seed}: {name} shows {now} for {was}")
    ends = list(attack(shown, joint.shape))
    pinned = sum(low >= 1 and high <= FEW for low, high in ends)
    hidden = sum(int((table.frame == HIDDEN).to_numpy().sum()) for table in shown.values())
    return row | {"refused": 0, "hidden": hidden, "pinned": pinned}


def main() -> None:
    """Every set guarded together, and a fifth of them one by one: there the attack must succeed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", type=int, default=500)
    sets = parser.parse_args().sets
    rows = []
    for guarded in ("together", "one by one"):
        some_sets = range(sets if guarded == "together" else sets // 5)
        found = pd.DataFrame([one_set(seed, guarded == "together") for seed in some_sets])
        for kind in ("all", "counts", "shares", "steps"):
            some = found if kind == "all" else found[found["kinds"].str.contains(kind)]
            rows.append(
                {"guarded": guarded, "sets with": kind, "sets": len(some), "refused": int(some["refused"].sum()),
                 "hidden cells": int(some["hidden"].sum()), "sets pinned": int((some["pinned"] > 0).sum()),
                 "counts pinned": int(some["pinned"].sum())}
            )  # fmt: skip
    table = pd.DataFrame(rows)
    print(table.to_string(index=False))
    table.to_csv(TABLE, index=False, lineterminator="\n")
    if table.loc[table["guarded"] == "together", "counts pinned"].any():
        raise SystemExit("a small count follows from what the guard lets out")


if __name__ == "__main__":
    main()
