"""What does a reader of the study open? One HTML page that holds everything and asks nothing of the network."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape, unescape
from importlib.resources import files
from typing import Literal, TypeAlias

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from microresearch.errors import DataError
from microresearch.report.numbers import Number
from microresearch.report.style import StudyFigure
from microresearch.report.svg import data_address
from microresearch.report.tables import Table

SYNTHETIC = "Every person, unit, stay and amount on this page was simulated; nothing here describes a real hospital."


@dataclass(frozen=True, slots=True)
class Picture:
    """A published figure as the page shows it: image bytes, what it shows in words, its caption."""

    title: str
    alt: str
    image: bytes
    format: Literal["svg", "png"] = "svg"
    note: str = ""
    data: Table | None = None


@dataclass(frozen=True, slots=True)
class Fold:
    """Detail that stays closed until a reader opens it."""

    summary: str
    parts: "tuple[Part, ...]" = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """A checklist: in its last column "Figure 1", "Table 2" and "§ Heading" are links to where they stand."""

    table: Table


Part: TypeAlias = str | StudyFigure | Picture | Table | Mapping[str, Number] | Fold | Checked
"""What a section is made of: a paragraph, a figure, a table, named numbers, or a fold of these."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, its paragraphs, and then figures, tables and numbers in order."""

    heading: str
    prose: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The analysis plan: its hash, where it is registered ("" for nowhere), and what deviates from it."""

    hash: str = ""
    registration: str = ""
    deviations: tuple[str, ...] = ()


@dataclass(slots=True)
class _Counter:
    anchors: dict[str, str]
    figures: int = 0
    tables: int = 0


def render(
    title: str,
    sections: Sequence[Section],
    *,
    synthetic: bool | str = False,
    question: str = "",
    answer: Sequence[str] = (),
    plan: Plan | None = None,
    footer: Sequence[str] = (),
    lang: str = "en",
) -> str:
    """The report as one self-contained HTML page.

    Parameters
    ----------
    title, question : str
        What the first screen opens with.
    sections : sequence of Section
        In reading order; figures and tables are numbered as they come.
    synthetic : bool or str
        True for a standing warning that the data are simulated; a text for one in other words.
    answer : sequence of str
        Sentences that answer the question, each with its uncertainty.
    plan : Plan, optional
        Printed on the first screen with what deviates from it.
    footer : sequence of str
        Versions, licence, how to cite.
    lang : str
        Language of the texts.

    Returns
    -------
    str
        HTML with style, script and images inside. All text is escaped; the page has no outside address.

    Raises
    ------
    DataError
        A figure without alt text, two sections under one heading, or something that is not a part.

    Examples
    --------
    >>> page = render("Ten wards", [Section("Flow", ("1,874 staff were analysed.",))], synthetic=True)
    >>> "Synthetic data" in page, "not registered: order unverifiable" in page
    (True, True)
    """
    headings = [section.heading for section in sections]
    if len(set(headings)) != len(headings):
        raise DataError("two sections of the report have the same heading.")
    anchors = {heading: f"s{number}-{_slug(heading)}" for number, heading in enumerate(headings, start=1)}
    counter = _Counter(anchors)
    bodies = [
        {
            "heading": section.heading, "anchor": anchors[section.heading], "prose": section.prose,
            "parts": [_part(part, counter) for part in section.parts],
        }
        for section in sections
    ]  # fmt: skip
    template = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True).from_string(
        _packaged("report.html.j2")
    )
    return template.render(
        title=title, question=question, answer=list(answer), plan=plan or Plan(), sections=bodies,
        synthetic=SYNTHETIC if synthetic is True else synthetic, footer=list(footer), lang=lang,
        css=Markup(_packaged("report.css")), script=Markup(_packaged("report.js")),
    )  # fmt: skip


@cache
def _packaged(name: str) -> str:
    return (files("microresearch.report") / "templates" / name).read_text(encoding="utf-8")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _part(part: Part, counter: _Counter) -> Markup:
    if isinstance(part, str):
        return Markup("<p>{}</p>").format(part)
    if isinstance(part, StudyFigure):
        part = Picture(part.title, part.alt, part.to_bytes("svg"), "svg", part.note)
    if isinstance(part, Picture):
        return _picture(part, counter)
    if isinstance(part, Table):
        counter.tables += 1
        place = Markup('<div class="part" id="table-{}">{}</div>')
        return place.format(counter.tables, _table(part, f"Table {counter.tables}"))
    if isinstance(part, Checked):
        return _linked(_table(part.table, ""), counter)
    if isinstance(part, Fold):
        inside = Markup("\n").join(_part(inner, counter) for inner in part.parts)
        return Markup("<details><summary>{}</summary>\n{}</details>").format(part.summary, inside)
    if isinstance(part, Mapping):
        rows = Markup("").join(
            Markup("<dt>{}</dt><dd>{}</dd>").format(name, number.phrase) for name, number in part.items()
        )
        return Markup('<dl class="numbers">{}</dl>').format(rows)
    raise DataError(f"a report is made of text, figures, tables, numbers and folds, not of {type(part).__name__}.")


def _picture(picture: Picture, counter: _Counter) -> Markup:
    if not picture.alt.strip():
        raise DataError(f"figure {picture.title!r} has no alt text.")
    counter.figures += 1
    if picture.format == "svg":
        source = data_address(picture.image)
    else:
        source = f"data:image/png;base64,{base64.b64encode(picture.image).decode()}"
    size, wide = _size(picture)
    scroll = Markup(' role="region" tabindex="0" aria-label="Figure {}, scrollable"').format(counter.figures)
    shown = Markup(
        '<figure class="picture" id="figure-{}"><div class="card"{}><img{}{} src="{}" alt="{}"></div>'
        "<figcaption><b>Figure {}. {}.</b> {}</figcaption></figure>"
    ).format(
        counter.figures, scroll if wide else "",
        Markup(' class="wide"') if wide else "", size, Markup(source), picture.alt, counter.figures,
        picture.title.rstrip("."), picture.note,
    )  # fmt: skip
    if picture.data is None:
        return shown
    folded = Markup("<details><summary>Data of figure {}</summary>\n{}</details>").format(
        counter.figures, _table(picture.data, "")
    )
    return shown + folded


def _linked(html: Markup, counter: _Counter) -> Markup:
    """The pointers of a checklist as links to figures, tables and headings that are on the page."""

    def link(found: re.Match[str]) -> str:
        kind, number, heading = found["kind"], found["number"], found["heading"]
        last = {"Figure": counter.figures, "Table": counter.tables}
        anchor = counter.anchors.get(unescape(heading)) if heading else f"{kind.lower()}-{number}"
        known = anchor if heading else int(number) <= last[kind]
        return f'<a href="#{anchor}">{found[0]}</a>' if known else found[0]

    pattern = r"(?P<kind>Figure|Table) (?P<number>\d+)|§ (?P<heading>[^;<]+)"
    cells = re.split(r"(<td[^>]*>.*?</td>)", str(html))
    return Markup("".join(re.sub(pattern, link, cell) if cell.startswith("<td") else cell for cell in cells))


def _size(picture: Picture) -> tuple[Markup, bool]:
    """Width and height attributes in CSS pixels of an SVG, and whether a phone should scroll it."""
    if picture.format != "svg":
        return Markup(""), True
    opening = re.search(rb"<svg[^>]*>", picture.image)
    sizes = dict(re.findall(rb'\b(width|height)="([\d.]+)pt"', opening.group() if opening else b""))
    if len(sizes) != 2:
        return Markup(""), True
    # a journal's 180 mm are small on a screen: shown at 1.25 times the printed size
    width, height = (round(1.25 * 4 / 3 * float(sizes[name])) for name in (b"width", b"height"))
    return Markup(' width="{}" height="{}"').format(width, height), width > 500


def _table(table: Table, number: str) -> Markup:
    label = f"{number}. {table.title}" if number else table.title
    html, _, notes = table.to_html(caption=False).partition("</table>")
    caption = escape(label)
    html = html.replace(
        '<table class="sortable">', f'<table class="sortable"><caption><span>{caption}</span></caption>', 1
    )
    return Markup('<div class="scroll" role="region" tabindex="0" aria-label="{}">{}</div>{}').format(
        label, Markup(f"{html}</table>"), Markup(notes)
    )
