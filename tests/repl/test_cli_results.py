"""Where results go and what they look like there."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.repl.conftest import CommandLine

BIDS = '{"item":"pen","price":3}\n{"item":"ink","price":5}\n{"item":"pen","price":4}\n'
APPENDING = "SELECT item, price FROM bids WHERE price > 3"
UPDATING = "SELECT item, SUM(price) AS total FROM bids GROUP BY item"
STEPS = ("--batch-size", "1")
FOUND = "bids: columns found in bids.jsonl: item STRING, price BIGINT\n"
CHANGES = [("+I", "pen", 3), ("+I", "ink", 5), ("-U", "pen", 3), ("+U", "pen", 7)]


@pytest.fixture
def bids(cli: CommandLine) -> tuple[str, str]:
    return "--input", f"bids={cli.file('bids.jsonl', BIDS)}"


def test_append_only_rows_have_no_op(cli: CommandLine, bids: tuple[str, str]) -> None:
    ended = cli.sql(APPENDING, *bids)
    assert (ended.code, ended.err) == (0, FOUND)
    assert ended.out == '{"item":"ink","price":5}\n{"item":"pen","price":4}\n'


def test_an_explicit_changelog_always_has_op(cli: CommandLine, bids: tuple[str, str]) -> None:
    ended = cli.sql(APPENDING, *bids, "--result", "changelog")
    assert ended.out == '{"op":"+I","item":"ink","price":5}\n{"op":"+I","item":"pen","price":4}\n'


def test_an_updating_query_gives_its_changes(cli: CommandLine, bids: tuple[str, str]) -> None:
    ended = cli.sql(UPDATING, *bids, *STEPS)
    assert ended.out == "".join(f'{{"op":"{op}","item":"{item}","total":{total}}}\n' for op, item, total in CHANGES)


def test_the_final_table_is_in_the_order_of_its_key(cli: CommandLine, bids: tuple[str, str]) -> None:
    ended = cli.sql(UPDATING, *bids, *STEPS, "--result", "table")
    assert ended.out == '{"item":"ink","total":5}\n{"item":"pen","total":7}\n'


def test_a_batch_has_no_changes(cli: CommandLine, bids: tuple[str, str]) -> None:
    assert cli.sql(UPDATING, *bids, "--batch").out == '{"item":"ink","total":5}\n{"item":"pen","total":7}\n'


def test_a_batch_as_changelog_is_inserts(cli: CommandLine, bids: tuple[str, str]) -> None:
    ended = cli.sql(APPENDING, *bids, "--batch", "--result", "changelog")
    assert ended.out == '{"op":"+I","item":"ink","price":5}\n{"op":"+I","item":"pen","price":4}\n'


def test_a_column_called_op_moves_the_changelogs_own(cli: CommandLine) -> None:
    assert cli("-c", "SELECT 1 AS op", "--result", "changelog").out == '{"_op":"+I","op":1}\n'
    assert cli("-c", "SELECT 1 AS op").out == '{"op":1}\n'


def test_output_as_json_lines(cli: CommandLine, bids: tuple[str, str]) -> None:
    ended = cli.sql(APPENDING, *bids, "--output", "out.jsonl")
    assert (ended.code, ended.out, ended.err) == (0, "", FOUND)
    assert cli.read("out.jsonl") == '{"item":"ink","price":5}\n{"item":"pen","price":4}\n'
    assert cli.files() == ["bids.jsonl", "out.jsonl"]


def test_output_as_csv(cli: CommandLine, bids: tuple[str, str]) -> None:
    assert cli.sql(UPDATING, *bids, *STEPS, "--output", "out.csv").code == 0
    assert cli.read("out.csv") == "op,item,total\n+I,pen,3\n+I,ink,5\n-U,pen,3\n+U,pen,7\n"


def test_output_as_parquet(cli: CommandLine, bids: tuple[str, str]) -> None:
    assert cli.sql(UPDATING, *bids, *STEPS, "--output", "out.parquet").code == 0
    written = pq.read_table("out.parquet")
    assert written.schema.types == [pa.string(), pa.string(), pa.int64()]
    assert [tuple(row.values()) for row in written.to_pylist()] == CHANGES


def test_output_as_arrow(cli: CommandLine, bids: tuple[str, str]) -> None:
    assert cli.sql(APPENDING, *bids, "--output", "out.arrow").code == 0
    with pa.ipc.open_file("out.arrow") as reader:
        assert reader.read_all().to_pylist() == [{"item": "ink", "price": 5}, {"item": "pen", "price": 4}]


@pytest.mark.parametrize("name", ["out.jsonl.gz", "out.csv.zst"])
def test_what_is_written_compressed_can_be_read_again(cli: CommandLine, bids: tuple[str, str], name: str) -> None:
    assert cli.sql(APPENDING, *bids, "--output", name).code == 0
    ended = cli.sql("SELECT SUM(price) AS total FROM bids", "--input", f"bids={name}", "--result", "table")
    assert ended.out == '{"total":9}\n'


def test_output_dash_is_stdout(cli: CommandLine, bids: tuple[str, str]) -> None:
    assert cli.sql(APPENDING, *bids, "--output", "-").out == '{"item":"ink","price":5}\n{"item":"pen","price":4}\n'


@pytest.mark.parametrize(("name", "content"), [("out.jsonl", ""), ("out.csv", "op,item,total\n")])
def test_an_empty_result_is_a_file_too(cli: CommandLine, name: str, content: str) -> None:
    source = cli.file("bids.jsonl", '{"item":"pen","price":-1}\n')
    ended = cli.sql(UPDATING.replace("GROUP", "WHERE price > 0 GROUP"), "--input", f"bids={source}", "--output", name)
    assert (ended.code, cli.read(name)) == (0, content)


def test_an_existing_file_is_replaced(cli: CommandLine, bids: tuple[str, str]) -> None:
    cli.file("out.jsonl", "what was there before\n")
    assert cli.sql(APPENDING, *bids, "--output", "out.jsonl").code == 0
    assert cli.read("out.jsonl") == '{"item":"ink","price":5}\n{"item":"pen","price":4}\n'


def test_several_selects_are_blocks_in_their_order(cli: CommandLine, bids: tuple[str, str]) -> None:
    ended = cli.sql(f"{UPDATING};\n{APPENDING};", *bids, *STEPS)
    assert ended.out.splitlines() == [
        *(f'{{"op":"{op}","item":"{item}","total":{total}}}' for op, item, total in CHANGES),
        '{"item":"ink","price":5}',
        '{"item":"pen","price":4}',
    ]


def test_several_selects_have_no_one_file(cli: CommandLine, bids: tuple[str, str]) -> None:
    ended = cli.sql(f"{UPDATING};\n{APPENDING};", *bids, "--output", "out.jsonl")
    assert ended.code == 2
    assert ended.err == (
        "error: --output takes the rows of one SELECT, the script has 2\n"
        "hint: write INSERT INTO a table for each, with its own 'path'\n"
    )
    assert cli.files() == ["bids.jsonl"]


def test_output_without_a_select(cli: CommandLine) -> None:
    ended = cli.sql("CREATE TABLE t (a INT);", "--output", "out.jsonl")
    assert ended.code == 2
    assert ended.err.startswith("error: --output takes the rows of one SELECT, the script has none\n")


def test_a_failed_run_leaves_no_file(cli: CommandLine, bids: tuple[str, str]) -> None:
    ended = cli.sql("SELECT 1 / (price - 4) AS x FROM bids", *bids, *STEPS, "--output", "out.jsonl")
    assert ended.code == 1
    assert cli.files() == ["bids.jsonl"]


@pytest.mark.parametrize("size", ["1", "2", "3", "1000"])
def test_the_size_of_a_step_never_changes_the_rows(cli: CommandLine, bids: tuple[str, str], size: str) -> None:
    ended = cli.sql(f"{UPDATING} ORDER BY item DESC", *bids, "--batch-size", size, "--result", "table")
    assert ended.out == '{"item":"pen","total":7}\n{"item":"ink","total":5}\n'


def test_relative_paths_of_ddl_are_those_of_the_working_directory(cli: CommandLine) -> None:
    (cli.folder / "scripts").mkdir()
    cli.file("bids.jsonl", BIDS)
    cli.file(
        "scripts/q.sql",
        "CREATE TABLE bids (item STRING, price INT) WITH ('connector'='filesystem', 'path'='bids.jsonl');" + APPENDING,
    )
    assert cli("run", "scripts/q.sql").out == '{"item":"ink","price":5}\n{"item":"pen","price":4}\n'
