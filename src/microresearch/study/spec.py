"""What does study.toml say, and is it meant? The whole file as one model, its tables held against each other."""

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from microresearch.study.linking_sections import Encounters, Outcome, UnitMonths
from microresearch.study.sections import (
    CarelessFlags,
    Disclosure,
    ExpertRatings,
    Exposure,
    Imputation,
    Plan,
    Roster,
    Scores,
    Section,
    Statements,
    Structure,
    StudyFacts,
    Survey,
    Units,
    Words,
)


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
    content_validity: ExpertRatings | None = None
    careless: CarelessFlags = CarelessFlags()
    imputation: Imputation = Imputation()
    scores: Scores = Scores()
    structure: Structure = Structure()
    exposure: Exposure | None = None
    encounters: Encounters | None = None
    outcomes: tuple[Outcome, ...] = ()
    unit_months: UnitMonths | None = None
    plan: Plan = Plan()
    disclosure: Disclosure = Disclosure()
    statements: Statements = Statements()
    run: Run = Run()
    reproduce: Reproduce = Reproduce()

    @property
    def minimum_staff(self) -> int:
        """Raters that a unit needs to be shown by itself."""
        return max(self.disclosure.minimum_staff or 0, self.scores.minimum_raters)

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
        monthly = [outcome.name for outcome in self.unit_months.outcomes] if self.unit_months else []
        known = {outcome.name for outcome in self.outcomes}
        if twice := sorted({name for name in monthly if name in known or monthly.count(name) > 1}):
            raise ValueError(f"named more than once in outcomes and unit_months.outcomes: {', '.join(twice)}")
        known |= set(monthly)
        if strange := [name for name in self.plan.confirmatory if name not in known]:
            raise ValueError(f"plan.confirmatory names outcomes that are not declared: {', '.join(strange)}")
        if self.scores.instrument is not None and self.scores.instrument not in self.study.instruments:
            raise ValueError("scores.instrument must be one of study.instruments")
        return self
