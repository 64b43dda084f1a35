"""The pages of the examples: they name them all, and the code that stands in a page alone works too."""

import re
from pathlib import Path
from typing import Any

import pytest
from cogs import sprocket_loading
from discord_bots import EXAMPLES

from schedulezero.testkit.deployment import Deployment

PAGES = EXAMPLES.parent


def block(page: str, title: str) -> str:
    """The code that a page shows under a title."""
    found = re.search(rf'```python title="{re.escape(title)}"\n(.*?)```', (EXAMPLES / page).read_text(), re.DOTALL)
    assert found, f"{page} has no block {title}"
    return found[1]


def test_the_overview_links_every_page_of_an_example() -> None:
    linked = set(re.findall(r"\]\(([^)]+\.md)\)", (PAGES / "index.md").read_text()))

    pages = {page.relative_to(PAGES).as_posix() for page in PAGES.rglob("*.md")} - {"index.md"}
    assert pages <= linked


def test_the_pages_name_every_file_of_the_discord_examples() -> None:
    text = "".join((EXAMPLES / page).read_text() for page in ("index.md", "cogs-and-sprockets.md"))

    files = {file.relative_to(EXAMPLES).as_posix() for file in EXAMPLES.rglob("*.py")}
    assert {file for file in files if f"({file})" not in text and not file.startswith("fake_discord/")} == set()


def test_the_test_that_the_guide_shows_passes(system: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**system.environ, "SCHEDULER_URL": system.api.url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(EXAMPLES)
    for schedule in system.api.read("/api/schedules", handler_id="discord-cogs")["schedules"]:
        system.api.delete(f"/api/schedules/{schedule['id']}")
    shown: dict[str, Any] = {}
    exec(block("index.md", "test_my_bot.py"), shown)

    shown["test_it_has_no_schedules_at_first"]()


def test_the_sprocket_that_the_guide_shows_can_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import cogs.sprockets

    monkeypatch.setattr(sprocket_loading, "FOLDER", tmp_path)
    monkeypatch.setattr(cogs.sprockets, "__path__", [str(tmp_path)])
    (tmp_path / "birthdays.py").write_text(block("cogs-and-sprockets.md", "cogs/sprockets/birthdays.py"))

    [name] = sprocket_loading.find_sprockets()

    sprocket = sprocket_loading.build_sprocket(name, None, None)  # type: ignore[arg-type]
    assert sprocket.name_of(sprocket.congratulate) == "birthdays.congratulate"  # type: ignore[attr-defined]
