"""Connectors, formats and catalogs by name, found through entry points only."""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib import import_module
from typing import Any, cast

from streamsql.errors import UsageError, did_you_mean
from streamsql.ports import Catalog, Connector, Format

_DISTRIBUTION, _METADATA = "streamsql-engine", "streamsql_engine-"
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
    place = _own_entry_points(_GROUPS[kind]).get(name) or _entry_points(_GROUPS[kind]).get(name)
    if place is None:
        known = known_names(kind)
        near = did_you_mean(name, known, kind=f"known {kind}s")
        listed = f"known {kind}s: {', '.join(known)}"
        raise UsageError(f"unknown {kind} '{name}'", hint=near if near == listed else f"{near} ({listed})")
    module, _, attribute = place.partition(":")
    try:
        return getattr(import_module(module), attribute)()
    except ImportError as error:
        raise UsageError(
            f"{kind} '{name}' cannot be loaded: {error}", hint=f"install what it needs; it is {place}"
        ) from error


@cache
def _own_entry_points(group: str) -> dict[str, str]:
    """Those of this package, as `module:attribute`."""
    section, found = "", {}
    for line in _own_metadata().splitlines():
        if line.startswith("["):
            section = line.strip("[] ")
        elif section == group and "=" in line:
            name, place = line.split("=", 1)
            found[name.strip()] = place.strip()
    return found


@cache
def _own_metadata() -> str:
    """The entry points of this package as its installer wrote them down.

    importlib.metadata finds them anywhere, but takes as long to import as a small script runs: it is asked only where
    they do not lie in a folder of the path.
    """
    for folder in filter(os.path.isdir, sys.path):
        for each in os.listdir(folder):
            path = os.path.join(folder, each, "entry_points.txt")
            if each.startswith(_METADATA) and each.endswith(".dist-info") and os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    return file.read()
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return distribution(_DISTRIBUTION).read_text("entry_points.txt") or ""
    except PackageNotFoundError:
        return ""


@cache
def _entry_points(group: str) -> dict[str, str]:
    from importlib.metadata import entry_points

    return {**{each.name: each.value for each in entry_points(group=group)}, **_own_entry_points(group)}
