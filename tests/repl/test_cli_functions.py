"""`--functions FILE.py`: Python functions that a script may call because the command line says so."""

from __future__ import annotations

import sys

import pytest

from tests.repl.conftest import CommandLine

FUNCTIONS = """
import streamsql
from functions_beside import mark

@streamsql.udf
def shout(text: str, times: int = 1) -> str:
    return text.upper() + mark * times

loud = shout  # another name in Python, the same function in SQL

@streamsql.udf(name="share")
def inverse(number: int) -> float:
    return 1 / number
"""


@pytest.fixture
def functions(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    cli.file("lib/functions_beside.py", "mark = '!'")
    return "--functions", cli.file("lib/f.py", FUNCTIONS)


def test_run(cli: CommandLine, functions: tuple[str, str]) -> None:
    script = "SELECT shout('hi', 2) AS a, SHARE(4) AS b"
    assert cli.sql(script, *functions).out == '{"a":"HI!!","b":0.25}\n'
    assert cli.sql(script, *functions, "--batch").out == '{"a":"HI!!","b":0.25}\n'
    assert cli("-c", script, *functions).out == '{"a":"HI!!","b":0.25}\n'


def test_compare_explain_validate(cli: CommandLine, functions: tuple[str, str]) -> None:
    script = cli.file("q.sql", "SELECT shout(a) AS b FROM (VALUES ('x'), ('y')) AS t(a)")
    assert cli("compare", script, *functions).out.splitlines()[-1] == "equal"
    assert cli("explain", script, *functions).out.startswith("Project(b: SHOUT(")
    assert cli("validate", script, *functions).out == "q.sql: no errors\n"
    wrong = cli("validate", cli.file("q.sql", "SELECT shout(1)"), *functions)
    assert (wrong.code, wrong.err.splitlines()[0]) == (
        2,
        "error: SHOUT(INT) does not fit: expected SHOUT(STRING, BIGINT?)",
    )


def test_a_function_that_fails_on_a_row(cli: CommandLine, functions: tuple[str, str]) -> None:
    ended = cli.sql("SELECT share(0)", *functions)
    assert ended.code == 1
    assert ended.err == (
        "error: the Python function SHARE(0) raised ZeroDivisionError: division by zero\n"
        "  at q.sql:1:8\n"
        "    1 | SELECT share(0)\n"
        "      |        ^^^^^^^^\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "f.py: there is no function for SQL in it\nhint: write @streamsql.udf above each function"),
        ("def f(:", "f.py:1: syntax error: invalid syntax"),
        ("\nimport no_such", "f.py:2: ModuleNotFoundError: No module named 'no_such'"),
        ("raise SystemExit(4)", "f.py:1: SystemExit: 4"),
        ("import streamsql\n@streamsql.udf\ndef f(a): return a", "f.py:2: F: a has no type hint\nhint: write one of"),
        ("import streamsql\n@streamsql.udf\ndef upper(a: str) -> str: return a", "f.py: UPPER is a built-in function"),
    ],
)
def test_a_file_that_does_not_do(cli: CommandLine, text: str, message: str) -> None:
    ended = cli.sql("SELECT 1", "--functions", cli.file("f.py", text))
    assert ended.code == 2
    assert ended.err.startswith(f"error: --functions {message}")


def test_a_file_that_is_not_there(cli: CommandLine) -> None:
    cli.file("funcs.py", "")
    ended = cli.sql("SELECT 1", "--functions", "func.py")
    message = "error: cannot read --functions func.py: No such file or directory\nhint: did you mean funcs.py?\n"
    assert (ended.code, ended.err) == (2, message)


def test_before_a_command(cli: CommandLine) -> None:
    ended = cli("--functions", "f.py", "run", "q.sql")
    assert (ended.code, ended.err.splitlines()[0]) == (2, "error: --functions stands before the command")
