"""What does a fitted model hold? Fit, parameters, residuals, and what can be asked of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from microresearch.errors import SpecError
from microresearch.numeric.sem_structure import implied
from microresearch.psychometrics.cfa.design import Design
from microresearch.psychometrics.cfa.estimate import Estimate
from microresearch.psychometrics.cfa.factor_scores import ScoreMethod, group_scores, ordinal_scores
from microresearch.psychometrics.cfa.factor_scores_levels import level_factor_scores
from microresearch.psychometrics.cfa.html import cfa_html
from microresearch.psychometrics.cfa.indices import FactorReliability, factor_reliability
from microresearch.psychometrics.cfa.modification import modification_indices
from microresearch.psychometrics.cfa.parameters import latent_covariances
from microresearch.psychometrics.cfa.small_sample import small_sample_tests
from microresearch.psychometrics.item_matrix import item_matrix
from microresearch.results import tidy


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cfa:
    """A fitted confirmatory factor model.

    Attributes
    ----------
    fit : dict
        Fit measures under lavaan's names (`chisq`, `df`, `cfi`, `rmsea.ci.lower`, `cfi.robust`, ...).
    parameters : DataFrame
        lhs, op, rhs, group (or level: 1 within, 2 between), label, est, se, z, pvalue, ci.lower, ci.upper, std.all.
    labels : tuple of str
        Groups, `("",)` without groups; of a two-level model the levels, "within" and "between".
    model : str
        The model as it was written.
    estimator, method : str
        Short name; and a sentence for the method section.
    n_used, n_dropped : int
    dropped : dict
        Reason to count of people left out.
    converged : bool
    warnings : tuple of str
        Why the numbers may not be what they seem.
    design, estimate : Design, Estimate
        Matrices and bare estimates behind the labels.
    """

    fit: dict[str, float]
    parameters: pd.DataFrame
    labels: tuple[str, ...]
    model: str
    estimator: str
    method: str
    n_used: int
    n_dropped: int
    dropped: dict[str, int]
    converged: bool
    warnings: tuple[str, ...]
    design: Design
    estimate: Estimate

    def __repr__(self) -> str:
        f = self.fit
        said = f"Cfa({self.estimator}: chisq={f['chisq']:.3f}, df={f['df']:.0f}, cfi={f['cfi']:.3f}, "
        return said + f"rmsea={f['rmsea']:.3f}, srmr={f['srmr']:.3f}, n={self.n_used}, converged={self.converged})"

    def _repr_html_(self) -> str:
        return cfa_html(self)

    def to_frame(self) -> pd.DataFrame:
        """The parameters in the library's own vocabulary: term, group, estimate, se, ci_low, ci_high, ..., n."""
        rows: list[dict[str, object]] = []
        for row in self.parameters.to_dict("records"):
            out = {"term": f"{row['lhs']} {row['op']} {row['rhs']}".strip(), "estimate": row["est"], "n": self.n_used}
            out |= {name: row[name] for name in ("group", "level") if name in row}
            if row["se"] > 0:
                out |= {"se": row["se"], "ci_low": row["ci.lower"], "ci_high": row["ci.upper"]}
                out |= {"statistic": row["z"], "p": row["pvalue"]}
            rows.append(out)
        return tidy(rows)

    @property
    def r2(self) -> pd.DataFrame:
        """Share of each item's (and predicted factor's) variance that the model explains."""
        p = self.parameters
        explained = set(p.loc[p["op"] == "=~", "rhs"]) | set(p.loc[p["op"] == "~", "lhs"])
        own = p[(p["op"] == "~~") & (p["lhs"] == p["rhs"]) & p["lhs"].isin(explained)]
        keep = ["lhs", *(name for name in ("group", "level") if name in p)]
        return own[keep].rename(columns={"lhs": "term"}).assign(estimate=1 - own["std.all"]).reset_index(drop=True)

    @property
    def icc(self) -> pd.DataFrame:
        """Share of each item's variance that lies between clusters, before any model; of two-level models."""
        if self.estimate.levels is None:
            raise SpecError("the shares of variance between clusters need a model of two levels.")
        variances = [
            dict(zip(layout.observed, np.diag(seen.cov), strict=True))
            for layout, seen in zip(self.design.layouts, self.estimate.observed, strict=True)
        ]
        within, between = variances
        shares = {name: between[name] / (between[name] + within[name]) for name in within if name in between}
        return pd.DataFrame({"term": list(shares), "estimate": list(shares.values())})

    @property
    def residuals(self) -> pd.DataFrame:
        """Residual correlations: observed less implied, a row for each pair of items and group."""
        blocks = self.design.blocks
        rows: list[dict[str, object]] = []
        marks = self.design.marks(self.labels)
        for label, mark, layout, seen in zip(
            self.labels, marks, self.design.layouts, self.estimate.observed, strict=True
        ):
            sigma = self.implied_covariance(label)
            names, observed = layout.observed, seen.cov
            sd, isd = np.sqrt(np.diag(observed)), np.sqrt(np.diag(sigma))
            gap = observed / np.outer(sd, sd) - sigma.to_numpy() / np.outer(isd, isd)
            for i, j in zip(*np.tril_indices(len(names), -1), strict=True):
                row: dict[str, object] = {"lhs": names[j], "rhs": names[i], "residual": float(gap[i, j])}
                rows.append(row | ({blocks: mark} if label else {}))
        columns = ["lhs", "rhs", *([blocks] if len(self.labels) > 1 else []), "residual"]
        return pd.DataFrame(rows, columns=columns)

    def implied_covariance(self, group: str = "") -> pd.DataFrame:
        """Covariance of the items that the model implies in a group."""
        layout = self.design.layouts[self.labels.index(group)]
        names = list(layout.observed)
        return pd.DataFrame(implied(layout.structure, self.estimate.theta).sigma, index=names, columns=names)

    def latent_covariance(self, group: str = "") -> pd.DataFrame:
        """Covariance of the factors that the model implies in a group."""
        return latent_covariances(self.design, self.estimate.theta)[self.labels.index(group)]

    def latent_correlation(self, group: str = "") -> pd.DataFrame:
        """Correlations of the factors that the model implies in a group."""
        cov = self.latent_covariance(group)
        sd = np.sqrt(np.diag(cov))
        return cov.div(np.outer(sd, sd))

    def modification_indices(self, least: float = 0.0) -> pd.DataFrame:
        """Modification indices of `least` or more, largest first: lhs, op, rhs, group, mi, epc, sepc.all, pvalue."""
        found = modification_indices(self.design, self.estimate, self.labels)
        return found[found["mi"] >= least].reset_index(drop=True)

    def small_sample_tests(self) -> pd.DataFrame:
        """Chi-square of ML with corrections for few people and many items: correction, factor, chisq, df, pvalue."""
        return small_sample_tests(self.design, self.estimate, self.estimator)

    def reliability(self) -> FactorReliability:
        """Omega, average variance extracted and HTMT of each factor."""
        return factor_reliability(self.design, self.estimate, self.labels)

    def scores(
        self,
        data: pd.DataFrame,
        group: "str | pd.Series | None" = None,
        method: ScoreMethod | None = None,
        cluster: "str | pd.Series | None" = None,
        level: int = 1,
    ) -> pd.DataFrame:
        """Factor scores, persons x factors, from the items that each person answered.

        By default "regression" (or "bartlett"); of ordered items the mode of the posterior, "ebm".
        With groups, `group` says which model a person belongs to. Missing for a person without any answer, or of a
        group that was not fitted. Of two-level models by regression only: `cluster` says who belongs where, `level` 1
        gives what persons have beyond their cluster, 2 the clusters' own scores (clusters x factors).
        """
        if self.estimate.levels is not None:
            return level_factor_scores(self.design, self.estimate, data, cluster, level)
        layout = self.design.layouts[0]
        _, values = item_matrix(data, layout.observed, least=1)
        out = np.full((len(data), layout.n_latent), np.nan)
        mine = np.full(len(data), "", dtype=object)
        if len(self.labels) > 1:
            if group is None:
                raise SpecError("the model has groups: say in which column the people's groups stand (group=).")
            mine = (data[group] if isinstance(group, str) else group).astype(str).to_numpy()
        for label, one, seen in zip(self.labels, self.design.layouts, self.estimate.observed, strict=True):
            rows = np.flatnonzero(mine == label)
            if self.estimate.ordinal is not None:
                categories = self.estimate.ordinal.categories
                out[rows] = ordinal_scores(values[rows], one, self.estimate.theta, categories, method)
            else:
                out[rows] = group_scores(values[rows], one, self.estimate.theta, seen, method or "regression")
        return pd.DataFrame(out, index=data.index, columns=list(layout.eta[: layout.n_latent]))
