"""What is not SQL: the place, the words and the hint of each error."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsql.errors import NotSupportedYet, SqlError, position
from streamsql.sql.dialect.tokens import tokenize
from streamsql.sql.parse import parse_expression, parse_script
from tests.sql_dialect.corpus_statements import corpus


@pytest.mark.parametrize(
    ("sql", "place", "message", "hint"),
    [
        ("SELCT 1", (1, 1), 'found "SELCT"', "did you mean SELECT?"),
        ("SELECT a FORM t", (1, 10), 'unexpected "FORM"', "did you mean FROM?"),
        ("SELECT a\nFROM t GRUOP BY a", (2, 8), 'unexpected "GRUOP"', "did you mean GROUP BY?"),
        ("SELECT a FROM (SELECT b FROM t WHER c)", (1, 32), 'unexpected "WHER"', "did you mean WHERE?"),
        ("SELECT a FROM t WHERE", (1, 22), "expected an expression, found the end of the text", None),
        ("SELECT a, FROM t", (1, 11), 'expected an expression, found "FROM"', "a comma too many"),
        ("SELECT a b c", (1, 12), 'unexpected "c"', "commas between them"),
        ("SELECT (a + 1 FROM t", (1, 15), 'expected ")", found "FROM"', '"(" at line 1, column 8'),
        ("SELECT 'abc", (1, 8), "this string has no closing '", "written twice"),
        ('SELECT "abc', (1, 8), 'this quoted name has no closing "', "written twice"),
        ("SELECT `a", (1, 8), "this quoted name has no closing `", "written twice"),
        ("SELECT a /* b", (1, 10), "this comment has no closing */", None),
        ("SELECT ``", (1, 8), "a quoted name is empty", None),
        ("SELECT 1a", (1, 8), '"1a" is neither a number nor a name', "`1a`"),
        ("SELECT X'abc'", (1, 8), "pairs of hexadecimal digits", None),
        ("SELECT # FROM t", (1, 8), 'unexpected character "#"', None),
        ("SELECT ‘a’", (1, 8), 'unexpected character "‘"', "straight quotes"),
        ("SELECT a::INT", (1, 9), 'unexpected "::"', "CAST(value AS type)"),
        ("SELECT a == 1", (1, 10), 'unexpected "=="', "write = to compare"),
        ("SELECT a ILIKE 'x'", (1, 10), 'unexpected "ILIKE"', "LOWER"),
        ("SELECT TOP 5 a FROM t", (1, 8), 'unexpected "TOP"', "LIMIT"),
        ("SELECT a FROM t MINUS SELECT 1", (1, 17), 'unexpected "MINUS"', "EXCEPT"),
        ("SELECT select FROM t", (1, 8), 'found "select"', "reserved word; as a name it is quoted: `select`"),
        ("SELECT a AS end FROM t", (1, 13), 'expected a name, found "end"', "`end`"),
        ("CREATE TABLE t (from STRING)", (1, 17), "expected a column", "`from`"),
        ("SELECT a FROM order", (1, 15), 'found "order"', "`order`"),
        ("SELECT CAST(a AS TEXT)", (1, 18), "expected a type", "write STRING"),
        ("SELECT CAST(a AS INTT)", (1, 18), "expected a type", "did you mean INT?"),
        ("SELECT CAST(a AS ARRAY<INT)", (1, 27), 'expected ">"', '"<" at line 1, column 23'),
        ("SELECT CAST(a AS DECIMAL(40, 2))", (1, 26), "precision must lie from 1 to 38", None),
        ("SELECT CAST(a AS TIMESTAMP WITH TIME ZONE)", (1, 28), 'unexpected "WITH"', "TIMESTAMP_LTZ"),
        ("SELECT CASE WHEN a THEN 1 FROM t", (1, 27), "WHEN, ELSE or END", "ends with END"),
        ("SELECT a IS NOT 5", (1, 17), "after IS", None),
        ("SELECT INTERVAL 5 MINUTE", (1, 17), "expected a string", "write INTERVAL '5' MINUTE"),
        ("SELECT INTERVAL '5' MINUTS", (1, 21), "expected a unit of time", "did you mean MINUTE?"),
        ("SELECT INTERVAL '5' MONTH TO DAY", (1, 30), "cannot run from MONTH to DAY", None),
        ("SELECT EXTRACT(YEER FROM a)", (1, 16), "expected a unit of time", "did you mean YEAR?"),
        ("SELECT ARRAY(1, 2)", (1, 13), 'expected "["', "ARRAY[1, 2]"),
        ("SELECT SUM(a) OVER (PARTITON BY b)", (1, 21), 'unexpected "PARTITON"', "did you mean PARTITION BY?"),
        ("SELECT * FROM t JOIN u", (1, 23), "expected ON or USING", "CROSS JOIN"),
        ("SELECT * FROM t CROSS JOIN u ON TRUE", (1, 33), "a CROSS JOIN takes no condition", "JOIN ... ON"),
        ("SELECT * FROM t LEFT u ON TRUE", (1, 22), "expected JOIN", None),
        ("SELECT * FROM 'a.csv'", (1, 15), "expected a table", "backticks"),
        ("SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts)))", (1, 51), "TUMBLE lacks its argument SIZE", "size"),
        ("SELECT * FROM TABLE(TUMBLE(t, DESCRIPTOR(ts), x))", (1, 28), "TUMBLE takes TABLE name", "TUMBLE(TABLE t"),
        ("SELECT * FROM TABLE(TUMBLE(TABLE t, ts, x))", (1, 37), "DESCRIPTOR(column)", "DESCRIPTOR(ts)"),
        ("SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), SIZ => x))", (1, 53), "not an argument of TUMBLE", None),
        ("SELECT a FROM t ORDER a", (1, 23), "expected BY after ORDER", None),
        ("SELECT a FROM t ORDER BY a UNION SELECT 1", (1, 28), 'unexpected "UNION"', "parentheses"),
        ("SELECT a FROM t EMIT", (1, 21), "after EMIT", None),
        ("SELECT a FROM t EMIT CHANGE", (1, 22), "after EMIT", "did you mean CHANGES?"),
        ("SELECT a FROM t EMIT FINAL RETRACTING DISCARDING", (1, 39), "accumulation twice", None),
        ("SELECT 1 UNION SELECT 2 ORDER BY 1 EMIT FINAL", (1, 36), "EMIT belongs to one SELECT", "it governs"),
        ("SELECT a /*+ X */ FROM t", (1, 10), 'unexpected "/*+"', "a hint stands after SELECT"),
        ("SELECT * FROM t MATCH_RECOGNIZE (DEFINE A AS TRUE)", (1, 34), "expected PATTERN", None),
        ("SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A{3,2}) DEFINE A AS TRUE)", (1, 43), "repeat 3 to 2", None),
        ("CREATE TABEL t (a INT)", (1, 8), 'found "TABEL"', "did you mean TABLE?"),
        ("CREATE TABLE t (a INT,)", (1, 23), "expected a column", 'remove the ","'),
        ("CREATE TABLE t (a INT b INT)", (1, 23), 'expected "," or ")"', '"," may be missing'),
        ("CREATE TABLE t (a INT, PRIMARY KEY (a))", (1, 39), "expected NOT ENFORCED", "declared, not checked"),
        ("CREATE TABLE t (a INT, WATERMARK ts AS ts)", (1, 34), "expected FOR after WATERMARK", None),
        ("CREATE TABLE t (a INT) WITH (connector = 'x')", (1, 30), "expected an option", "'connector'"),
        ("CREATE TABLE t (a INT) LIKE u (INCLUDING OPTION)", (1, 42), "expected one of ALL", "OPTIONS"),
        ("CREATE VIEW v SELECT 1", (1, 15), "expected AS", None),
        ("INSERT t SELECT 1", (1, 8), "expected INTO", "INSERT INTO"),
        ("INSERT INTO t", (1, 14), "expected a query", None),
        ("SET a = 'b'", (1, 5), "setting's name as a string", "'a'"),
        ("SHOW TABLE", (1, 6), "after SHOW", "did you mean TABLES?"),
        ("DROP t", (1, 6), "after DROP", None),
        ("STATEMENT SET BEGIN INSERT INTO t SELECT 1;", (1, 15), "this BEGIN has no END", "END;"),
        ("EXPLAIN", (1, 8), "expected a statement", None),
        ("SELECT 1; hello", (1, 11), 'found "hello"', None),
        (")", (1, 1), "expected a statement", None),
    ],
)  # fmt: skip
def test_error(sql: str, place: tuple[int, int], message: str, hint: str | None) -> None:
    with pytest.raises(SqlError) as caught:
        parse_script(sql)
    error = caught.value
    assert error.span is not None
    assert message in error.message
    assert position(sql, error.span.start) == place
    assert (hint in error.hint) if hint and error.hint else error.hint == hint


def test_the_whole_message() -> None:
    sql = "SELECT a\n  FROM t GRUOP BY a"
    with pytest.raises(SqlError) as caught:
        parse_script(sql)
    assert str(caught.value.with_source(sql, "query.sql")) == "\n".join(
        [
            'syntax error: unexpected "GRUOP"',
            "  at query.sql:2:10",
            "    2 |   FROM t GRUOP BY a",
            "      |          ^^^^^",
            "hint: did you mean GROUP BY?",
        ]
    )


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("ALTER TABLE t ADD c INT", "the statement ALTER"),
        ("CREATE OR REPLACE VIEW v AS SELECT 1", "CREATE OR REPLACE"),
        ("CREATE DATABASE d", "CREATE DATABASE"),
        ("USE MODULES core", "USE MODULES"),
    ],
)
def test_what_flink_has_and_this_dialect_leaves_out(sql: str, what: str) -> None:
    with pytest.raises(NotSupportedYet, match=f"not supported yet: {what}"):
        parse_script(sql)


@pytest.mark.parametrize("sql", ["1 2", "", "a,", "SELECT 1"])
def test_not_one_expression(sql: str) -> None:
    with pytest.raises(SqlError):
        parse_expression(sql)


def test_nesting_without_end() -> None:
    with pytest.raises(SqlError, match="nested too deeply"):
        parse_script("SELECT " + "(" * 20_000)


STATEMENTS = sorted(corpus().values())


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.sampled_from(STATEMENTS), st.sampled_from(STATEMENTS), st.data())
def test_broken_statements_end_in_an_error_with_a_place(first: str, second: str, data: st.DataObject) -> None:
    """A token cut out, put in or exchanged gives a statement or an error inside the text, and nothing else."""
    tokens = tokenize(first)
    victim = data.draw(st.sampled_from(tokens))
    donor = data.draw(st.sampled_from(tokenize(second)))
    replacement = data.draw(st.sampled_from(["", second[donor.start : donor.end + 1]]))
    end = data.draw(st.sampled_from([victim.end + 1, victim.start]))
    broken = f"{first[: victim.start]} {replacement} {first[end:]}"
    try:
        parse_script(broken)
    except SqlError as error:
        assert error.span is not None
        assert 0 <= error.span.start <= error.span.end <= len(broken)
        assert str(error.with_source(broken))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.sampled_from(STATEMENTS), st.data())
def test_a_statement_cut_short_ends_in_an_error_with_a_place(statement: str, data: st.DataObject) -> None:
    cut = statement[: data.draw(st.integers(0, len(statement)))]
    try:
        parse_script(cut)
    except SqlError as error:
        assert error.span is not None
        assert 0 <= error.span.start <= error.span.end <= len(cut)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_statements_or_an_error(text: str) -> None:
    try:
        parse_script(text)
    except SqlError as error:
        assert error.span is not None
