"""The documentation as it is built: without a warning, a broken link, or anything from another host."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from schedulezero.testkit.documentation import build

ROOT = Path(__file__).parents[2]
# The theme's page for unknown addresses is made for the root of a host; the gateway has one of its own.
UNUSED = "404.html"
LOADING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "object": "data"}


class Page(HTMLParser):
    """The elements of a page that have an address, and the places in it that can be linked to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[dict[str, str]] = []
        self.places: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.places |= {attributes[name] for name in ("id", "name") if name in attributes}
        if address := attributes.get(LOADING.get(tag, "")):
            self.loaded.append(address)
        if tag == "a" and "href" in attributes:
            self.links.append(attributes)


class Site:
    """A built site: its pages by address, `concepts/triggers/`, and whether an address is in it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        files = (file for file in sorted(root.rglob("*.html")) if file.name != UNUSED)
        self.pages = {self._address(file): Page(file.read_text()) for file in files}

    def lacks(self, origin: str, reference: str) -> bool:
        """Whether a reference on the page at `origin` leads to nothing, or to no place of its page."""
        target = urlsplit(urljoin(f"/{origin}", reference))
        address, place = unquote(target.path).lstrip("/"), unquote(target.fragment)
        if address in self.pages:
            return bool(place) and place not in self.pages[address].places
        return not (self._root / address).is_file()

    def styles(self) -> Iterator[str]:
        return (file.read_text() for file in self._root.rglob("*.css"))

    def _address(self, file: Path) -> str:
        folder = file.parent.relative_to(self._root).as_posix()
        return "" if folder == "." else f"{folder}/"


def is_elsewhere(reference: str) -> bool:
    return bool(urlsplit(reference).netloc)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is built."""
    root = tmp_path_factory.mktemp("site")
    build(ROOT, root)
    return root


@pytest.fixture(scope="module")
def site(root: Path) -> Site:
    return Site(root)


def test_it_builds_without_a_warning(site: Site) -> None:
    pages = {"", "getting-started/quick-start/", "concepts/triggers/", "api/rest/", "reference/protocol/"}

    assert pages <= set(site.pages)


def test_the_pages_have_what_the_theme_offers(root: Path) -> None:
    html = (root / "getting-started/first-handler/index.html").read_text()
    features = json.loads(re.findall(r'<script id="__config" type="application/json">(.*?)</script>', html)[0])[
        "features"
    ]

    assert set(re.findall(r'data-md-color-scheme="(\w+)"', html)) == {"default", "slate"}
    assert {"content.code.copy", "search.highlight"} <= set(features)
    assert '<span class="k">def</span>' in html or '<span class="kn">' in html
    assert '<meta name="viewport"' in html
    assert 'brand.css"' in html


def test_the_pages_can_be_searched(root: Path) -> None:
    index = json.loads((root / "search/search_index.json").read_text())

    assert {"concepts/triggers/", "reference/protocol/"} <= {entry["location"] for entry in index["docs"]}
    assert any("misfire" in entry["text"] for entry in index["docs"])


def test_what_makes_the_pages_is_not_published(root: Path) -> None:
    assert [path for path in root.rglob("*") if path.name in ("hooks", "__pycache__")] == []


def test_nothing_is_loaded_from_another_host(site: Site) -> None:
    foreign = [(name, address) for name, page in site.pages.items() for address in page.loaded if is_elsewhere(address)]
    imported = [
        found for style in site.styles() for found in re.findall(r"""(?:url\(|@import )["']?(?:https?:)?//""", style)
    ]

    assert foreign == []
    assert imported == []


def test_no_reference_is_broken(site: Site) -> None:
    broken = [
        (name, reference)
        for name, page in site.pages.items()
        for reference in (*page.loaded, *(link["href"] for link in page.links))
        if not is_elsewhere(reference) and site.lacks(name, reference)
    ]

    assert broken == []


def test_a_broken_reference_would_be_found(site: Site) -> None:
    assert site.lacks("concepts/triggers/", "../no-such-page/")
    assert site.lacks("concepts/triggers/", "../policies/#no-such-place")
    assert not site.lacks("concepts/triggers/", "../policies/#overlap")


def test_what_leads_elsewhere_leaves_the_frame_in_which_the_pages_are_shown(site: Site) -> None:
    staying = [
        (name, link["href"])
        for name, page in site.pages.items()
        for link in page.links
        if is_elsewhere(link["href"]) and link.get("target") != "_blank"
    ]

    assert staying == []


def test_the_logo_is_that_of_the_other_pages() -> None:
    pages = ROOT / "packages/web/src/schedulezero/web/microsites/container/assets/logo.svg"

    assert (ROOT / "docs_site/assets/logo.svg").read_bytes() == pages.read_bytes()
