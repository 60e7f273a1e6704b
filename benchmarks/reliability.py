"""Omega, intraclass correlations and unit scores against lavaan, semTools, psych and lme4: ratios of processor time.

Run `python benchmarks/reliability.py` (a minute or two; R with psych, lavaan, semTools, lme4 and jsonlite must be
there). Prints a table and writes it to reliability.csv.
"""

import csv
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from ordinal import COLUMNS, compare, fastest
from threadpoolctl import threadpool_limits

from microresearch.psychometrics.icc import icc
from microresearch.psychometrics.omega import omega
from microresearch.psychometrics.omega_levels import LevelOmega, omega_levels
from microresearch.units.aggregation import unit_scores

OUT = Path(__file__).with_suffix(".csv")
REFITS = 20
"""Bootstrap samples that R fits; its time is scaled to ours."""


def scale(n: int = 600, units: int = 60) -> pd.DataFrame:
    """Five-level answers to five items of one factor, staff in units."""
    rng = np.random.default_rng(1)
    unit = np.sort(rng.integers(0, units, n))
    z = rng.standard_normal((n, 1)) + 0.5 * rng.standard_normal((units, 1))[unit]
    z = 0.7 * z + 0.3 * rng.standard_normal((units, 5))[unit] + 0.71 * rng.standard_normal((n, 5))
    return pd.DataFrame(np.digitize(z, [-1.5, -0.7, 0.2, 1.1]) + 1.0).add_prefix("v").assign(unit=unit)


def bootstrap(n_boot: int) -> dict[str, object]:
    """Omega total with a bootstrap interval; lavaan refits its one-factor model."""
    x = scale().drop(columns="unit")
    code = f"""m <- paste("f =~", paste(names(x), collapse = " + "))
one <- function(d) {{ e <- lavInspect(cfa(m, d, std.lv = TRUE, se = "none", test = "none"), "est")
  sum(e$lambda)^2 / (sum(e$lambda)^2 + sum(diag(e$theta))) }}
values <- one(x)
seconds <- cpu(for (i in 1:{REFITS}) one(x[sample(nrow(x), replace = TRUE), ])) * {n_boot / REFITS}"""
    ours = fastest(lambda: omega(x, interval="bootstrap", n_boot=n_boot))
    note = f"R's time for {REFITS} samples, scaled; difference: of omega"
    return compare(
        f"omega total, {n_boot} bootstraps, lavaan", x, ours, code, lambda: np.array([omega(x).estimate]), note
    )


def categorical() -> dict[str, object]:
    """Categorical omega; semTools gives no interval."""
    x = scale().drop(columns="unit").astype(int)
    code = """suppressMessages(library(semTools))
m <- paste("f =~", paste(names(x), collapse = " + "))
seconds <- cpu(values <- as.numeric(compRelSEM(cfa(m, x, ordered = names(x), std.lv = TRUE), ord.scale = TRUE)))"""

    def run() -> np.ndarray:
        return np.array([omega(x, kind="categorical", interval="robust").estimate])

    return compare("categorical omega with its error, semTools without", x, fastest(run), code, run, "")


def levels() -> dict[str, object]:
    """Omega within and between units."""
    x = scale()
    code = """v <- setdiff(names(x), "unit")
m <- paste0("level: 1\\nfw =~ ", paste(v, collapse = " + "), "\\nlevel: 2\\nfb =~ ", paste(v, collapse = " + "))
seconds <- cpu(f <- sem(m, x, cluster = "unit", std.lv = TRUE, control = list(rel.tol = 1e-10)))
e <- lavInspect(f, "est"); om <- function(p) sum(p$lambda)^2 / (sum(p$lambda)^2 + sum(diag(p$theta)))
values <- c(om(e$within), om(e$unit))"""

    def run() -> np.ndarray:
        found = omega_levels(x)
        return np.array([one.estimate for one in (found.within, found.between) if isinstance(one, LevelOmega)])

    return compare("omega within and between units, lavaan two-level", x, fastest(run), code, run, "")


def holes() -> dict[str, object]:
    """Intraclass correlations of a table with holes."""
    rng = np.random.default_rng(2)
    y = rng.standard_normal((400, 1)) + 0.4 * rng.standard_normal((1, 5)) + 0.8 * rng.standard_normal((400, 5))
    x = pd.DataFrame(np.where(rng.random(y.shape) < 0.2, np.nan, y)).add_prefix("r")
    code = """suppressMessages(library(lme4))
d <- na.omit(data.frame(y = unlist(x), t = rep(seq_len(nrow(x)), ncol(x)), r = rep(names(x), each = nrow(x))))
seconds <- cpu(f <- lmer(y ~ 1 + (1 | t) + (1 | r), d))
v <- as.data.frame(VarCorr(f)); s <- setNames(v$vcov, v$grp)
values <- s[["t"]] / c(sum(s), s[["t"]] + s[["Residual"]])"""

    def run() -> np.ndarray:
        found = icc(x)
        return np.array([found.form("ICC(A,1)").estimate, found.form("ICC(C,1)").estimate])

    return compare("six ICCs with holes and intervals, lme4 without", x, fastest(run), code, run, "")


def scores() -> dict[str, object]:
    """Empirical-Bayes unit scores."""
    x = scale(2000, 96)
    x = pd.DataFrame({"unit": x["unit"].to_numpy(), "score": x.drop(columns="unit").mean(axis=1)})
    code = """suppressMessages(library(lme4))
seconds <- cpu({f <- lmer(score ~ 1 + (1 | unit), x); values <- coef(f)$unit[, 1]})"""

    def run() -> np.ndarray:
        return unit_scores(x).table.assign(at=lambda d: d["unit"].astype(int)).sort_values("at")["eb"].to_numpy()

    return compare("empirical-Bayes scores of 96 units with intervals of tau, lme4 without", x, fastest(run), code, run)


def main() -> None:
    """Measure, print, write."""
    tasks: list[Callable[[], dict[str, object]]] = [lambda: bootstrap(2000), categorical, levels, holes, scores]
    with threadpool_limits(1), OUT.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for task in tasks:
            row = task()
            writer.writerow(row)
            sys.stdout.write(f"{row['task']}: {row['microresearch_s']} s, ratio {row['ratio']}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
