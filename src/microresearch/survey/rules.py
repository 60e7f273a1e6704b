"""Which responses does each cleaning rule exclude? One small frozen value a rule; each looks at one thing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from microresearch.errors import Problem, SpecError
from microresearch.responses import State
from microresearch.survey.answers import key
from microresearch.survey.careless_rule import CarelessRule
from microresearch.survey.problems import nearest
from microresearch.survey.rule import Mask, Pool, Rule


@dataclass(frozen=True, slots=True)
class Preview(Rule):
    """Responses given in preview or test mode, told by their status."""

    statuses: tuple[str, ...] = (
        "Survey Preview", "Survey Test", "Survey Preview Spam", "Offline Survey Preview", "Preview", "Test",
    )  # fmt: skip
    name: ClassVar[str] = "preview"

    def _default_reason(self) -> str:
        return "preview or test response"

    def _excludes(self, pool: Pool) -> Mask:
        return pool.column("status", self.name).map(key).isin([key(one) for one in self.statuses]).to_numpy()


@dataclass(frozen=True, slots=True)
class Consent(Rule):
    """Responses whose consent is not one of the accepted words; an empty one is no consent."""

    accepted: tuple[str, ...] = ("Yes", "1", "True", "Checked")
    name: ClassVar[str] = "consent"

    def _default_reason(self) -> str:
        return "no consent given"

    def _excludes(self, pool: Pool) -> Mask:
        return ~pool.column("consent", self.name).map(key).isin([key(one) for one in self.accepted]).to_numpy()


@dataclass(frozen=True, slots=True)
class Duplicate(Rule):
    """All but one response of a person in a wave. A second wave is never a duplicate.

    `keep` is "first" or "last" (by starting time where the export has it, then by place in the file) or
    "fullest" (most answered or can't-rate items over all instruments, the first of equals).
    """

    keep: str = "first"
    name: ClassVar[str] = "duplicate"
    alone: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.keep not in ("first", "last", "fullest"):
            raise SpecError(Problem("keep cannot be meant", value=self.keep, allowed="first, last, fullest"))

    def _default_reason(self) -> str:
        return f"duplicate response (the {self.keep} of a person and wave is kept)"

    def _excludes(self, pool: Pool) -> Mask:
        people = pool.people
        order = people[["person", "wave"]].assign(place=people["row"] if "row" in people else np.arange(len(people)))
        order["time"] = people["started"] if "started" in people else pd.Timestamp(0)
        by, ascending = ["time", "place"], [self.keep != "last"] * 2
        if self.keep == "fullest":
            said = [one.state.isin([State.ANSWERED, State.CANT_RATE]).sum(axis=1) for one in pool.forms.values()]
            order["said"], by, ascending = sum(said), ["said", *by], [False, *ascending]
        ranked = order.sort_values(by, ascending=ascending, na_position="last", kind="stable")
        gone = ranked.index[ranked.duplicated(["person", "wave"])]
        return people.index.isin(gone)


@dataclass(frozen=True, slots=True)
class Eligibility(Rule):
    """Responses from outside the study: another role, not on the roster, no unit, or no wave given.

    `roles` lists the eligible ones (empty: all). `roster` asks that the person stands on the roster. `unit` asks
    that a unit was given.
    """

    roles: tuple[str, ...] = ()
    roster: bool = False
    unit: bool = False
    name: ClassVar[str] = "eligibility"

    def _default_reason(self) -> str:
        return "not eligible"

    def _excludes(self, pool: Pool) -> Mask:
        people = pool.people
        out = (people["wave"] < 1).to_numpy()
        if self.roles:
            out = out | ~people["role"].map(key).isin([key(one) for one in self.roles]).to_numpy()
        if self.unit:
            out = out | (people["unit"] == "").to_numpy()
        if self.roster:
            if pool.roster is None:
                raise SpecError(Problem("rule 'eligibility' asks for the roster, and there is none"))
            out = out | ~people["person"].isin(pool.roster["staff_id"]).to_numpy()
        return out


@dataclass(frozen=True, slots=True)
class Progress(Rule):
    """Responses that stopped before `minimum` per cent of the survey; an unknown progress stays in."""

    minimum: float = 0.0
    name: ClassVar[str] = "progress"

    def _default_reason(self) -> str:
        return f"progress below {self.minimum:g} %"

    def _excludes(self, pool: Pool) -> Mask:
        return (pool.column("progress", self.name) < self.minimum).to_numpy()


@dataclass(frozen=True, slots=True)
class Time(Rule):
    """Responses given too fast: in less than `minimum` seconds, or `seconds_per_item` for each item responded to.

    Items of all instruments count, answered or can't rate. An unknown duration stays in.
    """

    minimum: float = 0.0
    seconds_per_item: float = 0.0
    name: ClassVar[str] = "time"

    def _default_reason(self) -> str:
        parts = [f"{self.minimum:g} seconds"] if self.minimum else []
        parts += [f"{self.seconds_per_item:g} seconds an item"] if self.seconds_per_item else []
        return f"answered in less than {' or '.join(parts or ['0 seconds'])}"

    def _excludes(self, pool: Pool) -> Mask:
        said = sum(one.state.isin([State.ANSWERED, State.CANT_RATE]).sum(axis=1) for one in pool.forms.values())
        duration = pool.column("duration", self.name)
        return ((duration < self.minimum) | (duration < self.seconds_per_item * said)).to_numpy()


@dataclass(frozen=True, slots=True)
class Answered(Rule):
    """Responses with less than `share` (0-1) of the applicable items of one instrument answered.

    `cant_rate` says whether can't rate counts as an answer here. `instrument` is the first one when empty, and "all"
    takes the items of all instruments together.
    """

    share: float = 0.5
    instrument: str = ""
    cant_rate: bool = False
    name: ClassVar[str] = "answered"

    def _default_reason(self) -> str:
        return f"fewer than {100 * self.share:g} % of the applicable items answered"

    def _excludes(self, pool: Pool) -> Mask:
        whole = list(pool.forms.values()) if self.instrument == "all" else [pool.form(self.instrument, self.name)]
        state = np.hstack([one.state.to_numpy() for one in whole])
        said = (state == State.ANSWERED) | (self.cant_rate & (state == State.CANT_RATE))
        applicable = (state != State.NOT_APPLICABLE).sum(axis=1)
        return said.sum(axis=1) < self.share * applicable


RULES: dict[str, type[Rule]] = {
    one.name: one for one in (Preview, Consent, Duplicate, Eligibility, Progress, Time, CarelessRule, Answered)
}


def read_rule(rule: Rule | Mapping[str, Any]) -> Rule:
    """A rule as declared in a study file (`rule = "time"`, `minimum = 120`) as a value.

    Raises
    ------
    SpecError
        No such rule, a key that it does not have, or a value of the wrong kind.

    Examples
    --------
    >>> read_rule({"rule": "time", "minimum": 120}).why()
    'answered in less than 120 seconds'
    """
    if isinstance(rule, Rule):
        return rule
    name = str(rule.get("rule", ""))
    if name not in RULES:
        near = nearest(name, RULES)
        mend = f"did you mean {near[0]!r}?" if near else 'write rule = "..."'
        raise SpecError(Problem("there is no such cleaning rule", value=name, allowed=", ".join(RULES), mend=mend))
    kinds = {one.name: one for one in fields(RULES[name])}
    problems: list[Problem] = []
    settings: dict[str, Any] = {}
    for setting, value in rule.items():
        if setting == "rule":
            continue
        if setting not in kinds:
            what = f"rule {name!r} has no setting {setting!r}"
            problems.append(Problem(what, allowed=", ".join(kinds)))
            continue
        kind = type(kinds[setting].default)
        read = _CHECKS[kind](value)
        if read is None:
            what = f"setting {setting!r} of rule {name!r} cannot be meant"
            problems.append(Problem(what, value=str(value), allowed=_KINDS[kind]))
        settings[setting] = read
    if problems:
        raise SpecError(problems)
    return RULES[name](**settings)


def _texts(value: object) -> tuple[str, ...] | None:
    fine = isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(one, str) for one in value)
    return tuple(value) if fine else None  # type: ignore[arg-type]


def _not_negative(value: object) -> float | None:
    fine = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return float(value) if fine else None  # type: ignore[arg-type]


_CHECKS: dict[type, Callable[[object], Any]] = {
    str: lambda value: value if isinstance(value, str) else None,
    bool: lambda value: value if isinstance(value, bool) else None,
    float: _not_negative,
    tuple: _texts,
}
_KINDS: dict[type, str] = {str: "text", bool: "true or false", float: "a number, 0 or more", tuple: "a list of texts"}
