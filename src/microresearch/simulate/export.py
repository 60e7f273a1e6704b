"""How does a survey platform hand submissions over? A Qualtrics export: three header rows, choice text, identifiers."""

import json

import numpy as np
import pandas as pd

from microresearch.simulate.answers import CANT_RATE
from microresearch.simulate.hospitals import Setting
from microresearch.simulate.plant import ROLES
from microresearch.simulate.submissions import WAVE_1, Submissions
from microresearch.simulate.truth import Population

ABOUT = {
    "StartDate": "Start Date", "EndDate": "End Date", "Status": "Response Type", "IPAddress": "IP Address",
    "Progress": "Progress", "Duration (in seconds)": "Duration (in seconds)", "Finished": "Finished",
    "RecordedDate": "Recorded Date", "ResponseId": "Response ID", "RecipientLastName": "Recipient Last Name",
    "RecipientFirstName": "Recipient First Name", "RecipientEmail": "Recipient Email",
    "ExternalReference": "External Data Reference", "LocationLatitude": "Location Latitude",
    "LocationLongitude": "Location Longitude", "DistributionChannel": "Distribution Channel",
    "UserLanguage": "User Language", "consent": "Do you agree to take part in this study?",
    "unit": "In which unit do you work?", "role": "What is your role?", "wave": "wave",
}  # fmt: skip
_IMPORT_IDS = {
    "StartDate": "startDate", "EndDate": "endDate", "Status": "status", "IPAddress": "ipAddress",
    "Progress": "progress", "Duration (in seconds)": "duration", "Finished": "finished",
    "RecordedDate": "recordedDate", "ResponseId": "_recordId", "RecipientLastName": "recipientLastName",
    "RecipientFirstName": "recipientFirstName", "RecipientEmail": "recipientEmail",
    "ExternalReference": "externalDataReference", "LocationLatitude": "locationLatitude",
    "LocationLongitude": "locationLongitude", "DistributionChannel": "distributionChannel",
    "UserLanguage": "userLanguage", "wave": "wave",
}  # fmt: skip
_FIRST = (
    "Alda", "Bram", "Cyra", "Dorin", "Edda", "Falk", "Gerda", "Hedy", "Ivo", "Jorun", "Kalle", "Linnea", "Milo",
    "Nadja", "Odo", "Petra", "Quinn", "Runa", "Sven", "Tilda", "Ulf", "Vera", "Wanda", "Xenia", "Yorick", "Zelda",
)  # fmt: skip
_LAST = (
    "Abelwick", "Brandlow", "Carstone", "Dunfield", "Elmhart", "Forswick", "Gallbrook", "Harwend", "Istmark", "Jarlow",
    "Kestwood", "Lindqvar", "Marlowen", "Norvale", "Ostberg", "Pellwick", "Quarles", "Rosswick", "Sandmoor", "Tarnwell",
    "Ulverton", "Vantrell", "Wexcombe", "Yardwell", "Zinnow",
)  # fmt: skip
_COMMENTS = (
    "Thank you for asking us.", "Too many questions, and some of them twice.", "We need more hands at night.",
    "Please tell {name} that the roster is out of date.", "Ask {name}, who was there when it happened.",
    "<b>Nobody</b> reads these <script>alert('x')</script>", '=HYPERLINK("http://example.org","open")',
    "@SUM(1+1)*cmd", "Moved here from another ward in the autumn, so I can't say much yet.", "+1 for shared handover",
    'He said "later", as always; nothing came of it.', "Línea nueva,\ncon coma y ñ.",
)  # fmt: skip
_ID = np.array(list("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789"))


def survey_export(
    population: Population, setting: Setting, sent: Submissions, misspelt: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, list[list[str]], int]:
    """The raw table as text, its second and third header rows, and how many unit names are not the official ones."""
    rows = sent.rows
    table = _who(setting, rows, rng)
    names, wrong = _unit_names(setting, rows, misspelt, rng)
    asked = (rows["kind"] != "consent").to_numpy()
    table["consent"] = np.where(asked, "Yes", "No")
    table["unit"] = np.where(asked, names, "")
    table["role"] = np.where(asked, np.array(ROLES)[rows["role"]], "")
    table["wave"] = rows["wave"].astype(str)
    columns: dict[str, np.ndarray] = {}
    place = 0
    for form in population.forms:
        label = {int(option.code): option.label for option in form.instrument.options}
        words = np.array([form.instrument.cant_rate[0], "", *(label[code] for code in sorted(label))], dtype=object)
        for item in form.instrument.items:
            columns[item.code] = words[sent.answers[:, place] - CANT_RATE]
            place += 1
    table = pd.concat([table, pd.DataFrame(columns)], axis=1)
    said = np.array([c.format(name=f"{_FIRST[i]} {_LAST[-i]}") for i, c in enumerate(_COMMENTS, start=1)], dtype=object)
    speak = asked & (rng.random(len(rows)) < 0.04)
    table["comments"] = np.where(speak, said[rng.integers(0, len(said), len(rows))], "")
    table = table.astype("str")
    order = np.lexsort([table["ResponseId"], table["RecordedDate"]])
    return table.iloc[order].reset_index(drop=True), _headers(population), wrong


