"""Which submissions reach the survey platform? Good ones, and each kind of mess, planted in declared numbers."""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from microresearch.errors import DataError
from microresearch.simulate.answers import BLANK, Codes, draw_answers, unasked
from microresearch.simulate.hospitals import Setting
from microresearch.simulate.plant import ROLES, Floats, Mess
from microresearch.simulate.truth import Population

WHOLE_STUDY = 2880
EXCLUSIONS = ("preview", "consent", "duplicate", "eligibility", "progress", "time", "answered")
FEWEST_KEPT = 32
WAVE_1 = np.datetime64("2024-01-08T06:00:00")
DAY = 86_400


@dataclass(frozen=True, slots=True, eq=False)
class Submissions:
    """Everything that was sent in, a row a submission.

    Attributes
    ----------
    rows : DataFrame
        `kind` (analysed, or the rule that excludes it), `staff` (row of the roster, -1 when not on it), `unit` (number,
        -1 when not given), `role`, `wave`, `shown` (items reached), `finished`, `start` (seconds since the survey
        opened), `duration` (seconds), and the marks `straight`, `partial`, `retest`.
    answers : array of int8, shape (rows, 62)
        Long form, then assessment form: 1, 2, ...; 0 blank; -1 can't rate.
    """

    rows: pd.DataFrame
    answers: Codes


def scaled(mess: Mess, staff: float) -> dict[str, int]:
    """How many of each kind are planted in a study with this many staff expected on its roster."""
    share = staff / WHOLE_STUDY
    return {part.name: round(getattr(mess, part.name) * share) for part in fields(mess)}


def draw_submissions(
    population: Population, setting: Setting, counts: dict[str, int], rng: np.random.Generator
) -> Submissions:
    """Draw who sends in what; `counts` as from `scaled`."""
    plant = population.plant
    staff = rng.permutation(np.flatnonzero(setting.responds))
    kind = np.repeat("analysed", len(staff)).astype(object)
    last = 0
    for name in ("consent", "progress", "time", "answered"):
        kind[last : last + counts[name]] = name
        last += counts[name]
    good = len(staff) - last
    flat = round(plant.straight_lining * good)
    if good - flat < counts["retest"] + counts["duplicate"] + counts["kept_partial"]:
        raise DataError(
            f"{len(staff)} respondents are too few for the mess that is asked for; ask for more staff or less."
        )
    rows = pd.DataFrame({"kind": kind, "staff": staff, "unit": setting.staff_unit[staff], "wave": 1})
    rows["role"] = setting.staff_role[staff]
    place = np.arange(len(staff))
    rows["straight"] = (place >= last) & (place < last + flat)
    rows["retest"] = place >= len(staff) - counts["retest"]
    rows["partial"] = False
    unit, role = rows["unit"].to_numpy(), rows["role"].to_numpy()
    inside = setting.kind.academic[unit]
    first, second = draw_answers(
        population.forms, plant, setting.means[unit], role, inside, rows["retest"].to_numpy(), rng
    )
    answers = np.hstack(first)
    _pace(rows, rng)
    _spoil(population, rows, answers, rng)
    _break_off(population, rows, answers, counts["kept_partial"], rng)
    long = len(population.forms[0].loading)
    answers[:, :long] = unasked(population.forms[0], answers[:, :long], inside)
    retest = rows[rows["retest"]].assign(wave=2, start=lambda part: part["start"] + 21 * DAY)
    parts = [(rows, answers), (retest, np.hstack(second))]
    parts.append(_duplicates(rows, answers, counts["duplicate"], rng))
    parts.append(_strangers(population, setting, counts, rng))
    frame = pd.concat([part[0] for part in parts], ignore_index=True)
    return Submissions(frame, np.vstack([part[1] for part in parts]))


def _pace(rows: pd.DataFrame, rng: np.random.Generator) -> None:
    """When each submission began and how long it took: four weeks of day and night, three to twenty minutes."""
    n = len(rows)
    rows["start"] = rng.integers(0, 27, n) * DAY + rng.integers(0, 17 * 3600, n)
    rows["duration"] = 180 + rng.integers(0, 300, n) + rng.integers(0, 300, n) + rng.integers(0, 420, n)
    rows["shown"], rows["finished"] = 62, True


