"""sqlglot's compiled twin: its sources are loaded instead, or the cure is named."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from streamsql.sql.pure_python import is_compiled_installed

ROOT = Path(__file__).parents[2]

sources_only = pytest.mark.skipif(is_compiled_installed(), reason="sqlglotc is installed")


def _run(code: str, package_folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{package_folder}{os.pathsep}{ROOT}"}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def _make_compiled_sqlglot(folder: Path) -> None:
    """A package in which a compiled module stands beside its source, as sqlglotc lays them; this one cannot load."""
    package = folder / "sqlglot"
    package.mkdir()
    (package / "__init__.py").write_text("from sqlglot.tokenizer_core import form\n")
    (package / "tokenizer_core.py").write_text("form = 'source'\n")
    (package / f"tokenizer_core{EXTENSION_SUFFIXES[0]}").write_bytes(b"not a library")


def test_sources_are_loaded_where_compiled_modules_stand_beside_them(tmp_path: Path) -> None:
    _make_compiled_sqlglot(tmp_path)
    assert "ImportError" in _run("import sqlglot", tmp_path).stderr
    result = _run("import streamsql.sql, sqlglot; print(sqlglot.form)", tmp_path)
    assert (result.returncode, result.stdout) == (0, "source\n"), result.stderr


@sources_only
def test_nothing_is_changed_where_only_sources_are_installed(tmp_path: Path) -> None:
    code = "import sys; before = list(sys.meta_path); import streamsql.sql; print(sys.meta_path == before)"
    assert _run(code, tmp_path).stdout == "True\n"


@sources_only
def test_sqlglot_imported_first_as_sources_is_fine(tmp_path: Path) -> None:
    code = "import sqlglot, streamsql.sql.parse as p; print(p.to_sql(p.parse_expression('a+1')))"
    assert _run(code, tmp_path).stdout == "a + 1\n"


def test_sqlglot_imported_first_in_its_compiled_form_names_the_cure(tmp_path: Path) -> None:
    code = """
import sys, types
core = types.ModuleType("sqlglot.tokenizer_core")
core.__file__ = "tokenizer_core.so"
sys.modules["sqlglot"] = types.ModuleType("sqlglot")
sys.modules["sqlglot.tokenizer_core"] = core
try:
    import streamsql.sql
except ImportError as error:
    print(error)
"""
    assert _run(code, tmp_path).stdout.splitlines() == [
        "sqlglot was imported in its compiled form (sqlglotc) before streamsql, and cannot be extended now",
        "hint: import streamsql.sql before sqlglot, or remove the compiled form: pip uninstall sqlglotc",
    ]
