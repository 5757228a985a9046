"""Keep sqlglot's Python sources in use where its compiled twin `sqlglotc` is installed.

sqlglotc lays extension modules beside sqlglot's sources. Their classes cannot be subclassed in Python, and a dialect
is made of subclasses. So, before the first import of sqlglot, a finder is put in place that loads the sources.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

from streamsql.errors import UsageError


class CompiledSqlglotError(UsageError, ImportError):
    """sqlglot was imported in its compiled form before streamsql could choose the sources."""


class SourceFinder:
    """Finds sqlglot's modules as sources, also where a compiled module stands beside them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != "sqlglot":
            return None
        found = PathFinder.find_spec(fullname, path, target)
        source = _source_beside(found)
        return found if source is None else spec_from_file_location(fullname, source)


def use_sources() -> None:
    """Make the coming imports of sqlglot load its sources; CompiledSqlglotError if it is too late for that."""
    if "sqlglot" in sys.modules:
        _refuse_compiled()
    elif is_compiled_installed() and not any(isinstance(each, SourceFinder) for each in sys.meta_path):
        sys.meta_path.insert(0, SourceFinder())


def _refuse_compiled() -> None:
    core = getattr(sys.modules.get("sqlglot.tokenizer_core"), "__file__", None)
    if core is not None and not core.endswith(".py"):
        raise CompiledSqlglotError(
            "sqlglot was imported in its compiled form (sqlglotc) before streamsql, and cannot be extended now",
            hint="import streamsql.sql before sqlglot, or remove the compiled form: pip uninstall sqlglotc",
        )


def is_compiled_installed() -> bool:
    """Compiled modules stand beside sqlglot's sources."""
    package = PathFinder.find_spec("sqlglot")
    if package is None or package.submodule_search_locations is None:
        return False
    core = PathFinder.find_spec("sqlglot.tokenizer_core", list(package.submodule_search_locations))
    return _source_beside(core) is not None


def _source_beside(spec: ModuleSpec | None) -> Path | None:
    """The .py file next to a compiled module, None if the module is not compiled."""
    if spec is None or spec.origin is None:
        return None
    suffix = next((each for each in EXTENSION_SUFFIXES if spec.origin.endswith(each)), None)
    if suffix is None:
        return None
    source = Path(spec.origin[: -len(suffix)] + ".py")
    return source if source.exists() else None
