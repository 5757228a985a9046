"""The table says of each function which module holds it; that module is imported when the function is called."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import streamsql.expr
from streamsql.expr.functions import FUNCTIONS


def test_the_table_holds_what_the_modules_define() -> None:
    modules = sorted(each.stem for each in Path(streamsql.expr.__path__[0]).glob("functions_*.py"))
    entries = [each for module in modules for each in import_module(f"streamsql.expr.{module}").ENTRIES]
    assert sorted(each.name for each in entries) == sorted(FUNCTIONS)
    assert {each.name: each for each in entries} == dict(FUNCTIONS)


def test_a_call_imports_its_own_family_only() -> None:
    code = (
        "import sys\n"
        "from streamsql.expr.functions import candidates\n"
        "assert 'UPPER' in candidates('UPPER')[0].name\n"
        "print([each.rpartition('.')[2] for each in sys.modules if 'expr.functions_' in each])\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "['functions_text']\n"
