"""How does a form look in a notebook? One escaped table that reads well on a light and on a dark page."""

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from microresearch.instrument import Instrument, Item

# colours come from the page (currentColor, inherit), so that the table suits a light and a dark theme alike
CELL = "text-align:left;vertical-align:top;padding:4px 16px 4px 0;border-top:1px solid rgba(127,127,127,.35)"
HEAD = "text-align:left;padding:4px 16px 4px 0;font-weight:600"
CODE = "font-family:monospace;font-size:90%"
FAINT = "opacity:.7"


def instrument_html(instrument: "Instrument") -> str:
    """The form as HTML: what it is, how it is answered, and a row per characteristic that opens to its items."""
    names = {group.code: group.name for group in instrument.groups}
    rows = [
        f"<tr><td style='{CELL}'>{escape(characteristic.name)}</td>"
        f"<td style='{CELL};{FAINT}'>{escape(names[characteristic.group])}</td>"
        f"<td style='{CELL}'>{_items(instrument.items_of(characteristic.code), instrument)}</td></tr>"
        for characteristic in instrument.characteristics
    ]
    facts = [
        f"{len(instrument.items)} items, {len(instrument.characteristics)} characteristics, "
        f"{len(instrument.groups)} groups",
        "answers: " + " &middot; ".join(f"{option.code:g} {escape(option.label)}" for option in instrument.options),
        *([f"set apart as can&#x27;t rate: {escape(', '.join(instrument.cant_rate))}"] if instrument.cant_rate else []),
        f"content validity: {escape(instrument.content_validity)}",
    ]
    name = f"<strong>{escape(instrument.name)}</strong>"
    version = f"<span style='{CODE};{FAINT}'>{escape(instrument.code)} {escape(instrument.version)}</span>"
    head = "".join(f"<th style='{HEAD}'>{title}</th>" for title in ("characteristic", "group", "items"))
    return (
        f"<div style='max-width:70em'><div style='font-size:110%'>{name} {version}</div>"
        f"<div style='{FAINT};margin-bottom:6px'>{'<br>'.join(facts)}</div>"
        "<table style='border-collapse:collapse;background:transparent;color:inherit'>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _items(items: "tuple[Item, ...]", instrument: "Instrument") -> str:
    """One item as it is; more of them as their number, which opens."""
    if len(items) == 1:
        return _item(items[0], instrument)
    turned = sum(item.reversed for item in items)
    told = f"{len(items)} items" + (f", {turned} reversed" if turned else "")
    lines = "".join(f"<div style='padding:2px 0'>{_item(item, instrument)}</div>" for item in items)
    return f"<details><summary style='cursor:pointer'>{told}</summary>{lines}</details>"


def _item(item: "Item", instrument: "Instrument") -> str:
    """Code, wording and what is special about it."""
    marks = []
    if item.reversed:
        marks.append("reversed")
    if item.applies != "all":
        marks.append(f"{item.applies} units only")
    if (item.low, item.high) != (instrument.options[0].code, instrument.options[-1].code):
        marks.append(f"{item.low:g} to {item.high:g}")
    said = f" <em style='{FAINT}'>({escape(', '.join(marks))})</em>" if marks else ""
    return f"<span style='{CODE};{FAINT}'>{escape(item.code)}</span> {escape(item.text)}{said}"
