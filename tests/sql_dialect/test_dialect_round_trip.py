"""Parse, write, parse again: the tree is the same, for the whole grammar."""

from __future__ import annotations

import pytest
import sqlglot

from streamsql.errors import Span
from streamsql.sql.dialect import Call, exp
from streamsql.sql.dialect.flink import Flink
from streamsql.sql.parse import parse_expression, parse_script, span_of, to_sql
from tests.sql_dialect.corpus_statements import corpus


def test_the_corpus_is_large() -> None:
    assert len(corpus()) >= 200


@pytest.mark.parametrize("place", corpus())
def test_text_of_a_tree_parses_to_the_same_tree(place: str) -> None:
    (parsed,) = parse_script(corpus()[place])
    text = to_sql(parsed.tree)
    (again,) = parse_script(text)
    assert again.tree == parsed.tree, text
    assert to_sql(again.tree) == text
    assert not list(parsed.tree.find_all(exp.Command))


@pytest.mark.parametrize("place", corpus())
def test_every_node_knows_its_place(place: str) -> None:
    text = corpus()[place]
    (parsed,) = parse_script(text)
    assert parsed.span == Span(0, len(text))
    for node in parsed.tree.find_all(Call, exp.Cast, exp.Case, exp.Literal, exp.Add, exp.EQ, exp.And, exp.Neg):
        span = span_of(node)
        if span is None:
            # What the text leaves out has no place: the blank of TRIM(LEADING FROM x), the 1 of FETCH FIRST ROW.
            assert isinstance(node, exp.Literal) and node.this in (" ", "1")
        elif not (isinstance(node, Call) and node.this in ("FINAL", "RUNNING")):
            assert parse_expression(text[span.start : span.end]) == node


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("select a From t where x<>1 and y!=2", "SELECT a FROM t WHERE x <> 1 AND y <> 2"),
        ("SELECT x SIMILAR TO 'a|b'", "SELECT x SIMILAR TO 'a|b'"),
        ('SELECT "a", `b`, `select`', "SELECT `a`, `b`, `select`"),
        ("SELECT Sum(a), substr(b,1)", "SELECT SUM(a), SUBSTR(b, 1)"),
        ("SELECT SUBSTRING(a FROM 1 FOR 2)", "SELECT SUBSTRING(a, 1, 2)"),
        ("SELECT CEILING(a)", "SELECT CEIL(a)"),
        ("SELECT INTERVAL '10' MINUTES", "SELECT INTERVAL '10' MINUTE"),
        ("SELECT CAST(a AS INTEGER), CAST(b AS STRING)", "SELECT CAST(a AS INT), CAST(b AS STRING)"),
        ("SELECT CAST(a AS VARCHAR(9)), CAST(b AS DEC(4))", "SELECT CAST(a AS VARCHAR(9)), CAST(b AS DECIMAL(4, 0))"),
        ("SELECT CAST(a AS TIMESTAMP(3) WITH LOCAL TIME ZONE)", "SELECT CAST(a AS TIMESTAMP_LTZ(3))"),
        ("SELECT a FROM t FETCH FIRST 3 ROWS ONLY", "SELECT a FROM t LIMIT 3"),
        ("SELECT a FROM t x", "SELECT a FROM t AS x"),
        ("SELECT a FROM t EMIT ON WINDOW CLOSE", "SELECT a FROM t EMIT FINAL"),
        ("SELECT 'it''s', 'a\\n'", "SELECT 'it''s', 'a\\n'"),
        ("SELECT * FROM HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' DAY, INTERVAL '2' DAY)",
         "SELECT * FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' DAY, INTERVAL '2' DAY))"),
        ("SELECT - -1, a - -1", "SELECT - -1, a - -1"),
        ("DESC t", "DESCRIBE t"),
    ],
)  # fmt: skip
def test_text_is_canonical(sql: str, text: str) -> None:
    assert to_sql(parse_script(sql)[0].tree) == text


def test_long_chains_do_not_exhaust_the_stack() -> None:
    condition = " OR ".join(f"a = {number}" for number in range(5000))
    query = " UNION ALL ".join(["SELECT 1"] * 3000)
    assert to_sql(parse_expression(condition)) == condition
    assert to_sql(parse_script(query)[0].tree) == query


def test_empty_statements_are_skipped() -> None:
    script = ";;\n-- nothing\nSELECT 1;\n/* nothing */;;SELECT 2;"
    assert [to_sql(each.tree) for each in parse_script(script)] == ["SELECT 1", "SELECT 2"]
    assert [script[each.span.start : each.span.end] for each in parse_script(script)] == ["SELECT 1", "SELECT 2"]
    assert parse_script("") == parse_script(" \n;-- end") == []


def test_sqlglot_itself_reads_and_writes_the_dialect() -> None:
    tree = sqlglot.parse_one("SELECT a FROM t EMIT CHANGES", dialect=Flink)
    assert tree.sql(dialect=Flink) == "SELECT a FROM t EMIT CHANGES"


def test_names_keep_their_case_and_functions_do_not() -> None:
    assert parse_expression("Price") != parse_expression("price")
    assert parse_expression("Upper(a)") == parse_expression("UPPER(a)")
