"""Does a column's name by itself say that a person stands in its cells?"""

import re

_NAMED = re.compile(
    r"(?:^|[^a-z])(?:e-?mail|ip[ _]?address|ipaddress|latitude|longitude|(?:first|last|full|sur|given|family)[ _]?name"
    r"|name|phone|mobile|telephone|address|birth(?:day|date)?|dob|ssn|postcode|zip)(?:[^a-z]|$)",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def names_a_person(column: str) -> bool:
    """Whether the column is called like a direct identifier (name, e-mail, address, telephone, place, birth).

    Examples
    --------
    >>> [names_a_person(name) for name in ("E-mail", "lastName", "staff_id")]
    [True, True, False]
    """
    return _NAMED.search(_CAMEL.sub(" ", column)) is not None
