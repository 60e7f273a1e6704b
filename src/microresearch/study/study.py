"""How does a notebook get at its study? One object that reads the raw files, keeps what comes next, and publishes."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from microresearch import io
from microresearch.errors import DataError, Problem, SpecError
from microresearch.study.place import Place, find_place
from microresearch.study.spec import StudySpec
from microresearch.study.spec_file import read_spec
from microresearch.study.trace import Trace, watch

if TYPE_CHECKING:
    import pandas as pd

    from microresearch.instrument import Instrument
    from microresearch.responses import Responses
    from microresearch.study.memory import Memory
    from microresearch.study.publish import Door

P = ParamSpec("P")
R = TypeVar("R")
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")


def open_study(path: str | Path | None = None) -> "Study":
    """The study whose study.toml lies here or in a folder above.

    Parameters
    ----------
    path : str or Path, optional
        study.toml or its folder, to open another.

    Raises
    ------
    SpecError
        No study file, or all that is wrong with it at once.

    Examples
    --------
    >>> study = open_study()  # doctest: +SKIP
    >>> study.survey()  # doctest: +SKIP
    """
    place = find_place(path)
    study = Study(place, read_spec(place.file, checked=place.stage is not None))
    if place.stage is not None:
        watch(place, study.trace)
    return study


class _Watched:
    """The specification, which notes what is looked at."""

    def __init__(self, spec: StudySpec, trace: Trace) -> None:
        self._spec, self._trace = spec, trace

    def __getattr__(self, name: str) -> Any:
        if name in StudySpec.model_fields:
            self._trace.sections.add(name)
        elif not name.startswith("__"):
            self._trace.sections |= set(StudySpec.model_fields)
        return getattr(self._spec, name)


class Study:
    """A study at work.

    Attributes
    ----------
    spec : StudySpec
        What study.toml says, every default filled in.
    root : Path
        The study's folder.
    instruments : dict of Instrument
        By code, in the order of study.toml.
    plan_hash : str
        Hash of the analysis plan, which stands with everything that is published.
    """

    def __init__(self, place: Place, spec: StudySpec) -> None:
        self.place, self.trace, self._spec = place, Trace(), spec
        self._instruments: dict[str, Instrument] | None = None
        self._door: Door | None = None
        self._memory: Memory | None = None

    @property
    def spec(self) -> StudySpec:
        """What study.toml says; what is looked at is noted as something that the notebook rests on."""
        return cast("StudySpec", _Watched(self._spec, self.trace))

    @property
    def root(self) -> Path:
        """The study's folder."""
        return self.place.root

    @property
    def instruments(self) -> "dict[str, Instrument]":
        """The instruments by code, in the order of study.toml."""
        from microresearch.instrument import load_instrument

        if self._instruments is None:
            names = self.spec.study.instruments
            loaded = [load_instrument(self.place.of(n) if n.endswith(".toml") else n) for n in names]
            self._instruments = {instrument.code: instrument for instrument in loaded}
        return self._instruments

    @property
    def instrument(self) -> "Instrument":
        """The instrument whose characteristics are the exposure: scores.instrument, else the first."""
        if not self.instruments:
            raise SpecError(Problem("this study has no instrument", self.place.file.name, column="study.instruments"))
        named = self.spec.scores.instrument
        return next(i for i in self.instruments.values() if named in (None, i.code))

    @property
    def characteristic_names(self) -> dict[str, str]:
        """Code to name of what is scored, in order: the instrument's characteristics, or the columns of [exposure]."""
        if self.spec.exposure is not None:
            return {column: column.replace("_", " ") for column in self.spec.exposure.columns}
        return self.instrument.names

    @property
    def plan_hash(self) -> str:
        """The hash of the analysis plan."""
        from microresearch.linking.plan import plan_hash
        from microresearch.study.plan import plan_of

        return plan_hash(plan_of(self._spec))

    def role(self, outcome: str) -> str:
        """Whether the plan says that analyses of this outcome are "confirmatory" or "exploratory"."""
        return "confirmatory" if outcome in self.spec.plan.confirmatory else "exploratory"

    def order_note(self) -> str:
        """A warning when outcomes began before the survey ended, to stand with every estimate; else ""."""
        from microresearch.study import reading

        found = reading.window(self)
        if found is None or found[0] < found[1]:
            return ""
        return f"survey not before outcomes: last response {found[0]:%Y-%m-%d}, first discharge {found[1]:%Y-%m-%d}"

    def survey(self) -> "dict[str, Responses]":
        """Every response of the export, by instrument code, units matched, before any exclusion."""
        from microresearch.study import reading

        return reading.survey(self)

    def cleaned(self) -> "dict[str, Responses]":
        """The responses that remain after the rules of [[cleaning]], with the ledger of who left and why."""
        from microresearch.survey import clean

        rules = list(self.spec.cleaning)
        asks = any(rule.get("roster") for rule in rules)
        return clean(self.survey(), rules, roster=self.roster() if asks else None)

    def units(self) -> "pd.DataFrame":
        """The units of the study, a row a unit."""
        from microresearch.study import reading

        return reading.units(self)

    def roster(self) -> "pd.DataFrame":
        """Everyone who was asked, a row a person."""
        from microresearch.study import reading

        return reading.roster(self)

    def exposure(self) -> "pd.DataFrame":
        """The unit-level exposures of [exposure] as they stand in their file, a row a unit."""
        from microresearch.study import reading

        return reading.exposure(self)

    def encounters(self) -> Any:
        """Admissions and costs reduced to `Cells`, as [encounters] and [[outcomes]] say."""
        from microresearch.study import reading

        return reading.encounters(self)

    def unit_months(self) -> Any:
        """Counts per unit and month with their exposure as `Cells`, as [unit_months] says."""
        from microresearch.study import reading

        return reading.unit_months(self)

    def file(self, name: str) -> Path:
        """A file of the study by its path in the study's folder, noted as something that this notebook rests on.

        Python's own readers are noted without it; ask here for what DuckDB or another library opens by itself.

        Raises
        ------
        DataError
            There is no such file.
        """
        path = self.place.of(name)
        if not path.is_file():
            raise DataError(Problem("there is no such file", self.place.said(path), mend="check the name"))
        self.trace.read(path)
        return path

    def keep(self, name: str, thing: object) -> Any:
        """Keep a value for later notebooks in data/processed (private); gives it back.

        Parameters
        ----------
        name : str
            Small letters, digits, hyphens and underscores; one notebook keeps a name, others recall it.
        thing : object
            A DataFrame, Responses, a dict of them, or any result of the library.

        Raises
        ------
        DataError
            A name or a type that cannot be kept.
        """
        from microresearch.study.keeping import write_kept

        write_kept(self._kept_here(), check_name(name), thing)
        return thing

    def recall(self, name: str) -> Any:
        """The value that an earlier notebook kept under this name.

        Raises
        ------
        DataError
            Nothing is kept under this name by a notebook that this one needs.
        """
        from microresearch.study.keeping import read_kept

        folders = [self._kept_here(), *self.place.needs.values()]
        for folder in folders:
            if (folder / f"{check_name(name)}.json").is_file():
                self.trace.recalled.add(name)
                return read_kept(folder, name)
        mend = "run the study first (microresearch run)"
        if self.place.stage is not None:
            mend = "add the notebook that keeps it to this one's metadata.microresearch.needs"
        kept = {path.stem for folder in folders for path in io.list_files(folder, "*.json")}
        raise DataError(Problem(f"nothing is kept under the name {name!r}", allowed=", ".join(sorted(kept)), mend=mend))

    def remember(self, function: Callable[P, R], *args: P.args, **settings: P.kwargs) -> R:
        """What a function of the library gives for these arguments; recalled where an earlier run computed it.

        Known again by the bytes of all arguments, the function, every file of the library that it can reach, and the
        versions of Python and of all packages: when one differs, it is computed. `microresearch run --force` computes
        all, `microresearch reproduce` starts from nothing, and what a whole run did not use is forgotten.

        Parameters
        ----------
        function : callable
            A public function of this library whose result follows from its arguments alone.
        *args, **settings
            Its arguments, seeds among them.

        Raises
        ------
        DataError
            It is not a function of this library.

        Examples
        --------
        >>> study.remember(impute, form, 20, seed=study.seed("imputation"))  # doctest: +SKIP
        """
        from microresearch.study.memory import Memory

        self._memory = self._memory or Memory(self.place, self.trace)
        return cast("R", self._memory.remember(function, args, settings))

    def seed(self, task: str) -> int:
        """The seed of one task: the same for the same study seed and task name, independent between tasks."""
        import numpy as np

        self.trace.sections.add("study")
        word = int.from_bytes(hashlib.sha256(task.encode()).digest()[:16], "little")
        made = int(
            np.random.SeedSequence([self._spec.study.seed, word]).generate_state(1, np.uint64)[0] >> np.uint64(1)
        )
        self.trace.seeds[task] = made
        return made

    def publish(self, name: str, thing: object, **settings: Any) -> Any:
        """Put a figure, table or number into results/, past the disclosure guard; gives back what is shown.

        In a notebook that is opened by hand the guarded thing is shown and nothing is written: only a whole run
        (`microresearch run`) changes results/.

        Parameters
        ----------
        name : str
            Once in a study; the file's name.
        thing : StudyFigure, Table, Number, DataFrame, or dict of numbers
            A DataFrame needs `title=`; a dict publishes each number as `name.key`.

        Raises
        ------
        DisclosureError
            It would show a small count or a person.
        DataError
            The name was published before, or this cannot be published.
        """
        return self._the_door().publish(check_name(name), thing, **settings)

    def published(self) -> "pd.DataFrame":
        """What earlier notebooks published, in order: columns kind, name, title (a number's words), notebook."""
        return self._the_door().published()

    def show(self, name: str) -> Any:
        """A figure or table that an earlier notebook published, as it was published."""
        return self._the_door().show(name)

    def _the_door(self) -> "Door":
        from microresearch.study.publish import Door

        if self._door is None:
            self._door = Door(self)
        return self._door

    def _kept_here(self) -> Path:
        return self.place.processed if self.place.stage is None else self.place.stage / "processed"

    def __repr__(self) -> str:
        return f"Study({self._spec.study.title!r})"

    def _repr_html_(self) -> str:
        from microresearch.study.shown import study_html

        return study_html(self._spec, self.plan_hash)


def check_name(name: str) -> str:
    """The name, when it can be one."""
    if not _NAME.fullmatch(name):
        raise DataError(Problem("this cannot be a name", value=name[:60], allowed="small letters, digits, - and _"))
    return name
