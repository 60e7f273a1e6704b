"""How is an SPSS file (.sav, .zsav) read? With user-missing codes kept apart from what was left blank."""

from microresearch.survey.export import Export
from microresearch.survey.labelled import read_labelled

MAGIC = (b"$FL2", b"$FL3")


def read_spss(raw: bytes, file: str) -> Export:
    """An SPSS system file; a row number is the case number.

    Raises
    ------
    DataError
        The file is damaged or holds no cases.
    """
    return read_labelled(raw, file, "spss", "SPSS", "sav")
