"""Which program wrote this export? Told from the file itself, and said."""

from dataclasses import replace
from pathlib import Path

from microresearch import io
from microresearch.errors import DataError, Problem, SpecError
from microresearch.survey.excel import MAGIC as EXCEL
from microresearch.survey.excel import OLD, ExcelSheet, open_excel
from microresearch.survey.export import Export
from microresearch.survey.plain import read_plain
from microresearch.survey.problems import nearest
from microresearch.survey.qualtrics import is_qualtrics, read_qualtrics
from microresearch.survey.qualtrics_legacy import is_legacy, read_qualtrics_legacy
from microresearch.survey.redcap import is_redcap, read_dictionary, read_redcap
from microresearch.survey.sheet import Sheet
from microresearch.survey.spss import MAGIC as SPSS
from microresearch.survey.spss import read_spss
from microresearch.survey.stata import MAGIC as STATA
from microresearch.survey.stata import read_stata
from microresearch.survey.surveymonkey import is_surveymonkey, read_surveymonkey
from microresearch.survey.text import open_text

FORMATS = ("auto", "qualtrics", "redcap", "surveymonkey", "spss", "stata", "excel", "csv")
_WITHIN_SHEETS = ("qualtrics", "redcap", "surveymonkey", "csv")


def read_export(
    path: str | Path,
    format: str = "auto",
    *,
    encoding: str | None = None,
    separator: str | None = None,
    sheet: str | None = None,
    dictionary: str | Path | None = None,
) -> Export:
    """One survey export as text cells, before any meaning is given to them.

    Parameters
    ----------
    path : str or Path
        The file as the survey program wrote it.
    format : str
        "auto", or one of `FORMATS` when the file is to be held to it. "excel" is a plain table in a workbook; what
        Qualtrics, REDCap or SurveyMonkey wrote into a workbook is recognised as theirs.
    encoding, separator : str, optional
        For separated text. Found from a byte order mark (else UTF-8) and from the header row when not declared.
    sheet : str, optional
        For a workbook with several sheets.
    dictionary : str or Path, optional
        REDCap's data dictionary (CSV, 18 columns), for labels and for a labelled header; with it the export is held
        to be REDCap's.

    Returns
    -------
    Export
        Its `said` tells what was recognised.

    Raises
    ------
    DataError
        The file is missing, empty, damaged, in another encoding, or not what it was declared to be.
    SpecError
        There is no such format, or a setting that the format does not have.
    """
    if format not in FORMATS:
        near = nearest(format, FORMATS)
        mend = f"did you mean {near[0]!r}?" if near else ""
        raise SpecError(Problem(f"there is no format {format!r}", allowed=", ".join(FORMATS), mend=mend))
    name, raw = io.shown(path), io.read_bytes(path)
    format = "redcap" if format == "auto" and dictionary is not None else format
    kind = _container(raw)
    allowed = {"spss": ("spss",), "stata": ("stata",), "excel": ("excel", *_WITHIN_SHEETS)}.get(kind, _WITHIN_SHEETS)
    if format not in ("auto", *allowed):
        what = f"declared as {format}, but this is {_CONTAINERS[kind]}"
        raise DataError(Problem(what, name, mend='check the file, or declare format = "auto"'))
    if kind in ("spss", "stata"):
        export = read_spss(raw, name) if kind == "spss" else read_stata(raw, name)
    elif kind == "excel":
        page = open_excel(raw, name, sheet)
        export = replace(_read_sheet(page, "csv" if format == "excel" else format, dictionary), epoch=page.epoch)
    else:
        del raw
        text = io.read_csv_text(path, encoding)
        export = _read_sheet(open_text(text, name, separator, encoding or "utf-8"), format, dictionary)
    if dictionary is not None and export.format != "redcap":
        raise SpecError(Problem("a data dictionary is REDCap's, and this export is not", name, value=export.format))
    if not len(export):
        raise DataError(Problem("no responses", name, mend="export the survey with its answers"))
    return export


_CONTAINERS = {"spss": "an SPSS file", "stata": "a Stata file", "excel": "an Excel workbook", "text": "separated text"}


def _container(raw: bytes) -> str:
    """What kind of file the first bytes tell."""
    if raw.startswith(SPSS):
        return "spss"
    if raw.startswith(STATA[0]) or (raw[:1] in STATA[1:] and raw[1:2] in (b"\x01", b"\x02") and raw[2:3] == b"\x01"):
        return "stata"
    return "excel" if raw.startswith((EXCEL, OLD)) else "text"


def _read_sheet(sheet: Sheet, format: str, dictionary: str | Path | None) -> Export:
    """Separated text or a workbook's sheet by the program that wrote it."""
    head = sheet.head(8)
    if format == "auto":
        format = recognise(head)
    if format == "qualtrics":
        return read_qualtrics_legacy(sheet) if is_legacy(head) else read_qualtrics(sheet)
    if format == "surveymonkey":
        return read_surveymonkey(sheet)
    if format == "redcap":
        fields = () if dictionary is None else read_dictionary(_open_dictionary(dictionary))
        return read_redcap(sheet, fields)
    export = read_plain(sheet)
    return replace(export, format="excel") if isinstance(sheet, ExcelSheet) else export


def _open_dictionary(path: str | Path) -> Sheet:
    return open_text(io.read_csv_text(path), io.shown(path))


def recognise(head: list[list[str]]) -> str:
    """The format of separated text from its first rows; "csv" for a plain table.

    Examples
    --------
    >>> recognise([["record_id", "redcap_event_name", "trust_1"], ["1", "baseline", "4"]])
    'redcap'
    >>> recognise([["id", "trust_1"], ["1", "4"]])
    'csv'
    """
    if is_legacy(head) or is_qualtrics(head):
        return "qualtrics"
    if is_surveymonkey(head):
        return "surveymonkey"
    return "redcap" if is_redcap(head) else "csv"
