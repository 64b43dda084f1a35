"""The pictures of the pages: those that `make screenshots` makes are there, small, and shown with words for who cannot see."""

import re
from pathlib import Path

import pytest

from schedulezero.testkit.png import size
from schedulezero.testkit.screenshots import LARGEST_BYTES, Picture, pictures

ROOT = Path(__file__).parents[2]
PLACE = "docs_site/assets/screenshots"
PICTURES = tuple(pictures("any"))

_SHOWN = re.compile(r"""!\[(?P<words>[^]]*)\]\((?P<place>[^)]+\.png)\)|<img [^>]*src="(?P<source>[^"]+\.png)"[^>]*>""")


def shown(page: str) -> dict[str, str]:
    """What stands for each picture of a page where it cannot be seen, by its place."""
    found = {}
    for match in _SHOWN.finditer(page):
        alt = re.search(r'alt="([^"]*)"', match[0])
        found[match["place"] or match["source"]] = match["words"] or (alt[1] if alt else "")
    return found


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_there_and_small_and_shows_its_window(picture: Picture) -> None:
    png = (ROOT / PLACE / f"{picture.name}.png").read_bytes()

    assert len(png) <= LARGEST_BYTES
    assert size(png) == (picture.look.width, picture.look.height)


def test_there_is_no_other_picture() -> None:
    there = {file.name for file in (ROOT / PLACE).iterdir()}

    assert there == {f"{picture.name}.png" for picture in PICTURES}


def test_the_first_page_shows_them_with_words_for_who_cannot_see() -> None:
    page = shown((ROOT / "README.md").read_text())

    assert set(page) == {f"{PLACE}/{picture.name}.png" for picture in PICTURES}
    assert all(len(words.split()) >= 3 for words in page.values())
