"""The documentation: framed by the layout, served as it is built, and nothing else of the disk with it."""

import hashlib
import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from schedulezero.runtime.settings import WebSettings
from schedulezero.web.microsites import docs

SECRET = "the key of the tower"
INLINE = 'document.title = "x < y";'
PAGE = f"""<!doctype html><title>Bells</title>
<script>{INLINE}</script>
<SCRIPT type="text/javascript">other()</SCRIPT>
<script id="__config" type="application/json">{{"base": "."}}</script>
<script src="assets/bundle.a5f9d56c.min.js"></script>
<p>Ding</p>"""


@pytest.fixture
def site(stage: Any) -> Path:
    """The built documentation, beside it a file that is none of it."""
    root = Path(stage.settings.web.docs_path)
    for name, text in {
        "index.html": PAGE,
        "concepts/index.html": "<p>Concepts</p>",
        'concepts/a"b/index.html': "<p>Quoted</p>",
        "assets/bundle.a5f9d56c.min.js": "run()",
        "assets/brand.css": "p {}",
        "assets/logo.svg": "<svg/>",
        "assets/empty/keep": "",
        "search/search_index.json": "{}",
        "examples/plain_handler.py": "pass",
        "sitemap.xml.gz": "packed",
        "../secret.txt": SECRET,
    }.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def policy_of(answer: Any) -> dict[str, list[str]]:
    directives = (directive.split() for directive in answer.headers["Content-Security-Policy"].split(";"))
    return {name: sources for name, *sources in directives}


@pytest.mark.parametrize(
    ("path", "framed"),
    [
        ("/docs", "/docs-content/"),
        ("/docs/", "/docs-content/"),
        ("/docs/concepts/", "/docs-content/concepts/"),
        ("/docs/concepts/a%22b/", "/docs-content/concepts/a%22b/"),
    ],
)
@pytest.mark.usefixtures("site")
def test_its_pages_are_shown_within_the_layout(stage: Any, path: str, framed: str) -> None:
    answer = stage.ask("GET", path)

    assert answer.status == 200
    assert f'<iframe src="{framed}" title="Documentation">' in answer.body.decode()
    assert '<nav aria-label="Main">' in answer.body.decode()
    assert policy_of(answer)["frame-src"] == ["'self'"]
    assert policy_of(answer)["frame-ancestors"] == ["'none'"]


@pytest.mark.usefixtures("site")
def test_a_page_that_it_has_not_is_not_framed(stage: Any) -> None:
    answer = stage.ask("GET", "/docs/nothing/")

    assert answer.status == 404
    assert b"<iframe" not in answer.body


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("", "text/html; charset=utf-8"),
        ("concepts/", "text/html; charset=utf-8"),
        ("assets/bundle.a5f9d56c.min.js", "text/javascript; charset=utf-8"),
        ("assets/brand.css", "text/css; charset=utf-8"),
        ("assets/logo.svg", "image/svg+xml; charset=utf-8"),
        ("search/search_index.json", "application/json; charset=utf-8"),
        ("examples/plain_handler.py", "text/x-python; charset=utf-8"),
        ("sitemap.xml.gz", "application/octet-stream"),
        ("assets/empty/keep", "application/octet-stream"),
    ],
)
@pytest.mark.usefixtures("site")
def test_a_file_is_served_as_what_it_is(stage: Any, name: str, content_type: str) -> None:
    answer = stage.ask("GET", f"/docs-content/{name}")

    assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_permits_its_own_inline_scripts_and_no_other(stage: Any, site: Path) -> None:
    answer = stage.ask("GET", "/docs-content/")

    hashes = [f"'sha256-{b64encode(hashlib.sha256(code).digest()).decode()}'" for code in (INLINE.encode(), b"other()")]
    policy = policy_of(answer)
    assert answer.body == site.joinpath("index.html").read_bytes()
    assert policy["script-src"] == ["'self'", *hashes]
    assert policy["style-src"] == ["'self'", "'unsafe-inline'"]
    assert policy["worker-src"] == ["'self'"]
    assert policy["frame-ancestors"] == ["'self'"]
    assert policy["default-src"] == ["'none'"]
    assert policy_of(stage.ask("GET", "/docs-content/concepts/"))["script-src"] == ["'self'"]


