"""Draws diagrams where `make islands` has fetched mermaid; without it a diagram stays the text that it is written as.

The theme would fetch a missing mermaid from another host, so nothing is marked as a diagram until the script is here.
"""

import posixpath
from pathlib import Path
from typing import Any

from pymdownx.superfences import fence_code_format

_SCRIPT = "assets/built/mermaid.min.js"
# The theme gives arrowheads no colour of its own; this one shows on light and on dark.
_ARROWS = '%%{init: {"themeVariables": {"signalColor": "#7c8aa5"}}}%%'


def _drawn(source: str, *rest: Any, **options: Any) -> str:
    return fence_code_format(f"{_ARROWS}\n{source}", *rest, **options)


def on_config(config: Any) -> None:
    """Take fenced blocks of mermaid for diagrams."""
    if (Path(config.docs_dir) / _SCRIPT).is_file():
        fences = config.mdx_configs.setdefault("pymdownx.superfences", {})
        fences["custom_fences"] = [{"name": "mermaid", "class": "mermaid", "format": _drawn}]


def on_post_page(output: str, *, page: Any, **_: Any) -> str:
    """Load the script, which is large, on the pages that have a diagram."""
    if '<pre class="mermaid">' not in output:
        return output
    address = posixpath.relpath(_SCRIPT, page.url or ".")
    head, _, rest = output.partition("</head>")
    return f'{head}<script src="{address}" defer></script></head>{rest}'
