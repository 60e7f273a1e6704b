"""Which program wrote this export? Told from the file itself, and said."""

from collections.abc import Callable
from pathlib import Path

from microresearch import io
from microresearch.errors import DataError, Problem, SpecError
from microresearch.survey.export import Export
from microresearch.survey.plain import read_plain
from microresearch.survey.problems import nearest
from microresearch.survey.qualtrics import is_qualtrics, read_qualtrics
from microresearch.survey.text import Sheet, open_text

TEXT_READERS: dict[str, Callable[[Sheet], Export]] = {"qualtrics": read_qualtrics, "csv": read_plain}
FORMATS = ("auto", *TEXT_READERS)


def read_export(
    path: str | Path, format: str = "auto", *, encoding: str | None = None, separator: str | None = None
) -> Export:
    """One survey export as text cells, before any meaning is given to them.

    Parameters
    ----------
    path : str or Path
        The file as the survey program wrote it.
    format : str
        "auto", or one of `FORMATS` when the file is to be held to it.
    encoding, separator : str, optional
        For separated text. Found from a byte order mark (else UTF-8) and from the header row when not declared.

    Returns
    -------
    Export
        Its `said` tells what was recognised.

    Raises
    ------
    DataError
        The file is missing, empty, damaged, in another encoding, or not what it was declared to be.
    SpecError
        There is no such format.
    """
    if format not in FORMATS:
        near = nearest(format, FORMATS)
        raise SpecError(Problem(f"there is no format {format!r}", allowed=", ".join(FORMATS), mend=" ".join(near)))
    name = io.shown(path)
    text = io.read_csv_text(path, encoding)
    sheet = open_text(text, name, separator, encoding or "utf-8")
    del text
    if format == "auto":
        format = "qualtrics" if is_qualtrics(sheet.head(8)) else "csv"
    export = TEXT_READERS[format](sheet)
    if not len(export):
        raise DataError(Problem("no responses", name, mend="export the survey with its answers"))
    return export
