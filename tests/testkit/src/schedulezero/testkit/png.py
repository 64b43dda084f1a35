"""Pictures of pages, small: at most 256 colours, which is nearly all that a page has: https://www.w3.org/TR/png-3/."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_COLOURS = 256
_FREQUENT_COLOURS = 192
_PALETTE, _BITS = 3, 8
_BEST = 9

Colour = bytes
"""Red, green, blue."""


def packed(width: int, height: int, pixels: bytes) -> bytes:
    """Return a picture as PNG; of too many colours the frequent ones stay, and those that are like no other.

    Args:
        width: in pixels.
        height: in pixels.
        pixels: red, green, blue and alpha of each, row by row; alpha is left out.
    """
    colours = [pixels[at : at + 3] for at in range(0, 4 * width * height, 4)]
    counted = Counter(colours)
    palette = _palette([colour for colour, _ in counted.most_common()])
    indices = bytes(map(_indices(counted, palette).__getitem__, colours))
    rows = b"".join(b"\0" + indices[at : at + width] for at in range(0, width * height, width))
    return _SIGNATURE + b"".join(
        (
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, _BITS, _PALETTE, 0, 0, 0)),
            _chunk(b"PLTE", b"".join(palette)),
            _chunk(b"IDAT", zlib.compress(rows, _BEST)),
            _chunk(b"IEND", b""),
        )
    )


def size(png: bytes) -> tuple[int, int]:
    """Return width and height of a picture, in pixels."""
    width, height = struct.unpack_from(">II", png, len(_SIGNATURE) + 8)
    return width, height


def _palette(colours: Sequence[Colour]) -> list[Colour]:
    """Choose from colours, the most frequent first; of the rare ones whichever is farthest from all that is chosen."""
    palette = list(colours[:_FREQUENT_COLOURS])
    away = {colour: min(_distance(colour, other) for other in palette) for colour in colours[_FREQUENT_COLOURS:]}
    while away and len(palette) < _MOST_COLOURS:
        farthest = max(away, key=away.__getitem__)
        palette.append(farthest)
        del away[farthest]
        away = {colour: min(distance, _distance(colour, farthest)) for colour, distance in away.items()}
    return palette


def _indices(colours: Iterable[Colour], palette: list[Colour]) -> Mapping[Colour, int]:
    known = {colour: index for index, colour in enumerate(palette)}
    return known | {colour: _nearest(colour, palette) for colour in colours if colour not in known}


def _nearest(colour: Colour, palette: list[Colour]) -> int:
    return min(range(len(palette)), key=lambda index: _distance(colour, palette[index]))


def _distance(one: Colour, other: Colour) -> int:
    """The square of how far two colours are from each other."""
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2 + (one[2] - other[2]) ** 2


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