def _spoil(population: Population, rows: pd.DataFrame, answers: Codes, rng: np.random.Generator) -> None:
    """Turn the answers of the marked rows into what their kind of mess looks like."""
    kind = rows["kind"].to_numpy()
    plant, forms = population.plant, population.forms
    high = np.concatenate([np.full(len(form.loading), form.thresholds.shape[1] + 1) for form in forms])
    width = len(high)
    some = np.flatnonzero(kind == "consent")
    answers[some] = BLANK
    rows.loc[some, ["shown", "duration"]] = np.column_stack([np.zeros(len(some)), rng.integers(8, 40, len(some))])
    some = np.flatnonzero(kind == "progress")
    shown = rng.integers(0, 27, len(some))
    answers[some] = np.where(np.arange(width) < shown[:, None], answers[some], np.int8(BLANK))
    rows.loc[some, "shown"], rows.loc[some, "finished"] = shown, False
    rows.loc[some, "duration"] = 20 + shown * rng.integers(3, 12, len(some))
    some = np.flatnonzero(kind == "time")
    answers[some] = 1 + (rng.random((len(some), width)) * high).astype(np.int8)
    rows.loc[some, "duration"] = rng.integers(35, 100, len(some))
    some = np.flatnonzero(kind == "answered")
    reached = rng.integers(6, 15, len(some))
    answers[some] = np.where(np.arange(width) < reached[:, None], answers[some], np.int8(BLANK))
    some = np.flatnonzero(rows["straight"])
    one = np.searchsorted(np.cumsum(plant.straight_answers), rng.random(len(some)), side="right") + 1
    answers[some] = np.minimum(one[:, None], high).astype(np.int8)


def _break_off(
    population: Population, rows: pd.DataFrame, answers: Codes, count: int, rng: np.random.Generator
) -> None:
    """Let some good responses end after the eighth page or later: beyond half of the survey, so they stay in."""
    ends = np.array(_page_ends(population)[7:10])
    seen = (answers[:, : ends[0]] > BLANK).sum(axis=1)
    good = (rows["kind"] == "analysed") & ~rows["straight"] & ~rows["retest"] & (seen >= FEWEST_KEPT)
    some = np.flatnonzero(good)[:count]
    shown = ends[rng.integers(0, len(ends), len(some))]
    answers[some] = np.where(np.arange(answers.shape[1]) < shown[:, None], answers[some], np.int8(BLANK))
    rows.loc[some, "shown"], rows.loc[some, "finished"], rows.loc[some, "partial"] = shown, False, True


def _page_ends(population: Population) -> list[int]:
    """Items reached at the end of each page of the long form; a page holds one characteristic."""
    places = population.forms[0].characteristic
    return [*np.flatnonzero(np.diff(places)) + 1, len(places)]


def _duplicates(rows: pd.DataFrame, answers: Codes, count: int, rng: np.random.Generator) -> tuple[pd.DataFrame, Codes]:
    """Second submissions beside one that is kept: two in three later and less full, the rest earlier and broken off."""
    free = (rows["kind"] == "analysed") & ~rows["straight"] & ~rows["retest"] & ~rows["partial"]
    some = np.flatnonzero(free)[-count:] if count else np.array([], dtype=np.int64)
    extra, ticks = rows.iloc[some].assign(kind="duplicate"), answers[some].copy()
    broken = np.zeros(len(some), dtype=np.int64)
    for i in range(len(some)):
        if i % 3 == 2:
            shown = int(rng.integers(3, 24))
            ticks[i, shown:] = BLANK
            broken[i] = shown
        else:
            said = np.flatnonzero(ticks[i] > BLANK)
            ticks[i, rng.choice(said, 4, replace=False)] = BLANK
    later = extra["start"] + rng.integers(1, 6, len(some)) * DAY + rng.integers(0, 3600, len(some))
    earlier = extra["start"] * rng.integers(2, 8, len(some)) // 10
    extra["finished"] = broken == 0
    extra["shown"] = np.where(broken, broken, extra["shown"])
    extra["start"] = np.where(broken, earlier, later)
    extra["duration"] = np.where(broken, 60 + 5 * extra["shown"], extra["duration"])
    return extra, ticks


def _strangers(
    population: Population, setting: Setting, counts: dict[str, int], rng: np.random.Generator
) -> tuple[pd.DataFrame, Codes]:
    """Previews by the study team, and people who are not on the roster; every third of these gives no unit."""
    n = counts["preview"] + counts["eligibility"]
    unit, role = rng.integers(0, len(setting.means), n), rng.integers(0, len(ROLES), n)
    inside = setting.kind.academic[unit]
    nobody = np.zeros(n, dtype=bool)
    means: Floats = setting.means[unit]
    answers = np.hstack(draw_answers(population.forms, population.plant, means, role, inside, nobody, rng)[0])
    preview = np.arange(n) < counts["preview"]
    rows = pd.DataFrame({"kind": np.where(preview, "preview", "eligibility"), "staff": -1, "wave": 1, "role": role})
    rows["unit"] = np.where(~preview & (np.arange(n) % 3 == 0), -1, unit)
    rows["straight"] = rows["retest"] = rows["partial"] = False
    _pace(rows, rng)
    rows.loc[preview, "start"] -= 28 * DAY
    return rows, answers
