"""What must a new study be told? Questions at a terminal, for whatever the command did not say."""

from argparse import Namespace
from pathlib import Path

FILES = (("units", "the table of units"), ("roster", "the roster"), ("admissions", "the admissions"))


def ask(chosen: Namespace) -> None:
    """Fill in what `microresearch new` was not told; an empty answer means that there is none.

    Parameters
    ----------
    chosen : Namespace
        The command's flags, which are changed in place.
    """
    chosen.title = chosen.title or input("What is the study called? ").strip()
    chosen.survey = _path("Which file is the survey export? ")
    chosen.instrument = chosen.instrument or input("Instrument [long-form]: ").split() or ["long-form"]
    if chosen.survey is not None and chosen.survey.suffix.lower() == ".csv" and chosen.dictionary is None:
        chosen.dictionary = _path("Which file is its REDCap data dictionary? (none: just press return) ")
    for name, what in FILES:
        if getattr(chosen, name) is None:
            setattr(chosen, name, _path(f"Which file is {what}? (none: just press return) "))
    if chosen.admissions is None:
        return
    if not chosen.outcome:
        chosen.outcome = input("Outcomes, as name:kind (died:binary experience:continuous): ").split()
    chosen.costs = chosen.costs or _path("Which file holds the costs? (none: just press return) ")
    if chosen.costs is not None:
        _ask_costs(chosen)


def _ask_costs(chosen: Namespace) -> None:
    """What nobody may guess of a cost: its basis, currency and price year."""
    chosen.cost_basis = chosen.cost_basis or input("What are they (direct, full, charges x ccr)? ").strip()
    if chosen.cost_basis == "charges x ccr" and chosen.ccr is None:
        chosen.ccr = _path("Which file holds the cost-to-charge ratios? ")
    chosen.currency = chosen.currency or input("In which currency (EUR, USD, ...)? ").strip()
    while chosen.price_year is None:
        year = input("At the prices of which year? ").strip()
        chosen.price_year = int(year) if year.isdigit() else None


def _path(question: str) -> Path | None:
    answer = input(question).strip()
    return Path(answer) if answer else None
