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


def test_of_too_many_colours_the_rarest_become_their_nearest() -> None:
    greys = [(level, level, level) for level in range(256)]

    png = packed(514, 1, pixels(*greys, *greys, (200, 200, 201), (9, 10, 10)))

    assert unpacked(png) == [*greys, *greys, (200, 200, 200), (10, 10, 10)]


@pytest.mark.parametrize("width", [1, 640])
def test_a_plain_picture_is_small(width: int) -> None:
    assert len(packed(width, 480, pixels(RED) * width * 480)) < 1_000
