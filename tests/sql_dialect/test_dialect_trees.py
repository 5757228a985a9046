"""The nodes that the package's docstring promises for each form."""

from __future__ import annotations

import pytest

from streamsql.errors import Span
from streamsql.sql import dialect as d
from streamsql.sql.dialect import Call, Symbol, exp
from streamsql.sql.parse import parse_expression, parse_script, span_of


def name(text: str, quoted: bool = False) -> exp.Identifier:
    return exp.Identifier(this=text, quoted=quoted)


def column(*parts: str) -> exp.Column:
    return exp.Column(**dict(zip(("this", "table", "db", "catalog"), map(name, reversed(parts)), strict=False)))


def number(text: str) -> exp.Literal:
    return exp.Literal(this=text, is_string=False)


def text(value: str) -> exp.Literal:
    return exp.Literal(this=value, is_string=True)


A, B, C, X = column("a"), column("b"), column("c"), column("x")


@pytest.mark.parametrize(
    ("sql", "tree"),
    [
        ("t.a", column("t", "a")),
        ('"a"', exp.Column(this=name("a", quoted=True))),
        ("f(x).y", exp.Dot(this=Call(this="F", expressions=[X]), expression=name("y"))),
        ("x[1]", exp.Bracket(this=X, expressions=[number("1")])),
        ("-1", exp.Neg(this=number("1"))),
        ("x'0A'", exp.HexString(this="0a")),
        ("DATE '2025-01-01'", d.TypedLiteral(this=text("2025-01-01"), kind="DATE")),
        ("INTERVAL -'1:30' HOUR(3) TO MINUTE",
         d.IntervalLiteral(this=text("1:30"), unit="HOUR", negative=True, precision=3, to="MINUTE")),
        ("INTERVAL '1.5' SECOND(2, 3)", d.IntervalLiteral(this=text("1.5"), unit="SECOND", precision=2, fraction=3)),
        ("a + b * c", exp.Add(this=A, expression=exp.Mul(this=B, expression=C))),
        ("a || b + c", exp.Add(this=exp.DPipe(this=A, expression=B), expression=C)),
        ("a OR b AND c", exp.Or(this=A, expression=exp.And(this=B, expression=C))),
        ("NOT a = b", exp.Not(this=exp.EQ(this=A, expression=B))),
        ("a = b IS NULL", d.IsNull(this=exp.EQ(this=A, expression=B))),
        ("a IS NOT TRUE", exp.Not(this=d.IsTruth(this=A, value="TRUE"))),
        ("a IS JSON", d.IsJson(this=A, kind="VALUE")),
        ("a IS DISTINCT FROM b", exp.NullSafeNEQ(this=A, expression=B)),
        ("a IS NOT DISTINCT FROM b", exp.NullSafeEQ(this=A, expression=B)),
        ("a NOT IN (b, c)", exp.Not(this=exp.In(this=A, expressions=[B, C]))),
        ("a LIKE b ESCAPE c", d.Like(this=A, expression=B, escape=C)),
        ("a SIMILAR TO b", d.SimilarTo(this=A, expression=B)),
        ("CASE a WHEN b THEN c END", exp.Case(this=A, ifs=[exp.If(this=B, true=C)])),
        ("CAST(a AS STRING)", exp.Cast(this=A, to=d.TypeName(this="VARCHAR"))),
        ("TRY_CAST(a AS DECIMAL(5, 2))", exp.TryCast(this=A, to=d.TypeName(this="DECIMAL", precision=5, scale=2))),
        ("Upper(a)", Call(this="UPPER", expressions=[A])),
        ("duckdb.f(a)", Call(this="F", expressions=[A], namespace=[name("duckdb")])),
        ("current_date", Call(this="CURRENT_DATE")),
        ("ARRAY[a, b]", Call(this="ARRAY", expressions=[A, B])),
        ("MAP[a, b]", Call(this="MAP", expressions=[A, B])),
        ("ROW(a, b)", Call(this="ROW", expressions=[A, B])),
        ("(a, b)", exp.Tuple(expressions=[A, B])),
        ("COUNT(*)", Call(this="COUNT", expressions=[exp.Star()])),
        ("SUM(DISTINCT a) FILTER (WHERE b)", Call(this="SUM", expressions=[A], distinct=True, filter=B)),
        ("LAST_VALUE(a) IGNORE NULLS", Call(this="LAST_VALUE", expressions=[A], null_treatment="IGNORE")),
        ("LISTAGG(a, ',') WITHIN GROUP (ORDER BY b DESC NULLS LAST)",
         Call(this="LISTAGG", expressions=[A, text(",")],
              within_group=[d.SortKey(this=B, descending=True, nulls="LAST")])),
        ("SUM(a) OVER w", Call(this="SUM", expressions=[A], over=d.WindowSpec(this=name("w")))),
        ("SUM(a) OVER (PARTITION BY b ORDER BY c ROWS 2 PRECEDING)",
         Call(this="SUM", expressions=[A], over=d.WindowSpec(
             partition_by=[B], order_by=[d.SortKey(this=C)],
             frame=d.Frame(unit="ROWS", start=d.FrameBound(kind="PRECEDING", this=number("2")),
                           end=d.FrameBound(kind="CURRENT ROW"))))),
        ("f(x => a)", Call(this="F", expressions=[d.NamedArgument(this=name("x"), expression=A)])),
        ("EXTRACT(YEAR FROM a)", Call(this="EXTRACT", expressions=[Symbol(this="YEAR"), A])),
        ("FLOOR(a TO DAY)", Call(this="FLOOR", expressions=[A, Symbol(this="DAY")])),
        ("TIMESTAMPDIFF(DAY, a, b)", Call(this="TIMESTAMPDIFF", expressions=[Symbol(this="DAY"), A, B])),
        ("TRIM(a FROM b)", Call(this="TRIM", expressions=[Symbol(this="BOTH"), A, B])),
        ("TRIM(a)", Call(this="TRIM", expressions=[A])),
        ("SUBSTRING(a FROM b FOR c)", Call(this="SUBSTRING", expressions=[A, B, C])),
        ("POSITION(a IN b)", Call(this="POSITION", expressions=[A, B])),
        ("OVERLAY(a PLACING b FROM c)", Call(this="OVERLAY", expressions=[A, B, C])),
        ("JSON_VALUE(a, '$' RETURNING INT DEFAULT b ON ERROR)",
         d.JsonCall(this="JSON_VALUE", expressions=[A, text("$")], returning=d.TypeName(this="INT"),
                    on_error=d.JsonBehaviour(kind="DEFAULT", this=B))),
        ("JSON_OBJECT(KEY a VALUE b ABSENT ON NULL)",
         d.JsonCall(this="JSON_OBJECT", expressions=[A, B], on_null="ABSENT")),
    ],
)  # fmt: skip
def test_expression(sql: str, tree: exp.Expression) -> None:
    assert parse_expression(sql) == tree


