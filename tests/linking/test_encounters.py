import numpy as np
import pandas as pd
import pytest
from studies import CASE_MIX, KINDS, plant

from microresearch.errors import DataError, SpecError
from microresearch.linking.cells import Outcome
from microresearch.linking.encounters import read_encounters


@pytest.fixture(scope="module")
def planted():
    return plant(1)


def read(planted, **more):
    given = {"case_mix": CASE_MIX, "outcomes": KINDS, "cost_basis": "direct"} | more
    return read_encounters(planted.stays, given.pop("lines", planted.lines), **given)


def test_sums_equal_pandas(planted):
    cells = read(planted)
    stays = planted.stays.merge(planted.lines.groupby("stay_id")["amount"].sum().rename("cost"), on="stay_id")
    stays["band"] = np.where(stays["age"] >= 65, "65 and over", "18 to <65")
    for name in (*KINDS, "cost"):
        by = stays.dropna(subset=name).groupby(["unit", "band", "sex"])[name]
        got = cells.table.set_index(["unit", "age", "sex"]).sort_index()
        want = by.agg(n="size", sum="sum", sumsq=lambda v: (v**2).sum(), sumlog=lambda v: np.log(v[v > 0]).sum(),
                      zeros=lambda v: (v == 0).sum())  # fmt: skip
        want = want.reindex(got.index).fillna(0)
        for part in want:
            np.testing.assert_allclose(got[f"{name}_{part}"], want[part], rtol=1e-12, atol=1e-9)
    assert cells.table["n"].sum() == len(stays) == cells.linkage.stays_used
    assert dict(cells.linkage.missing)["experience"] == stays["experience"].isna().sum()
    assert (cells.linkage.cost_lines, cells.linkage.cost_lines_unlinked) == (len(planted.lines), 0)


def test_the_same_bytes_whatever_the_rows_order_and_source(planted, tmp_path):
    import duckdb

    first = read(planted).table
    shuffled = read_encounters(
        planted.stays.sample(frac=1, random_state=1), planted.lines.sample(frac=1, random_state=2), case_mix=CASE_MIX,
        outcomes=KINDS, cost_basis="direct",
    )  # fmt: skip
    pd.testing.assert_frame_equal(first, shuffled.table, rtol=1e-12)
    planted.stays.to_csv(tmp_path / "stays.csv", index=False)
    lines = planted.lines
    assert len(lines)
    target = tmp_path / "lines.parquet"
    duckdb.sql("SELECT * FROM lines").write_parquet(str(target))
    from_files = read_encounters(tmp_path / "stays.csv", target, case_mix=CASE_MIX, outcomes=KINDS, cost_basis="direct")
    pd.testing.assert_frame_equal(first, from_files.table)
    pd.testing.assert_frame_equal(read(planted).table, first, check_exact=True)


def test_ids_in_csv_are_text(tmp_path):
    path = tmp_path / "stays.csv"
    path.write_text("stay_id,unit,sex,died\n1,007,F,0\n2,007,M,1\n3,010,F,0\n")
    cells = read_encounters(path, case_mix=["sex"], outcomes={"died": "binary"})
    assert cells.units == ("007", "010")
    frame = pd.DataFrame({"stay_id": [1, 2, 3], "unit": [7.0, np.nan, 10.0], "died": [0, 1, 0]})
    cells = read_encounters(frame, outcomes={"died": "binary"})
    assert cells.units == ("10", "7")
    assert cells.linkage.excluded == (("no unit", 1),)


