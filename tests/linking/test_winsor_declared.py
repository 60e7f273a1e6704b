"""Costs that a study file declares to be winsorised: the cells' sums by hand, and a column each beside the others."""

from pathlib import Path

import numpy as np
from studies import WARDS, plant

from microresearch import io, link_cost, unit_scores
from microresearch.report.beside import families_table
from microresearch.study.study import open_study

STUDY = (
    WARDS.format(column="beds")
    + """
costs = "lines.csv"
cost_basis = "direct"
currency = "EUR"
price_year = 2024
case_mix = [{ name = "sex", column = "sex" }]
[[outcomes]]
name = "cost"
label = "Cost"
column = "cost"
kind = "cost"
winsor = [0.9, 0.995]
"""
)


def test_winsorised_costs_of_a_study_file(tmp_path: Path) -> None:
    planted = plant(3, n_units=24, stays=15)
    for name, table in (("units", planted.units), ("stays", planted.stays), ("lines", planted.lines)):
        io.write_csv(tmp_path / f"{name}.csv", table)
    io.write_text(tmp_path / "study.toml", STUDY)
    study = open_study(tmp_path)
    cells, declared = study.encounters(), study.spec.outcomes[0].winsorised
    assert declared == {"cost_w90": 0.9, "cost_w99_5": 0.995}
    costs = planted.lines.groupby("stay_id")["amount"].sum()
    for name, share in declared.items():
        cut = np.quantile(costs, share, method="inverted_cdf")
        assert np.isclose(cells.table[f"{name}_sum"].sum(), costs.clip(upper=cut).sum(), rtol=1e-12)
    assert [name for name, _ in cells.linkage.missing] == ["cost"]
    scores = unit_scores(planted.people, planted.units, hospital="hospital")
    found = [link_cost(scores, cells, name) for name in ("cost", *declared)]
    table = families_table(found, {"leadership": "Leadership"}, "Cost", declared)
    assert table.headers[1:] == ["Gamma", "Gamma, winsorised at 90 %", "Gamma, winsorised at 99.5 %"]
    money = [one.to_frame().loc[0, "effect_currency"] for one in found]
    assert table.frame.iloc[0, 1:].tolist() == money and len(set(money)) == 3
    assert "Winsorised" in table.notes[-1]