@pytest.mark.parametrize(
    ("sql", "kind", "precision", "scale"),
    [
        ("DECIMAL", "DECIMAL", 10, 0),
        ("NUMERIC(5)", "DECIMAL", 5, 0),
        ("CHAR", "CHAR", 1, None),
        ("VARCHAR", "VARCHAR", None, None),
        ("VARCHAR(7)", "VARCHAR", 7, None),
        ("BYTES", "VARBINARY", None, None),
        ("BINARY", "BINARY", 1, None),
        ("TIME", "TIME", 0, None),
        ("TIMESTAMP", "TIMESTAMP", 6, None),
        ("TIMESTAMP(3) WITHOUT TIME ZONE", "TIMESTAMP", 3, None),
        ("TIMESTAMP(3) WITH LOCAL TIME ZONE", "TIMESTAMP_LTZ", 3, None),
        ("DOUBLE PRECISION", "DOUBLE", None, None),
        ("INTEGER", "INT", None, None),
        ("INTERVAL YEAR(4)", "INTERVAL YEAR TO MONTH", None, None),
        ("INTERVAL DAY TO SECOND(3)", "INTERVAL DAY TO SECOND", None, None),
    ],
)
def test_types_have_one_name_and_all_their_digits(
    sql: str, kind: str, precision: int | None, scale: int | None
) -> None:
    type_ = parse_expression(f"CAST(a AS {sql})").args["to"]
    assert (type_.this, type_.args.get("precision"), type_.args.get("scale")) == (kind, precision, scale)


