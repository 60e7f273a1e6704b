"""The same cells whatever engine holds the rows. Dask and PySpark: `make test-cluster`."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest
from studies import CASE_MIX, KINDS, plant

from microresearch.errors import DataError
from microresearch.linking.encounters import read_encounters
from microresearch.linking.exact import splits

LOGS = [f"{name}_sumlog" for name in (*KINDS, "cost")]


@pytest.fixture(scope="module")
def tables():
    """Stays with holes, lines with a reversal and strangers, and ratios."""
    planted = plant(5, n_units=12, n_hospitals=3, stays=30)
    rng = np.random.default_rng(1)
    stays = planted.stays.copy()
    stays["age"] = stays["age"].where(rng.random(len(stays)) > 0.02)
    stays["sex"] = stays["sex"].where(rng.random(len(stays)) > 0.02)
    lines = planted.lines.drop(columns="line")
    strangers = pd.DataFrame({"stay_id": [1, 2], "amount": [10.25, 20.5]})
    lines = pd.concat([lines[lines["stay_id"] != 1003], strangers], ignore_index=True)
    lines["hospital"] = np.where(lines["stay_id"] % 2 == 0, "H0", "H1")
    lines["year"] = 2023 + lines["stay_id"] % 3
    keys = pd.MultiIndex.from_product([["H0", "H1"], [2023, 2024, 2025]], names=["hospital", "year"])
    ccr = keys.to_frame(index=False).assign(ccr=[0.31, 0.42, 0.53, 0.37, 0.48, 0.29])
    return stays, lines, ccr


def read(stays, lines, ccr):
    return read_encounters(stays, lines, ccr, case_mix=CASE_MIX, outcomes=KINDS, currency="EUR", price_year=2024)


def as_duckdb(*frames):
    import duckdb

    connection = duckdb.connect()
    return tuple(connection.from_df(frame) for frame in frames)


def as_polars(*frames):
    polars = pytest.importorskip("polars", reason="Polars is not installed here; make test-cluster has it")
    return tuple(polars.DataFrame({c: [None if pd.isna(v) else v for v in f[c].tolist()] for c in f}) for f in frames)


def as_dask(*frames):
    dask = pytest.importorskip("dask.dataframe", reason="Dask is not installed here; make test-cluster has it")
    return tuple(dask.from_pandas(frame, npartitions=3) for frame in frames)


def as_spark(*frames):
    sql = pytest.importorskip("pyspark.sql", reason="PySpark is not installed here; make test-cluster has it")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("PySpark needs Java, which is not installed here")
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = builder.config("spark.sql.shuffle.partitions", "4").getOrCreate()
    return tuple(session.createDataFrame(rows_of(f), schema_of(f)) for f in frames)


def rows_of(frame):
    return [tuple(None if pd.isna(v) else v for v in row) for row in frame.astype(object).itertuples(index=False)]


def schema_of(frame):
    kinds = {"i": "long", "f": "double"}
    return ", ".join(f"{name} {kinds.get(kind.kind, 'string')}" for name, kind in frame.dtypes.items())


ENGINES = [
    as_duckdb, as_polars, pytest.param(as_dask, marks=pytest.mark.cluster),
    pytest.param(as_spark, marks=pytest.mark.cluster),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Dask support is moving out of Narwhals:FutureWarning")
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_the_same_cells(engine, tables):
    here = read(*tables)
    shuffled = [frame.sample(frac=1, random_state=4).reset_index(drop=True) for frame in tables]
    there = read(*engine(*shuffled))
    pd.testing.assert_frame_equal(there.table.drop(columns=LOGS), here.table.drop(columns=LOGS), check_exact=True)
    pd.testing.assert_frame_equal(there.table[LOGS], here.table[LOGS], rtol=1e-14)
    assert there.linkage == here.linkage
    assert here.linkage.cost_lines_unlinked == 2 and here.linkage.amount_unlinked == 30.75
    assert here.linkage.stays_without_lines == 1
    assert [reason for reason, _ in here.linkage.excluded] == ["no age", "no sex"]


def test_the_engine_is_told_what_is_wrong(tables):
    stays, lines, ccr = tables
    again = pd.concat([stays, stays.iloc[[3]]])

    def refused(match, *frames):
        with pytest.raises(DataError, match=match):
            read(*as_duckdb(*frames))

    refused("column stay_id: 1 rows repeat a stay", again, lines, ccr)
    refused("column days: this column is missing", stays.drop(columns="days"), lines, ccr)
    refused("this column holds text, not numbers", stays.assign(days="x"), lines, ccr)
    refused("no cost-to-charge ratio for hospital H0, year 2023", stays, lines, ccr.iloc[1:])
    refused("two ratios for hospital H0", stays, lines, pd.concat([ccr, ccr.iloc[:1]]))
    refused("its type differs", stays.assign(stay_id=stays["stay_id"].astype(str)), lines, ccr)
    refused("1 lines have no amount", stays, lines.assign(amount=lines["amount"].where(lines.index != 5)), ccr)
    refused("the lines of 1 stays sum to less than zero", stays,
            pd.concat([lines, lines.iloc[[0]].assign(amount=-1e9)]), ccr)  # fmt: skip
    refused("a binary outcome holds something else", stays.assign(died=stays["died"] * 2), lines, ccr)
    refused("no rows", stays.iloc[:0], lines, ccr)
    refused("infinite", stays.assign(experience=np.inf), lines, ccr)
    with pytest.raises(DataError, match="different engines"):
        read(as_duckdb(stays)[0], lines, ccr)
    with pytest.raises(DataError, match="no table that can be read"):
        read({"stay_id": [1]}, None, None)


def test_order_and_engine_do_not_change_a_sum():
    rng = np.random.default_rng(3)
    values = np.exp(rng.normal(0, 8, 5000)) * rng.choice([-1, 1], 5000)
    high, low = splits(float(np.abs(values).max()), len(values), False)
    head = (values + high) - high
    tail = ((values - head) + low) - low
    sums = {
        (float(np.sum(head[order])), float(np.add.reduce(tail[order])))
        for order in (rng.permutation(5000) for _ in range(20))
    }
    assert len(sums) == 1
    import math

    assert sum(next(iter(sums))) == pytest.approx(math.fsum(values), rel=1e-13)
    assert len({float(np.sum(values[rng.permutation(5000)])) for _ in range(20)}) > 1


def test_a_table_of_a_database_and_files_of_other_programs(tables, tmp_path):
    import duckdb
    import openpyxl
    import pyreadstat

    stays, lines, ccr = tables
    here = read(stays, lines, ccr)
    with duckdb.connect(str(tmp_path / "hospital.duckdb")) as connection:
        connection.execute("CREATE SCHEMA adt")
        connection.from_df(stays).create("adt.stays")
        connection.from_df(lines).create("lines")
    book = openpyxl.Workbook()
    for row in [list(ccr), *ccr.values.tolist()]:
        book.active.append(row)
    book.save(tmp_path / "ccr.xlsx")
    there = read(f"{tmp_path}/hospital.duckdb#adt.stays", f"{tmp_path}/hospital.duckdb#lines", tmp_path / "ccr.xlsx")
    pd.testing.assert_frame_equal(there.table, here.table, check_exact=True)
    with pytest.raises(DataError, match=r"no such table.*Allowed: adt.stays, lines"):
        read(f"{tmp_path}/hospital.duckdb#stays", None, None)
    for part, rows in (("a", stays.iloc[:200]), ("b", stays.iloc[200:])):
        pyreadstat.write_sav(rows, tmp_path / f"stays-{part}.sav")
        rows.to_csv(tmp_path / f"stays-{part}.csv", index=False)
    for kind in ("sav", "csv"):
        there = read(f"{tmp_path}/stays-*.{kind}", lines, ccr)
        pd.testing.assert_frame_equal(there.table, here.table, check_exact=True)
    with pytest.raises(DataError, match="no such file"):
        read(f"{tmp_path}/nothing-*.sav", lines, ccr)
