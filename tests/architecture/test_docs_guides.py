"""The guides say what the code has: microsites, the policy, components, grids, and addresses that handlers bind."""

import re
import sys
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest
from playwright.sync_api import expect

from schedulezero.handler.settings import Overrides, Settings, advertised, read_settings
from schedulezero.testkit.browser.chromium import LACKING, chromium, program
from schedulezero.testkit.browser.islands import LACKING_ISLANDS
from schedulezero.testkit.browser.tab import Tab
from schedulezero.testkit.deployment import Deployment
from schedulezero.web.microsites import discover
from schedulezero.web.microsites.rendering import content_security_policy

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs_site/guides"
CONTAINER = ROOT / "packages/web/src/schedulezero/web/microsites/container"
ISLANDS = ROOT / "islands/src"
FRONTEND = (GUIDES / "frontend-architecture.md").read_text()
COMPONENTS = (GUIDES / "components.md").read_text()
SITES = discover()
GRIDS = {
    found[1]: file
    for file in ISLANDS.glob("*/*.ts")
    if (found := re.search(r'^island\("([\w-]+)"', file.read_text(), re.M))
}


def section(text: str, title: str) -> str:
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"no section {title}"
    return found[1]


def codes(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


def row(text: str, head: str) -> str:
    """What the table says beside `head`."""
    return re.findall(rf"^\| {head} \| (.*) \|$", text, re.MULTILINE)[0]


WITH_A_FOLDER = """
import sys
from schedulezero.web import microsites
microsites.__path__.append(sys.argv[1])
from schedulezero.standalone.commands import run
run(["up"])
"""


# -- the frontend ---------------------------------------------------------------------------------------------------


def test_the_guide_to_the_frontend_says_what_the_code_has() -> None:
    listed = {name: codes(pages) for name, pages in re.findall(r"^\| `(\w+)` \| (.*) \|$", FRONTEND, re.MULTILINE)}
    listed = {name: pages for name, pages in listed.items() if name in {site.name for site in SITES}}

    assert set(listed) == {site.name for site in SITES}
    for site in SITES:
        assert all(
            page in (*site.paths, *(path.removesuffix("*") for path in site.paths)) for page in listed[site.name]
        )
    assert content_security_policy("NONCE") in FRONTEND


def test_the_events_of_the_guide_are_those_that_are_told() -> None:
    told = set(re.findall(r'tell\("(sz:\w+)"', (CONTAINER / "assets/live.js").read_text()))

    assert set(re.findall(r"^\| `(sz:\w+)`", FRONTEND, re.MULTILINE)) == told


def test_the_microsite_of_the_guide_takes_part_once_its_folder_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "sites"
    for name, text in re.findall(
        r'^    ```\w+ title="(weather/.*?)"\n(.*?)^    ```$', FRONTEND, re.DOTALL | re.MULTILINE
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(dedent(text))

    with Deployment(tmp_path / "state") as deployment:
        deployment.program("up", (sys.executable, "-c", WITH_A_FOLDER, str(folder))).start()
        deployment.await_ready()
        page, dash = deployment.api.get("/weather").text, deployment.api.get("/dash").text

    assert '<p id="sky" data-live="execution">The sky is clear.</p>' in page
    assert '<a href="/weather">Weather</a>' in dash


@pytest.mark.skipif(program() is None, reason=LACKING)
@pytest.mark.skipif(not (CONTAINER / "assets/built/htmx.min.js").is_file(), reason=LACKING_ISLANDS)
def test_links_change_the_page_in_place(tmp_path: Path) -> None:
    with ExitStack() as stack:
        deployment = stack.enter_context(Deployment(tmp_path))
        deployment.up("--demo")
        tab = stack.enter_context(Tab(stack.enter_context(chromium()), deployment.api.url))
        tab.open("/dash")
        tab.page.evaluate("window.isTheFirst = true")

        for path, name in (("/schedules", "Schedules"), ("/handlers", "Handlers"), ("/dash", "Dashboard")):
            tab.follow(name, within=tab.page.locator("sz-nav"))
            expect(tab.page).to_have_url(f"{tab.url}{path}")
            expect(tab.page.locator("h1")).to_have_text(name)

        assert tab.page.evaluate("window.isTheFirst")
        assert tab.watch.faults == []


def test_the_three_lists_alone_load_an_island() -> None:
    templates = (file for site in SITES for file in site.folder.glob("templates/*.html"))
    loading = {file for file in templates if 'include "container/island.html"' in file.read_text()}

    assert {f"{file.parents[1].name}/{file.name}" for file in loading} == {
        "schedules/list.html",
        "handlers/list.html",
        "executions/list.html",
    }


def test_what_the_guide_to_an_island_points_to_is_there() -> None:
    text = section(FRONTEND, "Add an island")

    assert {"GridFrame.vue", "islands/vite.config.ts", "container/island.html"} <= set(codes(text))
    assert (ISLANDS / "grid/GridFrame.vue").is_file()
    assert (ROOT / "islands/vite.config.ts").is_file()
    assert (CONTAINER / "templates/island.html").is_file()
    assert "export function island<" in (ISLANDS / "island/island.ts").read_text()


# -- components -----------------------------------------------------------------------------------------------------


def test_every_component_is_specified() -> None:
    elements = [re.findall(r'customElements\.define\("([\w-]+)"', file.read_text()) for file in CONTAINER.rglob("*.js")]
    specified = set(re.findall(r"^##+ ([a-z]+-[a-z-]+)$", COMPONENTS, re.MULTILINE))

    assert specified == {name for names in elements for name in names} | set(GRIDS)
    for name in ("Islands", *sorted(specified - set(GRIDS))):
        heads = re.findall(r"^\| (\w[\w ]*) \|", section(COMPONENTS, name), re.MULTILINE | re.IGNORECASE)
        assert heads == ["attributes", "events", "states", "keyboard", "without JavaScript"], name


@pytest.mark.parametrize("grid", sorted(GRIDS))
def test_every_grid_is_specified_with_its_columns_filters_and_families(grid: str) -> None:
    text = section(COMPONENTS, grid)
    source = next(file.read_text() for file in GRIDS[grid].parent.glob("*s.ts"))

    columns = re.findall(r'\{ key: "(\w+)"', source)
    assert codes(row(text, "columns")) == columns
    assert codes(row(text, "filters")) == re.findall(r'\bname: "(\w+)"', source)
    assert codes(row(text, "follows")) == re.findall(r'"(\w+)"', re.findall(r"families: \[(.*)\]", source)[0])


# -- port zero ------------------------------------------------------------------------------------------------------


def settings(bind: str, advertise: str) -> Settings:
    told = {"SCHEDULEZERO_HANDLER_BIND": bind, "SCHEDULEZERO_HANDLER_ADVERTISE": advertise}
    return read_settings("reports", {**told, "SCHEDULEZERO_SECURITY_INSECURE_BIND": "true"}, Overrides())


@pytest.mark.parametrize(
    ("bind", "advertise"),
    [
        [next(iter(codes(cell)), "") for cell in cells]
        for cells in re.findall(
            r"^\| [^|]+ \| (the default|`tcp:[^|]+`) \| (the default|`tcp:[^|]+`) \|$",
            (GUIDES / "port-zero-binding.md").read_text(),
            re.MULTILINE,
        )
    ],
)
def test_each_binding_of_the_guide_is_accepted(bind: str, advertise: str) -> None:
    bound = (bind or "tcp://127.0.0.1:0").replace(":0", ":45331")

    told = advertised(settings(bind, advertise), bound)

    assert told == (advertise or bound).removesuffix(":0") + (":45331" if advertise.endswith(":0") else "")
