"""What the command line leaves out of the libraries while it starts is there for whoever asks for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

STARTED = "from streamsql_repl.start_up import start_quickly\nstart_quickly()\n"


def _said(code: str) -> str:
    ended = subprocess.run([sys.executable, "-c", STARTED + code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sqlglot; print(sqlglot.parse_one('select a from b').sql())", "SELECT a FROM b\n"),
        ("from sqlglot import exp, select; print(select('a').from_('b').sql('duckdb'))", "SELECT a FROM b\n"),
        ("from sqlglot.optimizer import optimize; print(optimize('select 1 as a').sql())", 'SELECT 1 AS "a"\n'),
        ("import sqlglot; print(sqlglot.exp is sqlglot.expressions, hasattr(sqlglot, 'nothing'))", "True False\n"),
        (
            "from streamsql.sql.parse import parse_expression as p, to_sql; print(repr(p('a'))[:6], to_sql(p('a+1')))",
            "Column a + 1\n",
        ),
    ],
)
def test_sqlglot_runs_when_more_than_its_trees_is_wanted(code: str, said: str) -> None:
    assert _said("import sys, sqlglot.expressions; assert 'sqlglot.parser' not in sys.modules\n" + code) == said


def test_masked_arrays_are_known_to_arrow_once_there_are_some() -> None:
    code = (
        "import sys, numpy as np, pyarrow as pa\n"
        "pa.array(np.arange(2)); assert 'numpy.ma' not in sys.modules\n"
        "print(pa.array(np.ma.masked_array([1, 2], [True, False])).to_pylist())"
    )
    assert _said(code) == "[None, 2]\n"


def test_pandas_can_be_imported_and_read_by_arrow() -> None:
    code = "import pandas as pd, pyarrow as pa; print(pa.array(pd.Series([1.5, 2])).to_pylist())"
    assert _said(code) == "[1.5, 2.0]\n"


def test_functions_of_arrow_take_their_arguments_and_options() -> None:
    code = "import inspect, pyarrow.compute as pc; print(pc.round(1.25, ndigits=1), inspect.isfunction(pc.round))"
    assert _said(code) == "1.2 True\n"


def test_modules_that_stood_in_are_gone() -> None:
    code = (
        "import inspect, sys, textwrap\n"
        "print(textwrap.dedent('  a'), inspect.signature(len), 'pyarrow.vendored.docscrape' in sys.modules)"
    )
    assert _said(code) == "a (obj, /) False\n"
