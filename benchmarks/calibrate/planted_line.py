"""Is every effect that the line reports unbiased for its planted population value, and do its intervals cover it?

Each seed is a whole study of 48 units in 6 hospitals, written to files and read back through the same study file as
the bundled one: export, cleaning, scores, cells, models. Resumable: a seed that is done is not done again.

    python benchmarks/calibrate/planted_line.py --seeds 200
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from microresearch import link_cost, link_outcome, open_study, simulate_study, unit_scores

HERE = Path(__file__).parent
CACHE, TABLE = HERE / "cache/planted_line", HERE / "planted_line.csv"
STUDY = HERE.parent.parent / "study.toml"
FIRST_SEED = 1000
SIZE = {"hospitals": 6, "units_per_hospital": 8, "staff_per_unit": 40, "stays_per_unit": 250}


def one_study(seed: int) -> list[dict[str, object]]:
    """Every reported effect of one simulated study beside its population value."""
    with tempfile.TemporaryDirectory() as folder:
        made = simulate_study(Path(folder) / "data", seed=seed, **SIZE)
        shutil.copy(STUDY, Path(folder) / "study.toml")
        study = open_study(folder)
        forms = study.cleaned()
        ledger = forms["long-form"].ledger
        if {step.rule: step.n for step in ledger.steps} != made.truth["exclusions"]:
            raise AssertionError(f"seed {seed}: the exclusions differ from the planted ones")
        units = study.spec.units
        scores = unit_scores(
            forms["long-form"], units=study.units(), hospital=units.hospital, covariates=units.covariates,
            roster=study.roster(),
        )  # fmt: skip
        cells = study.encounters()
        truth = made.truth["outcomes"]
        rows = effects(link_outcome(scores, cells, "experience").to_frame(), truth["experience"], "experience")
        cost = link_cost(scores, cells, "cost").to_frame()
        rows += effects(cost, truth["cost"], "cost, log ratio")
        rows += effects(cost, truth["cost"], "cost, currency", "effect_currency", "currency_per_sd_these_stays")
    return [{"seed": seed, **row} for row in rows]


def effects(
    frame: pd.DataFrame, truth: dict[str, dict[str, float]], what: str, column: str = "estimate", key: str = "per_sd"
) -> list[dict[str, object]]:
    """Estimate, bounds and truth of each characteristic."""
    low, high = ("ci_low", "ci_high") if column == "estimate" else (f"{column}_low", f"{column}_high")
    return [
        {
            "effect": what, "characteristic": row["characteristic"], "truth": truth[row["characteristic"]][key],
            "estimate": row[column], "low": row[low], "high": row[high], "estimand": row["estimand"],
        }
        for row in frame.to_dict("records")
    ]  # fmt: skip


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Bias in Monte Carlo standard errors and coverage, a row an effect and characteristic, then a row a kind."""
    rows = rows[rows["estimand"] == "corrected"].assign(
        error=lambda d: d["estimate"] - d["truth"], covered=lambda d: d["truth"].between(d["low"], d["high"])
    )
    out = []
    for (effect, characteristic), part in rows.groupby(["effect", "characteristic"], sort=True):
        se = part["error"].std(ddof=1) / np.sqrt(len(part))
        out.append(
            {
                "effect": effect, "characteristic": characteristic, "studies": len(part),
                "truth": part["truth"].mean(), "mean_estimate": part["estimate"].mean(), "bias": part["error"].mean(),
                "monte_carlo_se": se, "bias_in_se": part["error"].mean() / se, "coverage": part["covered"].mean(),
            }
        )  # fmt: skip
    for effect, part in rows.groupby("effect", sort=True):
        pooled = {"effect": effect, "characteristic": "all, pooled", "studies": part["seed"].nunique()}
        out.append(pooled | {"coverage": part["covered"].mean()})
    return pd.DataFrame(out)


def main() -> int:
    """Do what is not done yet, write the table, say whether it holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    wanted = parser.parse_args().seeds
    CACHE.mkdir(parents=True, exist_ok=True)
    for seed in range(FIRST_SEED, FIRST_SEED + wanted):
        file = CACHE / f"{seed}.json"
        if not file.exists():
            part = file.with_suffix(".part")
            part.write_text(json.dumps(one_study(seed)), encoding="utf-8")
            part.replace(file)
    seeds = [CACHE / f"{seed}.json" for seed in range(FIRST_SEED, FIRST_SEED + wanted)]
    rows = pd.DataFrame([row for file in seeds for row in json.loads(file.read_text(encoding="utf-8"))])
    table = summary(rows)
    table.to_csv(TABLE, index=False, float_format="%.6g", lineterminator="\n")
    print(table.to_string())
    return int((table["bias_in_se"].abs() > 3).any())


if __name__ == "__main__":
    sys.exit(main())
