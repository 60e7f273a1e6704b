"""How does a simulated study become files? The same bytes for the same study, and never over a real one."""

import csv
import io as text
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from microresearch import io
from microresearch.errors import DataError, Problem
from microresearch.simulate.dictionary import FIRST_LINE, data_dictionary
from microresearch.simulate.result import SimulatedStudy

Writer = Callable[[Path], Path]


def write_study(directory: Path, study: SimulatedStudy) -> None:
    """Write `raw/` and `truth.json` into a folder; DataError when its `raw/` holds something else."""
    raw = directory / "raw"
    writers: dict[str, Writer] = {
        "README.md": lambda path: io.write_text(path, data_dictionary(study.truth)),
        "survey.csv": lambda path: io.write_bytes(path, survey_csv(study)),
        "roster.csv": lambda path: io.write_csv(path, study.roster),
        "units.csv": lambda path: io.write_csv(path, study.units),
        "unit_months.csv": lambda path: io.write_csv(path, study.unit_months),
        "ccr.csv": lambda path: io.write_csv(path, study.ccr),
        "admissions.parquet": lambda path: io.write_parquet(path, _with_dates(study.admissions)),
        "finance.parquet": lambda path: io.write_parquet(path, study.finance),
    }
    _refuse_real(raw, [*writers, "SHA256SUMS"])
    for name, write in writers.items():
        write(raw / name)
    sums = "".join(f"{io.sha256_file(raw / name)}  {name}\n" for name in sorted(writers))
    io.write_text(raw / "SHA256SUMS", sums)
    io.write_json(directory / "truth.json", study.truth)


def survey_csv(study: SimulatedStudy) -> bytes:
    """The survey as Qualtrics writes it: byte order mark, three header rows, text quoted where it must be."""
    out = text.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(study.survey.columns)
    writer.writerows(study.survey_header)
    writer.writerows(study.survey.to_numpy().tolist())
    return out.getvalue().encode("utf-8-sig")


def _with_dates(admissions: pd.DataFrame) -> pd.DataFrame:
    """Days as dates, so that the file holds no time of day."""
    days = {name: admissions[name].dt.date for name in ("admitted", "discharged")}
    return admissions.assign(**days)


def _refuse_real(raw: Path, names: list[str]) -> None:
    present = [name for name in names if (raw / name).exists()]
    if not present:
        return
    readme = raw / "README.md"
    if readme.is_file() and io.read_bytes(readme).decode("utf-8", "replace").startswith(FIRST_LINE):
        return
    what = f"the folder already holds {', '.join(present)}, which no simulation wrote"
    raise DataError(Problem(what, file=io.shown(raw), mend="give an empty folder; nothing was written"))
