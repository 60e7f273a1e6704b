"""How does a new study file explain itself? Values as TOML, each key with a comment that says what it is for."""

from collections.abc import Mapping
from typing import Any

from microresearch.study.toml import to_toml

HEAD = """# The study file: where the data lie, how answers become scores, and the analysis plan.
# `microresearch check` looks at everything that it names; a key that is not known is an error, never ignored.
# Whatever stands here as a proposal was made from the names of columns: look at each.
"""

SECTIONS: Mapping[str, str] = {
    "[study]": "What the study is called, its one seed, and the instruments that its survey used.",
    "[survey]": "The export as received.",
    "[survey.columns]": "Which column of the export holds what. PROPOSED from their names: look at each.",
    "[survey.items]": "Item -> column, where they are called differently. PROPOSED: look at each.",
    "[roster]": "Everyone who was asked (staff_id, unit, role): without it there are no response rates.",
    "[units]": "A row a unit: unit, name, variants (other spellings, separated by |), hospital, and covariates.",
    "[scores]": "How answers become a score; every result says which rule it rests on.",
    "[encounters]": "One row a stay, and its cost lines; joined by `on`, attributed by `unit`.",
    "[encounters.stays]": "What one stay is, whose it is, and which stays count.",
    "[encounters.imputation]": "Stays that lack case mix are imputed within units, beside complete cases.",
    "[encounters.dates]": "The survey must precede the outcomes; else a warning stays with every estimate.",
    "[unit_months]": "Nursing indicators: a row a unit and month, counts with their exposure.",
    "[plan]": "Decide this before outcomes are read; its hash stands with every estimate.",
    "[disclosure]": "No count of people from 1 to this number is published.",
    "[run]": "Nothing here changes a number.",
}
KEYS: Mapping[str, str] = {
    "seed": "every task draws from a stream of its own, spawned from this",
    "instruments": "built-in forms by name, or your own TOML files",
    "format": "the file is held to it; \"auto\" looks",
    "person": "who answered: joins waves and roster",
    "wave": "1, 2, ...; wave 2 serves the retest",
    "hospital": "the primary contrast is within hospitals; \"\" where there is one only",
    "covariates": "unit-level adjustment, of unit scores and outcomes alike",
    "missing": "a score needs half of the applicable items; or \"all\", \"any\", a share such as 0.8",
    "minimum_raters": "results of a unit with fewer are not shown",
    "cost_basis": "direct, full, or charges x ccr",
    "kind": "continuous, count, binary or cost",
    "confirmatory": "the other outcomes are exploratory",
    "m": "imputed data sets, 20 or more",
    "iterations": "rounds of each chain; chains that have not settled give no estimate",
    "keep": "first, last or fullest of a person and wave",
    "minimum": "per cent of the survey",
    "seconds_per_item": "faster is too fast to have read",
    "roster": "leave out who is not on the roster",
    "share": "of the applicable items of the first instrument",
}  # fmt: skip


def commented(content: Mapping[str, Any]) -> str:
    """study.toml as text with comments.

    Examples
    --------
    >>> print(commented({"study": {"title": "Wards", "seed": 1}}).splitlines()[-1])
    seed = 1  # every task draws from a stream of its own, spawned from this
    """
    lines = []
    for line in to_toml(content).splitlines():
        if line in SECTIONS:
            lines.append(f"# {SECTIONS[line]}")
        elif line.startswith("[[cleaning]]") and "[[cleaning]]" not in lines:
            lines.append("# Who is left out, in this order; a response leaves at the first rule that applies.")
        elif line.startswith("[[outcomes]]") and "[[outcomes]]" not in lines:
            lines.append("# What is related to the scores, by the model that its kind calls for.")
        key = line.partition(" = ")[0]
        lines.append(f"{line}  # {KEYS[key]}" if " = " in line and key in KEYS else line)
    return HEAD + "\n" + "\n".join(lines) + "\n"
