from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DisclosureError
from microresearch.report.audit import guard_together
from microresearch.report.reader import _ties
from microresearch.report.tables import ALL, HIDDEN, Table

Script = Callable[[str], ModuleType]
ATTACK = "benchmarks/calibrate/disclosure.py"


def test_no_hidden_count_is_pinned_on_random_sets_of_tables(script: Script) -> None:
    """A sample, so that the suite stays quick; that what is shown is exact and not small is looked at on the way."""
    one_set = script(ATTACK).one_set
    found = [one_set(seed) for seed in range(12)]
    assert not [row["seed"] for row in found if row["pinned"]]
    assert sum(row["hidden"] for row in found) > 20 and sum(row["refused"] for row in found) < 2


def test_the_attack_bites_where_tables_are_guarded_one_by_one(script: Script) -> None:
    """Without the joint guard the same attack succeeds: the test above can fail."""
    one_set = script(ATTACK).one_set
    assert sum(one_set(seed, together=False)["pinned"] for seed in range(8)) > 1


def two_tables() -> dict[str, Table]:
    both = pd.DataFrame({"role": ["nurse"] * 2 + ["physician"] * 2, "sex": ["F", "M"] * 2, "n": [36, 4, 15, 15]})
    return {
        "role": Table(
            pd.DataFrame({"role": ["nurse", "physician", ALL], "n": [40, 30, 70]}), "R", of="s", by=("role",)
        ),
        "sex": Table(pd.DataFrame({"sex": ["F", "M"], "n": [51, 19]}), "S", of="s", by=("sex",)),
        "both": Table(both, "B", of="s", by=("role", "sex")),
    }


def test_margins_in_other_tables_are_seen() -> None:
    shown = guard_together(two_tables())
    assert shown["both"].frame["n"].tolist() == [HIDDEN] * 4
    assert shown["role"].frame["n"].tolist() == [40, 30, 70]


def test_what_is_out_already_stays_and_a_leak_names_the_table() -> None:
    tables = two_tables()
    both = pd.DataFrame({"role": ["nurse"] * 2 + ["physician"] * 2, "sex": ["F", "M"] * 2, "n": [36, HIDDEN, 15, 15]})
    out = {"both": Table(both, "B", of="s", by=("role", "sex"))}
    with pytest.raises(DisclosureError, match="'both'"):
        guard_together(
            {name: tables[name] for name in ("both",)} | {"role": tables["role"]}, out={**out, "role": tables["role"]}
        )
    shown = guard_together(tables, out=out)
    assert shown["both"].frame["n"].tolist() == both["n"].tolist()
    assert HIDDEN in shown["role"].frame["n"].tolist() and HIDDEN in shown["sex"].frame["n"].tolist()


def test_events_and_those_without_are_one_dimension() -> None:
    frame = pd.DataFrame({"unit type": ["medical", "surgical"], "n": [100, 200], "died": [95, 40]})
    table = Table(
        frame, "D", counts=("n", "died"), of="stays", by=("unit type",), where={"n": {}, "died": {"died": "yes"}}
    )
    alive = Table(pd.DataFrame({"unit type": ["medical", "surgical"], "alive": [5, 160]}), "A", counts=("alive",),
                  of="stays", by=("unit type",), where={"alive": {"died": "no"}})  # fmt: skip
    shown = guard_together({"D": table, "A": alive})
    assert shown["A"].frame["alive"].tolist()[0] == HIDDEN
    assert HIDDEN in (shown["D"].frame["n"].tolist()[0], shown["D"].frame["died"].tolist()[0])
    with pytest.raises(DisclosureError, match="differ"):
        guard_together({"D": table, "E": Table(frame.assign(n=[101, 200]), "E", of="stays", by=("unit type",))})


def published(frame: dict[str, list[object]], of: str = "staff", **more: Any) -> Table:
    return Table(pd.DataFrame(frame), "T", of=of, **more)


def test_the_few_between_two_counts_of_different_tables_are_seen() -> None:
    """1,939 answered and 1,934 have a score: five have none, though no cell says so."""
    everybody = published({"what": ["all"], "n": [1939]}, whom={"n": ({},)})
    scored = published({"scale": ["a", "b"], "n": [1934, 1900]}, whom={"n": ({"a": "yes"}, {"b": "yes"})})
    shown = guard_together({"all": everybody, "scores": scored}, out={"all": everybody})
    assert shown["scores"].frame["n"].tolist() == [HIDDEN, 1900]
    with pytest.raises(DisclosureError, match="'scores'"):
        guard_together({"all": everybody, "scores": scored}, out={"all": everybody, "scores": scored})


def test_a_percentage_is_the_count_behind_it() -> None:
    """Of 400 asked 60 answered by the one table, 65 by the other, whose cells hold a percentage only."""
    whole = {"n": ({},), "share": ({"answered": "yes"},)}
    share = published({"what": ["all"], "n": [400], "share": [16.25]}, whom=whole, shares={"share": ("", "n")})
    full = published({"what": ["all"], "complete": [60]}, whom={"complete": ({"answered": "yes", "complete": "yes"},)})
    assert guard_together({"full": full, "share": share}, out={"full": full})["share"].frame["share"].tolist() == [
        HIDDEN
    ]
    with pytest.raises(DisclosureError):
        guard_together({"full": full, "share": share}, out={"full": full, "share": share})


def test_a_step_of_exclusion_follows_from_what_is_left() -> None:
    frame = {"step": ["asked", "agreed", "finished"], "n": [300, 120, 113]}
    whom = {"n": ({}, {"agreed": "yes"}, {"agreed": "yes", "finished": "yes"})}
    shown = guard_together({"steps": published(frame, whom=whom)})["steps"].frame["n"].tolist()
    assert shown[0] == 300 and HIDDEN in shown[1:]


def test_parts_of_a_classification_are_solved_apart_without_loss() -> None:
    """Eighty dimensions: their full classification would have 3 ** 80 cells."""
    items = [f"item {i}" for i in range(80)]
    table = published(
        {"item": items, "n": [500] * 79 + [995], "blank": [500] * 79 + [5], "more": [1000] * 80},
        whom={"n": [{i: "answered"} for i in items], "blank": [{i: "blank"} for i in items], "more": [{}] * 80},
    )
    shown = guard_together({"items": table})["items"].frame
    assert shown["n"].tolist() == [500] * 79 + [HIDDEN] and shown["blank"].tolist() == [500] * 79 + [HIDDEN]


def test_margins_of_one_table_meet_every_tie_and_others_do_not() -> None:
    rng = np.random.default_rng(8)
    levels = {"role": ["a", "b"], "unit": ["u", "v", "w"], "item": ["1", "2", "3", "4"]}
    parts = [frozenset({"role", "unit"}), frozenset({"unit", "item"}), frozenset({"role", "item"})]
    joint = rng.integers(1, 9, size=(4, 2, 3))  # dimensions by name: item, role, unit
    margins = [joint.sum(axis=0), joint.sum(axis=1), joint.sum(axis=2)]
    cells = np.concatenate([margin.ravel() for margin in margins]).astype(float)
    tied = _ties(parts, [(parts[0], parts[1]), (parts[1], parts[2])], levels)
    assert tied.shape == (3 + 4, 6 + 12 + 8)
    assert np.array_equal(tied @ cells, np.zeros(7))
    cells[0] += 1
    assert list(np.flatnonzero(tied @ cells)) == [0]
