"""Database URLs as users write them: `sqlite:///file.db`, `postgresql://…`, `mysql://…`, `mariadb://…`."""

import re
from pathlib import Path
from urllib.parse import urlsplit

_SQLITE = "sqlite:///"
_SERVERS = ("postgresql", "mysql", "mariadb")


def is_database_url(url: str) -> bool:
    """Whether `url` names a database that can be used; in-memory SQLite keeps nothing and cannot."""
    if url.startswith(_SQLITE):
        return _sqlite_file(url) not in ("", ":memory:")
    try:
        parts = urlsplit(url)
        return parts.scheme in _SERVERS and "://" in url and parts.port != 0
    except ValueError:
        return False


def is_relative(url: str) -> bool:
    """Whether `url` is an SQLite file whose place depends on the state directory."""
    return url.startswith(_SQLITE) and not Path(_sqlite_file(url)).is_absolute()


def located(url: str, directory: Path) -> str:
    """Return `url` with a relative SQLite path placed under `directory`; any other URL unchanged."""
    if not is_relative(url):
        return url
    file, mark, query = url.removeprefix(_SQLITE).partition("?")
    return _SQLITE + (directory / file).as_posix() + mark + query


def masked(url: str) -> str:
    """Return `url` with every password replaced by `***`, in the authority as in the query.

    The last `@` ends a password, so one with unescaped characters is not shown in part.
    """
    without_user = re.sub(r"^(\w+://[^:@/]*:).*@", r"\1***@", url)
    return re.sub(r"([?&][^=&]*pass[^=&]*=)[^&]*", r"\1***", without_user, flags=re.IGNORECASE)


def _sqlite_file(url: str) -> str:
    return url.removeprefix(_SQLITE).partition("?")[0]
