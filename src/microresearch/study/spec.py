"""What does study.toml say, and is it meant? The file as models, with every default in the open."""

import difflib
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from microresearch.errors import Problem, SpecError

Format = Literal["auto", "qualtrics", "redcap", "surveymonkey", "spss", "stata", "excel", "csv"]
CostBasis = Literal["direct", "full", "charges x ccr"]
OutcomeKind = Literal["continuous", "count", "binary", "cost"]
Model = Literal["auto", "mixed", "poisson", "binomial", "gamma"]
Words = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """A table of study.toml: a key that is not listed here is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


class StudyFacts(Section):
    """[study]: what the study is called, its seed, and the instruments that its survey used."""

    title: Words
    question: str = ""
    authors: tuple[Words, ...] = ()
    seed: int = Field(ge=0, lt=2**63)
    synthetic: bool = False
    instruments: tuple[Words, ...] = ()
    licence: str = ""
    data_may_be_shared: bool = False


class SurveyColumns(Section):
    """[survey.columns]: which column of the export holds what; a column that the export lacks is left out."""

    response: str | None = None
    person: str | None = None
    unit: str | None = None
    role: str | None = None
    wave: str | None = None
    started: str | None = None
    ended: str | None = None
    duration: str | None = None
    progress: str | None = None
    status: str | None = None
    consent: str | None = None


class Survey(Section):
    """[survey]: the export as received."""

    file: Words
    format: Format = "auto"
    columns: SurveyColumns = SurveyColumns()
    items: dict[str, str] = Field(default_factory=dict)
    keep: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, dict[str, str]] = Field(default_factory=dict)
    blank: tuple[str, ...] = ("", "NA")
    dictionary: str | None = None
    sheet: str | None = None
    encoding: str | None = None
    separator: str | None = None


class Roster(Section):
    """[roster]: everyone who was asked; without it response rates cannot be had."""

    file: Words


class Units(Section):
    """[units]: a row per unit, its names as people type them, its hospital, and what models adjust for."""

    file: Words
    hospital: str | None = "hospital"
    covariates: tuple[str, ...] = ()

    @field_validator("hospital")
    @classmethod
    def none_when_blank(cls, hospital: str | None) -> str | None:
        """An empty name says that there are no hospitals to tell apart."""
        return hospital or None


class Scores(Section):
    """[scores]: how answers become a score, and which form is the exposure."""

    missing: Literal["half", "all", "any"] | Annotated[float, Field(gt=0, le=1)] = "half"
    estimand: Literal["mean", "top", "positive", "at_or_above"] = "mean"
    cut: float | None = None
    instrument: str | None = None
    minimum_raters: int = Field(default=3, ge=1)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)

    @model_validator(mode="after")
    def cut_where_needed(self) -> "Scores":
        """A cut belongs to the estimands that count people at or above it, and to no other."""
        if (self.estimand in ("positive", "at_or_above")) != (self.cut is not None):
            raise ValueError("estimands 'positive' and 'at_or_above' need a cut, in scale points; others take none")
        return self


class Exposure(Section):
    """[exposure]: unit-level exposures that no staff member rated, taken from a file as they stand."""

    file: Words
    unit: Words
    columns: tuple[Words, ...] = Field(min_length=1)


class CaseMix(Section):
    """One entry of encounters.case_mix: a column cut into bands (lower bounds) or taken by its levels."""

    name: Words
    column: Words
    bands: tuple[float, ...] | None = None
    levels: tuple[str | int, ...] | None = None

    @model_validator(mode="after")
    def one_way(self) -> "CaseMix":
        """Bands or levels, and bands that rise."""
        if self.bands is not None and self.levels is not None:
            raise ValueError("give bands or levels, not both")
        if self.bands is not None and list(self.bands) != sorted(set(self.bands)):
            raise ValueError("bands must rise")
        return self


class Dates(Section):
    """[encounters.dates]: the columns of admission and discharge; the survey must end before the first discharge."""

    admitted: str | None = None
    discharged: str | None = None


class Encounters(Section):
    """[encounters]: the admissions extract, the finance extract, and how they are joined, priced and binned."""

    admissions: Words
    costs: str | None = None
    ccr: str | None = None
    on: Words = "stay_id"
    unit: Words = "unit"
    case_mix: tuple[CaseMix, ...] = ()
    mediators: tuple[str, ...] = ()
    amount: Words = "amount"
    ccr_by: tuple[Words, ...] = ("hospital", "year")
    cost_basis: CostBasis | None = None
    currency: str | None = None
    price_year: int | None = Field(default=None, ge=1900, le=2200)
    dates: Dates = Dates()

    @model_validator(mode="after")
    def priced(self) -> "Encounters":
        """Costs come with all that a reader must know of them."""
        if self.costs is not None:
            missing = [key for key in ("cost_basis", "currency", "price_year") if getattr(self, key) is None]
            if missing:
                raise ValueError(f"costs are named, so {', '.join(missing)} must be given")
        if self.cost_basis == "charges x ccr" and self.ccr is None:
            raise ValueError("cost_basis is 'charges x ccr', so ccr must name the file of cost-to-charge ratios")
        return self


class Outcome(Section):
    """One of [[outcomes]]: what is related to the scores, on which scale, by which model."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    label: Words
    column: Words
    kind: OutcomeKind
    model: Model = "auto"
    scale: str = ""
    same_source: bool = False


