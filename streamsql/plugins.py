"""Connectors, formats and catalogs by name, found through entry points only."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from streamsql.errors import UsageError, did_you_mean
from streamsql.ports import Catalog, Connector, Format

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_DISTRIBUTION = "streamsql-engine"
_GROUPS = {"connector": "streamsql.connectors", "format": "streamsql.formats", "catalog": "streamsql.catalogs"}


def load_connector(name: str) -> Connector:
    """A connector by its name in `WITH ('connector' = …)`; UsageError for an unknown one, listing the known ones."""
    return cast(Connector, _load("connector", name))


def load_format(name: str) -> Format:
    """A format by its name in `WITH ('format' = …)`; UsageError for an unknown one, listing the known ones."""
    return cast(Format, _load("format", name))


def load_catalog(name: str) -> Catalog:
    """A new catalog by the name of its kind; UsageError for an unknown one, listing the known ones."""
    return cast(Catalog, _load("catalog", name))


def known_names(kind: str) -> tuple[str, ...]:
    """Names of all installed plugins of a kind: connector, format or catalog.

    >>> "json" in known_names("format")
    True
    """
    return tuple(sorted(_entry_points(_GROUPS[kind])))


def _load(kind: str, name: str) -> Any:
    entry = _own_entry_points(_GROUPS[kind]).get(name) or _entry_points(_GROUPS[kind]).get(name)
    if entry is None:
        known = known_names(kind)
        near = did_you_mean(name, known, kind=f"known {kind}s")
        listed = f"known {kind}s: {', '.join(known)}"
        raise UsageError(f"unknown {kind} '{name}'", hint=near if near == listed else f"{near} ({listed})")
    try:
        return entry.load()()
    except ImportError as error:
        hint = f"install what it needs; it is {entry.value}"
        raise UsageError(f"{kind} '{name}' cannot be loaded: {error}", hint=hint) from error


@lru_cache(maxsize=8)
def _own_entry_points(group: str) -> dict[str, EntryPoint]:
    """Those of this package: finding one distribution is many times faster than asking all installed ones."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return {each.name: each for each in distribution(_DISTRIBUTION).entry_points if each.group == group}
    except PackageNotFoundError:
        return {}


@lru_cache(maxsize=8)
def _entry_points(group: str) -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {**{each.name: each for each in entry_points(group=group)}, **_own_entry_points(group)}
