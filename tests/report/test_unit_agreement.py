import dataclasses

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError
from microresearch.report.disclosure import guard
from microresearch.report.measurement import unit_agreement_table
from microresearch.units.agreement import Agreement, agreement

NAMES = {"trust": "Trust", "scale": "Help"}


def answers(sizes: dict[str, int], spread: float = 0.7, seed: int = 1) -> Agreement:
    """Five options, three items; units of these sizes."""
    rng = np.random.default_rng(seed)
    who = np.repeat(list(sizes), list(sizes.values()))
    level = rng.normal(3, 0.5, len(sizes))[np.repeat(np.arange(len(sizes)), list(sizes.values()))]
    items = {f"i{k}": np.clip(np.round(level + rng.normal(0, spread, len(who))), 1, 5) for k in range(3)}
    return agreement(pd.DataFrame({"unit": who, **items}), high=5, low=1)


def test_every_unit_with_raters_enough_has_its_own_number() -> None:
    found = answers({"A": 12, "B": 5, "C": 4, "D": 20})
    for value in ("rwg_j", "ad_mean"):
        table = unit_agreement_table(found, NAMES, "a form", 5, value)
        assert table.frame["unit"].tolist() == ["A", "B", "D"] and table.headers == ["Unit", "Help"]
        want = found.units.set_index("unit").loc[["A", "B", "D"], value].round(2)
        assert table.frame["scale"].tolist() == want.tolist()
        assert "Not shown: 1 unit with fewer than 5 raters." in table.notes
        assert guard(table, minimum=5).frame.equals(table.frame)
    assert table.cells()[0][1].startswith("0.")


def test_words_and_limits_are_counted_by_the_named_rules() -> None:
    units = pd.DataFrame({"scale": "scale", "unit": list("ABCDE"), "n_raters": 9,
                          "rwg_j": [0.2, 0.5, 0.7, 0.72, 0.95], "ad_mean": [1.4, 1.0, 0.84, 0.83, 0.3]})  # fmt: skip
    found = dataclasses.replace(answers({"A": 9, "B": 9}), units=units)
    said = unit_agreement_table(found, NAMES, "a form", 5).notes[0]
    words = "lack of agreement 1, weak agreement 1, moderate agreement 1, strong agreement 1, very strong agreement 1"
    assert words in said and "Of 5 values" in said and "LeBreton & Senter (2008)" in said
    said = unit_agreement_table(found, NAMES, "a form", 5, "ad_mean").notes[0]
    assert "Of 5 values 2 are at most a sixth of the 5 options" in said


def test_a_number_of_few_raters_is_absent_with_its_reason() -> None:
    found = answers({"A": 12, "B": 9})
    other = found.units.assign(scale="trust", n_raters=[12, 3])
    both = dataclasses.replace(found, units=pd.concat([found.units, other], ignore_index=True))
    both = dataclasses.replace(both, null_variance={"trust": {"uniform": 2.0}, **both.null_variance})
    table = unit_agreement_table(both, NAMES, "a form", 5)
    assert list(table.frame) == ["unit", "trust", "scale"] and len(table.notes) == 1
    assert table.cells()[0][1].startswith(".") and not any(c.isdigit() for c in table.cells()[1][1])
    assert any("fewer than 5 raters" in note for note in table.footnotes())
    with pytest.raises(DataError, match="no unit has 50 raters"):
        unit_agreement_table(found, NAMES, "a form", 50)
