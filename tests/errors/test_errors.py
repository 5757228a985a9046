"""Every wrong input of the catalogue ends with its code and exactly its message."""

from __future__ import annotations

import pytest

from tests.errors.catalogue import Case, all_cases
from tests.errors.folder import make_files
from tests.repl.conftest import CommandLine, cli  # noqa: F401 - a fixture

CASES = all_cases()


@pytest.mark.parametrize("case", [pytest.param(each, id=f"{each.file}: {each.title}") for each in CASES])
def test_message(case: Case, cli: CommandLine) -> None:  # noqa: F811
    make_files(cli.folder)
    ended = (cli.file("q.sql", case.script), cli(*case.arguments))[1]
    assert case.expects(ended.err.strip("\n")), f"{ended.err}\ninstead of\n{case.output}"
    assert ended.code == case.code


def test_no_message_is_a_traceback_and_most_say_what_to_write_instead() -> None:
    assert len(CASES) >= 60
    assert [each.title for each in CASES if "Traceback" in each.output or "internal error" in each.output] == []
    assert len({(each.file, each.title) for each in CASES}) == len(CASES)
