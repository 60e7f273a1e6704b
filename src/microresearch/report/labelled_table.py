"""How does a frame become a table under headers of its own? Only columns that are labelled and say something."""

from collections.abc import Mapping, Sequence

import pandas as pd

from microresearch.report.tables import Table


def labelled_table(
    frame: pd.DataFrame,
    title: str,
    labels: Mapping[str, str],
    *,
    counts: Sequence[str] = (),
    bounded: Sequence[str] = (),
    decimals: Mapping[str, int] | None = None,
    shares: Mapping[str, tuple[str, str]] | None = None,
    notes: tuple[str, ...] = (),
    of: str = "",
    by: tuple[str, ...] = (),
    where: Mapping[str, Mapping[str, str]] | None = None,
    whom: Mapping[str, Sequence[Mapping[str, str] | None]] | None = None,
) -> Table:
    """A table of the labelled columns that the frame has, in the labels' order; notes that say nothing are left out."""
    empty = {"note"} if "note" in frame and (frame["note"].fillna("") == "").all() else set()
    kept = [column for column in labels if column in frame and column not in empty]
    return Table(
        frame[kept].reset_index(drop=True), title, notes,
        counts=tuple(c for c in counts if c in kept), bounded=tuple(c for c in bounded if c in kept),
        decimals={c: d for c, d in (decimals or {}).items() if c in kept}, labels={c: labels[c] for c in kept},
        shares={c: s for c, s in (shares or {}).items() if c in kept}, of=of, by=by,
        where={c: w for c, w in (where or {}).items() if c in kept},
        whom={c: tuple(w) for c, w in (whom or {}).items() if c in kept},
    )  # fmt: skip
