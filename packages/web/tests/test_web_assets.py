"""Assets: as they are on the disk at the moment, kept by browsers for ever where the address names their content."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from schedulezero.web.microsites import site
from schedulezero.web.microsites.assets import Assets

HTMX = "container/built/htmx.min.js"
ISLANDS = {"schedules": "schedule-grid", "handlers": "handler-grid", "executions": "execution-log-grid"}


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The container's assets in a folder of their own, in which nothing is built."""
    original = site.folder_of
    copy = tmp_path / "container"
    shutil.copytree(original("container") / "assets", copy / "assets", ignore=shutil.ignore_patterns("built"))
    monkeypatch.setattr(site, "folder_of", lambda name: copy if name == "container" else original(name))
    return copy / "assets"


def build(container: Path, *names: str) -> None:
    (container / "built").mkdir(exist_ok=True)
    for name in names:
        (container / "built" / name).write_text(f"/* {name} */")


def referred(stage: Any, path: str) -> list[str]:
    html = stage.ask("GET", path).body.decode()
    return re.findall(r'(?:src|href)="/assets/([^"?]+)\?v=', html)


def test_no_page_refers_to_what_is_not_built(container: Path, stage: Any) -> None:
    for path in ("/dash", "/schedules", "/handlers", "/executions"):
        assert not [name for name in referred(stage, path) if "/built/" in name]


def test_what_is_built_while_the_gateway_runs_appears_on_reload(container: Path, stage: Any) -> None:
    before = referred(stage, "/dash")
    build(container, "htmx.min.js")

    assert HTMX not in before
    assert HTMX in referred(stage, "/dash")
    assert stage.ask("GET", f"/assets/{HTMX}").body == b"/* htmx.min.js */"


@pytest.mark.parametrize(("page", "island"), ISLANDS.items())
def test_a_list_loads_its_island_once_script_and_style_are_built(
    container: Path, stage: Any, page: str, island: str
) -> None:
    build(container, f"{island}.min.js")
    half_built = referred(stage, f"/{page}")
    build(container, "islands.min.css")
    built = referred(stage, f"/{page}")

    assert not [name for name in half_built if "/built/" in name]
    assert [name for name in built if "/built/" in name] == [
        "container/built/islands.min.css",
        f"container/built/{island}.min.js",
    ]


def test_an_address_that_names_the_content_is_kept_for_ever_and_any_other_asked_for_again(
    container: Path, stage: Any
) -> None:
    build(container, "htmx.min.js")
    named = re.findall(rf"/assets/{HTMX}\?v=\w+", stage.ask("GET", "/dash").body.decode())[0]
    kept = stage.ask("GET", named)
    (container / "built/htmx.min.js").write_text("/* another */")
    stale, plain = stage.ask("GET", named), stage.ask("GET", f"/assets/{HTMX}")

    assert "immutable" in kept.headers["Cache-Control"]
    assert (stale.headers["Cache-Control"], plain.headers["Cache-Control"]) == ("no-cache", "no-cache")
    assert stale.body == plain.body == b"/* another */"
    assert stage.ask("GET", f"/assets/{HTMX}", headers={"If-None-Match": plain.headers["ETag"]}).status == 304


@pytest.mark.parametrize(
    "name", ["../secret", "a/../secret", "a/.hidden", "a/b/../../secret", "b/secret", "a", "a/", "a/" + "x" * 5_000]
)
def test_nothing_outside_the_folders_is_an_asset(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("key")
    (tmp_path / "a").mkdir()
    (tmp_path / "a/.hidden").write_text("key")

    assert Assets({"a": tmp_path / "a"}).reply(name, None) is None


def test_an_asset_that_is_absent_has_no_address(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        Assets({"a": tmp_path}).url("a/nothing.css")
