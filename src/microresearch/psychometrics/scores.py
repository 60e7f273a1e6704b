"""What did each person say about each characteristic? Keyed items averaged under a declared missing rule."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from microresearch.errors import DataError, Problem, SpecError
from microresearch.numeric.moments import Floats
from microresearch.responses import Responses, State

RULES = ("half", "all", "any")
ESTIMANDS = ("mean", "top", "positive", "at_or_above")


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


def characteristic_scores(
    responses: Responses, missing: str | float = "half", estimand: str = "mean", cut: float | None = None
) -> pd.DataFrame:
    """Each person's score on each characteristic, from the keyed items.

    Parameters
    ----------
    responses : Responses
    missing : {"half", "all", "any"} or float, default "half"
        Share of a person's *applicable* items that must be answered for a score: at least half, all, one at least, or
        any share above 0 up to 1. Can't rate and blank count as applicable and unanswered; an item that does not apply
        to the person's unit is not counted at all. No published rule exists for this instrument: the default is ours.
    estimand : {"mean", "top", "positive", "at_or_above"}, default "mean"
        Mean of the answers; per cent of them at the best option; per cent of them at or above `cut` (averaged over
        staff, the Hospital Survey on Patient Safety's mean of item percentages when no answer is missing); 100 where
        the mean is at or above `cut` and 0 elsewhere (the Safety Attitudes Questionnaire's per cent positive).
    cut : float, optional
        In scale points; needed by "positive" and "at_or_above" and refused by the others.

    Returns
    -------
    DataFrame, responses x characteristics
        Scale points (1-5 for the long form, 1-3 for the assessment form), or per cent; NaN where the rule gives none.

    Raises
    ------
    SpecError
        A setting that is none of these, or a cut missing or out of place.

    References
    ----------
    Sexton et al. (2006), BMC Health Services Research 6:44 (per cent at or above). doi:10.1186/1472-6963-6-44
    Sorra & Dyer (2010), BMC Health Services Research 10:199 (per cent positive). doi:10.1186/1472-6963-10-199

    See Also
    --------
    keyed_items : the items behind the scores.
    """
    share = least_share(missing)
    _check_estimand(estimand, cut)
    keyed = responses.instrument.reverse(responses.values)
    applies = responses.state != State.NOT_APPLICABLE
    scores = {}
    for characteristic in responses.instrument.characteristics:
        items = responses.instrument.items_of(characteristic.code)
        codes = [item.code for item in items]
        answers = keyed[codes].to_numpy(np.float64)
        answered = (~np.isnan(answers)).sum(axis=1)
        applicable = applies[codes].to_numpy().sum(axis=1)
        enough = (answered > 0) & (answered >= share * applicable)
        counted = _counted(answers, np.array([item.high for item in items]), estimand, cut)
        score = np.nansum(counted, axis=1) / np.maximum(answered, 1)
        if estimand == "at_or_above":
            score = 100.0 * (score >= (cut or 0.0))
        scores[characteristic.code] = np.where(enough, score, np.nan)
    return pd.DataFrame(scores, index=responses.values.index)


def _counted(answers: Floats, high: Floats, estimand: str, cut: float | None) -> Floats:
    """What each answer adds to its person's score."""
    if estimand in {"mean", "at_or_above"}:
        return answers
    least = high if estimand == "top" else np.full(len(high), cut)
    return np.where(np.isnan(answers), np.nan, 100.0 * (answers >= least))


def _check_estimand(estimand: str, cut: float | None) -> None:
    if estimand not in ESTIMANDS:
        raise SpecError(Problem("unknown estimand", value=estimand, allowed=", ".join(ESTIMANDS)))
    needs = estimand in {"positive", "at_or_above"}
    if needs != (cut is not None):
        raise SpecError(f"estimand {estimand!r} {'needs a cut, in scale points' if needs else 'takes no cut'}.")


def least_share(missing: str | float) -> float:
    """The least share of applicable items that a rule asks for."""
    named = {"half": 0.5, "all": 1.0, "any": 0.0}
    if isinstance(missing, str) and missing in named:
        return named[missing]
    if not isinstance(missing, str) and 0 < missing <= 1:
        return float(missing)
    raise SpecError(
        Problem("unknown missing rule", value=str(missing), allowed=f"{', '.join(RULES)}, or a share above 0 up to 1")
    )