def test_charges_become_costs_by_hospital_and_year():
    stays = pd.DataFrame({"stay_id": [1, 2, 3], "unit": list("AAB")})
    lines = pd.DataFrame(
        {
            "stay_id": [1, 1, 2, 9],
            "hospital": ["H1", "H1", "H2", "H1"],
            "year": [2023] * 4,
            "amount": [100.0, -40, 10, 7],
        }
    )
    ccr = pd.DataFrame({"hospital": ["H1", "H2"], "year": [2023, 2023], "ccr": [0.5, 0.3]})
    cells = read_encounters(stays, lines, ccr, currency="EUR", price_year=2023)
    assert cells.table["cost_sum"].tolist() == [pytest.approx(33.0), 0.0]
    assert cells.table["cost_n"].tolist() == [2, 0]
    assert cells.cost_basis == "charges x ccr"
    links = cells.linkage
    assert (links.cost_lines_unlinked, links.amount_unlinked, links.stays_without_lines) == (1, 7.0, 1)
    assert cells.linkage.to_frame()["n"].tolist() == [3, 3, 1, 4, 1, 1]
    with pytest.raises(DataError, match=r"no cost-to-charge ratio for hospital H2, year 2023"):
        read_encounters(stays, lines, ccr.iloc[:1])
    with pytest.raises(DataError, match="two ratios for hospital H1"):
        read_encounters(stays, lines, pd.concat([ccr, ccr.iloc[:1]]))
    with pytest.raises(DataError, match="row 3, column ccr: 1 ratios cannot be"):
        read_encounters(stays, lines, ccr.assign(ccr=[0.5, -0.3]))
    with pytest.raises(SpecError, match="cost_basis"):
        read_encounters(stays, lines)
    with pytest.raises(SpecError, match="no other"):
        read_encounters(stays, lines, ccr, cost_basis="direct")


def test_a_negative_total_is_refused_without_naming_the_stay(planted):
    extra = pd.DataFrame({"stay_id": [1000], "amount": [-1e9], "line": ["reversal"]})
    with pytest.raises(DataError, match="the lines of 1 stays sum to less than zero") as caught:
        read(planted, lines=pd.concat([planted.lines, extra]))
    assert "1000" not in str(caught.value)


def bad(planted, column, value, row=4):
    stays = planted.stays.copy()
    stays[column] = stays[column].astype(object)
    stays.loc[row, column] = value
    return stays


def test_bad_stays_are_named_by_row_and_column(planted):
    kinds = {"died": "binary"}
    again = pd.concat([planted.stays, planted.stays.iloc[[3]]])
    with pytest.raises(DataError, match=rf"row {len(again) + 1}, column stay_id: 1 rows repeat a stay"):
        read_encounters(again, outcomes=kinds)
    with pytest.raises(DataError, match="row 6, column stay_id: 1 stays have no identifier"):
        read_encounters(bad(planted, "stay_id", None).astype({"stay_id": "str"}), outcomes=kinds)
    with pytest.raises(DataError, match=r"died: a binary outcome holds something else. Allowed: 0, 1"):
        read_encounters(planted.stays.assign(died=lambda d: d["died"] * 2), outcomes=kinds)
    with pytest.raises(DataError, match="days: a count holds something else"):
        read_encounters(planted.stays.assign(days=-1), outcomes={"days": "count"})
    with pytest.raises(DataError, match="row 6, column died: 1 values are not numbers"):
        read_encounters(bad(planted, "died", "yes").astype({"died": "str"}), outcomes=kinds)
    with pytest.raises(DataError, match=r"row 6, column sex: 1 values are no level. Allowed: F, M"):
        read_encounters(
            bad(planted, "sex", "x").astype({"sex": "str"}),
            outcomes=kinds,
            case_mix=[{"column": "sex", "levels": ["F", "M"]}],
        )
    with pytest.raises(DataError, match=r"column dead: this column is missing. Allowed: stay_id"):
        read_encounters(planted.stays, outcomes={"dead": "binary"})
    with pytest.raises(DataError, match="no rows"):
        read_encounters(planted.stays.iloc[:0], outcomes=kinds)
    with pytest.raises(DataError, match="too many"):
        read_encounters(planted.stays, outcomes=kinds, case_mix=[{"column": "stay_id"}])
    with pytest.raises(DataError, match="no such file"):
        read_encounters("nowhere/stays.csv", outcomes=kinds)
    with pytest.raises(DataError, match="not read here"):
        read_encounters("stays.doc", outcomes=kinds)


