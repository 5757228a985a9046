"""Every block of every page, typed in: commands show what the page says, scripts run."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamsql_repl.cli import run_command

from tests.docs.pages import NOT_RUN, ROOT, Reader, blocks, commands, fits

PAGES = sorted(
    [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.md")], key=lambda each: each.name
)


def _with(language: str) -> list[object]:
    return [pytest.param(each, id=f"{each.parent.name}/{each.name}") for each in PAGES if blocks(each, language)]


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    yield Reader(tmp_path, monkeypatch)
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.parametrize("page", _with("console"))
def test_commands_show_what_the_page_says(page: Path, reader: Reader) -> None:
    for each in blocks(page, "sql"):
        reader.write(each)
    for block in blocks(page, "console"):
        for command, below in commands(block):
            if not command.startswith(NOT_RUN):
                shown = reader.enter(command, below)
                assert fits(below, shown), f"{page.name}: $ {command}\n{shown}"


@pytest.mark.parametrize("page", _with("sql"))
def test_scripts_run(page: Path, reader: Reader, capsys: pytest.CaptureFixture[str]) -> None:
    for each in blocks(page, "sql"):
        arguments = ["run", name] if (name := reader.write(each)) else ["-c", each]
        assert run_command(arguments) == 0, capsys.readouterr().err


@pytest.mark.parametrize("page", [pytest.param(each, id=f"{each.parent.name}/{each.name}") for each in PAGES])
def test_what_is_typed_stands_in_console_blocks(page: Path) -> None:
    for language in ("", "sql", "python"):
        for each in blocks(page, language):
            assert not re.search(r"^(\$|streamsql>) ", each, re.MULTILINE), f"{page.name}:\n{each}"
