"""How small can a drawing be and look the same? The SVG that matplotlib writes, without what no reader sees."""

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote
from xml.etree import ElementTree as Tree

_SAFE = " !$'*+,-./;<=>?@[]^_`{|}~"
_SVG, _LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_HREF = f"{{{_LINK}}}href"
_PLACES = ("x", "y", "width", "height")
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_SHIFT = re.compile(r"translate\(([^)]*)\)")
_ONLY_SHIFT = re.compile(r"translate\(([-\d.]+)[ ,]([-\d.]+)\)")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


def compact(drawing: bytes) -> bytes:
    """The same drawing in a third of the bytes: coordinates to 0.01 point, short names, no comments or empty groups.

    Parameters
    ----------
    drawing : bytes
        An SVG file of matplotlib's.

    Returns
    -------
    bytes
        An SVG file; the same bytes for the same drawing.

    Examples
    --------
    >>> compact(b'<svg xmlns="http://www.w3.org/2000/svg"><!-- a --><g id="axes_1"><path d="M 1.23456 2 L 3 0.5 "/>'
    ...         b"</g></svg>").decode()
    '<svg xmlns="http://www.w3.org/2000/svg"><path d="M1.23 2L3 .5"/></svg>'
    """
    root = Tree.fromstring(drawing)
    names = _short_names(root)
    for node in root.iter():
        if not _is(node, "style"):
            node.text = None
        node.tail = None
        _shorten(node, names)
    _flatten(root)
    _share_words(root, len(names))
    _move_shared_style(root)
    text = Tree.tostring(root, encoding="unicode").replace(" />", "/>")
    for prefix, space in re.findall(r'xmlns:(ns\d+)="([^"]+)"', text):
        if space == _SVG:
            text = text.replace(f"xmlns:{prefix}=", "xmlns=").replace(f"<{prefix}:", "<").replace(f"</{prefix}:", "</")
        else:
            text = text.replace(f"{prefix}:", "xlink:").replace(f"xmlns:{prefix}=", "xmlns:xlink=")
    return text.encode()


def data_address(drawing: bytes) -> str:
    """A drawing as the address of an image, to stand between double quotes: as text, half the size of base64.

    Examples
    --------
    >>> data_address(b'<svg width="1"/>')
    "data:image/svg+xml,<svg width='1'/>"
    """
    text = (
        drawing.decode().replace(f' xmlns:xlink="{_LINK}"', "").replace("xlink:href=", "href=")
    )  # as browsers know it
    return f"data:image/svg+xml,{quote(text if chr(39) in text else text.replace(chr(34), chr(39)), safe=_SAFE)}"


def _is(node: Tree.Element, tag: str) -> bool:
    return node.tag == f"{{{_SVG}}}{tag}"


def _short_names(root: Tree.Element) -> dict[str, str]:
    """Every name that something refers to -> a short one, in the order of the drawing."""
    wanted = set()
    for node in root.iter():
        for value in node.attrib.values():
            wanted |= set(_REFERENCE.findall(value)) | ({value[1:]} if value.startswith("#") else set())
    ids = [node.attrib["id"] for node in root.iter() if node.attrib.get("id") in wanted]
    return dict(zip(ids, _letters(), strict=False))


def _letters() -> Iterator[str]:
    signs = "abcdefghijklmnopqrstuvwxyz"
    yield from signs
    for word in _letters():
        yield from (word + sign for sign in signs)


def _shorten(node: Tree.Element, names: dict[str, str]) -> None:
    given = node.attrib
    if "id" in given:
        name = given.pop("id")
        if name in names:
            given["id"] = names[name]
    for key, value in list(given.items()):
        if key == "d":
            given[key] = _path(value)
        elif key in _PLACES and not value.endswith("%"):
            given[key] = _NUMBER.sub(_round, value)
        elif key == "style":
            given[key] = re.sub(r"\s*([:;,])\s*", r"\1", _named(value, names)).strip("; ")
        elif key == "transform":
            given[key] = _SHIFT.sub(lambda found: f"translate({_NUMBER.sub(_round, found[1])})", value)
        elif key == _HREF and value.startswith("#"):
            given[key] = f"#{names.get(value[1:], value[1:])}"
        else:
            given[key] = _named(value, names)
    if "clip-path" in given:
        given["style"] = ";".join(filter(None, [given.get("style"), f"clip-path:{given.pop('clip-path')}"]))
    if _is(node, "use") and (found := _ONLY_SHIFT.fullmatch(given.get("transform", ""))) and "x" not in given:
        del given["transform"]
        given |= {axis: place for axis, place in zip("xy", found.groups(), strict=True) if place != "0"}


