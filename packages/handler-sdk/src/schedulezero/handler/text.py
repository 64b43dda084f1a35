"""Text of unknown origin made fit to travel: valid Unicode, bounded, and marked where it was cut."""

_MARK = "… cut …"


def printable(text: str) -> str:
    """Return `text` with lone surrogates, which UTF-8 cannot carry, as question marks."""
    return text.encode("utf-8", "replace").decode()


def cut_end(text: str, max_bytes: int) -> str:
    """Return the beginning of `text`, at most `max_bytes` of UTF-8 and the mark."""
    encoded = text.encode()
    return text if len(encoded) <= max_bytes else encoded[:max_bytes].decode("utf-8", "ignore") + _MARK


def cut_start(text: str, max_bytes: int) -> str:
    """Return the end of `text`, at most `max_bytes` of UTF-8 and the mark."""
    encoded = text.encode()
    return text if len(encoded) <= max_bytes else _MARK + encoded[-max_bytes:].decode("utf-8", "ignore")
