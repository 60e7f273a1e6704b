"""When does a study leave out careless responses? Only by indices and cuts that it declares."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from microresearch.errors import Problem, SpecError
from microresearch.survey.careless_names import INDICES
from microresearch.survey.rule import Mask, Pool, Rule

UNSET = float("nan")


@dataclass(frozen=True, slots=True)
class CarelessRule(Rule):
    """Responses that at least `minimum_flags` of the declared indices flag; see `careless` for the indices.

    An index without a cut is not used, and without any cut the rule cannot be meant. Some indices compare a person
    with the sample, so the rule runs once: what it has cleaned is not judged again.
    """

    longest_run: float = UNSET
    irv: float = UNSET
    mahalanobis_p: float = UNSET
    even_odd: float = UNSET
    synonyms: float = UNSET
    antonyms: float = UNSET
    seconds_per_item: float = UNSET
    minimum_flags: float = 1.0
    instrument: str = ""
    name: ClassVar[str] = "careless"
    alone: ClassVar[bool] = False
    once: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.cuts():
            what = "rule 'careless' names no index: flags never leave anyone out by themselves"
            raise SpecError(Problem(what, allowed=", ".join(INDICES), mend="say longest_run = 40, for instance"))

    def cuts(self) -> dict[str, float]:
        """The declared indices and their cuts."""
        return {name: getattr(self, name) for name in INDICES if not np.isnan(getattr(self, name))}

    def _default_reason(self) -> str:
        said = ", ".join(f"{name} {INDICES[name][0]} {cut:g}" for name, cut in self.cuts().items())
        return f"careless responding ({self.minimum_flags:g} flag or more of: {said})"

    def _excludes(self, pool: Pool) -> Mask:
        from microresearch.survey.careless_indices import careless

        found = careless(pool.form(self.instrument, self.name), self.cuts())
        missing = [name for name in self.cuts() if name in found.not_available]
        if missing:
            raise SpecError(
                [Problem(f"rule 'careless': {found.not_available[name].reason}", column=name) for name in missing]
            )
        return (found.n_flags >= self.minimum_flags).to_numpy()
