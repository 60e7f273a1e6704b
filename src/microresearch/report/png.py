"""How does a drawn page become a PNG quickly? Each row as its difference from the row above, then packed."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_UP = 2
_QUICK = 2


def to_png(pixels: NDArray[np.uint8], dpi: float) -> bytes:
    """Pixels as a PNG of eight bits a colour, without loss.

    Rows of a figure mostly repeat the row above, so the one filter "up" packs them as small as a choice of filters
    row by row does (what Pillow's encoder takes), in a third of the time.

    Parameters
    ----------
    pixels : array of uint8, shape (height, width, 3 or more)
        Red, green, blue; what follows (how opaque) is left out, for a page is.
    dpi : float
        Dots an inch, written into the file.

    Returns
    -------
    bytes
        The same bytes for the same pixels.

    References
    ----------
    W3C (2003), Portable Network Graphics (PNG) Specification, 2nd ed., sections 9 (filters) and 11 (chunks).

    Examples
    --------
    >>> to_png(np.zeros((2, 3, 3), dtype=np.uint8), 600)[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    height, width, _ = pixels.shape
    lines = np.empty((height, 3 * width + 1), dtype=np.uint8)
    lines[:, 0] = _UP
    for colour in range(3):
        plane, out = pixels[:, :, colour], lines[:, 1 + colour :: 3]
        out[:1] = plane[:1]
        np.subtract(plane[1:], plane[:-1], out=out[1:])
    metre = round(dpi / 0.0254)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            _chunk(b"pHYs", struct.pack(">IIB", metre, metre, 1)),
            _chunk(b"IDAT", zlib.compress(lines.data, _QUICK)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join([struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(kind + data))])
