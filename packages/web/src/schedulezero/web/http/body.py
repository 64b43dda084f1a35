"""The body of a request: how much of it is taken in, and what it must be."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import fields

from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.validation import decode
from schedulezero.protocol.values import Input

DRAIN_BYTES = 64 * 1024 * 1024
"""How much of a body that is too large is read and thrown away: most clients read no answer before all is sent."""


class Intake:
    """A body as it comes in: kept up to `limit` bytes, beyond that thrown away."""

    __slots__ = ("_chunks", "_limit", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._chunks: list[bytes] = []
        self.size = 0

    def take(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size <= self._limit:
            self._chunks.append(chunk)
        else:
            self._chunks.clear()

    def body(self) -> bytes:
        """Return what came in.

        Raises:
            ScheduleZeroError: it was too large.
        """
        if self.size > self._limit:
            raise too_large(self._limit)
        return b"".join(self._chunks)


def too_large(limit: int) -> ScheduleZeroError:
    """A body above `limit` bytes."""
    return ScheduleZeroError.of(Code.PAYLOAD_TOO_LARGE, f"a body of at most {limit} bytes is accepted here")


def read(body: bytes, headers: Mapping[str, str], type_: type[Input]) -> Any:
    """Return the body as `type_`; one without required fields may be left out, together with its Content-Type.

    Raises:
        ScheduleZeroError: `malformed_json`, `unsupported_media_type`, or what is wrong with a field.
    """
    if not body:
        return _left_out(type_)
    _check_media_type(headers)
    _check_encoding(body)
    return decode(body, type_) if type_.__struct_fields__ else _without_fields(body, type_)


def _left_out(type_: type[Input]) -> Input:
    required = [field.encode_name for field in fields(type_) if field.required]
    if required:
        message = f"the body is missing; send a JSON object with {', '.join(required)}"
        raise ScheduleZeroError.of(Code.MALFORMED_JSON, message)
    return type_()


def _check_media_type(headers: Mapping[str, str]) -> None:
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        message = f"send the body with the header Content-Type: application/json, not {media_type or 'without one'}"
        raise ScheduleZeroError.of(Code.UNSUPPORTED_MEDIA_TYPE, message)
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ScheduleZeroError.of(Code.UNSUPPORTED_MEDIA_TYPE, "send the body without Content-Encoding")


def _check_encoding(body: bytes) -> None:
    """What is passed on unread must be sound too."""
    try:
        body.isascii() or body.decode()
    except UnicodeDecodeError as error:
        raise ScheduleZeroError.of(Code.MALFORMED_JSON, f"the body is not UTF-8: {error.reason}") from None


def _without_fields(body: bytes, type_: type[Input]) -> Input:
    for name in decode(body, dict[str, msgspec.Raw]):
        raise ScheduleZeroError.of(Code.UNKNOWN_FIELD, "this call takes no fields", path=name)
    return type_()
