"""Wrong inputs and what is said about them: `tests/errors/*.test`, written anew by `python -m tests.errors.catalogue`.

A file begins with a prelude, the first lines of every script. A case begins with `=== what is wrong`; then come
command lines (`$ run q.sql`, which may be left out), the script q.sql, and after `--- exit CODE` all of stderr, in
which `[...]` stands for a list that grows.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from streamsql_repl.cli import run_command

from tests.errors.folder import make_files

FOLDER = Path(__file__).parent
_CASE = re.compile(
    r"^=== (?P<title>.*)\n(?P<input>(?:.*\n)*?)--- exit (?P<code>\d+)\n(?P<output>(?:(?!=== ).*\n)*)", re.M
)


@dataclass(frozen=True, slots=True)
class Case:
    """One wrong input; `prelude` and `sql` make the script, `arguments` the command line."""

    file: str
    title: str
    prelude: str
    arguments: tuple[str, ...]
    sql: str
    code: int
    output: str

    def expects(self, output: str) -> bool:
        """Whether an output is the one of this case."""
        return re.fullmatch(re.escape(self.output).replace(re.escape("[...]"), ".*"), output) is not None

    @property
    def script(self) -> str:
        return self.prelude + self.sql


def cases_of(path: Path) -> list[Case]:
    """The cases of a file."""
    text = path.read_text()
    prelude, mark, rest = text.partition("=== ")
    return [_case(path.stem, prelude, found) for found in _CASE.finditer(mark + rest)]


def _case(file: str, prelude: str, found: re.Match[str]) -> Case:
    lines = found["input"].splitlines(keepends=True)
    commands = [each[2:].split() for each in lines if each.startswith("$ ")]
    sql = "".join(each for each in lines if not each.startswith("$ "))
    (arguments,) = commands or [["run", "q.sql"]]
    return Case(file, found["title"], prelude, tuple(arguments), sql, int(found["code"]), found["output"].strip("\n"))


def all_cases() -> list[Case]:
    """The cases of all files."""
    return [case for path in sorted(FOLDER.glob("*.test")) for case in cases_of(path)]


def rewritten(path: Path, ended: Callable[[Case], tuple[int, str]]) -> str:
    """The text of a file with the exit codes and outputs of today."""
    text = path.read_text()
    prelude, mark, rest = text.partition("=== ")

    def again(found: re.Match[str]) -> str:
        case = _case(path.stem, prelude, found)
        code, output = ended(case)
        output = case.output if case.expects(output) else output
        return f"=== {found['title']}\n{found['input']}--- exit {code}\n{output}\n\n"

    return (prelude + _CASE.sub(again, mark + rest)).rstrip("\n") + "\n"


def _ended(case: Case) -> tuple[int, str]:
    with TemporaryDirectory() as folder, contextlib.chdir(folder):
        make_files(Path(folder))
        (Path(folder) / "q.sql").write_text(case.script)
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
            code = run_command(list(case.arguments))
        return code, said.getvalue().strip("\n")


if __name__ == "__main__":
    for path in sorted(FOLDER.glob("*.test")):
        path.write_text(rewritten(path, _ended))
