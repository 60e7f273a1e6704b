"""What was decided before outcomes were read? The parts of study.toml that make up the analysis plan."""

from typing import Any

from microresearch.study.spec import StudySpec

SECTIONS = ("cleaning", "units", "scores", "exposure", "encounters", "outcomes", "unit_months", "plan")
"""Sections of study.toml that the plan draws on."""
LATER = frozenset(("unit_months", "stays", "price_index", "perspective", "horizon", "imputation", "winsor"))
"""What is part of the plan where it is said; without it a plan keeps the hash that it had before."""


def plan_of(spec: StudySpec) -> dict[str, Any]:
    """The analysis plan: what is decided, not where files lie, nor the registration, which comes after it."""
    whole = spec.model_dump(mode="json", include=set(SECTIONS))
    for section, beside in (
        ("units", {"file"}),
        ("exposure", {"file"}),
        ("encounters", {"admissions", "costs", "ccr"}),
        ("unit_months", {"file"}),
        ("plan", {"registration", "registered_hash"}),
    ):
        if whole.get(section):
            whole[section] = {
                key: value for key, value in whole[section].items() if key not in beside and (value or key not in LATER)
            }
    whole["outcomes"] = [{k: v for k, v in one.items() if v or k not in LATER} for one in whole["outcomes"]]
    return {key: part for key, part in whole.items() if part is not None or key not in LATER}
