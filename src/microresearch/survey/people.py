"""Who gave each response, where, when and how far did they get? The standard columns of an export, read strictly."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from microresearch.errors import Problem, SpecError
from microresearch.survey.answers import BLANK, canonical, key, number
from microresearch.survey.export import STANDARD, Export
from microresearch.survey.identifiers import names_a_person
from microresearch.survey.problems import listed, nearest

DONE = frozenset({"true", "yes", "complete", "completed", "finished"})
NOT_DONE = frozenset({"false", "no", "incomplete", "unverified", "partial"})
TEXT = ("unit", "role", "status", "consent")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which columns of the export a study uses, under which standard name, and which it keeps beside them and why."""

    columns: Mapping[str, str]
    keep: Mapping[str, str]
    labels: Mapping[str, Mapping[str, str]]


def resolve(
    export: Export, columns: Mapping[str, str], keep: Mapping[str, str], labels: Mapping[str, Mapping[str, str]]
) -> tuple[Wanted, list[Problem]]:
    """Standard names and kept columns as they stand in this export; problems for those that do not.

    Raises
    ------
    SpecError
        A standard name that there is not, a kept column without a reason, or a direct identifier used without one.
    """
    spec = [
        Problem(f"{name!r} is no standard name", allowed=", ".join(STANDARD), mend=_near(name))
        for name in columns
        if name not in STANDARD
    ]
    spec += [Problem("a kept column needs its reason in words", column=name) for name in keep if not keep[name].strip()]
    if spec:
        raise SpecError(spec)
    problems: list[Problem] = []
    found: dict[str, str] = {}
    kept: dict[str, str] = {}
    for name, column in {**export.standard, **columns}.items():
        actual = export.find(column)
        if actual is None:
            problems.append(export.absent(column, f"{name!r}"))
        else:
            found[name] = actual
    for column, reason in keep.items():
        actual = export.find(column)
        if actual is None:
            problems.append(export.absent(column, "a kept column"))
        else:
            kept[actual] = reason
    bare = [
        Problem("this column holds direct identifiers", export.file, column=column, mend=f"map {name!r} to a staff "
                "code, or declare in keep why the study needs this column")
        for name, column in found.items()
        if (column in export.identifiers or (name in ("response", "person") and names_a_person(column)))
        and column not in kept
    ]  # fmt: skip
    if bare:
        raise SpecError(bare)
    return Wanted(found, kept, {found.get(name, name): dict(one) for name, one in labels.items()}), problems


def _near(name: str) -> str:
    near = nearest(name, STANDARD)
    return f"did you mean {near[0]!r}?" if near else ""


def read_people(
    export: Export, wanted: Wanted, problems: list[Problem], blank: Collection[str] = BLANK
) -> pd.DataFrame:
    """One row a response, index the response id; what cannot be read is appended to `problems`.

    Without a response column the file's row number is the response id; without a person column every response is
    its own person. Empty unit and role stay "", an empty wave is 0 where the export has a wave column and 1 where not.
    """
    reader = _Reader(export, wanted, problems, blank)
    ids = reader.ids()
    people = pd.DataFrame(index=pd.Index(ids, dtype="str", name="response"))
    person = reader.words("person")
    people["person"] = ids if person is None else np.where(person == "", ids, person)
    for name in ("unit", "role"):
        words = reader.words(name)
        people[name] = "" if words is None else words
    people["wave"] = reader.wave()
    people["row"] = export.rows
    started, ended = reader.times("started"), reader.times("ended")
    duration = reader.numbers("duration", _seconds, "a number of seconds, 0 or more")
    if duration is None and started is not None and ended is not None:
        duration = (ended - started).dt.total_seconds().to_numpy()
    progress = reader.numbers("progress", _percent, "0 to 100, or a word for finished or not")
    for name, values in (("started", started), ("duration", duration), ("progress", progress)):
        if values is not None:
            people[name] = np.asarray(values)
    for name in ("status", "consent"):
        if (words := reader.words(name)) is not None:
            people[name] = words
    for column in wanted.keep:
        people[column] = export.text(column).to_numpy()
    return people.astype({name: "str" for name in ("person", *TEXT, *wanted.keep) if name in people})


