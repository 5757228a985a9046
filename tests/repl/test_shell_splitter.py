"""Where statements end, and when Enter carries them out."""

from __future__ import annotations

import pytest
from streamsql_repl.prompt import ready
from streamsql_repl.splitter import Statement, all_statements, split

SET = "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT CASE WHEN x THEN 1 END FROM t; INSERT INTO b SELECT 1; END;"


@pytest.mark.parametrize(
    ("text", "statements", "rest"),
    [
        ("", [], ""),
        (" ;; ", [], ""),
        ("SELECT 1; SELECT 2", ["SELECT 1;"], "SELECT 2"),
        ("SELECT ';' || `a;b` || \"c;d\"; x", ["SELECT ';' || `a;b` || \"c;d\";"], "x"),
        ("SELECT 'it''s; '; x", ["SELECT 'it''s; ';"], "x"),
        ("SELECT 1 -- no; end\n; x", ["SELECT 1 -- no; end\n;"], "x"),
        ("SELECT /* no; end */ 1; x", ["SELECT /* no; end */ 1;"], "x"),
        (SET + " x", [SET], "x"),
        ("execute statement set begin end; x", ["execute statement set begin end;"], "x"),
        ("SELECT CASE WHEN a THEN b END; x", ["SELECT CASE WHEN a THEN b END;"], "x"),
        ("\\d a;\n\\timing\nSELECT", ["\\d a;", "\\timing"], "SELECT"),
        ("SELECT 'open; ", [], "SELECT 'open;"),
        ("SELECT ~ 1; x", ["SELECT ~ 1;"], "x"),
    ],
)
def test_statements_end_at_semicolons_of_their_own(text: str, statements: list[str], rest: str) -> None:
    found, left = split(text)
    assert ([each.text for each in found], left) == (statements, rest)


@pytest.mark.parametrize(
    ("text", "is_ready"),
    [
        ("", True),
        ("SELECT 1", False),
        ("SELECT 1;", True),
        ("SELECT 1; -- that is it", True),
        ("SELECT 1; SELECT", False),
        ("SELECT 'a;", False),
        ("/* open ;", False),
        (SET[:-5], False),
        (SET, True),
        ("\\d", True),
        ("exit", True),
        ("help;", True),
        ("exits", False),
    ],
)
def test_enter_carries_out_what_is_finished(text: str, is_ready: bool) -> None:
    assert ready(text) is is_ready


def test_the_last_statement_of_a_script_needs_no_semicolon() -> None:
    assert all_statements("SELECT 1;\nSELECT 2") == (Statement("SELECT 1;", 0), Statement("SELECT 2", 10))


def test_a_statement_keeps_its_line_and_column() -> None:
    text = "SELECT 1;\nSET 'a'; SELECT 2"
    assert all_statements(text)[-1].within(text) == " " * 9 + "\n" + " " * 9 + "SELECT 2"
