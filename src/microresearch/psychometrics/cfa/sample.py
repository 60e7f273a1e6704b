"""Whose answers does the model describe? Items, groups and clusters of a frame; everyone left out is counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import DataError, Problem, SpecError
from microresearch.numeric.sem_patterns import constant_items
from microresearch.psychometrics.item_matrix import item_matrix

Floats = NDArray[np.float64]
MISSING = ("listwise", "fiml", "pairwise")


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """People who are analysed.

    Attributes
    ----------
    observed : tuple of str
        Items, in the model's order.
    labels : tuple of str
        Groups in order of appearance; `("",)` without groups.
    values : tuple of array, each (n_g, p)
        Answers of each group, NaN where missing (only with `missing="fiml"` or "pairwise").
    clusters : tuple of array, each (n_g,), or None
        Cluster number of each person, from 0, the same numbers in every group.
    dropped : dict
        Why people were left out, and how many for each reason.
    """

    observed: tuple[str, ...]
    labels: tuple[str, ...]
    values: tuple[Floats, ...]
    clusters: tuple[NDArray[np.intp], ...] | None
    dropped: Mapping[str, int]

    @property
    def n(self) -> int:
        """People analysed."""
        return sum(map(len, self.values))


def draw_sample(
    data: pd.DataFrame,
    observed: Sequence[str],
    group: "str | pd.Series | None",
    cluster: "str | pd.Series | None",
    missing: str,
) -> Sample:
    """The people and answers that the model is fitted to.

    Raises
    ------
    SpecError
        An unknown column, or an unknown rule for missing answers.
    DataError
        Not numbers, an item that does not vary in some group, nobody left, a single group or cluster.
    """
    if missing not in MISSING:
        raise SpecError(Problem("unknown rule for missing answers", value=str(missing), allowed=", ".join(MISSING)))
    names, values = item_matrix(data, observed, least=1)
    by_group, by_cluster = _column(data, group, "group"), _column(data, cluster, "cluster")
    holes = np.isnan(values)
    out = holes.any(axis=1) if missing == "listwise" else holes.all(axis=1)
    reasons = {("misses an answer" if missing == "listwise" else "has no answer"): out}
    for said, column in (("group", by_group), ("cluster", by_cluster)):
        if column is not None:
            reasons[f"has no {said}"] = column.isna().to_numpy()
    kept = np.ones(len(values), dtype=bool)
    dropped: dict[str, int] = {}
    for reason, lost in reasons.items():
        if count := int((kept & lost).sum()):
            dropped[reason] = count
        kept &= ~lost
    if not kept.any():
        raise DataError(Problem("nobody is left to analyse", mend="see why people are left out: " + "; ".join(dropped)))
    labels, number = ("",), np.zeros(len(values), dtype=np.intp)
    if by_group is not None:
        found = list(dict.fromkeys(by_group[kept]))
        if gone := [str(name) for name in dict.fromkeys(by_group.dropna()) if name not in set(found)]:
            what = f"nobody is left to analyse in group {', '.join(gone)}"
            raise DataError(Problem(what, mend="leave the group out of the data, or keep who misses answers: missing="))
        labels = tuple(map(str, found))
        if len(labels) < 2:
            raise DataError(Problem("the group column holds one group only", mend="leave group out"))
        number = pd.Categorical(by_group, categories=found).codes.astype(np.intp)
    clusters = None
    if by_cluster is not None:
        codes = pd.factorize(by_cluster[kept].astype(str), sort=True)[0]
        if codes.max() < 1:
            raise DataError(Problem("the cluster column holds one cluster only", mend="leave cluster out"))
        everyone = np.full(len(values), -1, dtype=np.intp)
        everyone[kept] = codes
        clusters = tuple(everyone[kept & (number == g)] for g in range(len(labels)))
    parts = tuple(values[kept & (number == g)] for g in range(len(labels)))
    _check_variation(names, labels, parts)
    return Sample(tuple(names), labels, parts, clusters, dropped)


def _column(data: pd.DataFrame, column: "str | pd.Series | None", argument: str) -> "pd.Series | None":
    if column is None:
        return None
    if isinstance(column, pd.Series):
        if not column.index.equals(data.index):
            raise SpecError(f"{argument}: the Series and the data have different rows.")
        return column
    if column not in data.columns:
        raise SpecError(Problem(f"{argument}: no such column", column=str(column)))
    return data[column]


def _check_variation(names: Sequence[str], labels: Sequence[str], parts: Sequence[Floats]) -> None:
    problems = []
    for label, values in zip(labels, parts, strict=True):
        where = f" in group {label}" if label else ""
        for name, flat in zip(names, constant_items(values), strict=True):
            if flat:
                what = f"the answers do not vary{where} among the people analysed"
                problems.append(Problem(what, column=name, mend="leave the item out"))
        if not problems and len(values) <= len(names):
            what = f"{len(values)} people{where} are too few for the covariances of {len(names)} items"
            problems.append(Problem(what, mend="more people than items are needed in every group"))
    if problems:
        raise DataError(problems)
