"""The committed calibration of the whole line: every effect unbiased, pooled intervals cover."""

from pathlib import Path

import pandas as pd

TABLE = Path(__file__).parent.parent / "benchmarks/calibrate/planted_line.csv"


def test_every_reported_effect_is_unbiased_and_covered() -> None:
    table = pd.read_csv(TABLE)
    pooled = table["characteristic"] == "all, pooled"
    effects = table[~pooled]
    assert len(effects) == 30  # ten characteristics: experience, cost as a log ratio, cost in money
    assert (effects["studies"] >= 195).all()
    assert (effects["bias_in_se"].abs() <= 3).all()
    assert table.loc[pooled, "coverage"].between(0.93, 0.97).all()