def test_what_is_named_by_its_content_is_kept_and_the_rest_asked_for_again(stage: Any, site: Path) -> None:
    kept = stage.ask("GET", "/docs-content/assets/bundle.a5f9d56c.min.js")
    page = stage.ask("GET", "/docs-content/")
    same = stage.ask("GET", "/docs-content/", headers={"If-None-Match": page.headers["ETag"]})
    site.joinpath("index.html").write_text("rebuilt")
    changed = stage.ask("GET", "/docs-content/", headers={"If-None-Match": page.headers["ETag"]})

    assert "immutable" in kept.headers["Cache-Control"]
    assert page.headers["Cache-Control"] == "no-cache"
    assert (same.status, same.body) == (304, b"")
    assert (changed.status, changed.body) == (200, b"rebuilt")


@pytest.mark.parametrize("path", ["/docs-content", "/docs-content/concepts"])
def test_a_folder_leads_to_its_page(stage: Any, site: Path, path: str) -> None:
    answer = stage.ask("GET", path)

    assert (answer.status, answer.headers["Location"]) == (302, f"{path}/")
    assert stage.ask("GET", answer.headers["Location"]).status == 200


@pytest.mark.parametrize(
    "name",
    [
        "../secret.txt",
        "%2e%2e/secret.txt",
        "..%2fsecret.txt",
        "concepts/../../secret.txt",
        "concepts/%2e%2e%2f%2e%2e%2fsecret.txt",
        "..",
        "../",
        "{secret}",
        "/{secret}",
        "linked.txt",
        "linked/",
        "assets/empty",
        "assets/empty/",
        "index.html/",
        "nothing",
        "nothing%00.html",
        "x" * 5_000,
        "%0d%0aSet-Cookie:%20a=b",
        "//evil.example",
    ],
)
def test_nothing_but_the_documentation_is_served(stage: Any, site: Path, name: str) -> None:
    secret = site.parent / "secret.txt"
    site.joinpath("linked.txt").symlink_to(secret)
    site.joinpath("linked").symlink_to(site.parent)

    answer = stage.ask("GET", f"/docs-content/{name.format(secret=secret)}")

    assert answer.status == 404
    assert SECRET.encode() not in answer.body
    assert answer.headers["Set-Cookie"] is None


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/docs/concepts/", "/docs-content/", "/docs-content/concepts/"])
def test_until_it_is_built_each_page_says_how_to_build_it(stage: Any, path: str) -> None:
    answer = stage.ask("GET", path)

    assert answer.status == 200
    assert b"make docs" in answer.body


def test_until_it_is_built_it_has_no_assets(stage: Any) -> None:
    assert stage.ask("GET", "/docs-content/assets/brand.css").status == 404


def test_it_appears_when_it_is_built_while_the_gateway_runs(stage: Any, request: pytest.FixtureRequest) -> None:
    before = stage.ask("GET", "/docs-content/")
    request.getfixturevalue("site")

    assert b"make docs" in before.body
    assert b"Ding" in stage.ask("GET", "/docs-content/").body


@pytest.mark.usefixtures("site")
def test_every_asset_of_the_frame_is_there(stage: Any) -> None:
    linked = re.findall(r'<link[^>]+href="([^"]+)"', stage.ask("GET", "/docs").body.decode())

    assert any("/docs/frame.css" in url for url in linked)
    assert {stage.ask("GET", url).status for url in linked} == {200}


@pytest.mark.parametrize("named", [WebSettings().docs_path, "elsewhere"])
def test_what_is_installed_with_the_gateway_is_served_where_no_other_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.html").write_text("installed")
    monkeypatch.setattr(docs, "folder_of", lambda _: tmp_path)
    monkeypatch.chdir(tmp_path)

    content = docs.content_at(named)

    assert content.is_built == (named != "elsewhere")
