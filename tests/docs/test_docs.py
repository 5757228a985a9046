"""The documentation says what is true: function table, links, commands, SQL blocks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamsql_repl.listings import all_plugins

from tests.docs import aggregate_table
from tests.docs.function_table import PAGE, page_with_table

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_function_table_is_the_engines() -> None:
    assert PAGE.read_text() == page_with_table(PAGE.read_text()), "run python -m tests.docs.function_table"


def test_aggregate_table_is_the_engines() -> None:
    text = PAGE.read_text()
    assert text == aggregate_table.page_with_table(text), "run python -m tests.docs.aggregate_table"


@pytest.mark.parametrize("page", [pytest.param(each, id=each.name) for each in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", [pytest.param(each, id=each.name) for each in PAGES])
def test_files_that_are_named_exist(page: Path) -> None:
    for name in re.findall(
        r"`((?:streamsql|tests|docs|examples|benchmarks|repl|connectors)/[\w./-]+\.\w+)`", page.read_text()
    ):
        assert (ROOT / name).exists(), f"{page.name} names {name}"


def test_python_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == re.search(r"to_arrow\(\).to_pylist\(\)\)\s*# (.*)", block)[1]  # type: ignore[index]


@pytest.mark.parametrize(
    "page", [pytest.param(each, id=each.name) for each in PAGES if "```python" in each.read_text()]
)
def test_python_blocks_run(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All blocks of a page, as one module: annotations and variables are looked up as in a program."""
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    exec(compile("\n".join(blocks), str(page), "exec"), {"__name__": "page"})


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    assert [each.name for each in (ROOT / "docs").glob("*.md") if f"]({each.name})" not in index] == ["README.md"]


def test_every_option_of_connectors_and_formats_is_documented() -> None:
    page = (ROOT / "docs" / "files.md").read_text()
    options = [(each.name, option.name) for each in all_plugins() for option in each.options]
    assert [each for each in options if each[1] not in page and f"`.{each[1].rpartition('.')[2]}`" not in page] == []
