"""docs/command_line.md and docs/repl.md say what every flag and command is for."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from streamsql_repl.cli import streamsql
from streamsql_repl.commands import COMMANDS

DOCS = Path(__file__).parents[2] / "docs"
FLAGS = sorted(
    (name, flag)
    for name, command in {"streamsql": streamsql, **streamsql.commands}.items()
    for parameter in command.params
    if isinstance(parameter, click.Option)
    for flag in parameter.opts
)


@pytest.mark.parametrize(("command", "flag"), FLAGS)
def test_every_flag_is_documented(command: str, flag: str) -> None:
    page = (DOCS / "command_line.md").read_text()
    assert re.search(rf"(?<![\w-]){flag}(?![\w-])", page), f"{command} {flag}"


def test_every_command_is_documented() -> None:
    page = (DOCS / "command_line.md").read_text()
    assert [name for name in streamsql.commands if f"streamsql {name}" not in page] == []
    shell = (DOCS / "repl.md").read_text()
    assert [name for name in COMMANDS if f"`\\{name}`" not in shell and f"`\\{name} " not in shell] == []


@pytest.mark.parametrize("name", ["streamsql", *streamsql.commands])
def test_help_says_what_every_option_does(name: str) -> None:
    command = streamsql.commands.get(name, streamsql)
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert [each.name for each in options if not each.help] == []
