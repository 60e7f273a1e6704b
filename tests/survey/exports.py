"""A small export as Qualtrics writes it, that can be bent."""

NAMES = ["StartDate", "EndDate", "Status", "IPAddress", "Progress", "Duration (in seconds)", "Finished",
         "RecordedDate", "ResponseId", "RecipientEmail", "ExternalReference", "UserLanguage", "consent", "unit", "role",
         "wave", "trust_1", "trust_2", "trust_3", "teach_1", "comments"]  # fmt: skip
WORDING = ["Start Date", "End Date", "Response Type", "IP Address", "Progress", "Duration (in seconds)", "Finished",
           "Recorded Date", "Response ID", "Recipient Email", "External Data Reference", "User Language",
           "Do you agree?", "Unit", "Role", "Wave", "<b>We trust</b>", "We help, always", "Back", "Students",
           "Anything else?"]  # fmt: skip
IDS = [f'{{"ImportId":"{name}"}}' for name in NAMES]
COLUMNS = {"person": "ExternalReference", "unit": "unit", "role": "role", "wave": "wave", "consent": "consent"}


def answer(
    n: int, *answers: str, person: str = "", status: str = "IP Address", wave: str = "1", **other: str
) -> list[str]:
    """One response as Qualtrics writes it."""
    row = {
        "StartDate": f"2026-03-01 {8 + n // 55:02d}:{n % 55:02d}:00",
        "EndDate": f"2026-03-01 {8 + n // 55:02d}:{n % 55 + 5:02d}:00", "Status": status,
        "IPAddress": "192.0.2.7", "Progress": "100", "Duration (in seconds)": "300", "Finished": "True",
        "RecordedDate": "2026-03-01 09:00:00", "ResponseId": f"R_{n}", "RecipientEmail": "a.person@example.org",
        "ExternalReference": person or f"S{n}", "UserLanguage": "EN", "consent": "Yes", "unit": "Ward 3",
        "role": "nurse", "wave": wave, "comments": 'said "no", twice\nthen left',
        **dict(zip(("trust_1", "trust_2", "trust_3", "teach_1"), answers, strict=True)),
        **other,
    }  # fmt: skip
    return [row[name] for name in NAMES]


def qualtrics(rows: list[list[str]], head: list[list[str]] | None = None, encoding: str = "utf-8-sig") -> bytes:
    """The bytes of an export: quoted where needed, CR LF."""
    head = [NAMES, WORDING, IDS] if head is None else head
    lines = [",".join(f'"{c.replace(chr(34), chr(34) * 2)}"' if set(c) & set(',"\r\n') else c for c in row)
             for row in (*head, *rows)]  # fmt: skip
    return ("\r\n".join(lines) + "\r\n").encode(encoding)
