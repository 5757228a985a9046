"""The command as a process of its own: pipes, signals, what it leaves behind, what it loads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STREAMSQL = [sys.executable, "-m", "streamsql_repl"]
ENDLESS = """\
CREATE TABLE g (id INT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000', 'fields.id.min' = '1');
SELECT id FROM g;
"""
LONG = """\
CREATE TABLE g (id INT)
WITH ('connector' = 'datagen', 'number-of-rows' = '1000000000', 'fields.id.min' = '1');
SELECT id FROM g;
"""
SECONDS = 60


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    def started(script: str, *arguments: str, stdin: int | None = None) -> subprocess.Popen[str]:
        (tmp_path / "q.sql").write_text(script)
        return subprocess.Popen(
            [*STREAMSQL, "run", "q.sql", *arguments],
            cwd=tmp_path,
            stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return started


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll, as there is no event to wait for in another process."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def rest_of(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out, err


@pytest.mark.parametrize("script", [ENDLESS, LONG])
def test_a_closed_pipe_is_a_good_end(start: Callable[..., subprocess.Popen[str]], script: str) -> None:
    process = start(script)
    assert first_line(process).startswith('{"id":')
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait(SECONDS) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_without_end_ends_well_when_it_is_told_to(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: int
) -> None:
    out = tmp_path / "out.jsonl"
    process = start(ENDLESS, "--output", "out.jsonl")
    wait_until(lambda: out.exists() and out.stat().st_size > 0)
    process.send_signal(number)
    assert rest_of(process) == (0, "", "")
    assert out.read_text().endswith("}\n")


def test_a_run_without_end_publishes_its_parquet_file_when_it_ends(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = start(ENDLESS, "--output", "out.parquet")
    wait_until(lambda: any(each.name.startswith(".out.parquet") for each in tmp_path.iterdir()))
    process.send_signal(signal.SIGTERM)
    assert rest_of(process) == (0, "", "")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out.parquet", "q.sql"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_bounded_run_leaves_nothing(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: int
) -> None:
    process = start(LONG, "--output", "out.jsonl")
    wait_until(lambda: any(each.name.startswith(".out.jsonl") for each in tmp_path.iterdir()))
    process.send_signal(number)
    assert rest_of(process) == (130, "", "interrupted\n")
    assert [each.name for each in tmp_path.iterdir()] == ["q.sql"]


def test_a_killed_run_leaves_no_file_under_the_final_name(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = start(LONG, "--output", "out.jsonl")
    wait_until(lambda: any(each.name.startswith(".out.jsonl") for each in tmp_path.iterdir()))
    process.kill()
    assert rest_of(process)[0] == -signal.SIGKILL
    assert not (tmp_path / "out.jsonl").exists()


def test_rows_of_stdin_come_out_as_they_arrive_and_a_silent_stdin_can_be_interrupted(
    start: Callable[..., subprocess.Popen[str]],
) -> None:
    script = "CREATE TABLE t (v INT); SELECT v FROM t;"
    process = start(script, "--input", "t=-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write('{"v":1}\n')
    process.stdin.flush()
    assert first_line(process) == '{"v":1}\n'
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) == 130
    assert rest_of(process)[1:] == ("", "interrupted\n")


def test_an_undeclared_table_from_stdin(start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start("SELECT v FROM t WHERE v > 1;", "--input", "t=-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    for value in (1, 2):
        process.stdin.write(f'{{"v":{value}}}\n')
    process.stdin.flush()
    process.stdin.close()
    process.stdin = None
    assert rest_of(process) == (0, '{"v":2}\n', "t: columns found in -: v BIGINT\n")


def test_what_a_run_of_the_word_count_does_not_load(tmp_path: Path) -> None:
    """Each of these takes longer to load than a small script runs, or the script has no use for it."""
    heavy = [
        *("duckdb", "pandas", "pyarrow.parquet", "pyarrow.dataset", "rich", "fsspec", "prompt_toolkit", "polars"),
        *("pyarrow.vendored.docscrape", "asyncio", "concurrent.futures"),
        *("fractions", "zoneinfo", "json", "glob", "click.shell_completion", "streamsql.sql.dialect.flink"),
        *(f"streamsql.expr.functions_{each}" for each in ("calendar", "format", "json", "math", "printf")),
        *("streamsql.sql.bind_joins", "streamsql.plan.decorrelate", "streamsql.state.trace", "streamsql.materialized"),
        *("streamsql.query", "streamsql.python_calls", "streamsql.runtime.live", "streamsql.runtime.lookup"),
    ]
    (tmp_path / "ten.txt").write_text("to be or not to be\n" * 10)
    code = (
        "import sys\n"
        "from streamsql_repl.cli import run_command\n"
        f"code = run_command({['run', 'examples/wordcount/wordcount.sql', '--input', f'lines={tmp_path}/ten.txt']})\n"
        f"print([each for each in {heavy} if each in sys.modules], file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "[]\n")
    assert ended.stdout.splitlines()[:2] == [
        '{"op":"+I","word":"to","n":20}',
        '{"op":"+I","word":"be","n":20}',
    ]


def test_importing_the_package_loads_nothing_slow() -> None:
    code = (
        "import sys, streamsql\n"
        "print([each for each in ('duckdb', 'pyarrow.compute', 'sqlglot', 'click') if each in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


def test_text_is_utf_8_in_any_locale(tmp_path: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [*STREAMSQL, "-c", "SELECT 'é' AS `ü`"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, env=environment)
    assert (ended.returncode, ended.stdout.decode(), ended.stderr) == (0, '{"ü":"é"}\n', b"")


def test_without_stdout(tmp_path: Path) -> None:
    command = f"{' '.join(STREAMSQL)} -c 'SHOW TABLES' >&- 2>{tmp_path}/err"
    assert subprocess.run(["bash", "-c", command], check=False, env=dict(os.environ)).returncode == 0
    assert (tmp_path / "err").read_text() == ""


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("-c 'SELECT 1 AS a' >&- 2>err", 2, "error: there is no stdout to write to\nhint: write to a file\n"),
        ("-c 'SELECT 1 AS a' >/dev/full 2>err", 1, "error: cannot write -: No space left on device\n"),
        ("-c 'SHOW TABLES; SHOW FUNCTIONS' >/dev/full 2>err", 1, "error: No space left on device\n"),
        ("--help >/dev/full 2>err", 1, "error: No space left on device\n"),
        ("-c 'SELECT nope' 2>/dev/full", 2, ""),
        ("-c 'SELECT nope' 2>&-", 2, ""),
        ("-c 'SELECT nope' --debug 2>/dev/full", 2, ""),
    ],
)
def test_what_cannot_be_written_is_an_error_and_leaves_other_errors_their_code(
    tmp_path: Path, command: str, code: int, said: str
) -> None:
    ended = subprocess.run(["bash", "-c", f"{' '.join(STREAMSQL)} {command}"], cwd=tmp_path, check=False)
    err = tmp_path / "err"
    assert (ended.returncode, err.read_text() if err.exists() else "") == (code, said)


def test_no_row_is_lost_when_the_process_ends(tmp_path: Path) -> None:
    (tmp_path / "n.jsonl").write_text("".join(f'{{"n":{each}}}\n' for each in range(300_000)))
    (tmp_path / "q.sql").write_text("SELECT n FROM t;")
    command = [*STREAMSQL, "run", "q.sql", "--input", "t=n.jsonl"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert ended.returncode == 0
    assert ended.stdout == (tmp_path / "n.jsonl").read_bytes()


def test_a_run_without_end_names_what_grows(start: Callable[..., subprocess.Popen[str]]) -> None:
    columns = "(id INT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000', 'fields.id.min' = '1')"
    process = start(f"CREATE TABLE a {columns}; CREATE TABLE b {columns}; SELECT a.id FROM a JOIN b ON a.id >= b.id;")
    assert first_line(process).startswith("{")
    process.send_signal(signal.SIGINT)
    code, _, err = rest_of(process)
    warning = "warning: Join keeps rows of both inputs for as long as the query runs (EXPLAIN: state UNBOUNDED)"
    assert (code, err.splitlines()[:1]) == (0, [warning])
