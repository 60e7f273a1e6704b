"""Rules for stays, on extracts small enough to count by hand."""

import pandas as pd
import pytest

from microresearch.errors import DataError, SpecError
from microresearch.linking.encounters import read_encounters
from microresearch.linking.episodes import Rules

DATED = {"patient": "patient", "admitted": "start", "discharged": "stop", "died": "died"}


def stays(*rows):
    made = pd.DataFrame(rows, columns=["stay_id", "patient", "unit", "start", "stop", "died"])
    for name in ("start", "stop"):
        made[name] = "2024-" + made[name]
    return made


EXTRACT = stays(
    # one stay in three units: most days in A, then B, discharged from C
    ("s1", "p1", "A", "01-01", "01-05", 0), ("s1", "p1", "B", "01-05", "01-06", 0),
    ("s1", "p1", "C", "01-06", "01-09", 0),
    # transferred the same day: part of s1 when transfers are joined
    ("s2", "p1", "C", "01-09", "01-11", 0),
    # back after 9 days, and again after 60
    ("s3", "p1", "B", "01-20", "01-22", 0), ("s4", "p1", "A", "03-22", "03-25", 0),
    # dies in hospital; a patient seen late in the extract
    ("s5", "p2", "A", "02-01", "02-03", 1), ("s6", "p3", "B", "03-20", "03-24", 0),
)  # fmt: skip


def table(rules, outcome="readmitted", **more):
    cells = read_encounters(EXTRACT, outcomes={outcome: "binary"}, rules=rules, **more)
    columns = ["unit", "n", f"{outcome}_n", f"{outcome}_sum"]
    return cells, {row[0]: tuple(map(int, row[1:])) for row in cells.table[columns].values.tolist()}


UNITS = {"discharge unit": ["C"], "longest stay": ["A"], "every unit": ["A", "B", "C"]}


@pytest.mark.parametrize("attribution", UNITS)
def test_whose_stay_it_is(attribution):
    first = EXTRACT[EXTRACT["stay_id"] == "s1"]
    rules = Rules(attribution=attribution, admitted="start", discharged="stop")
    for shuffled in (first, first.iloc[::-1]):
        cells = read_encounters(shuffled, outcomes={"los_days": "count"}, rules=rules)
        assert list(cells.table["unit"]) == UNITS[attribution] and set(cells.table["n"]) == {1}
        assert set(cells.table["los_days_sum"]) == {8.0}
    assert dict(cells.linkage.joined)["rows joined to the stay that they are part of"] == 2
    assert cells.linkage.to_frame()["term"].iloc[0] == "rows in the admissions extract"


def test_readmission_deaths_and_what_nobody_could_see():
    rules = Rules(**DATED, attribution="discharge unit", readmission_days=30)
    _, got = table(rules)
    # C: s1 (back the same day: s2), s2 (back after 9 days) both readmitted. B: s3 not for 60 days; s6 not watched.
    # A: s4 not watched; s5 died, so was not at risk.
    assert got == {"C": (2, 2, 2), "B": (2, 1, 0), "A": (2, 0, 0)}


def test_a_transfer_is_no_readmission_when_joined():
    rules = Rules(**DATED, attribution="longest stay", readmission_days=30, transfers="join")
    cells, got = table(rules)
    assert got == {"A": (2, 0, 0), "B": (2, 1, 0), "C": (1, 1, 1)}  # s1 with s2: five days in C, four in A
    assert dict(cells.linkage.joined)["stays joined to the one that they continue"] == 1


def test_which_stays_are_analysed():
    base = {**DATED, "attribution": "discharge unit", "readmission_days": 30}
    cells, got = table(Rules(**base, index="first stay"))
    assert got == {"C": (1, 1, 1), "A": (1, 0, 0), "B": (1, 0, 0)}
    assert cells.linkage.excluded == (("not the patient's first stay", 3),)
    cells, got = table(Rules(**base, index="no readmission", transfers="join"))
    assert dict(cells.linkage.excluded) == {"a readmission itself": 1}
    cells, _ = table(Rules(**base, deaths="exclude"))
    assert dict(cells.linkage.excluded) == {"died in hospital": 1}
    assert cells.linkage.stays == cells.linkage.stays_used + 1 == 6


