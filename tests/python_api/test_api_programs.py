"""Whole programs: the examples, a typed one, a process that ends or forks with queries running."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
from importlib import resources
from pathlib import Path
from types import ModuleType

import pytest

import streamsql

ROOT = Path(__file__).parents[2]


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / "embedded" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_alerts(capsys: pytest.CaptureFixture[str]) -> None:
    assert example("alerts").main() == ["00:03 roof is hot: 101.0 °F over 60 readings"]
    assert capsys.readouterr().out == "00:03 roof is hot: 101.0 °F over 60 readings\n"


def test_async_totals() -> None:
    assert asyncio.run(example("async_totals").main()) == {"pen": 7, "ink": 6, "pad": 2}


@pytest.mark.parametrize("package", ["streamsql", "streamsql_connectors", "streamsql_catalog", "streamsql_repl"])
def test_type_checkers_of_users_read_the_types(package: str) -> None:
    """The examples, as programs that use the package, are checked by mypy with the engine (`make lint`)."""
    assert (resources.files(package) / "py.typed").is_file()


LEFT_RUNNING = """
import threading, streamsql
session = streamsql.connect()
session.execute("CREATE TABLE t (a INT)")
table = session.table("t", capacity=2)
changes = session.sql("SELECT a FROM t").changes(buffer_rows=2)
def push():
    try:
        while True:
            table.push((1,))
    except streamsql.StreamSqlError:
        pass
threading.Thread(target=push).start()
print(next(changes).row.a)
"""


def test_a_program_ends_though_queries_run() -> None:
    ended = subprocess.run([sys.executable, "-c", LEFT_RUNNING], capture_output=True, text=True, timeout=60, check=True)
    assert (ended.stdout, ended.stderr) == ("1\n", "")


def test_a_forked_child_is_told() -> None:
    session = streamsql.connect()
    session.execute("CREATE TABLE t (a INT)")
    query, owner = session.sql("SELECT a FROM t"), session.tables.owner
    owner.process -= 1  # as if this were the child
    for use in (query.to_arrow, query.changes, lambda: session.sql("SELECT 1"), lambda: session.table("t")):
        with pytest.raises(streamsql.UsageError, match="belongs to the process that was forked"):
            use()