def _named(value: str, names: dict[str, str]) -> str:
    return _REFERENCE.sub(lambda found: f"url(#{names.get(found[1], found[1])})", value)


def _round(found: re.Match[str]) -> str:
    return _rounded(found[0])


@lru_cache(maxsize=1 << 16)
def _rounded(number: str) -> str:
    text = f"{float(number):.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "0") else text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def _path(value: str) -> str:
    """A path's data with rounded numbers, level and upright lines by one number, and only the spaces that part them."""
    said, at = "", ("", "")
    for letter, rest in re.findall(r"([A-DF-Za-df-z])([^A-DF-Za-df-z]*)", value):
        numbers = [*map(_rounded, rest.split())]
        if letter == "L" and len(numbers) == 2 and numbers[1] == at[1]:
            said += f"H{numbers[0]}"
        elif letter == "L" and len(numbers) == 2 and numbers[0] == at[0]:
            said += f"V{numbers[1]}"
        else:
            said += letter + "".join(
                text if place == 0 or text.startswith("-") else f" {text}" for place, text in enumerate(numbers)
            )
        at = (numbers[-2], numbers[-1]) if len(numbers) > 1 else ("", "")
    return said


def _flatten(node: Tree.Element) -> None:
    """Take the groups away that say nothing, and keep what is in them."""
    for child in list(node):
        _flatten(child)
    place = 0
    while place < len(node):
        child = node[place]
        if _is(child, "g") and not child.attrib:
            node.remove(child)
            for i, inner in enumerate(list(child)):
                node.insert(place + i, inner)
            place += len(child)
        elif len(child) == 0 and (_is(child, "g") or _is(child, "defs")):
            node.remove(child)
        else:
            place += 1


def _share_words(root: Tree.Element, taken: int) -> None:
    """A word or number that stands in several places is drawn once, and named where it comes again."""
    words: dict[tuple[tuple[tuple[str, str], ...], ...], list[Tree.Element]] = {}
    for node in root.iter():
        if _is(node, "g") and len(node) > 1 and all(_is(child, "use") for child in node):
            words.setdefault(tuple(tuple(child.attrib.items()) for child in node), []).append(node)
    names = (name for place, name in enumerate(_letters()) if place >= taken)
    for groups in words.values():
        if len(groups) < 2:
            continue
        name = next(names)
        word = Tree.Element(f"{{{_SVG}}}g", {"id": name})
        word.extend(list(groups[0]))
        for group in groups:
            group[:] = [word if group is groups[0] else Tree.Element(f"{{{_SVG}}}use", {_HREF: f"#{name}"})]


def _move_shared_style(root: Tree.Element) -> None:
    """A style that many parts have becomes a class, named once."""
    counts: dict[str, int] = {}
    for node in root.iter():
        if "style" in node.attrib:
            counts[node.attrib["style"]] = counts.get(node.attrib["style"], 0) + 1
    sheet = next((node for node in root.iter() if _is(node, "style")), None)
    if sheet is None:
        return
    shared = dict(zip((style for style, n in counts.items() if n > 2), _letters(), strict=False))
    for node in root.iter():
        if node.attrib.get("style") in shared:
            node.attrib["class"] = shared[node.attrib.pop("style")]
    rules = "".join(f".{name}{{{style}}}" for style, name in shared.items())
    sheet.text = re.sub(r"\s*([:;,])\s*", r"\1", (sheet.text or "").strip()) + rules
