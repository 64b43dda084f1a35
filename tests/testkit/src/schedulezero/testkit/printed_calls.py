"""The calls of an API reference: its HTTP blocks, each with the response that is printed after it."""

import json
import re
from dataclasses import dataclass
from typing import Any

_BLOCK = re.compile(r"^```(?P<language>http|json)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedCall:
    """One call as printed; `response` is None where none is shown."""

    verb: str
    path: str
    headers: dict[str, str]
    body: str
    response: Any = None

    def __str__(self) -> str:
        return f"{self.verb} {self.path}"


def printed_calls(markdown: str) -> list[PrintedCall]:
    """Return the calls, in order."""
    blocks = [(match["language"], match["text"]) for match in _BLOCK.finditer(markdown)]
    following = [*blocks[1:], ("", "")]
    return [
        _call(text, _response(next_text) if next_language == "json" else None)
        for (language, text), (next_language, next_text) in zip(blocks, following, strict=True)
        if language == "http"
    ]


def lacking(printed: Any, answered: Any, path: str = "$") -> list[str]:
    """Return the fields that the printed response shows and the answer has not, or has of another kind.

    Every item of a list that is answered must have the fields of the item that is printed; one at least is there.
    """
    if type(printed) is not type(answered):
        return [f"{path}: {answered!r} is not of the kind of {printed!r}"]
    if isinstance(printed, dict):
        missing = [f"{path}.{name} is missing" for name in printed.keys() - answered.keys()]
        shared = printed.keys() & answered.keys()
        return missing + [
            fault for name in shared for fault in lacking(printed[name], answered[name], f"{path}.{name}")
        ]
    if isinstance(printed, list) and not answered:
        return [f"{path} is empty"]
    if isinstance(printed, list) and isinstance(printed[0], dict):
        return [fault for item in answered for fault in lacking(printed[0], item, f"{path}[]")]
    return []


def _call(text: str, response: Any) -> PrintedCall:
    head, _, body = text.partition("\n\n")
    request, *lines = head.splitlines()
    verb, path = request.split()
    headers = dict(line.split(": ", 1) for line in lines)
    return PrintedCall(verb=verb, path=path, headers=headers, body=body, response=response)


def _response(text: str) -> Any:
    """`{...}` stands for any object."""
    return json.loads(text.replace("{...}", "{}"))
