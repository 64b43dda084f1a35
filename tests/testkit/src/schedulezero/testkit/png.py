"""Pictures of pages, small: at most 256 colours, which is nearly all that a page has: https://www.w3.org/TR/png-3/."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_COLOURS = 256
_PALETTE, _BITS = 3, 8
_BEST = 9

Colour = bytes
"""Red, green, blue."""


def packed(width: int, height: int, pixels: bytes) -> bytes:
    """Return a picture as PNG; the rarest colours become the nearest of the more frequent ones.

    Args:
        width: in pixels.
        height: in pixels.
        pixels: red, green, blue and alpha of each, row by row; alpha is left out.
    """
    colours = [pixels[at : at + 3] for at in range(0, 4 * width * height, 4)]
    counted = Counter(colours)
    palette = [colour for colour, _ in counted.most_common(_MOST_COLOURS)]
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


def _indices(colours: Iterable[Colour], palette: list[Colour]) -> Mapping[Colour, int]:
    known = {colour: index for index, colour in enumerate(palette)}
    return known | {colour: _nearest(colour, palette) for colour in colours if colour not in known}


def _nearest(colour: Colour, palette: list[Colour]) -> int:
    return min(range(len(palette)), key=lambda index: sum(_squares(colour, palette[index])))


def _squares(one: Colour, other: Colour) -> Iterator[int]:
    return ((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
