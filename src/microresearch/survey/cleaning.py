"""Who is left out, in which order and why? Declared rules, applied in turn, every exclusion in the ledger."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import pandas as pd

from microresearch.errors import DataError, Problem, SpecError
from microresearch.responses import Ledger, Responses
from microresearch.survey.rule import Pool, Rule
from microresearch.survey.rules import read_rule

Some = TypeVar("Some", Responses, dict[str, Responses])


def clean(responses: Some, rules: Sequence[Rule | Mapping[str, Any]], roster: pd.DataFrame | None = None) -> Some:
    """Apply cleaning rules in their declared order.

    Parameters
    ----------
    responses : Responses or dict of Responses
        One instrument's, or several of the same export: they share ids, rules and ledger.
    rules : sequence
        Rules, or mappings as in a study file: `{"rule": "time", "minimum": 120, "reason": "..."}`. See
        `microresearch.survey.rules` for the rules (preview, consent, duplicate, eligibility, progress, time, careless,
        answered) and their settings.
    roster : DataFrame, optional
        From `read_roster`; needed where a rule asks for it.

    Returns
    -------
    Responses or dict of Responses
        Those that remain, in their order; start minus exclusions equals what remains. A rule that removes nobody
        stands in the ledger with 0, once: cleaning what has been cleaned changes nothing.

    Raises
    ------
    SpecError
        A rule that cannot be meant, or that needs what was not read.
    DataError
        Nobody remains, or the ledger does not fit the responses.

    Examples
    --------
    >>> from microresearch.instrument import load_instrument
    >>> form = load_instrument("assessment-form")
    >>> names, ids = [item.code for item in form.items], pd.Index(["a", "b"])
    >>> values = pd.DataFrame(2.0, index=ids, columns=names)
    >>> state = pd.DataFrame(0, index=ids, columns=names, dtype="int8")
    >>> people = pd.DataFrame({"person": ["a", "b"], "unit": "U1", "role": "nurse", "wave": 1, "duration": [90, 600]},
    ...                       index=ids)
    >>> done = clean(Responses(form, values, state, people, Ledger(2)), [{"rule": "time", "minimum": 120}])
    >>> done.ledger.to_frame()
       rule                              reason  excluded  remaining
    0  time   answered in less than 120 seconds         1          1
    """
    forms: dict[str, Responses] = {"": responses} if isinstance(responses, Responses) else dict(responses)
    declared = [read_rule(rule) for rule in rules]
    _check(forms, declared)
    ledger = next(iter(forms.values())).ledger
    for rule in declared:
        forms, ledger = _apply(rule, forms, ledger, roster)
    people = next(iter(forms.values())).people
    if not len(people):
        raise DataError("no response remains after cleaning; the ledger says which rule left whom out.")
    if (people["wave"] < 1).any():
        what = f"{int((people['wave'] < 1).sum())} responses have no wave"
        raise DataError(Problem(what, column="wave", mend='add the rule "eligibility", which leaves them out'))
    return cast("Some", forms[""] if isinstance(responses, Responses) else forms)


def _check(forms: Mapping[str, Responses], rules: Sequence[Rule]) -> None:
    """Rules named once; instruments of one export; a ledger that fits."""
    first = next(iter(forms.values()))
    names = [rule.name for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SpecError([Problem(f"cleaning rule {name!r} is declared twice") for name in twice])
    for code, one in forms.items():
        if not one.values.index.equals(first.values.index) or one.ledger != first.ledger:
            raise DataError(f"the responses to {code} are not of the same export and cleaning as the first.")
    if first.ledger.remaining != len(first):
        what = f"the ledger says that {first.ledger.remaining} responses remain, but there are {len(first)}"
        raise DataError(Problem(what, mend="clean what read_responses gave, before taking parts of it"))


def _apply(
    rule: Rule, forms: dict[str, Responses], ledger: Ledger, roster: pd.DataFrame | None
) -> tuple[dict[str, Responses], Ledger]:
    """One rule: who leaves, and the ledger with one step more (none where a known rule leaves out nobody)."""
    known = any(step.rule == rule.name for step in ledger.steps)
    if known and rule.once:
        return forms, ledger
    out = rule.excludes(Pool(forms, roster))
    index = next(iter(forms.values())).values.index
    gone = index[out]
    if known and not len(gone):
        return forms, ledger
    ledger = ledger.add(rule.name, rule.why(), gone)
    return {code: one.keep(index[~out], ledger) for code, one in forms.items()}, ledger


def rule_order(
    responses: Responses | dict[str, Responses],
    rules: Sequence[Rule | Mapping[str, Any]],
    roster: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Whether the order of the rules matters, for every two of them.

    Rules that judge each response by itself commute. One that compares responses (duplicates, some careless flags)
    may not: every pair with such a rule is tried in both orders on these responses, the other rules in their place.

    Returns
    -------
    DataFrame
        A row a pair: `first`, `second` (as declared), `commute`, `differ` (responses that stand in one final set and
        not in the other) and `why`. Exact counts, so private.
    """
    declared = [read_rule(rule) for rule in rules]
    rows: list[dict[str, object]] = []
    final: set[str] | None = None
    for i, first in enumerate(declared):
        for j in range(i + 1, len(declared)):
            second, differ, why = declared[j], 0, "each judges a response by itself"
            if not (first.alone and second.alone):
                final = _final(responses, declared, roster) if final is None else final
                swapped = [*declared]
                swapped[i], swapped[j] = second, first
                differ = len(final ^ _final(responses, swapped, roster))
                why = "same final set in both orders, on these data" if not differ else "the final set depends on order"
            rows.append(
                {"first": first.name, "second": second.name, "commute": not differ, "differ": differ, "why": why}
            )
    return pd.DataFrame(rows, columns=["first", "second", "commute", "differ", "why"])


def order_note(pairs: pd.DataFrame) -> str:
    """What `rule_order` found, in a sentence without a count.

    Examples
    --------
    >>> order_note(pd.DataFrame({"first": ["preview"], "second": ["time"], "commute": [True]}))
    'The order of the cleaning rules does not matter here: every two of them leave the same responses in both orders.'
    """
    apart = pairs[~pairs["commute"].astype(bool)]
    if apart.empty:
        return (
            "The order of the cleaning rules does not matter here: every two of them leave the same responses in both "
            "orders."
        )
    said = "; ".join(f"{first} and {second}" for first, second in zip(apart["first"], apart["second"], strict=True))
    return f"The order of these cleaning rules matters, so the declared one stands: {said}. Others may be exchanged."


def _final(responses: Responses | dict[str, Responses], rules: Sequence[Rule], roster: pd.DataFrame | None) -> set[str]:
    """Response ids that remain."""
    forms = {"": responses} if isinstance(responses, Responses) else dict(responses)
    ledger = next(iter(forms.values())).ledger
    for rule in rules:
        forms, ledger = _apply(rule, forms, ledger, roster)
    return set(next(iter(forms.values())).values.index)
