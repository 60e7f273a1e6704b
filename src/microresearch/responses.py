"""Who answered what, in four states, and who was left out, in order, and why."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum

import pandas as pd

from microresearch.errors import DataError
from microresearch.instrument import Instrument


class State(IntEnum):
    """What became of one question for one person. Only `ANSWERED` has a value."""

    ANSWERED = 0
    CANT_RATE = 1
    BLANK = 2
    NOT_APPLICABLE = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One named exclusion: the rule's name in the study file, the reason in words, the response ids it removed."""

    rule: str
    reason: str
    ids: tuple[str, ...]

    @property
    def n(self) -> int:
        """How many it removed."""
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every raw row is analysed or stands here under one named exclusion: `start - sum(excluded) == remaining`."""

    start: int
    steps: tuple[Step, ...] = ()

    @property
    def remaining(self) -> int:
        """How many are left after all steps."""
        return self.start - sum(step.n for step in self.steps)

    def add(self, rule: str, reason: str, ids: Iterable[str]) -> "Ledger":
        """The ledger with one step more; an id that already left cannot leave again."""
        gone = {i for step in self.steps for i in step.ids}
        now = tuple(ids)
        if len(set(now)) != len(now) or gone & set(now):
            raise DataError(f"cleaning rule {rule!r} excludes a response that has already been excluded.")
        return replace(self, steps=(*self.steps, Step(rule, reason, now)))

    def to_frame(self) -> pd.DataFrame:
        """Columns rule, reason, excluded, remaining: exact counts, so private."""
        rows: list[dict[str, object]] = []
        left = self.start
        for step in self.steps:
            left -= step.n
            rows.append({"rule": step.rule, "reason": step.reason, "excluded": step.n, "remaining": left})
        return pd.DataFrame(rows, columns=["rule", "reason", "excluded", "remaining"])


@dataclass(frozen=True, slots=True, eq=False)
class Responses:
    """The answers to one instrument.

    Attributes
    ----------
    instrument : Instrument
        What was asked.
    values : DataFrame, responses x items
        Codes as answered (not reversed), NaN unless the state is answered. The index holds response ids (text).
    state : DataFrame, responses x items
        `State` codes as int8, index and columns as `values`.
    people : DataFrame
        Index as `values`; always `person`, `unit`, `role`, `wave` (1, 2, ...); and `started`, `duration` (seconds),
        `progress` (per cent), `status`, `consent` where the export has them.
    ledger : Ledger
        Who was left out so far.
    """

    instrument: Instrument
    values: pd.DataFrame
    state: pd.DataFrame
    people: pd.DataFrame
    ledger: Ledger = field(default_factory=lambda: Ledger(0))

    def __post_init__(self) -> None:
        items = [item.code for item in self.instrument.items]
        if list(self.values.columns) != items or list(self.state.columns) != items:
            raise DataError(f"the columns of values and state must be the items of {self.instrument.code}, in order.")
        if not (self.values.index.equals(self.state.index) and self.values.index.equals(self.people.index)):
            raise DataError("values, state and people must have the same response ids in the same order.")
        if (self.values.notna() != (self.state == State.ANSWERED)).to_numpy().any():
            raise DataError("an answer must have a value, and a value must be an answer.")

    def __len__(self) -> int:
        return len(self.values)

    def keep(self, ids: pd.Index, ledger: Ledger | None = None) -> "Responses":
        """These responses alone, in their present order."""
        mask = self.values.index.isin(ids)
        parts = {name: getattr(self, name).loc[mask] for name in ("values", "state", "people")}
        return replace(self, **parts, ledger=self.ledger if ledger is None else ledger)

    def wave(self, number: int) -> "Responses":
        """The responses of one wave."""
        return self.keep(self.people.index[self.people["wave"] == number])

    def content_hash(self) -> str:
        """One hash over items, values, states, unit and role: equal answers, equal hash, whatever the row order."""
        order = self.values.index.sort_values()
        digest = hashlib.sha256(self.instrument.code.encode())
        for frame in (self.values, self.state, self.people[["unit", "role"]]):
            digest.update(frame.loc[order].to_csv().encode())
        return digest.hexdigest()

    def equals(self, other: "Responses") -> bool:
        """Equality over items, states, unit and role."""
        return self.content_hash() == other.content_hash()
