"""What is a cleaning rule, and what may it look at?"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from microresearch.errors import Problem, SpecError
from microresearch.responses import Responses

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """What a rule may look at: the responses still in, by instrument code, and the roster."""

    forms: Mapping[str, Responses]
    roster: pd.DataFrame | None = None

    @property
    def people(self) -> pd.DataFrame:
        """Who gave the responses still in."""
        return next(iter(self.forms.values())).people

    def column(self, name: str, rule: str) -> pd.Series:
        """A column of people that a rule needs."""
        if name not in self.people:
            mend = f"map {name!r} to a column of the export, or leave the rule out"
            raise SpecError(Problem(f"rule {rule!r} needs the column {name!r}, which was not read", mend=mend))
        return self.people[name]

    def form(self, code: str, rule: str) -> Responses:
        """The instrument that a rule names; the first when it names none."""
        if code and code not in self.forms:
            what = f"rule {rule!r} names no instrument that was read"
            raise SpecError(Problem(what, value=code, allowed=", ".join(self.forms)))
        return self.forms[code] if code else next(iter(self.forms.values()))


@dataclass(frozen=True, slots=True)
class Rule(ABC):
    """Base of the rules: a name for the study file, a reason for the flow diagram, and what it excludes."""

    reason: str = ""
    name: ClassVar[str] = ""
    alone: ClassVar[bool] = True
    """Whether each response is judged by itself, so that the rule commutes with every other such rule."""
    once: ClassVar[bool] = False
    """Whether the rule judges by the sample at hand and so is not applied again to what it has cleaned."""

    def why(self) -> str:
        """The reason in words: the study's own, else the rule's."""
        return self.reason or self._default_reason()

    def excludes(self, pool: Pool) -> Mask:
        """Which of the responses still in leave."""
        return self._excludes(pool)

    @abstractmethod
    def _default_reason(self) -> str: ...

    @abstractmethod
    def _excludes(self, pool: Pool) -> Mask: ...