class _Reader:
    """The standard columns of one export, each distinct text read once."""

    def __init__(self, export: Export, wanted: Wanted, problems: list[Problem], blank: Collection[str]) -> None:
        self.export, self.wanted, self.problems = export, wanted, problems
        self.blank = {"", *(key(word) for word in blank)}

    def ids(self) -> np.ndarray:
        column = self.wanted.columns.get("response")
        if column is None:
            return np.array([str(row) for row in self.export.rows], dtype=object)
        ids = self.export.text(column)
        for mask, what in ((ids == "", "no response id"), (ids.duplicated(keep=False) & (ids != ""), "")):
            groups = ids[mask].groupby(ids[mask]).indices.values() if not what else [np.arange(int(mask.sum()))]
            rows = self.export.rows[mask.to_numpy()]
            self.problems.extend(
                Problem(f"{what or 'the same response id stands'} in {listed(rows[group])}", self.export.file,
                        int(rows[group][0]), column, mend="export again; do not append one export to another")
                for group in groups
                if len(group)
            )  # fmt: skip
        return ids.to_numpy(dtype=object)

    def words(self, name: str) -> np.ndarray | None:
        """A column as labels where the file or the study has them, else as text."""
        column = self.wanted.columns.get(name)
        if column is None:
            return None
        codes, texts = self.export.levels(column)
        labels = self._labels(column)
        read = [labels.get(canonical(text), text) for text in texts]
        bare = ["" if key(word) in self.blank else " ".join(word.split()) for word in read]
        words = np.array(bare, dtype=object)[codes]
        return self._of_record(words) if name in ("unit", "role", "consent") else words

    def _of_record(self, words: np.ndarray) -> np.ndarray:
        """Empty cells filled from the same record's other rows where those agree on one answer."""
        if not self.export.record:
            return words
        frame = pd.DataFrame({"record": self.export.text(self.export.record), "word": pd.Series(words, dtype="str")})
        said = frame[frame["word"] != ""].groupby("record")["word"]
        once = said.first()[said.nunique() == 1]
        filled = frame["word"].where(frame["word"] != "", frame["record"].map(once).fillna(""))
        return filled.to_numpy(dtype=object)

    def _labels(self, column: str) -> dict[str, str]:
        both = self.wanted.labels.get(column, self.export.labels.get(column, {}))
        return {canonical(code): label for code, label in both.items()}

    def numbers(self, name: str, read: Callable[[str], float | None], allowed: str) -> np.ndarray | None:
        """A column as numbers, empty cells as NaN."""
        column = self.wanted.columns.get(name)
        if column is None:
            return None
        codes, texts = self.export.levels(column)
        labels = self._labels(column)
        values = np.full(len(texts), np.nan)
        for i, text in enumerate(texts):
            word = labels.get(canonical(text), text).strip()
            value = np.nan if key(word) in self.blank else read(word)
            if value is None:
                self._strange(codes == i, column, f"what is no {name}", allowed)
            else:
                values[i] = value
        return values[codes]

    def wave(self) -> np.ndarray:
        if "wave" not in self.wanted.columns:
            return np.ones(len(self.export), dtype=np.int64)
        waves = self.numbers("wave", _whole, "1, 2, ...")
        return np.nan_to_num(np.asarray(waves, dtype=np.float64), nan=0.0).astype(np.int64)

    def times(self, name: str) -> pd.Series | None:
        """A column as timestamps in ISO order, or month first with slashes as the American platforms write them."""
        column = self.wanted.columns.get(name)
        if column is None:
            return None
        codes, texts = self.export.levels(column)
        bare = pd.Series(["" if key(text) in self.blank else text.strip() for text in texts], dtype="str")
        parsed = pd.Series(pd.NaT, index=bare.index, dtype="datetime64[us]")
        if self.export.epoch is not None:
            serial = bare.map(number)
            days = pd.to_timedelta(serial.astype("float64").round(8), unit="D").dt.round("s")
            parsed = parsed.where(serial.isna(), (self.export.epoch + days).astype("datetime64[us]"))
        for style in ("ISO8601", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y"):
            todo = parsed.isna() & (bare != "")
            if todo.any():
                read = pd.to_datetime(bare[todo], format=style, errors="coerce", utc=True).dt.tz_localize(None)
                parsed.loc[todo] = read.astype("datetime64[us]")
        wrong = np.flatnonzero(parsed.isna() & (bare != ""))
        if len(wrong):
            self._strange(np.isin(codes, wrong), column, "what is no time", "2026-03-01 14:05:00")
        return parsed.iloc[codes].reset_index(drop=True)

    def _strange(self, mask: np.ndarray, column: str, what: str, allowed: str) -> None:
        rows = self.export.rows[mask]
        if len(rows):
            said = f"{what}, in {listed(rows)}"
            self.problems.append(Problem(said, self.export.file, int(rows[0]), column, allowed=allowed))


def _seconds(text: str) -> float | None:
    value = number(text)
    return value if value is not None and value >= 0 else None


def _percent(text: str) -> float | None:
    word = key(text)
    if word in DONE or word in NOT_DONE:
        return 100.0 if word in DONE else 0.0
    value = number(text.removesuffix("%"))
    return value if value is not None and 0 <= value <= 100 else None


def _whole(text: str) -> float | None:
    value = number(text)
    return value if value is not None and value >= 1 and value == int(value) else None
