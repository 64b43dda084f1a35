"""What `make islands` has built: small entries on one shared chunk, nothing from another host; none of it committed."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "packages/web/src/schedulezero/web/microsites/container/assets/built"
MERMAID = ROOT / "docs_site/assets/built/mermaid.min.js"
ENTRIES = ("schedule-grid", "handler-grid", "execution-log-grid")
LARGEST_ENTRY_BYTES = 10_000

# Names of things, and where an error is explained; none of them is asked for anything.
NAMED = {"www.w3.org", "vuejs.org"}
_HOST = re.compile(r"(?:https?:|wss?:|[\"'`(])//([a-z0-9-]+(?:\.[a-z0-9-]+)+)", re.IGNORECASE)
_DELIVERS = re.compile(r"cdn|unpkg|jsdelivr|googleapis|gstatic|bootstrapcdn|esm\.sh|skypack", re.IGNORECASE)

needs_islands = pytest.mark.skipif(
    not (BUILT / "licences.txt").is_file(), reason="needs the islands; build them with make islands"
)


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def package() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(text_of(ROOT / "islands/package.json"))
    return found


def locked() -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads(text_of(ROOT / "islands/package-lock.json"))["packages"]
    return found


@needs_islands
def test_each_island_is_a_small_entry_on_one_shared_chunk() -> None:
    (chunk,) = BUILT.glob("islands-*.min.js")

    for entry in ENTRIES:
        code = text_of(BUILT / f"{entry}.min.js")
        assert len(code) < LARGEST_ENTRY_BYTES
        assert set(re.findall(r"""(?:from|import)\s*["'`]([^"'`]+)["'`]""", code)) == {f"./{chunk.name}"}


@needs_islands
def test_there_is_nothing_but_entries_chunk_style_htmx_and_licences() -> None:
    names = {
        re.sub(r"-[\w-]{8}(?=\.min\.js)", "", path.name) if "islands-" in path.name else path.name
        for path in BUILT.iterdir()
    }

    assert names == {
        *(f"{entry}.min.js" for entry in ENTRIES),
        "islands.min.js",
        "islands.min.css",
        "htmx.min.js",
        "licences.txt",
    }


@needs_islands
def test_nothing_that_is_built_names_another_host_to_load_from() -> None:
    hosts = {host for path in BUILT.iterdir() if path.suffix != ".txt" for host in _HOST.findall(text_of(path))}

    assert hosts <= NAMED
    assert "@import" not in text_of(BUILT / "islands.min.css")
    assert not [host for host in _HOST.findall(text_of(MERMAID)) if _DELIVERS.search(host)]


@needs_islands
def test_islands_make_no_code_from_texts() -> None:
    for path in (*BUILT.glob("*-grid.min.js"), *BUILT.glob("islands-*.min.js")):
        assert not re.search(r"\bnew Function\b|\beval\(", text_of(path))


@needs_islands
def test_htmx_and_what_is_beside_it_are_of_the_versions_that_are_pinned() -> None:
    version = package()["dependencies"]["htmx.org"]

    assert version.startswith("2.0.")
    assert f'version:"{version}"' in text_of(BUILT / "htmx.min.js")


@needs_islands
@pytest.mark.parametrize("place", [BUILT, MERMAID.parent], ids=["pages", "documentation"])
def test_the_licences_of_all_that_is_shipped_are_beside_it(place: Path) -> None:
    licences = text_of(place / "licences.txt")

    for name, version in package()["dependencies"].items():
        assert f"{name} {version} (" in licences
    assert "Permission is hereby granted" in licences


@needs_islands
@pytest.mark.slow
def test_a_build_makes_the_folders_that_it_lacks(tmp_path: Path) -> None:
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    shutil.copytree(ROOT / "islands", tmp_path / "islands", ignore=shutil.ignore_patterns("node_modules", "dist"))
    (tmp_path / "islands/node_modules").symlink_to(ROOT / "islands/node_modules")
    uv = shutil.which("uv") or ROOT / ".uv/bin/uv"

    subprocess.run([".ci/npm", uv, "run", "--silent", "build"], cwd=tmp_path, check=True, timeout=100)

    built = tmp_path / BUILT.relative_to(ROOT)
    assert {path.name for path in built.iterdir()} == {path.name for path in BUILT.iterdir()}


def test_every_version_is_pinned_and_locked_with_its_checksum() -> None:
    asked = package()["dependencies"] | package()["devDependencies"]

    assert {version for version in asked.values() if not re.fullmatch(r"\d+\.\d+\.\d+", version)} == set()
    for path, locks in locked().items():
        assert path == "" or str(locks["integrity"]).startswith("sha512-"), path


def test_the_lock_file_names_no_registry() -> None:
    assert [path for path, locks in locked().items() if "resolved" in locks] == []


def test_nothing_of_third_parties_is_committed() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout.splitlines()

    assert [name for name in listed if re.search(r"node_modules/|\.min\.(js|css)$|/built/|^islands/dist/", name)] == []
    assert "islands/package-lock.json" in listed
