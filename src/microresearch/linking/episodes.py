"""What is one stay, whose is it, and which stays count? Segments, transfers, deaths and readmissions as declared."""

from dataclasses import dataclass
from typing import Literal

import duckdb

from microresearch.errors import DataError, Problem, SpecError
from microresearch.linking.sources import View, first_bad, quoted

Attribution = Literal["one row a stay", "discharge unit", "longest stay", "every unit"]
Index = Literal["every stay", "first stay", "no readmission"]

READMITTED, DAYS = "readmitted", "los_days"
"""Columns that are made here: 0/1, missing where nobody could tell; and days from first admission to last discharge."""


_LATE = "ended DESC NULLS LAST, begun DESC NULLS LAST, place DESC"  # the last row of a stay first


@dataclass(frozen=True, slots=True)
class Rules:
    """How rows of the admissions extract become the stays that are analysed, applied in the order of this list.

    Attributes
    ----------
    patient, admitted, discharged, died : str
        Columns with the patient's id, dates (or times) and death in hospital (0/1); "" where a rule needs none.
    transfers : "keep" or "join"
        "join": a stay that begins within `transfer_hours` of the same patient's last discharge continues that stay.
    attribution : {"one row a stay", "discharge unit", "longest stay", "every unit"}
        Whose stay it is when its rows name several units: the unit of the last discharge, the unit with most time in
        all (ties: the later one), or each of them. Outcomes and case mix are those of the stay's last row.
    deaths : "keep" or "exclude"
        Whether stays that end in death are analysed.
    readmission_days : int, optional
        Makes the outcome `readmitted`: the same patient is admitted again within so many days of discharge. Missing
        after a death, and where the extract ends sooner than that.
    index : {"every stay", "first stay", "no readmission"}
        Which stays are analysed: all, each patient's first, or those that are no readmission themselves.
    """

    patient: str = ""
    admitted: str = ""
    discharged: str = ""
    died: str = ""
    transfers: Literal["keep", "join"] = "keep"
    transfer_hours: float = 24.0
    attribution: Attribution = "one row a stay"
    deaths: Literal["keep", "exclude"] = "keep"
    readmission_days: int | None = None
    index: Index = "every stay"

    @property
    def followed(self) -> bool:
        """Whether a patient's stays are put in order."""
        return self.transfers == "join" or self.readmission_days is not None or self.index != "every stay"

    @property
    def needed(self) -> bool:
        """Whether anything is to be done to the rows."""
        return self.followed or self.attribution != "one row a stay" or self.deaths == "exclude"

    def check(self, priced: bool) -> None:
        """Refuse rules that cannot be meant.

        Raises
        ------
        SpecError
            A rule without the column that it needs, and rules that contradict each other; all at once.
        """
        dated = self.followed or self.attribution != "one row a stay"
        needs = (
            ("patient", self.followed),
            ("admitted", dated),
            ("discharged", dated),
            ("died", self.deaths != "keep"),
        )
        problems = [
            Problem("a rule for stays needs this column", column=name, mend=f"say {name} = the column's name")
            for name, wanted in needs
            if wanted and not getattr(self, name)
        ]
        if self.transfers == "join" and self.attribution == "one row a stay":
            allowed = "discharge unit, longest stay, every unit"
            what = "stays that are joined over transfers may have several units"
            problems.append(Problem(what, column="attribution", allowed=allowed))
        if self.index == "no readmission" and self.readmission_days is None:
            problems.append(Problem("no number of days says what a readmission is", column="readmission_days"))
        if priced and self.attribution == "every unit":
            what = "a stay that counts for every unit would have its cost counted in each"
            problems.append(Problem(what, column="attribution", allowed="discharge unit, longest stay"))
        if problems:
            raise SpecError(problems)


@dataclass(frozen=True, slots=True)
class Episodes:
    """The stays after the rules: their view, how many rows were joined, and how many stays were left out and why."""

    stays: View
    joined: tuple[tuple[str, int], ...]
    excluded: tuple[tuple[str, int], ...]


