"""A microsite is a folder: one that is put beside the others takes part, and no other is touched."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schedulezero.web import microsites

SITE = """
from schedulezero.web.microsites.site import Microsite

async def _show(visit):
    return visit.render("belfry/bells.html", here="belfry", bells="<ding>")

SITE = Microsite(name="belfry", pages={"/belfry": _show}, label="Belfry", order=35)
"""
TEMPLATE = """{% extends "container/layout.html" %}
{% block title %}Bells{% end %}
{% block main %}<h1>Bells</h1><p>{{ bells }}</p>{% end %}"""


@pytest.fixture
def belfry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder that defines a microsite, elsewhere on the disk."""
    for name, text in {
        "__init__.py": SITE,
        "templates/bells.html": TEMPLATE,
        "assets/bells.css": "h1 { letter-spacing: 1px }",
    }.items():
        file = tmp_path / "belfry" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.setattr(microsites, "__path__", [*microsites.__path__, str(tmp_path)])
    yield
    sys.modules.pop("schedulezero.web.microsites.belfry", None)


def test_its_page_is_served_within_the_layout(belfry: None, stage: Any) -> None:
    html = stage.ask("GET", "/belfry").body.decode()

    assert "<h1>Bells</h1><p>&lt;ding&gt;</p>" in html
    assert '<a href="/belfry" aria-current="page">Belfry</a>' in html


def test_the_others_name_it_in_its_place_and_use_its_stylesheet(belfry: None, stage: Any) -> None:
    html = stage.ask("GET", "/dash").body.decode()

    places = [html.index(f'<a href="{path}"') for path in ("/handlers", "/belfry", "/executions")]
    assert places == sorted(places)
    assert "/assets/belfry/bells.css?v=" in html
    assert stage.ask("GET", "/assets/belfry/bells.css").status == 200