class Plan(Section):
    """[plan]: what was decided before outcomes were read; its hash stands with every estimate."""

    confirmatory: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    adjust: Literal["holm"] = "holm"
    registration: str | None = None
    registered_hash: str | None = None


class Disclosure(Section):
    """[disclosure]: counts of people from 1 to this number are not published."""

    threshold: int = Field(default=10, ge=0)


class Run(Section):
    """[run]: how the notebooks are run; nothing here may change a number."""

    workers: int = Field(default=2, ge=1, le=64)
    timeout: int = Field(default=600, ge=1)
    folder: Words = "notebooks"
    notebooks: tuple[Words, ...] | None = None


class Reproduce(Section):
    """[reproduce]: how near a number must come again; counts and whole numbers must be the same."""

    tolerance: float = Field(default=1e-8, gt=0, lt=0.01)
    wider: dict[str, Annotated[float, Field(gt=0, lt=0.1)]] = Field(default_factory=dict)


class StudySpec(Section):
    """The whole of study.toml."""

    study: StudyFacts
    survey: Survey | None = None
    cleaning: tuple[dict[str, Any], ...] = ()
    roster: Roster | None = None
    units: Units | None = None
    scores: Scores = Scores()
    exposure: Exposure | None = None
    encounters: Encounters | None = None
    outcomes: tuple[Outcome, ...] = ()
    plan: Plan = Plan()
    disclosure: Disclosure = Disclosure()
    run: Run = Run()
    reproduce: Reproduce = Reproduce()

    @field_validator("outcomes")
    @classmethod
    def named_once(cls, outcomes: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
        """Each outcome has a name of its own."""
        names = [outcome.name for outcome in outcomes]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"named more than once: {', '.join(twice)}")
        return outcomes

    @model_validator(mode="after")
    def together(self) -> "StudySpec":
        """Sections that need each other are both there."""
        if self.survey is not None and not self.study.instruments:
            raise ValueError("[survey] is given, so study.instruments must name at least one instrument")
        if self.outcomes and self.encounters is None:
            raise ValueError("[[outcomes]] are given, so [encounters] must say where they are")
        if self.survey is None and self.exposure is None:
            raise ValueError("a study has a [survey], or an [exposure] measured otherwise; this file has neither")
        known = {outcome.name for outcome in self.outcomes}
        if strange := [name for name in self.plan.confirmatory if name not in known]:
            raise ValueError(f"plan.confirmatory names outcomes that are not declared: {', '.join(strange)}")
        if self.scores.instrument is not None and self.scores.instrument not in self.study.instruments:
            raise ValueError("scores.instrument must be one of study.instruments")
        return self