def apply_rules(connection: duckdb.DuckDBPyConnection, extract: View, on: str, unit: str, rules: Rules) -> Episodes:
    """The table `admissions` made from the view `extract`; `members` says which stay became part of which.

    Raises
    ------
    DataError
        A row without patient or date where a rule needs them, or a discharge before its admission.
    """
    _segments(connection, extract, on, unit, rules)
    problems = _dated(connection, extract, rules) if rules.admitted else []
    if problems:
        raise DataError(problems)
    _members(connection, rules)
    _attributed(connection, rules)
    _followed(connection, rules)
    reasons = [("not the patient's first stay", f"nth > 1 AND {_said(rules.index == 'first stay')}"),
               ("a readmission itself", f"since <= {rules.readmission_days or 0} * 86400 AND "
                f"{_said(rules.index == 'no readmission')}"),
               ("died in hospital", f"dead AND {_said(rules.deaths == 'exclude')}")]  # fmt: skip
    cases = " ".join(f"WHEN {sql} THEN '{reason.replace(chr(39), chr(39) * 2)}'" for reason, sql in reasons)
    connection.execute(f"CREATE TEMP TABLE judged AS SELECT *, CASE {cases} END AS reason FROM followed")
    counts = dict(connection.execute("SELECT reason, count(*) FROM judged GROUP BY 1").fetchall())
    _final(connection, extract, on, unit, rules)
    types = {str(row[0]): str(row[1]) for row in connection.execute("DESCRIBE admissions").fetchall()}
    return Episodes(
        View("admissions", extract.file, types), _joined(connection, rules),
        tuple((reason, int(counts[reason])) for reason, _ in reasons if counts.get(reason)),
    )  # fmt: skip


def _said(true: bool) -> str:
    return "true" if true else "false"


def _segments(connection: duckdb.DuckDBPyConnection, extract: View, on: str, unit: str, rules: Rules) -> None:
    """The rows as they are, with what the rules look at under fixed names."""
    none = "CAST(NULL AS {})"
    patient = extract.text(rules.patient) if rules.patient else none.format("VARCHAR")
    begin, end = (
        f"epoch(TRY_CAST({quoted(c)} AS TIMESTAMP))" if c else none.format("DOUBLE")
        for c in (rules.admitted, rules.discharged)
    )
    dead = f"coalesce({extract.number(rules.died)} = 1, false)" if rules.died else "false"
    connection.execute(
        f"CREATE TEMP TABLE segments AS SELECT row_number() OVER () AS place, {extract.text(on)} AS stay, "
        f"{extract.text(unit)} AS ward, {patient} AS patient, {begin} AS begun, {end} AS ended, {dead} AS dead "
        f"FROM {extract.name}"
    )


def _dated(connection: duckdb.DuckDBPyConnection, extract: View, rules: Rules) -> list[Problem]:
    view = View("segments", extract.file, {})
    problems = []
    for column, condition, what in (
        (rules.patient, f"patient IS NULL AND {_said(rules.followed)}", "rows have no patient"),
        (rules.admitted, "begun IS NULL", "rows have no readable date"),
        (rules.discharged, "ended IS NULL", "rows have no readable date"),
        (rules.discharged, "ended < begun", "discharges lie before the admission"),
    ):
        count, row = first_bad(connection, view, condition)
        if count:
            problems.append(Problem(f"{count} {what}", extract.file, row, column))
    return problems


def _members(connection: duckdb.DuckDBPyConnection, rules: Rules) -> None:
    """Which stay belongs to which episode, named by its first stay: itself, unless transfers are joined."""
    spans = (
        "SELECT stay, any_value(patient) AS patient, min(begun) AS begun, max(ended) AS ended FROM segments GROUP BY 1"
    )
    if rules.transfers == "keep":
        connection.execute("CREATE TEMP TABLE members AS SELECT DISTINCT stay, stay AS episode FROM segments")
        return
    mine = "PARTITION BY patient ORDER BY begun, ended, stay"
    connection.execute(f"CREATE TEMP TABLE spans AS {spans}")
    connection.execute(
        f"CREATE TEMP TABLE steps AS SELECT *, begun - max(ended) OVER ({mine} ROWS BETWEEN UNBOUNDED PRECEDING AND "
        "1 PRECEDING) AS gap FROM spans"
    )
    connection.execute(
        f"CREATE TEMP TABLE runs AS SELECT *, sum(CASE WHEN gap IS NULL OR gap > {rules.transfer_hours * 3600} THEN 1 "
        f"ELSE 0 END) OVER ({mine} ROWS UNBOUNDED PRECEDING) AS run FROM steps"
    )
    connection.execute(
        "CREATE TEMP TABLE members AS SELECT stay, first_value(stay) OVER (PARTITION BY patient, run "
        "ORDER BY begun, ended, stay) AS episode FROM runs"
    )


