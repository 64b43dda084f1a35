"""Pictures are packed small, and unpacked they are what they were."""

import struct
import zlib

import pytest

from schedulezero.testkit.png import packed, size

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)

Colour = tuple[int, int, int]


def pixels(*colours: Colour) -> bytes:
    return b"".join(bytes((*colour, 255)) for colour in colours)


def unpacked(png: bytes) -> list[Colour]:
    """The colours of the pixels, row by row; checksums are checked on the way."""
    chunks: dict[bytes, bytes] = {}
    at = 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert png[at + 8 + length : at + 12 + length] == struct.pack(">I", zlib.crc32(kind + data))
        chunks[kind] = data
        at += 12 + length
    width, height = struct.unpack_from(">II", chunks[b"IHDR"])
    rows, palette = zlib.decompress(chunks[b"IDAT"]), chunks[b"PLTE"]
    assert len(rows) == height * (1 + width)
    indices = [rows[row * (1 + width) + 1 + column] for row in range(height) for column in range(width)]
    return [(palette[3 * index], palette[3 * index + 1], palette[3 * index + 2]) for index in indices]


def test_a_picture_keeps_its_size_and_its_colours() -> None:
    colours = (RED, GREEN, BLUE, BLUE, GREEN, RED)

    png = packed(3, 2, pixels(*colours))

    assert size(png) == (3, 2)
    assert unpacked(png) == list(colours)


def test_of_too_many_colours_one_that_is_like_no_other_stays_however_rare() -> None:
    greys = [(level, level, level) for level in range(256)]
    colours = [*greys, *greys, RED]

    shown = unpacked(packed(len(colours), 1, pixels(*colours)))

    assert shown[-1] == RED
    assert all(abs(one[0] - other[0]) <= 1 for one, other in zip(shown, colours, strict=True))


@pytest.mark.parametrize("width", [1, 64])
def test_a_plain_picture_is_small(width: int) -> None:
    assert len(packed(width, 480, pixels(RED) * width * 480)) < 1_000