def read_spec(path: Path, checked: bool = False) -> StudySpec:
    """study.toml as a `StudySpec`.

    Parameters
    ----------
    path : Path
        The file; it must be UTF-8 text in TOML.
    checked : bool
        Whether its cleaning rules were looked at before, by the run that this process is part of.

    Raises
    ------
    SpecError
        All that is wrong at once, each with file, key path, what is allowed and how to mend it.
    """
    from microresearch import io

    content = io.read_toml(path)
    return StudySpec.model_validate(content) if checked else parse_spec(content, file=path.name)


def parse_spec(content: dict[str, Any], file: str = "study.toml") -> StudySpec:
    """A study file's content, already read, as a `StudySpec`; errors as in `read_spec`.

    Examples
    --------
    >>> parse_spec({"study": {"title": "Wards", "seed": 1, "sed": 1}})
    Traceback (most recent call last):
    microresearch.errors.SpecError: study.toml, column study.sed: this key is not known. Allowed: authors, ...
    """
    problems = _cleaning_problems(content.get("cleaning", []), file)
    try:
        spec = StudySpec.model_validate(content)
    except ValidationError as error:
        found = [_problem(dict(one), file) for one in error.errors(include_url=False)]
        raise SpecError(found + problems) from None
    if problems:
        raise SpecError(problems)
    return spec


def _cleaning_problems(steps: object, file: str) -> list[Problem]:
    """What the cleaning rules themselves say against their settings, with the place in the study file."""
    if not isinstance(steps, list) or not steps:
        return []
    from microresearch.survey.rules import read_rule

    problems: list[Problem] = []
    for number, step in enumerate(steps, 1):
        try:
            read_rule(step if isinstance(step, dict) else {})
        except SpecError as error:
            problems += [replace(found, file=file, column=f"cleaning[{number}]") for found in error.problems]
    return problems


def _problem(found: dict[str, Any], file: str) -> Problem:
    """One finding of pydantic in the words of the study file."""
    loc, kind = tuple(found["loc"]), str(found["type"])
    path = _path(loc)
    if kind == "extra_forbidden":
        allowed = _keys_at(loc[:-1])
        near = difflib.get_close_matches(str(loc[-1]), allowed, n=1, cutoff=0.5)
        mend = f"write {near[0]!r} instead of {loc[-1]!r}" if near else "remove it, or see the comments in study.toml"
        return Problem("this key is not known", file, column=path, allowed=", ".join(allowed), mend=mend)
    if kind == "missing":
        return Problem("this key is missing", file, column=path, mend=f"add {loc[-1]} = ...")
    value = found.get("input")
    shown = str(value) if isinstance(value, (str, int, float, bool)) else None
    what, allowed, mend = str(found["msg"]).removeprefix("Value error, "), "", ""
    if kind == "literal_error":
        allowed, what = str(found["ctx"]["expected"]).replace(" or ", ", "), "this value is not one of the options"
        options = [option.strip("' ") for option in allowed.split(",")]
        near = difflib.get_close_matches(str(value), options, n=1, cutoff=0.4)
        mend = f"write {near[0]!r}" if near else ""
    return Problem(what[:1].lower() + what[1:], file, column=path, value=shown, allowed=allowed, mend=mend)


def _path(loc: tuple[str | int, ...]) -> str:
    """study.toml's own way to write a place: encounters.case_mix[2].bands."""
    said = ""
    for part in loc:
        said += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if said else part
    return said or "the whole file"


def _keys_at(loc: tuple[str | int, ...]) -> list[str]:
    """The keys that the table at this place may have."""
    model: type[BaseModel] = StudySpec
    for part in loc:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_of(model.model_fields[part].annotation) or model
    return sorted(model.model_fields)


def _model_of(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_of(inner)) is not None), None)
