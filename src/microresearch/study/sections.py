"""What may each table of study.toml say? The tables as models, with every default in the open."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Format = Literal["auto", "qualtrics", "redcap", "surveymonkey", "spss", "stata", "excel", "csv"]
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


class CarelessFlags(Section):
    """[careless]: cuts of the indices, and how many flags set a response apart in the comparison; nobody leaves."""

    minimum_flags: int = Field(default=2, ge=1)
    pair_r: float = Field(default=0.60, gt=0, lt=1)
    longest_run: float | None = Field(default=None, gt=1)
    irv: float | None = Field(default=None, ge=0)
    mahalanobis_p: float | None = Field(default=None, gt=0, lt=1)
    even_odd: float | None = Field(default=None, ge=-1, le=1)
    synonyms: float | None = Field(default=None, ge=-1, le=1)
    antonyms: float | None = Field(default=None, ge=-1, le=1)
    seconds_per_item: float | None = Field(default=None, gt=0)

    @property
    def cuts(self) -> dict[str, float] | None:
        """The declared cuts; None where none is declared, which takes those of the literature."""
        return self.model_dump(exclude={"minimum_flags", "pair_r"}, exclude_none=True) or None


class Imputation(Section):
    """[imputation]: how missing answers are imputed, for the comparison with complete cases."""

    m: int = Field(default=20, ge=20, le=1000)
    iterations: int = Field(default=10, ge=5, le=1000)
    donors: int = Field(default=5, ge=1, le=100)
    states: tuple[Literal["blank", "cant_rate"], ...] = Field(default=("blank", "cant_rate"), min_length=1)
    unit: bool = True


class ExpertRatings(Section):
    """[content_validity]: experts' ratings of the relevance of each item; without it the report says so."""

    file: Words
    relevant: tuple[float, ...] = Field(default=(3, 4), min_length=1)
    scale: tuple[float, ...] = Field(default=(1, 2, 3, 4), min_length=2)

    @model_validator(mode="after")
    def on_the_scale(self) -> "ExpertRatings":
        """What counts as relevant can be given."""
        if not set(self.relevant) < set(self.scale):
            raise ValueError("relevant must be some of scale, and not all of it")
        return self


class Structure(Section):
    """[structure]: whether factor models take answers as ordered categories or as numbers."""

    estimator: Literal["WLSMV", "MLR"] = "WLSMV"


class Exposure(Section):
    """[exposure]: unit-level exposures that no staff member rated, taken from a file as they stand."""

    file: Words
    unit: Words
    columns: tuple[Words, ...] = Field(min_length=1)


class Plan(Section):
    """[plan]: what was decided before outcomes were read; its hash stands with every estimate."""

    confirmatory: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    adjust: Literal["holm"] = "holm"
    registration: str | None = None
    registered_hash: str | None = None


class Disclosure(Section):
    """[disclosure]: what is too small or too much one contributor's to be published, and how units are called."""

    threshold: int = Field(default=10, ge=0)
    minimum_staff: int | None = Field(default=None, ge=1)
    dominance: float = Field(default=10.0, ge=0, le=100)
    pseudonyms: bool = True


class Statements(Section):
    """[statements]: what no data can say, in the authors' words; the report prints it, and checklists point to it."""

    summary: str = ""
    background: str = ""
    hypotheses: str = ""
    design: str = ""
    setting: str = ""
    participants: str = ""
    size: str = ""
    bias: str = ""
    perspective: str = ""
    comparison: str = ""
    linkage: str = ""
    validation: str = ""
    interpretation: str = ""
    limitations: str = ""
    generalisability: str = ""
    involvement: str = ""
    ethics: str = ""
    funding: str = ""
    conflicts: str = ""
    availability: str = ""
