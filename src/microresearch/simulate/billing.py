"""What did the finance department book? Charges with reversals, cost-to-charge ratios, and stays that do not match."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.simulate.hospitals import Setting
from microresearch.simulate.stays import Stays

REVERSED, SPLIT = 0.06, 0.30
UNBILLED, UNKNOWN = 0.0025, 0.001


def draw_ccr(setting: Setting, stays: Stays, rng: np.random.Generator) -> pd.DataFrame:
    """Cost-to-charge ratios: hospital, year, ccr with four decimals."""
    years = stays.table["discharged"].dt.year
    span = np.arange(years.min(), years.max() + 1)
    hospitals = setting.units["hospital"].unique()
    base = rng.integers(2800, 4600, len(hospitals))[:, None] + rng.integers(-80, 81, (len(hospitals), len(span)))
    return pd.DataFrame({
        "hospital": np.repeat(hospitals, len(span)), "year": np.tile(span, len(hospitals)),
        "ccr": base.ravel() / 10_000,
    })  # fmt: skip


def draw_finance(
    setting: Setting, stays: Stays, ccr: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, int], NDArray[np.bool_]]:
    """Charge and reversal lines, how the two extracts match, and which stays have lines.

    A stay's lines sum to its cost divided by its hospital's ratio in the year of discharge, to the cent.
    """
    table = stays.table
    hospital = table["unit"].map(setting.units.set_index("unit")["hospital"])
    year = table["discharged"].dt.year
    ratio = ccr.set_index(["hospital", "year"])["ccr"].loc[pd.MultiIndex.from_arrays([hospital, year])].to_numpy()
    cents = np.maximum(np.rint(100 * stays.cost / ratio), 2).astype(np.int64)
    n = len(table)
    billed = rng.random(n) >= UNBILLED
    stranger = rng.random(n) < UNKNOWN
    split, wrong = rng.random(n) < SPLIT, rng.random(n) < REVERSED
    part = np.where(split, np.maximum(cents * rng.integers(40, 80, n) // 100, 1), cents)
    error = np.maximum(cents * rng.integers(50, 180, n) // 100, 1)
    lines = [
        (billed & wrong, error, "charge"), (billed & wrong, -error, "reversal"),
        (billed, part, "charge"), (billed & split, cents - part, "charge"), (stranger, error, "charge"),
    ]  # fmt: skip
    ids = table["stay_id"].to_numpy()
    frames = [
        pd.DataFrame({
            "stay_id": ids[rows] if i < 4 else [f"B{k:07d}" for k in range(1, int(rows.sum()) + 1)],
            "hospital": hospital.to_numpy()[rows], "year": year.to_numpy()[rows].astype(np.int16), "line": word,
            "amount": amount[rows] / 100,
        })
        for i, (rows, amount, word) in enumerate(lines)
    ]  # fmt: skip
    finance = pd.concat(frames, ignore_index=True)
    finance = finance.sort_values("stay_id", kind="stable", ignore_index=True)
    counts = {
        "stays_in_both": int(billed.sum()),
        "stays_without_finance_lines": int((~billed).sum()),
        "finance_stays_without_admission": int(stranger.sum()),
        "stays_with_a_reversal": int((billed & wrong).sum()),
        "finance_lines": len(finance),
    }
    return finance, counts, billed