def test_nested_types() -> None:
    type_ = parse_expression("CAST(a AS ROW<x INT NOT NULL, y MAP<STRING, ARRAY<DOUBLE>> 'why'>)").args["to"]
    x, y = type_.expressions
    assert (x.name, x.args["data_type"].this, x.args["data_type"].args["not_null"]) == ("x", "INT", True)
    assert (y.name, y.args["comment"].this) == ("y", "why")
    assert [each.this for each in y.args["data_type"].find_all(d.TypeName)] == ["MAP", "VARCHAR", "ARRAY", "DOUBLE"]


@pytest.mark.parametrize(
    "arguments",
    [
        "TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '1' MINUTE",
        "SIZE => INTERVAL '1' MINUTE, DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), slide => INTERVAL '5' SECOND",
    ],
)
@pytest.mark.parametrize("form", ["TABLE(HOP({}))", "HOP({})"])
def test_window_functions_name_their_arguments(form: str, arguments: str) -> None:
    (parsed,) = parse_script(f"SELECT * FROM {form.format(arguments)} AS w")
    window = parsed.tree.args["from_"].this
    assert window == d.WindowTable(
        this=exp.Table(this=name("t")),
        function="HOP",
        time_column=column("ts"),
        slide=d.IntervalLiteral(this=text("5"), unit="SECOND"),
        size=d.IntervalLiteral(this=text("1"), unit="MINUTE"),
        alias=exp.TableAlias(this=name("w")),
    )


def test_session_keys_stop_before_the_next_argument() -> None:
    sql = "SELECT * FROM TABLE(SESSION(TABLE t PARTITION BY a, b, DESCRIPTOR(ts), INTERVAL '1' MINUTE))"
    window = parse_script(sql)[0].tree.find(d.WindowTable)
    assert window is not None
    assert window.args["partition_by"] == [A, B]


def test_a_comma_binds_weaker_than_a_join() -> None:
    tree = parse_script("SELECT * FROM a, b JOIN c ON TRUE")[0].tree.args["from_"].this
    assert (tree.args["kind"], tree.args["comma"], tree.this.name) == ("CROSS", True, "a")
    assert (tree.expression.args["kind"], tree.expression.this.name) == ("INNER", "b")


@pytest.mark.parametrize("sql", ["SELECT 1", "VALUES 1", "TABLE t", "(SELECT 1)", "SELECT 1 EXCEPT SELECT 2"])
def test_every_query_is_a_query(sql: str) -> None:
    assert isinstance(parse_script(sql)[0].tree, exp.Query)


def test_intersect_binds_stronger_than_union() -> None:
    tree = parse_script("SELECT 1 UNION SELECT 2 INTERSECT ALL SELECT 3")[0].tree
    assert isinstance(tree, exp.Union)
    assert isinstance(tree.expression, exp.Intersect)
    assert (tree.args["distinct"], tree.expression.args["distinct"]) == (True, False)


