"""How was each item answered: by how many, at which levels, and what became of the rest?"""

import pandas as pd

from microresearch.psychometrics.scores import keyed_items
from microresearch.responses import Responses, State


def item_states(responses: Responses) -> pd.DataFrame:
    """Every item in its four states, with mean, SD, floor and ceiling of the keyed answers.

    Parameters
    ----------
    responses : Responses
        One wave, as a rule.

    Returns
    -------
    DataFrame
        A row an item: `item` (code; "(R)" marks a reversed item), `characteristic`, `answered`, `cant_rate`, `blank`,
        `not_applicable` (people; the four add up to the responses), `mean`, `sd` (scale points, ddof 1), `floor`,
        `ceiling` (per cent of the answers at the worst and the best level). Statistics of an item that nobody
        answered are missing. Exact counts, so private.

    Examples
    --------
    >>> item_states(responses)[["item", "answered", "cant_rate"]]  # doctest: +SKIP
    """
    keyed = keyed_items(responses)
    instrument = responses.instrument
    counts = {state: (responses.state == state).sum() for state in State}
    rows = []
    for item in instrument.items:
        answers = keyed[item.code].dropna()
        n = len(answers)
        row: dict[str, object] = {
            "item": f"{item.code} (R)" if item.reversed else item.code,
            "characteristic": item.characteristic,
            **{state.name.lower(): int(counts[state][item.code]) for state in State},
        }
        if n:
            row |= {
                "mean": answers.mean(),
                "floor": 100 * (answers == item.low).mean(),
                "ceiling": 100 * (answers == item.high).mean(),
            }
        if n > 1:
            row["sd"] = answers.std(ddof=1)
        rows.append(row)
    order = ["item", "characteristic", *(state.name.lower() for state in State), "mean", "sd", "floor", "ceiling"]
    table = pd.DataFrame(rows)
    return table[[name for name in order if name in table]]
