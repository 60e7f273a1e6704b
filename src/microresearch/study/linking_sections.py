"""What may the tables of study.toml say of stays, outcomes and costs? Models, with every default in the open."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from microresearch.study.sections import Section, Words

CostBasis = Literal["direct", "full", "charges x ccr"]
OutcomeKind = Literal["continuous", "count", "binary", "cost"]
Model = Literal[
    "auto", "mixed", "ols", "poisson", "negative binomial", "binomial", "gamma", "gamma mixed", "tweedie", "two-part",
    "two-stage", "quadrature",
]  # fmt: skip
MODELS: dict[str, tuple[str, ...]] = {
    "continuous": ("mixed", "ols"), "count": ("poisson", "negative binomial"),
    "binary": ("binomial", "two-stage", "quadrature"),
    "cost": ("gamma", "gamma mixed", "two-part", "tweedie", "poisson", "ols"),
}  # fmt: skip
"""What an outcome of a kind may be modelled by; the first is what "auto" takes."""


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


class Stays(Section):
    """[encounters.stays]: how rows of the admissions extract become the stays that are analysed (`Rules`)."""

    patient: str = ""
    died: str = ""
    transfers: Literal["keep", "join"] = "keep"
    transfer_hours: float = Field(default=24.0, ge=0)
    attribution: Literal["one row a stay", "discharge unit", "longest stay", "every unit"] = "one row a stay"
    deaths: Literal["keep", "exclude"] = "keep"
    readmission_days: int | None = Field(default=None, ge=1)
    index: Literal["every stay", "first stay", "no readmission"] = "every stay"


class CaseMixImputation(Section):
    """[encounters.imputation]: stays that lack case mix are imputed, beside the analysis of complete cases."""

    m: int = Field(default=20, ge=20, le=1000)
    iterations: int = Field(default=20, ge=5, le=1000)


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
    price_index: dict[int, float] | None = None
    perspective: str = ""
    horizon: str = ""
    dates: Dates = Dates()
    stays: Stays | None = None
    imputation: CaseMixImputation | None = None

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


class Measured(Section):
    """What is related to the scores: its name in results, its words, and the column that holds it."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    label: Words
    column: Words


class Outcome(Measured):
    """One of [[outcomes]]: what is related to the scores, on which scale, by which model."""

    kind: OutcomeKind
    model: Model = "auto"
    scale: str = ""
    same_source: bool = False
    winsor: tuple[Annotated[float, Field(ge=0.5, lt=1)], ...] = ()

    @property
    def winsorised(self) -> dict[str, float]:
        """Name in cells -> quantile: the outcome again, with values above that quantile set to it."""
        return {f"{self.name}_w{100 * share:g}".replace(".", "_"): share for share in self.winsor}

    @model_validator(mode="after")
    def of_its_kind(self) -> "Outcome":
        """The model is one for this kind of outcome, and only costs are winsorised."""
        if self.winsor and self.kind != "cost":
            raise ValueError('winsor is for outcomes of the kind "cost"')
        if len(self.winsorised) < len(self.winsor):
            raise ValueError("winsor names a quantile twice")
        if self.model != "auto" and self.model not in MODELS[self.kind]:
            allowed = ", ".join(f'"{name}"' for name in MODELS[self.kind])
            raise ValueError(f'model "{self.model}" is none for the kind "{self.kind}": allowed are {allowed}')
        return self


class UnitMonthOutcome(Measured):
    """One of [[unit_months.outcomes]]: a count, and the column with the exposure that it arose in."""

    exposure: Words
    kind: Literal["count"] = "count"
    model: Literal["auto", "poisson", "negative binomial"] = "auto"


class UnitMonths(Section):
    """[unit_months]: nursing indicators, a row a unit and month, as counts with their exposure."""

    file: Words
    unit: Words = "unit"
    month: str | None = None
    outcomes: tuple[UnitMonthOutcome, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def counted_once(self) -> "UnitMonths":
        """A column of counts is one outcome."""
        columns = [outcome.column for outcome in self.outcomes]
        if twice := sorted({column for column in columns if columns.count(column) > 1}):
            raise ValueError(f"columns that are more than one outcome: {', '.join(twice)}")
        return self