def test_costs_follow_the_stay_that_they_belong_to():
    lines = pd.DataFrame({"stay_id": ["s1", "s2", "s3", "s5", "s9"], "amount": [100.0, 10.0, 5.0, 7.0, 1.0]})
    rules = Rules(**DATED, attribution="discharge unit", transfers="join", deaths="exclude")
    cells = read_encounters(EXTRACT, lines, rules=rules, cost_basis="full", perspective="hospital", horizon="stay")
    sums = dict(zip(cells.table["unit"], cells.table["cost_sum"], strict=True))
    assert sums == {"C": 110.0, "B": 5.0, "A": 0.0}
    links = cells.linkage
    assert (links.cost_lines_unlinked, links.amount_unlinked) == (1, 1.0)  # s5 is known, and left out
    assert links.stays_without_lines == 2
    assert (cells.perspective, cells.horizon) == ("hospital", "stay")


def test_prices_of_one_year():
    extract = pd.DataFrame({"stay_id": [1, 2], "unit": ["A", "B"]})
    lines = pd.DataFrame({"stay_id": [1, 1, 2], "amount": [100.0, -20.0, 50.0], "year": [2022, 2023, 2024]})
    index = {2022: 80.0, 2023: 100.0, 2024: 125.0}
    cells = read_encounters(extract, lines, cost_basis="full", price_year=2024, price_index=index)
    assert cells.table["cost_sum"].tolist() == [100 * 125 / 80 - 20 * 125 / 100, 50.0]
    with pytest.raises(DataError, match=r"row 4, column year: 1 lines are of a year without a price level"):
        read_encounters(extract, lines, cost_basis="full", price_year=2023, price_index={2022: 1.0, 2023: 1.1})
    with pytest.raises(SpecError, match="price_year"):
        read_encounters(extract, lines, cost_basis="full", price_year=2030, price_index=index)
    with pytest.raises(SpecError, match="not above zero"):
        read_encounters(extract, lines, cost_basis="full", price_year=2024, price_index=index | {2023: 0.0})


def test_rules_that_cannot_be_meant():
    def refused(match, costs=None, **rules):
        with pytest.raises(SpecError, match=match):
            read_encounters(EXTRACT, costs, outcomes={"died": "binary"}, rules=Rules(**rules),
                            cost_basis=None if costs is None else "full")  # fmt: skip

    refused("column patient: a rule for stays needs this column", readmission_days=30)
    refused("column died: a rule", deaths="exclude")
    refused("joined over transfers may have several units", **DATED, transfers="join")
    refused("no number of days", **DATED, index="no readmission")
    refused("its cost counted in each", pd.DataFrame(), **DATED, attribution="every unit")
    with pytest.raises(DataError, match=r"2 rows repeat a stay.*whose a stay in several units is"):
        read_encounters(EXTRACT, outcomes={"died": "binary"})
    late = EXTRACT.assign(stop=EXTRACT["stop"].where(EXTRACT.index != 3, "2024-01-02"))
    with pytest.raises(DataError, match="row 5, column stop: 1 discharges lie before the admission"):
        read_encounters(late, outcomes={"died": "binary"}, rules=Rules(**DATED, attribution="discharge unit"))
    nobody = EXTRACT.assign(patient=EXTRACT["patient"].where(EXTRACT.index != 2, None))
    with pytest.raises(DataError, match="row 4, column patient: 1 rows have no patient"):
        read_encounters(nobody, outcomes={"died": "binary"},
                        rules=Rules(**DATED, attribution="discharge unit", readmission_days=30))  # fmt: skip
    import duckdb

    with pytest.raises(DataError, match="files and pandas alone"):
        read_encounters(duckdb.connect().from_df(EXTRACT), outcomes={"died": "binary"},
                        rules=Rules(**DATED, attribution="discharge unit"))  # fmt: skip