def _who(setting: Setting, rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The columns that the platform adds by itself: times, status, and who it was."""
    n = len(rows)
    start = WAVE_1 + rows["start"].to_numpy().astype("timedelta64[s]")
    end = start + rows["duration"].to_numpy().astype("timedelta64[s]")
    finished = rows["finished"].to_numpy()
    recorded = end + np.where(finished, 1, 7 * 86_400).astype("timedelta64[s]")
    person, outside = rows["staff"].to_numpy(), (rows["staff"] < 0).to_numpy()
    progress = np.where(finished, 100, 100 * (rows["shown"].to_numpy() + 2) // 64)
    preview = (rows["kind"] == "preview").to_numpy()
    reference = setting.roster["staff_id"].to_numpy()[person].astype(object)
    stranger = np.array([f"X{number:05d}" for number in range(1, n + 1)], dtype=object)
    reference = np.where(outside, np.where(preview | (np.arange(n) % 4 == 0), "", stranger), reference)
    key = np.where(outside, len(setting.roster) + np.arange(n), person)
    first, last = rng.integers(0, len(_FIRST), key.max() + 1)[key], rng.integers(0, len(_LAST), key.max() + 1)[key]
    first, last = np.array(_FIRST, dtype=object)[first], np.array(_LAST, dtype=object)[last]
    mail = [f"{a}.{b}.{k}@staff.example.org".lower() for a, b, k in zip(first, last, key, strict=True)]
    town = np.where(rows["unit"] >= 0, setting.hospital[rows["unit"]], 0)
    net = np.array(["192.0.2", "198.51.100", "203.0.113"])[town % 3]
    jitter = rng.integers(0, 1000, (2, n))
    return pd.DataFrame({
        "StartDate": _clock(start), "EndDate": _clock(end),
        "Status": np.where(preview, "Survey Preview", "IP Address"),
        "IPAddress": [f"{a}.{b}" for a, b in zip(net, rng.integers(1, 255, n), strict=True)],
        "Progress": progress.astype(str), "Duration (in seconds)": rows["duration"].astype(str),
        "Finished": np.where(finished, "True", "False"), "RecordedDate": _clock(recorded),
        "ResponseId": ["R_" + "".join(letters) for letters in _ID[rng.integers(0, len(_ID), (n, 15))]],
        "RecipientLastName": np.where(preview, "", last), "RecipientFirstName": np.where(preview, "", first),
        "RecipientEmail": np.where(preview, "", mail), "ExternalReference": reference,
        "LocationLatitude": [f"{10 + t}.{j:03d}" for t, j in zip(town, jitter[0], strict=True)],
        "LocationLongitude": [f"-{40 + t}.{j:03d}" for t, j in zip(town, jitter[1], strict=True)],
        "DistributionChannel": np.where(preview, "preview", np.where(outside, "anonymous", "email")),
        "UserLanguage": "EN",
    })  # fmt: skip


def _clock(times: np.ndarray) -> np.ndarray:
    return np.char.replace(np.datetime_as_string(times, unit="s"), "T", " ").astype(object)


def _unit_names(
    setting: Setting, rows: pd.DataFrame, misspelt: int, rng: np.random.Generator
) -> tuple[np.ndarray, int]:
    """The unit as each person named it: the official name, or in so many rows one of its variants."""
    unit = rows["unit"].to_numpy()
    names = np.where(unit >= 0, setting.units["name"].to_numpy()[unit], "").astype(object)
    named = np.flatnonzero((unit >= 0) & (rows["kind"] != "consent").to_numpy())
    some = rng.permutation(named)[:misspelt]
    for i, pick in zip(some, rng.integers(0, 4, len(some)), strict=True):
        names[i] = setting.units["variants"].iloc[unit[i]].split("|")[pick]
    return names, len(some)


def _headers(population: Population) -> list[list[str]]:
    """The second and third header rows: wording and ImportIds."""
    items = [item for form in population.forms for item in form.instrument.items]
    wording = {**ABOUT, **{item.code: item.text for item in items}, "comments": "Is there anything else?"}
    ids: list[str] = []
    question = 0
    for name in wording:
        if name not in _IMPORT_IDS:
            question += 1
        ids.append(json.dumps({"ImportId": _IMPORT_IDS.get(name, f"QID{question}")}, separators=(",", ":")))
    return [list(wording.values()), ids]
