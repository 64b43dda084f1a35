"""What anybody may expect of any page: a title, a heading, names, contrast, and that it fits its window."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

_LOOK_OVER = (files("schedulezero.testkit.browser") / "audit.js").read_text(encoding="utf-8")
_OPERATED = {"button", "link", "textbox", "searchbox", "combobox", "listbox", "checkbox", "radio", "switch", "slider"}
_CHOSEN = {"option", "spinbutton", "tab", "menuitem", "menuitemcheckbox", "menuitemradio", "DisclosureTriangle"}
_PICTURED = {"image", "img", "iframe", "Iframe"}
_NAMED = _OPERATED | _CHOSEN | _PICTURED


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What was found on a page.

    Attributes:
        title: of the document.
        language: of the document.
        headings: the texts of its first-level headings.
        mains: how many main parts it has.
        faint: texts whose contrast to what lies behind them is below 4.5.
        too_wide: by how much it is wider than its window, and because of what; empty where it is not.
        cut_off: parts that have to be moved sideways to be seen whole, and cannot be reached by the Tab key.
        ids_used_twice: ids that more than one element has.
        nameless: what can be operated, or is a picture with a meaning, and has no name for a screen reader.
    """

    title: str
    language: str
    headings: list[str]
    mains: int
    faint: list[str]
    too_wide: list[str]
    cut_off: list[str]
    ids_used_twice: list[str]
    nameless: list[str]


def audit(page: Page) -> Audit:
    """Look a page over as it is now."""
    return Audit(**page.evaluate(_LOOK_OVER), nameless=_nameless(page))


def _nameless(page: Page) -> list[str]:
    """Ask the browser what it would tell a screen reader: https://www.w3.org/TR/accname-1.2/."""
    session = page.context.new_cdp_session(page)
    try:
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        return [_described(session, node) for node in nodes if _lacks_name(node)]
    finally:
        session.detach()


def _lacks_name(node: dict[str, Any]) -> bool:
    role = node.get("role", {}).get("value")
    return not node.get("ignored") and role in _NAMED and not node.get("name", {}).get("value", "").strip()


def _described(session: Any, node: dict[str, Any]) -> str:
    html = session.send("DOM.getOuterHTML", {"backendNodeId": node["backendDOMNodeId"]})["outerHTML"]
    return f"{node['role']['value']}: {html[:120]}"