def test_units_that_only_look_different_are_refused(planted):
    known = [name.lower() if name == "U007" else name for name in planted.units["unit"]]
    with pytest.raises(DataError, match=r"case, spaces or padding \(got 'U007'\). To mend: write 'u007'"):
        read(planted, units=known)
    with pytest.raises(DataError, match="not among the study's units"):
        read(planted, units=[name for name in planted.units["unit"] if name != "U007"])
    assert read(planted, units=planted.units["unit"]).units == tuple(planted.units["unit"])


def test_missing_case_mix_is_counted(planted):
    stays = planted.stays.assign(age=planted.stays["age"].where(planted.stays["age"] != 50))
    cells = read_encounters(stays, outcomes=[Outcome("died", "died", "binary")], case_mix=CASE_MIX)
    gone = int((planted.stays["age"] == 50).sum())
    assert gone and cells.linkage.excluded == (("no age", gone),)
    assert cells.linkage.stays - gone == cells.linkage.stays_used


def test_what_arises_after_admission_is_no_case_mix(planted):
    with pytest.raises(SpecError, match="days: this variable arises after admission"):
        read_encounters(planted.stays, outcomes={"days": "count"}, case_mix=[{"column": "days", "bands": [0, 3]}])
    with pytest.raises(SpecError, match="los: this variable arises after admission"):
        read_encounters(planted.stays.rename(columns={"days": "los"}), outcomes={"died": "binary"}, case_mix=["los"])
    cells = read_encounters(
        planted.stays.rename(columns={"days": "los"}), outcomes={"died": "binary"}, mediators=["los"],
        case_mix=[{"column": "los", "bands": [0, 3]}],
    )  # fmt: skip
    assert set(cells.table["los"]) == {"0 to <3", "3 and over"}


def test_odd_settings():
    stays = pd.DataFrame({"stay_id": [1], "unit": ["A"], "died": [0]})
    with pytest.raises(SpecError, match="no outcome is named"):
        read_encounters(stays)
    with pytest.raises(SpecError, match="no such kind"):
        read_encounters(stays, outcomes={"died": "yes-no"})
    with pytest.raises(SpecError, match="named twice"):
        read_encounters(stays, outcomes=["died", "died"])
    with pytest.raises(SpecError, match="bands must be lower bounds that rise"):
        read_encounters(stays, outcomes=["died"], case_mix=[{"column": "age", "bands": [60, 40]}])


def test_winsorised_costs_stand_beside_the_costs(planted):
    """The cap is the quantile that numpy calls inverted_cdf (R's type 1); the costs themselves stay."""
    wanted = [{"name": f"cost_w{int(100 * q)}", "column": "cost", "kind": "cost", "winsor": q} for q in (0.95, 0.99)]
    wanted.append({"name": "cost", "column": "cost", "kind": "cost"})
    table = read_encounters(planted.stays, planted.lines, case_mix=CASE_MIX, outcomes=wanted, cost_basis="direct").table
    cost = planted.stays[["stay_id", "unit"]].merge(planted.lines.groupby("stay_id")["amount"].sum(), on="stay_id")
    got = table.groupby("unit")[["cost_sum", "cost_w95_sum", "cost_w99_sum"]].sum()
    for name, q in (("cost", 1.0), ("cost_w95", 0.95), ("cost_w99", 0.99)):
        cap = np.quantile(cost["amount"], q, method="inverted_cdf")
        want = cost["amount"].clip(upper=cap).groupby(cost["unit"]).sum()
        np.testing.assert_allclose(got[f"{name}_sum"], want.loc[got.index], rtol=1e-12)
    assert (got["cost_w95_sum"] < got["cost_w99_sum"]).any() and (got["cost_w99_sum"] <= got["cost_sum"]).all()
    with pytest.raises(SpecError, match="winsor is a share"):
        read_encounters(planted.stays, outcomes=[{"name": "days", "kind": "count", "winsor": 99}])
