"""How does a form look in a notebook? One escaped table that reads well on a light and on a dark page."""

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from microresearch.instrument import Instrument, Item

# colours come from the page (currentColor, inherit), so that the table suits a light and a dark theme alike
LINE = "border-top:1px solid rgba(127,127,127,.35)"
CELL = f"style='text-align:left;vertical-align:top;padding:3px 10px 3px 0;{LINE}'"
HEAD = "style='text-align:left;padding:3px 10px 3px 0;font-weight:600'"
CODE = "font-family:monospace;font-size:90%;white-space:nowrap"
FAINT = "opacity:.7"


def instrument_html(instrument: "Instrument") -> str:
    """The form as HTML: what it is, how it is answered, and its items under their characteristics."""
    names = {group.code: group.name for group in instrument.groups}
    rows: list[str] = []
    for characteristic in instrument.characteristics:
        items = instrument.items_of(characteristic.code)
        count = f"{len(items)} item{'s' if len(items) != 1 else ''}"
        beside = f"{escape(names[characteristic.group])} &middot; {count}"
        rows.append(
            f"<tr><th colspan='2' {CELL}>{escape(characteristic.name)} "
            f"<span style='font-weight:400;{FAINT}'>{beside}</span></th></tr>"
        )
        rows += [_item_row(item, instrument) for item in items]
    facts = [
        f"{len(instrument.items)} items, {len(instrument.characteristics)} characteristics, "
        f"{len(instrument.groups)} groups",
        " &middot; ".join(f"{option.code:g} {escape(option.label)}" for option in instrument.options),
        *([f"can&#x27;t rate: {escape(', '.join(instrument.cant_rate))}"] if instrument.cant_rate else []),
        f"content validity: {escape(instrument.content_validity)}",
    ]
    heading = "font-weight:600;font-size:110%"
    version = f"<span style='{CODE};{FAINT}'>{escape(instrument.code)} {escape(instrument.version)}</span>"
    return (
        f"<div style='max-width:60em'><div style='{heading}'>{escape(instrument.name)} {version}</div>"
        f"<div style='{FAINT}'>{'<br>'.join(facts)}</div>"
        f"<details{' open' if len(instrument.items) <= 12 else ''}><summary style='cursor:pointer'>items</summary>"
        f"<table style='border-collapse:collapse;background:transparent;color:inherit'>"
        f"<thead><tr><th {HEAD}>code</th><th {HEAD}>wording</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
        "</details></div>"
    )


def _item_row(item: "Item", instrument: "Instrument") -> str:
    marks = []
    if item.reversed:
        marks.append("reversed")
    if item.applies != "all":
        marks.append(f"{item.applies} units only")
    if (item.low, item.high) != (instrument.options[0].code, instrument.options[-1].code):
        marks.append(f"{item.low:g} to {item.high:g}")
    said = f" <em style='{FAINT}'>({escape(', '.join(marks))})</em>" if marks else ""
    code = f"<span style='{CODE}'>{escape(item.code)}</span>"
    return f"<tr><td {CELL}>{code}</td><td {CELL}>{escape(item.text)}{said}</td></tr>"
