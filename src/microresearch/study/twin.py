"""How can a study be run by someone who may not see its data? On a twin drawn from its schema alone.

The schema is what study.toml and the instruments say, and the names and types of columns. No value of a person, a stay
or a unit is looked at, and nothing is fitted: levels, sizes and effects are invented, the same for every study.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from microresearch import io
from microresearch.instrument import Instrument
from microresearch.study.linking_sections import UnitMonths
from microresearch.study.spec import StudySpec
from microresearch.study.toml import to_toml

HOSPITALS, UNITS, STAFF, ASKED, STAYS, MONTHS = 4, 24, 12, 15, 60, 12
"""Hospitals, units in all, responding and asked staff, stays and months of a unit: the same for every twin."""

ROLES = ("nurse", "physician", "allied health", "support")


@dataclass(frozen=True, slots=True)
class Schema:
    """What a twin is made from besides study.toml.

    Attributes
    ----------
    instruments : tuple of Instrument
    yes_no, numeric : frozenset of str
        Columns of the units file that hold yes or no, and numbers; every other covariate has invented levels.
    columns : dict
        Standard name -> column, of the survey export.
    """

    instruments: tuple[Instrument, ...]
    yes_no: frozenset[str] = frozenset({"academic"})
    numeric: frozenset[str] = frozenset({"beds"})
    columns: dict[str, str] = field(default_factory=dict)


def write_twin(spec: StudySpec, schema: Schema, folder: Path, notebooks: str) -> Path:
    """Write a study with invented data in the shape of another.

    Parameters
    ----------
    spec : StudySpec
        Of the study that has the real data.
    schema : Schema
    folder : Path
        Where the twin goes: study.toml and data/raw.
    notebooks : str
        Where its notebooks lie, from its folder.

    Returns
    -------
    Path
        The twin's study.toml.
    """
    rng = np.random.default_rng(np.random.SeedSequence([20240108, UNITS]))
    said = spec.model_dump(mode="json")
    said["content_validity"] = None  # experts' ratings say nothing of how a study runs
    said["study"].update(title=f"Synthetic twin: {spec.study.title}", synthetic=True, data_may_be_shared=True)
    said["run"]["folder"] = notebooks
    units = _units(spec, schema, rng)
    raw = folder / "data" / "raw"
    if spec.units is not None:
        said["units"].update(file=_put(raw, "units.csv", units), hospital=spec.units.hospital or "")
    staff = _staff(spec, units)
    if said["roster"] is not None:
        said["roster"]["file"] = _put(raw, "roster.csv", staff[["staff_id", "unit", "role"]])
    if said["survey"] is not None:
        _survey(said["survey"], spec, schema, units, staff, raw, rng)
    if spec.exposure is not None:
        values = {c: np.round(rng.uniform(0.1, 0.9, len(units)), 3) for c in spec.exposure.columns}
        table = pd.DataFrame({spec.exposure.unit: units["unit"], **values})
        said["exposure"]["file"] = _put(raw, "exposure.csv", table)
    if spec.encounters is not None:
        _encounters(said["encounters"], spec, units, raw, rng)
    if spec.unit_months is not None:
        said["unit_months"]["file"] = _put(raw, "unit_months.csv", _unit_months(spec.unit_months, units, rng))
    said["study"]["instruments"] = _instruments(spec, schema, folder)
    return io.write_text(folder / "study.toml", to_toml(_without_blanks(said)))


def _put(raw: Path, name: str, frame: pd.DataFrame) -> str:
    io.write_csv(raw / name, frame)
    return f"data/raw/{name}"


def _without_blanks(said: dict[str, Any]) -> dict[str, Any]:
    """The study file without what is not given: None, and empty tables."""
    kept = {}
    for key, value in said.items():
        whole = _without_blanks(value) if isinstance(value, dict) else value
        if whole is not None and whole != {} and not (key in ("cleaning", "outcomes") and not whole):
            kept[key] = whole
    return kept


def _instruments(spec: StudySpec, schema: Schema, folder: Path) -> list[str]:
    """Instrument files go with the twin; built-in forms go by name. (Their files are copied by who writes the twin.)"""
    return [f"instruments/{Path(n).name}" if n.endswith(".toml") else n for n in spec.study.instruments]


def _units(spec: StudySpec, schema: Schema, rng: np.random.Generator) -> pd.DataFrame:
    names = [f"U{i + 1:03d}" for i in range(UNITS)]
    table = pd.DataFrame({"unit": names, "name": [f"Unit {i + 1}" for i in range(UNITS)]})
    said = spec.units
    if said is not None and said.hospital is not None:
        table[said.hospital] = [f"H{i % HOSPITALS + 1:02d}" for i in range(UNITS)]
    needed = list(said.covariates if said is not None else ())
    needed += [item.applies for form in schema.instruments for item in form.items if item.applies != "all"]
    for column in dict.fromkeys(needed):
        if column in schema.yes_no:
            table[column] = rng.choice(["yes", "no"], UNITS)
        elif column in schema.numeric:
            table[column] = rng.integers(8, 40, UNITS)
        else:
            table[column] = [f"{column} {'ABC'[i // HOSPITALS % 3]}" for i in range(UNITS)]
    return table


def _staff(spec: StudySpec, units: pd.DataFrame) -> pd.DataFrame:
    roles = next((r["roles"] for r in spec.cleaning if r["rule"] == "eligibility" and r.get("roles")), ROLES)
    rows = [
        (f"S{u * ASKED + i + 1:05d}", unit, roles[i % len(roles)], i < STAFF)
        for u, unit in enumerate(units["unit"])
        for i in range(ASKED)
    ]
    return pd.DataFrame(rows, columns=["staff_id", "unit", "role", "responds"])


def _survey(
    said: dict[str, Any], spec: StudySpec, schema: Schema, units: pd.DataFrame, staff: pd.DataFrame, raw: Path,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """A plain CSV export: everyone answers everything, a tenth of them twice, and units differ."""
    first = staff[staff["responds"]].reset_index(drop=True)
    again = first.iloc[::10]
    people = pd.concat([first.assign(wave=1), again.assign(wave=2)], ignore_index=True)
    n = len(people)
    accepted = next((r["accepted"][0] for r in spec.cleaning if r["rule"] == "consent" and r.get("accepted")), "Yes")
    start = pd.Timestamp("2024-01-08 08:00:00") + pd.to_timedelta(np.arange(n) * 10, unit="min")
    standard: dict[str, Any] = {
        "response": [f"R_{i + 1:05d}" for i in range(n)], "person": people["staff_id"], "unit": people["unit"],
        "role": people["role"], "wave": people["wave"].astype(str), "started": start.strftime("%Y-%m-%d %H:%M:%S"),
        "ended": (start + pd.Timedelta(minutes=9)).strftime("%Y-%m-%d %H:%M:%S"), "duration": "540", "progress": "100",
        "status": "complete", "consent": accepted,
    }  # fmt: skip
    table = pd.DataFrame({column: standard[name] for name, column in schema.columns.items()}, index=range(n))
    unit = dict(zip(units["unit"], rng.normal(0, 0.5, len(units)), strict=True))
    person = dict(zip(first["staff_id"], rng.normal(0, 0.8, len(first)), strict=True))
    tendency = people["unit"].map(unit).to_numpy() + people["staff_id"].map(person).to_numpy()
    answers = {}
    for form in schema.instruments:
        own = {c.code: tendency + rng.normal(0, 0.4, n) for c in form.characteristics}
        for item in form.items:
            answers[said["items"].get(item.code, item.code)] = _answers(form, item, own[item.characteristic], rng)
    kept = {column: "" for column in said["keep"] if column not in table}
    io.write_csv(raw / "survey.csv", pd.concat([table, pd.DataFrame({**answers, **kept}, index=range(n))], axis=1))
    said.update(file="data/raw/survey.csv", format="csv", columns=dict(schema.columns), labels={}, encoding=None)
    said.update(separator=None, dictionary=None, sheet=None)


def _answers(form: Instrument, item: Any, tendency: np.ndarray, rng: np.random.Generator) -> list[str]:
    """One item's answers as option labels (codes where it has none), can't rate now and then."""
    options = sorted((o for o in form.options if item.low <= o.code <= item.high), key=lambda option: option.code)
    said = [option.label or f"{option.code:g}" for option in options]
    said = said or [f"{code:g}" for code in np.arange(item.low, item.high + 1)]
    z = tendency * (-1 if item.reversed else 1) + rng.normal(0, 1, len(tendency))
    place = np.clip(np.floor((z + 2.0) / 4.0 * len(said)), 0, len(said) - 1).astype(int)
    cant = form.cant_rate[0] if form.cant_rate else ""
    return [cant if unable else said[i] for i, unable in zip(place, rng.random(len(place)) < 0.02, strict=True)]


def _encounters(
    said: dict[str, Any], spec: StudySpec, units: pd.DataFrame, raw: Path, rng: np.random.Generator
) -> None:
    encounters = spec.encounters
    if encounters is None:
        return
    n = len(units) * STAYS
    stays = pd.DataFrame(
        {
            encounters.on: [f"E{i + 1:06d}" for i in range(n)],
            encounters.unit: np.repeat(units["unit"].to_numpy(), STAYS),
        }
    )
    admitted = pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D")
    for name, days in (("admitted", 0), ("discharged", 5)):
        if (column := getattr(encounters.dates, name)) is not None:
            stays[column] = (admitted + pd.Timedelta(days=days)).strftime("%Y-%m-%d")
    if encounters.stays is not None and encounters.stays.patient:
        stays[encounters.stays.patient] = [f"P{i + 1:06d}" for i in rng.integers(0, max(n // 2, 1), n)]
    if encounters.stays is not None and encounters.stays.died:
        stays[encounters.stays.died] = (rng.random(n) < 0.03).astype(int)
    for one in encounters.case_mix:
        if one.bands:
            low, high = one.bands[0], one.bands[-1]
            stays[one.column] = np.round(rng.uniform(low - (high - low) / 2 - 1, high + (high - low) / 2 + 1, n))
        else:
            stays[one.column] = rng.choice([str(level) for level in one.levels or ("A", "B")], n)
    for outcome in spec.outcomes:
        if outcome.kind != "cost" or encounters.costs is None:
            stays[outcome.column] = _outcome(outcome.kind, n, rng)
    said["admissions"] = _put(raw, "admissions.csv", stays)
    if encounters.costs is None:
        return
    by = encounters.ccr_by if encounters.ccr is not None else ()
    dated = ("year",) if encounters.price_index else ()
    year = str(min(encounters.price_index)) if encounters.price_index else "2024"
    names = dict.fromkeys((*by, *dated))
    keys = {column: [year] * n if "year" in column.lower() else rng.choice(["H01", "H02"], n) for column in names}
    lines = pd.DataFrame(
        {encounters.on: stays[encounters.on], **keys, encounters.amount: np.round(rng.gamma(2, 2000, n) + 50, 2)}
    )
    said["costs"] = _put(raw, "costs.csv", lines)
    if encounters.ccr is not None:
        ratios = lines[list(by)].drop_duplicates().sort_values(list(by)).reset_index(drop=True)
        said["ccr"] = _put(raw, "ccr.csv", ratios.assign(ccr=np.round(0.3 + 0.05 * (np.arange(len(ratios)) % 5), 2)))


def _unit_months(said: UnitMonths, units: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    n = len(units) * MONTHS
    table = pd.DataFrame({said.unit: np.repeat(units["unit"].to_numpy(), MONTHS)})
    if said.month:
        table[said.month] = [f"2024-{month + 1:02d}" for month in range(MONTHS)] * len(units)
    for one in said.outcomes:
        if one.exposure not in table:
            table[one.exposure] = rng.integers(300, 900, n)
        table[one.column] = rng.poisson(3, n)
    return table


def _outcome(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    if kind == "continuous":
        return np.round(rng.normal(70, 15, n), 1)
    if kind == "count":
        return rng.poisson(4, n)
    return rng.integers(0, 2, n) if kind == "binary" else np.round(rng.gamma(2, 2000, n) + 50, 2)
