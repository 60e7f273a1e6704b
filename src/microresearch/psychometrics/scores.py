"""What did each person say about each characteristic? Keyed items averaged under a declared missing rule."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from microresearch.errors import DataError, Problem, SpecError
from microresearch.responses import Responses, State

RULES = ("half", "all", "any")


def keyed_items(responses: Responses, characteristic: str | None = None) -> pd.DataFrame:
    """Answers with negatively worded items turned by their theoretical bounds: low + high - answer.

    Parameters
    ----------
    responses : Responses
    characteristic : str, optional
        Code of one characteristic; its items alone. All items if left out.

    Returns
    -------
    DataFrame, responses x items
        Scale points; NaN unless answered. Items that apply to no one here are left out.

    Raises
    ------
    SpecError
        The instrument has no such characteristic.
    """
    instrument = responses.instrument
    keyed = instrument.reverse(responses.values)
    if characteristic is not None:
        known = [c.code for c in instrument.characteristics]
        if characteristic not in known:
            raise SpecError(
                Problem(
                    f"{instrument.code} has no such characteristic",
                    value=characteristic,
                    allowed=", ".join(known),
                )
            )
        keyed = keyed[[item.code for item in instrument.items_of(characteristic)]]
    states = responses.state[list(keyed.columns)]
    return keyed.loc[:, (states != State.NOT_APPLICABLE).any(axis=0)]


def pick_items(items: pd.DataFrame | Responses, columns: str | Sequence[str] | None) -> pd.DataFrame:
    """The item columns an estimator works on, as numbers.

    From `Responses`, `columns` names one characteristic, or items, which come keyed; from a frame it names columns.

    Raises
    ------
    DataError
        A column is missing or holds text.
    """
    if isinstance(items, Responses):
        one = {c.code for c in items.instrument.characteristics}
        frame = keyed_items(items, columns if isinstance(columns, str) and columns in one else None)
        if isinstance(columns, str) and columns in one:
            return frame
    else:
        frame = items
    if columns is not None:
        wanted = [columns] if isinstance(columns, str) else list(columns)
        missing = [Problem("no such column", column=name) for name in wanted if name not in frame.columns]
        if missing:
            raise DataError(missing)
        frame = frame[wanted]
    text = [
        Problem("an item must hold numbers", column=str(name), mend="code the answers as numbers first")
        for name in frame.columns
        if not pd.api.types.is_numeric_dtype(frame[name])
    ]
    if text:
        raise DataError(text)
    return frame.astype(np.float64)


def characteristic_scores(responses: Responses, missing: str | float = "half") -> pd.DataFrame:
    """Each person's mean of the keyed items of each characteristic.

    Parameters
    ----------
    responses : Responses
    missing : {"half", "all", "any"} or float, default "half"
        Share of a person's *applicable* items that must be answered for a score: at least half, all, one at least, or
        any share above 0 up to 1. Can't rate and blank count as applicable and unanswered; an item that does not apply
        to the person's unit is not counted at all. No published rule exists for this instrument: the default is ours.

    Returns
    -------
    DataFrame, responses x characteristics
        Scale points (1-5 for the long form, 1-3 for the assessment form); NaN where the rule gives no score.

    Raises
    ------
    SpecError
        `missing` is none of these.

    See Also
    --------
    keyed_items : the items behind the scores.
    """
    share = _share(missing)
    keyed = responses.instrument.reverse(responses.values)
    applies = responses.state != State.NOT_APPLICABLE
    scores = {}
    for characteristic in responses.instrument.characteristics:
        codes = [item.code for item in responses.instrument.items_of(characteristic.code)]
        answers = keyed[codes].to_numpy(np.float64)
        answered = (~np.isnan(answers)).sum(axis=1)
        applicable = applies[codes].to_numpy().sum(axis=1)
        enough = (answered > 0) & (answered >= share * applicable)
        total = np.where(np.isnan(answers), 0.0, answers).sum(axis=1)
        scores[characteristic.code] = np.where(enough, total / np.maximum(answered, 1), np.nan)
    return pd.DataFrame(scores, index=responses.values.index)


def _share(missing: str | float) -> float:
    """The least share of applicable items that a rule asks for."""
    named = {"half": 0.5, "all": 1.0, "any": 0.0}
    if isinstance(missing, str) and missing in named:
        return named[missing]
    if not isinstance(missing, str) and 0 < missing <= 1:
        return float(missing)
    raise SpecError(
        Problem("unknown missing rule", value=str(missing), allowed=f"{', '.join(RULES)}, or a share above 0 up to 1")
    )
