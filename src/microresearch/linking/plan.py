"""Was the analysis fixed before outcomes were read? One hash of the plan, to stand with every estimate."""

import hashlib
import json
from collections.abc import Mapping

from microresearch.errors import SpecError


def plan_hash(plan: Mapping[str, object]) -> str:
    """A hash of everything the plan says, whatever the order of its keys.

    Parameters
    ----------
    plan : mapping
        Outcomes, covariates, models, family, exclusions: text, numbers, true/false, lists and mappings of them.

    Returns
    -------
    str
        Twelve hexadecimal digits (of SHA-256 over the plan as canonical JSON).

    Raises
    ------
    SpecError
        Something in the plan that has no one way of being written (an object, a set, a number that is not finite).

    Examples
    --------
    >>> plan_hash({"outcomes": ["cost"], "adjust": "holm"}) == plan_hash({"adjust": "holm", "outcomes": ["cost"]})
    True
    """
    try:
        text = json.dumps(_plain(plan), sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as cause:
        raise SpecError(f"the plan cannot be hashed: {cause}.") from None
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value