def _attributed(connection: duckdb.DuckDBPyConnection, rules: Rules) -> None:
    """The table `owned`: episode and ward, one row an episode or (every unit) one a ward of it."""
    rows = "SELECT episode, segments.* FROM segments JOIN members ON members.stay IS NOT DISTINCT FROM segments.stay"
    connection.execute(f"CREATE TEMP TABLE placed AS {rows}")
    if rules.attribution == "one row a stay":
        sql = "SELECT episode, ward FROM placed"
    elif rules.attribution == "every unit":
        sql = "SELECT DISTINCT episode, ward FROM placed"
    elif rules.attribution == "discharge unit":
        sql = f"SELECT episode, ward FROM placed QUALIFY row_number() OVER (PARTITION BY episode ORDER BY {_LATE}) = 1"
    else:
        sql = (
            "SELECT episode, ward FROM (SELECT episode, ward, sum(ended - begun) AS time, max(ended) AS ended "
            "FROM placed GROUP BY ALL) "
            "QUALIFY row_number() OVER (PARTITION BY episode ORDER BY time DESC, ended DESC, ward) = 1"
        )
    connection.execute(f"CREATE TEMP TABLE owned AS {sql}")


def _followed(connection: duckdb.DuckDBPyConnection, rules: Rules) -> None:
    """One row an episode: its last row in the extract, its span, and where it stands among its patient's."""
    connection.execute(
        "CREATE TEMP TABLE ranked AS SELECT *, row_number() OVER (PARTITION BY episode "
        f"ORDER BY {_LATE}) AS rank FROM placed"
    )
    connection.execute(
        "CREATE TEMP TABLE episodes AS SELECT episode, any_value(patient) AS patient, min(begun) AS begun, "
        "max(ended) AS ended, bool_or(dead) AS dead, arg_min(place, rank) AS place FROM ranked GROUP BY episode"
    )
    connection.execute(
        "CREATE TEMP TABLE followed AS SELECT *, row_number() OVER mine AS nth, begun - lag(ended) OVER mine AS since, "
        "lead(begun) OVER mine - ended AS until, (SELECT max(ended) FROM episodes) - ended AS watched FROM episodes "
        "WINDOW mine AS (PARTITION BY patient ORDER BY begun, ended, episode)"
    )


def _final(connection: duckdb.DuckDBPyConnection, extract: View, on: str, unit: str, rules: Rules) -> None:
    """The table `admissions`: the extract's columns of each episode's last row, its own id and unit, what was made."""
    made = []
    if rules.readmission_days is not None:
        time = rules.readmission_days * 86400
        made.append(
            f"CASE WHEN dead THEN NULL WHEN until <= {time} THEN 1 WHEN watched < {time} THEN NULL ELSE 0 END "
            f"AS {READMITTED}"
        )
    if rules.admitted and DAYS not in extract.types:
        made.append(f"(judged.ended - judged.begun) / 86400 AS {DAYS}")
    kept = ", ".join(
        f"numbered.{quoted(c)}"
        for c in extract.types
        if c not in (on, unit, *([READMITTED] if rules.readmission_days is not None else []))
    )
    connection.execute(
        f"CREATE TEMP TABLE admissions AS SELECT judged.episode AS {quoted(on)}, owned.ward AS {quoted(unit)}"
        f"{''.join(', ' + sql for sql in (kept, *made) if sql)} FROM judged JOIN owned USING (episode) "
        f"JOIN (SELECT row_number() OVER () AS place, * FROM {extract.name}) AS numbered USING (place) "
        f"WHERE reason IS NULL ORDER BY place, ward"
    )


def _joined(connection: duckdb.DuckDBPyConnection, rules: Rules) -> tuple[tuple[str, int], ...]:
    """How many rows and stays became part of another, and how many stays count for several units."""
    found = connection.execute(
        "SELECT (SELECT count(*) FROM segments), (SELECT count(DISTINCT stay) FROM members), "
        "(SELECT count(DISTINCT episode) FROM members), (SELECT count(*) FROM owned)"
    ).fetchone()
    rows, stays, episodes, owned = found if found is not None else (0, 0, 0, 0)
    said = [("rows in the admissions extract", rows)]
    if rules.attribution != "one row a stay":
        said.append(("rows joined to the stay that they are part of", rows - stays))
    if rules.transfers == "join":
        said.append(("stays joined to the one that they continue", stays - episodes))
    if rules.attribution == "every unit":
        said.append(("stays counted again for a further unit", owned - episodes))
    return tuple(said)
