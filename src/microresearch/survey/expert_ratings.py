"""Do experts find the items relevant? I-CVI, S-CVI and the kappa that takes chance agreement out of it."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from microresearch import io
from microresearch.errors import DataError, Problem
from microresearch.survey.problems import refuse

CITED = "Polit, Beck & Owen (2007)"
_CUTS = ((0.74, "excellent"), (0.60, "good"), (0.40, "fair"))


@dataclass(frozen=True, slots=True, eq=False)
class ContentValidity:
    """Expert ratings of relevance, summed up.

    Attributes
    ----------
    items : DataFrame
        A row an item: `item`, `experts` (who rated it), `agreeing` (who called it relevant), `i_cvi`, `p_chance`,
        `kappa` (modified), `verdict` (excellent above .74, good .60 to .74, fair .40 to .59, else poor).
    s_cvi_ave, s_cvi_ua : float
        Mean of the I-CVIs; share of items that all experts call relevant.
    n_experts, n_items, n_missing : int
        Experts, items, and ratings left out by experts.
    method : str
        Which ratings count as relevant, and the source.
    """

    items: pd.DataFrame
    s_cvi_ave: float
    s_cvi_ua: float
    n_experts: int
    n_items: int
    n_missing: int
    method: str

    def to_frame(self) -> pd.DataFrame:
        """Tidy: I-CVI and modified kappa of every item, then S-CVI/Ave and S-CVI/UA; n is the number of experts."""
        rows = [
            {"term": term, "group": str(row["item"]), "estimate": row[column], "n": row["experts"]}
            for term, column in (("I-CVI", "i_cvi"), ("modified kappa", "kappa"))
            for row in self.items.to_dict("records")
        ]
        for term, value in (("S-CVI/Ave", self.s_cvi_ave), ("S-CVI/UA", self.s_cvi_ua)):
            rows.append({"term": term, "group": "all items", "estimate": value, "n": self.n_experts})
        return pd.DataFrame(rows)


def content_validity(
    ratings: pd.DataFrame | str | Path, relevant: Collection[float] = (3, 4), scale: Collection[float] = (1, 2, 3, 4)
) -> ContentValidity:
    """Content validity of items from a panel's ratings of relevance.

    Parameters
    ----------
    ratings : DataFrame or path
        Items x experts, relevance as numbers, missing where an expert did not rate. A file is CSV with a column
        `item` and a column an expert.
    relevant : collection of float
        Ratings that call an item relevant; on the usual four-point scale 3 and 4.
    scale : collection of float
        Ratings that can be given.

    Returns
    -------
    ContentValidity
        An item's I-CVI is the share of its experts who call it relevant. The chance that A of N agree by chance is
        N! / (A! (N - A)!) 0.5^N, and kappa = (I-CVI - chance) / (1 - chance).

    Raises
    ------
    DataError
        Fewer than two experts for an item, a rating off the scale, or an item that stands twice.

    References
    ----------
    Polit, Beck & Owen (2007), Research in Nursing & Health 30, 459-467 (equations on p. 465). doi:10.1002/nur.20199
    Lynn (1986), Nursing Research 35, 382-385.

    Examples
    --------
    >>> panel = pd.DataFrame([[4, 3, 3, 4, 4], [4, 4, 3, 2, 4]], index=["trust_1", "trust_2"])
    >>> done = content_validity(panel)
    >>> done.items[["item", "i_cvi", "kappa", "verdict"]].round(2)
          item  i_cvi  kappa    verdict
    0  trust_1    1.0   1.00  excellent
    1  trust_2    0.8   0.76  excellent
    >>> round(done.s_cvi_ave, 2), done.s_cvi_ua
    (0.9, 0.5)
    """
    file = "" if isinstance(ratings, pd.DataFrame) else io.shown(ratings)
    table = ratings if isinstance(ratings, pd.DataFrame) else _read(ratings, file)
    values = _checked(table, scale, file)
    given = ~np.isnan(values)
    n, agreeing = given.sum(axis=1), (np.isin(values, list(relevant)) & given).sum(axis=1)
    i_cvi = agreeing / n
    chance = stats.binom.pmf(agreeing, n, 0.5)
    kappa = (i_cvi - chance) / (1 - chance)
    items = pd.DataFrame(
        {"item": table.index.astype(str), "experts": n, "agreeing": agreeing, "i_cvi": i_cvi, "p_chance": chance,
         "kappa": kappa, "verdict": [_verdict(value) for value in kappa]}
    )  # fmt: skip
    said = ", ".join(f"{value:g}" for value in sorted(relevant))
    method = f"relevant: ratings {said}; S-CVI/Ave and modified kappa by {CITED}"
    return ContentValidity(
        items,
        float(i_cvi.mean()),
        float((agreeing == n).mean()),
        values.shape[1],
        len(items),
        int((~given).sum()),
        method,
    )


def _verdict(kappa: float) -> str:
    return next((word for cut, word in _CUTS if kappa > cut or (cut < 0.74 and kappa >= cut)), "poor")


def _read(path: str | Path, file: str) -> pd.DataFrame:
    sheet = io.read_csv(path)
    if "item" not in sheet:
        raise DataError(Problem("this column is missing", file, 1, "item", mend="a row an item, a column an expert"))
    return io.read_csv(path, numbers=[name for name in sheet.columns if name != "item"]).set_index("item")


def _checked(table: pd.DataFrame, scale: Collection[float], file: str) -> np.ndarray:
    """Ratings as numbers, or all that is wrong with them."""
    problems = [
        Problem("an item that stands twice", file, column=str(name)) for name in table.index[table.index.duplicated()]
    ]
    numbers = table.apply(pd.to_numeric, errors="coerce")
    allowed = ", ".join(f"{value:g}" for value in scale)
    wrong = (table.notna() & ~numbers.isin(list(scale))).to_numpy()
    for i, j in zip(*np.nonzero(wrong), strict=True):
        what = f"a rating of item {table.index[i]} that is not on the scale"
        problems.append(Problem(what, file, column=f"expert {j + 1}", value=str(table.iat[i, j]), allowed=allowed))
    few = numbers.notna().sum(axis=1) < 2
    problems += [Problem(f"item {name} has fewer than two ratings", file) for name in table.index[few]]
    if not len(table):
        problems.append(Problem("no items", file))
    refuse(problems)
    return numbers.to_numpy(dtype=np.float64)
