"""What is in the data? Item, wording, options, how many answered and in what range: the data dictionary of a study."""

import numpy as np
import pandas as pd

from microresearch.responses import Responses
from microresearch.survey.states import STATES, state_table

PEOPLE = {
    "person": "who answered (staff code)",
    "unit": "unit id as in the units file",
    "role": "role as given in the survey",
    "wave": "round of the survey, from 1",
    "started": "when the survey was opened",
    "duration": "seconds from opening to sending",
    "progress": "per cent of the survey that was reached",
    "status": "kind of response (normal, preview, test)",
    "consent": "answer to the question of consent",
    "row": "row of the response in the export",
}


def data_dictionary(responses: Responses) -> pd.DataFrame:
    """A row a variable: first what is known of people, then every item.

    Parameters
    ----------
    responses : Responses
        Before or after cleaning; the counts are of what it holds.

    Returns
    -------
    DataFrame
        `variable`, `kind` (people or item), `characteristic`, `wording`, `options`, `low`, `high` (what the form
        allows), `reversed`, `applies`, `n` (responses), the four states, `lowest`, `highest` (as observed). Cells that
        do not apply to a row are missing. Exact counts: publish through the door that suppresses small ones.
    """
    instrument = responses.instrument
    options = "; ".join([*(f"{one.code:g} = {one.label}" for one in instrument.options), *instrument.cant_rate])
    counts = {str(row["item"]): row for row in state_table(responses, None).to_dict("records")}
    rows: list[dict[str, object]] = [
        {"variable": name, "kind": "people", "wording": PEOPLE.get(name, "kept by the study"), "n": len(responses),
         "answered": int(_known(responses.people[name]).sum())}
        for name in responses.people.columns
    ]  # fmt: skip
    for item in instrument.items:
        answers = responses.values[item.code].to_numpy()
        seen = answers[~np.isnan(answers)]
        rows.append(
            {"variable": item.code, "kind": "item", "characteristic": item.characteristic, "wording": item.text,
             "options": options, "low": item.low, "high": item.high, "reversed": "yes" if item.reversed else "no",
             "applies": item.applies, "n": len(responses),
             **{state: int(counts[item.code][state]) for state in STATES},
             **({"lowest": float(seen.min()), "highest": float(seen.max())} if len(seen) else {})}
        )  # fmt: skip
    order = ["variable", "kind", "characteristic", "wording", "options", "low", "high", "reversed", "applies", "n",
             *STATES, "lowest", "highest"]  # fmt: skip
    table = pd.DataFrame(rows).reindex(columns=order)
    return table.astype(dict.fromkeys(("n", *STATES), "Int64"))


def _known(column: pd.Series) -> "pd.Series[bool]":
    return column.notna() & (column.astype("str") != "")
