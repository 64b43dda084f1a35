"""The pictures that `make screenshots` makes are there, small, and shown with words for who cannot see them."""

import re
from pathlib import Path

import pytest

from schedulezero.testkit.png import size
from schedulezero.testkit.screenshots import LARGEST_BYTES, Picture, pictures

ROOT = Path(__file__).parents[2]
PLACE = "docs_site/assets/screenshots"
PICTURES = tuple(pictures("any"))

_IMAGE = re.compile(r"<img [^>]*>")


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_there_and_small_and_shows_its_window(picture: Picture) -> None:
    png = (ROOT / PLACE / f"{picture.name}.png").read_bytes()

    assert len(png) <= LARGEST_BYTES
    assert size(png) == (picture.look.width, picture.look.height)


def test_there_is_no_other_picture() -> None:
    there = {file.name for file in (ROOT / PLACE).iterdir()}

    assert there == {f"{picture.name}.png" for picture in PICTURES}


def test_the_first_page_shows_them_with_words_for_who_cannot_see() -> None:
    page = (ROOT / "README.md").read_text()
    images = [image for image in _IMAGE.findall(page) if ".png" in image]

    assert set(re.findall(rf'"({PLACE}/[^"]+)"', page)) == {f"{PLACE}/{picture.name}.png" for picture in PICTURES}
    assert len(images) >= len(PICTURES) - 1  # one of them stands in for another by night
    assert [image for image in images if not re.search(r'alt="(\S+ ){2,}\S+"', image)] == []
