"""One POST over a connection of its own: no redirect is followed, no proxy used, and it ends in time."""

import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from schedulezero.protocol.frozen import Frozen

_READ_BYTES = 16 * 1024
"""How much of an answer's body is taken, so that its sender is not cut off in the middle of a short one."""

_REASON_CHARACTERS = 200


class Answer(Frozen):
    """What a webhook has answered; `retry_after` is that header as it came."""

    status: int
    retry_after: str | None = None


class Unanswered(Exception):
    """No answer came; the text says why, and names no URL."""


def post(url: str, headers: Mapping[str, str], body: bytes, *, timeout: float) -> Answer:
    """Send `body` and return what is answered; blocks the thread.

    Args:
        url: http or https; certificates are verified.
        headers: besides those that HTTP itself needs.
        body: as it is sent.
        timeout: seconds to connect, and as long again until the answer is there; however slowly it drips.

    Raises:
        Unanswered: the host cannot be found, reached or trusted, or does not answer in time or not in HTTP.
    """
    try:
        connection = _connection(url, timeout)
        try:
            connection.connect()
            return _ask(connection, _target(url), dict(headers), body, timeout)
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError) as error:
        raise Unanswered(_why(error, timeout)) from error


def _connection(url: str, timeout: float) -> HTTPConnection:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return HTTPSConnection(host, parts.port or 443, timeout=timeout, context=_trust())
    return HTTPConnection(host, parts.port or 80, timeout=timeout)


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _ask(connection: HTTPConnection, target: str, headers: dict[str, str], body: bytes, timeout: float) -> Answer:
    # The timeout of a socket is for one call, and an answer may come byte by byte.
    deadline = time.monotonic() + timeout
    watch = threading.Timer(timeout, _cut, (connection.sock,))
    watch.daemon = True
    watch.start()
    try:
        connection.request("POST", target, body, headers | {"Connection": "close"})
        with connection.getresponse() as response:
            _take_some(response)
            return Answer(status=response.status, retry_after=response.getheader("Retry-After"))
    except (OSError, HTTPException) as error:
        if time.monotonic() >= deadline:
            raise TimeoutError from error
        raise
    finally:
        watch.cancel()


def _cut(sock: socket.socket) -> None:
    # TLS would first say goodbye, which may block: it is the connection below it that is ended.
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _take_some(response: HTTPResponse) -> None:
    """What stands in the body changes nothing, nor that it does not come."""
    with suppress(OSError, HTTPException):
        response.read1(_READ_BYTES)


def _why(error: Exception, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    return (str(error) or type(error).__name__)[:_REASON_CHARACTERS]
