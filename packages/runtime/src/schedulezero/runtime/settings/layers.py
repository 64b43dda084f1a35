"""One layer of settings from each source: what it gives, and what is wrong with it."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from schedulezero.protocol.errors import Detail
from schedulezero.runtime.settings.fields import FIELDS, PREFIX, SECTIONS, Field, Refused

CONFIG_PATH_VARIABLE = PREFIX + "CONFIG_PATH"
DEPLOYMENT_VARIABLE = PREFIX + "DEPLOYMENT"
# Variables with our prefix that are no settings: those that choose the file, and those of the test suite.
_CHOOSERS = (CONFIG_PATH_VARIABLE, DEPLOYMENT_VARIABLE)
_TESTS_PREFIX = PREFIX + "TEST_"

_BY_VARIABLE = {variable: field for field in FIELDS.values() for variable in field.variables}
_BY_OPTION = {field.option: field for field in FIELDS.values()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A value that a source gives to the setting `key`; `origin` is that source as a user knows it."""

    key: str
    value: object
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one source gives, by key, and its faults."""

    given: Mapping[str, Given]
    faults: tuple[Detail, ...] = ()

    @classmethod
    def collect(cls, read: Iterable[Given | Detail]) -> "Layer":
        """Sort what was read into values and faults."""
        items = list(read)
        return cls(
            given={item.key: item for item in items if isinstance(item, Given)},
            faults=tuple(item for item in items if isinstance(item, Detail)),
        )


def tree_layer(tree: Mapping[str, object], *, origin: str, place: str = "") -> Layer:
    """Read a mapping of the file: top-level fields, and sections with theirs.

    Args:
        tree: the mapping, without what is no setting.
        origin: the source, for messages and for `Loaded.origins`.
        place: where in the file the mapping stands, `deployments.test.`; with its final dot.
    """
    return Layer.collect(_read_tree(tree, origin, place, under=""))


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """Read the variables whose names begin with `SCHEDULEZERO_`."""
    ours = {name: text for name, text in environ.items() if name.startswith(PREFIX)}
    settings = {name: text for name, text in ours.items() if not _is_no_setting(name)}
    return Layer.collect([*_read_environment(settings), *_contradictions(settings)])


def option_layer(options: Mapping[str, str]) -> Layer:
    """Read command line options, by their names with dashes."""
    return Layer.collect(
        _parsed(_BY_OPTION[name], text, name) if name in _BY_OPTION else _unknown(name, name, "option", _BY_OPTION)
        for name, text in options.items()
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the one of `known` that is most like `name`."""
    return difflib.get_close_matches(name, list(known), n=1, cutoff=0.0)[0]


def _read_tree(tree: Mapping[str, object], origin: str, place: str, under: str) -> Iterator[Given | Detail]:
    for name, raw in tree.items():
        key = f"{under}{name}"
        if key in FIELDS:
            yield _typed(FIELDS[key], raw, origin)
        elif key not in SECTIONS:
            yield _unknown(place + key, f"{place}{key} ({origin})", "key", _keys_near(under), prefix=place)
        elif isinstance(raw, Mapping):
            yield from _read_tree({str(k): v for k, v in raw.items()}, origin, place, under=key + ".")
        elif raw is not None:
            message = f"{place}{key} ({origin}): is a section; write its fields beneath it, indented"
            yield Detail(path=place + key, message=message)


def _read_environment(settings: Mapping[str, str]) -> Iterator[Given | Detail]:
    for name, text in settings.items():
        if name in _BY_VARIABLE:
            yield _parsed(_BY_VARIABLE[name], text, name)
        else:
            yield _unknown(name, name, "variable", [*_BY_VARIABLE, *_CHOOSERS])


def _contradictions(settings: Mapping[str, str]) -> Iterator[Detail]:
    for field in FIELDS.values():
        names = [name for name in field.variables if name in settings]
        if len({settings[name] for name in names}) > 1:
            message = f"{field.key}: {' and '.join(names)} give different values; set one of them"
            yield Detail(path=field.key, message=message)


def _parsed(field: Field, text: str, origin: str) -> Given | Detail:
    try:
        return Given(key=field.key, value=field.from_text(text), origin=origin)
    except Refused as refusal:
        return _refused(field, origin, refusal)


def _typed(field: Field, raw: object, origin: str) -> Given | Detail:
    try:
        return Given(key=field.key, value=field.from_file(raw), origin=origin)
    except Refused as refusal:
        return _refused(field, origin, refusal)


def _refused(field: Field, origin: str, refusal: Refused) -> Detail:
    return Detail(path=field.key, message=f"{field.key} ({origin}): {refusal}")


def _unknown(path: str, subject: str, noun: str, known: Iterable[str], *, prefix: str = "") -> Detail:
    like = prefix + nearest(path.removeprefix(prefix), known)
    return Detail(path=path, message=f"{subject}: there is no such {noun}; did you mean {like}?")


def _keys_near(under: str) -> list[str]:
    within = [key for key in FIELDS if key.startswith(under)]
    return within if under else [*within, *SECTIONS]


def _is_no_setting(name: str) -> bool:
    return name in _CHOOSERS or name.startswith(_TESTS_PREFIX)