@pytest.mark.parametrize(
    ("clause", "emit"),
    [
        ("FINAL", d.Emit(mode="FINAL")),
        ("ON WINDOW CLOSE", d.Emit(mode="FINAL")),
        ("CHANGES ACCUMULATING", d.Emit(mode="CHANGES", accumulation="ACCUMULATING")),
        ("WHEN a ALLOWED LATENESS INTERVAL '1' DAY",
         d.Emit(mode="WHEN", condition=A, lateness=d.IntervalLiteral(this=text("1"), unit="DAY"))),
        ("EVERY INTERVAL '1' DAY ON PROCESSING TIME",
         d.Emit(mode="PROCESSING TIME", every=d.IntervalLiteral(this=text("1"), unit="DAY"))),
    ],
)  # fmt: skip
def test_emit(clause: str, emit: d.Emit) -> None:
    assert parse_script(f"SELECT a FROM t EMIT {clause}")[0].tree.args["emit"] == emit
    assert parse_script(f"SELECT a FROM t ORDER BY a LIMIT 1 EMIT {clause}")[0].tree.args["emit"] == emit


def test_create_table() -> None:
    sql = """CREATE TABLE IF NOT EXISTS db.t (
        id INT NOT NULL, n AS id * 2, k STRING METADATA FROM 'key' VIRTUAL, ts TIMESTAMP(3) COMMENT 'when',
        WATERMARK FOR ts AS ts - INTERVAL '5' SECOND, PRIMARY KEY (id) NOT ENFORCED
    ) WITH ('connector' = 'kafka')"""
    table = parse_script(sql)[0].tree
    id_, n, k, ts = table.args["columns"]
    assert isinstance(table, d.CreateTable)
    assert (table.args["exists"], table.args["temporary"], table.this.db) == (True, False, "db")
    assert isinstance(id_, d.PhysicalColumn)
    assert isinstance(n, d.ComputedColumn)
    assert isinstance(k, d.MetadataColumn)
    assert (k.args["key"].this, k.args["virtual"], ts.args["comment"].this) == ("key", True, "when")
    assert table.args["watermarks"] == [
        d.Watermark(
            this=column("ts"),
            expression=exp.Sub(this=column("ts"), expression=d.IntervalLiteral(this=text("5"), unit="SECOND")),
        )
    ]
    assert table.args["primary_key"] == d.PrimaryKey(expressions=[name("id")])
    assert table.args["options"] == [d.Option(this=text("connector"), expression=text("kafka"))]


def test_pattern() -> None:
    sql = "SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A B{2,}? (C | D)*) DEFINE A AS TRUE)"
    match = parse_script(sql)[0].tree.find(d.MatchRecognize)
    assert match is not None
    assert match.args["pattern"] == d.PatternSequence(
        expressions=[
            name("A"),
            d.PatternRepeat(this=name("B"), low=2, reluctant=True),
            d.PatternRepeat(this=d.PatternAlternatives(expressions=[name("C"), name("D")]), low=0),
        ]
    )


@pytest.mark.parametrize(
    ("sql", "piece"),
    [
        ("a + SUM(b + 1) OVER (ORDER BY c) * 2", "SUM(b + 1) OVER (ORDER BY c)"),
        ("1 + CAST( a AS INT )", "CAST( a AS INT )"),
        ("1 + CASE WHEN a THEN b END", "CASE WHEN a THEN b END"),
        ("NOT a NOT IN (1,\n 2)", "a NOT IN (1,\n 2)"),
        ("x || 'it''s'", "'it''s'"),
        ("(a) * INTERVAL '1' DAY", "INTERVAL '1' DAY"),
    ],
)
def test_span_of_an_expression(sql: str, piece: str) -> None:
    start = sql.index(piece)
    spans = {span_of(node) for node in parse_expression(sql).walk() if isinstance(node, exp.Expression)}
    assert Span(start, start + len(piece)) in spans


def test_span_of_what_was_not_parsed() -> None:
    assert span_of(exp.Add(this=number("1"), expression=number("2"))) is None
    assert span_of(exp.Add(this=parse_expression("   b"), expression=number("2"))) == Span(3, 4)
