"""How is a Stata file (.dta) read? With value labels, and the missing values .a to .z kept apart from the point."""

from microresearch.survey.export import Export
from microresearch.survey.labelled import read_labelled

MAGIC = (b"<stata_dta>", b"\x71", b"\x72", b"\x73")


def read_stata(raw: bytes, file: str) -> Export:
    """A Stata data file; a row number is the observation number, and .a stands in the cells as "a".

    Raises
    ------
    DataError
        The file is damaged or holds no observations.
    """
    return read_labelled(raw, file, "stata", "Stata", "dta")
