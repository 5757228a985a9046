"""Queries and relations as text."""

from __future__ import annotations

from typing import Any

from sqlglot import exp
from sqlglot.generator import Generator

from streamsql.sql.dialect import nodes
from streamsql.sql.dialect.generator_expressions import Text, clause, listed
from streamsql.sql.dialect.parser_relations import WINDOW_ARGUMENTS

SET_WORDS: dict[type[exp.Expression], str] = {
    exp.Union: "UNION",
    exp.Intersect: "INTERSECT",
    exp.Except: "EXCEPT",
}


def _around_query(text: Generator, node: exp.Expression, core: str) -> str:
    """WITH before, ORDER BY, LIMIT, OFFSET and EMIT after."""
    args = node.args
    with_ = f"{text.sql(args['with_'])} " if args.get("with_") is not None else ""
    order = f" ORDER BY {listed(text, args['order'].expressions)}" if args.get("order") is not None else ""
    limits = f" OFFSET {text.sql(args['offset'].expression)}" if args.get("offset") is not None else ""
    if (limit := args.get("limit")) is not None:
        amount = text.sql(limit.expression)
        ties = limit.args.get("limit_options")
        limits = f"{limits} FETCH FIRST {amount} ROWS WITH TIES" if ties else f" LIMIT {amount}{limits}"
    emit = f" {text.sql(args['emit'])}" if args.get("emit") is not None else ""
    return with_ + core + order + limits + emit


def _select(text: Generator, node: exp.Select) -> str:
    args = node.args
    parts = ["SELECT"]
    if args.get("hint") is not None:
        parts.append(text.sql(args["hint"]))
    if args.get("distinct") is not None:
        on = args["distinct"].args.get("on")
        parts.append("DISTINCT" if on is None else f"DISTINCT ON {text.sql(on)}")
    parts.append(listed(text, node.expressions))
    parts += [
        f"{word} {text.sql(args[key].this)}"
        for word, key in (("FROM", "from_"), ("WHERE", "where"))
        if args.get(key) is not None
    ]
    if args.get("group") is not None:
        keys = "ALL" if args["group"].args.get("all") else listed(text, args["group"].expressions)
        parts.append(f"GROUP BY {keys}")
    if args.get("having") is not None:
        parts.append(f"HAVING {text.sql(args['having'].this)}")
    if args.get("windows"):
        parts.append(f"WINDOW {listed(text, args['windows'])}")
    if args.get("qualify") is not None:
        parts.append(f"QUALIFY {text.sql(args['qualify'].this)}")
    return _around_query(text, node, " ".join(parts))


def _star(text: Generator, node: exp.Star) -> str:
    words = {"except_": "EXCLUDE", "replace": "REPLACE", "rename": "RENAME"}
    parts = [f"{word} ({listed(text, node.args[key])})" for key, word in words.items() if node.args.get(key)]
    return " ".join(["*", *parts])


def _set_operation(text: Generator, node: exp.SetOperation) -> str:
    """A chain of unions can be long, so its left side is walked, not recursed into."""
    parts: list[str] = []
    left: Any = node
    while (word := SET_WORDS.get(type(left))) is not None:
        every = "" if left.args.get("distinct") else " ALL"
        parts.append(f"{word}{every} {text.sql(left.expression)}")
        left = left.this
    return _around_query(text, node, " ".join([text.sql(left), *reversed(parts)]))


def _with(text: Generator, node: exp.With) -> str:
    return f"WITH {'RECURSIVE ' if node.args.get('recursive') else ''}{listed(text, node.expressions)}"


def _cte(text: Generator, node: exp.CTE) -> str:
    advice = {None: "", True: "MATERIALIZED ", False: "NOT MATERIALIZED "}[node.args.get("materialized")]
    return f"{text.sql(node, 'alias')} AS {advice}({text.sql(node.this)})"


def _table_alias(text: Generator, node: exp.TableAlias) -> str:
    columns = node.args.get("columns")
    return text.sql(node.this) + (f" ({listed(text, columns)})" if columns else "")


def _emit(text: Generator, node: nodes.Emit) -> str:
    args, mode = node.args, node.args["mode"]
    written = f"EMIT {mode}"
    if args.get("every") is not None:
        written = f"EMIT EVERY {text.sql(args['every'])} ON {mode}"
    if args.get("condition") is not None:
        written += f" {text.sql(args['condition'])}"
    written += clause(text, "ALLOWED LATENESS", args.get("lateness"))
    return written + (f" {args['accumulation']}" if args.get("accumulation") else "")


# Relations


def _aliased(text: Generator, node: exp.Expression, written: str) -> str:
    return written + clause(text, "AS", node.args.get("alias"))


def _table(text: Generator, node: exp.Table) -> str:
    written = ".".join(text.sql(part) for key in ("catalog", "db", "this") if (part := node.args.get(key)) is not None)
    if node.args.get("hints") is not None:
        written += f" {text.sql(node.args['hints'])}"
    written += clause(text, "FOR SYSTEM_TIME AS OF", node.args.get("version"))
    return _aliased(text, node, written)


def _subquery(text: Generator, node: exp.Subquery) -> str:
    lateral = "LATERAL " if node.args.get("lateral") else ""
    return _aliased(text, node, _around_query(text, node, f"{lateral}({text.sql(node.this)})"))


def _joined_table(text: Generator, node: nodes.JoinedTable) -> str:
    args = node.args
    left, right, kind = text.sql(node.this), text.sql(node.expression), args["kind"]
    if args.get("comma"):
        return f"{left}, {right}"
    words = ["NATURAL"] if args.get("natural") else []
    words += ["ASOF"] if args.get("asof") else []
    words += ["JOIN"] if kind == "INNER" else [kind, "JOIN"]
    written = f"{left} {' '.join(words)} {right}"
    written += clause(text, "MATCH_CONDITION", args.get("match_condition")) + clause(text, "ON", args.get("on"))
    return written + (f" USING ({listed(text, args['using'])})" if args.get("using") else "")


def _window_table(text: Generator, node: nodes.WindowTable) -> str:
    args, function = node.args, node.args["function"]
    table = text.sql(node.this)
    source = f"TABLE {table}" if isinstance(node.this, exp.Table) else table
    if args.get("partition_by"):
        source += f" PARTITION BY ({listed(text, args['partition_by'])})"
    rest = [text.sql(args[name]) for name in WINDOW_ARGUMENTS[function][2:] if args.get(name) is not None]
    written = ", ".join([source, f"DESCRIPTOR({text.sql(node, 'time_column')})", *rest])
    return _aliased(text, node, f"TABLE({function}({written}))")


def _table_function(text: Generator, node: nodes.TableFunction) -> str:
    lateral = "LATERAL " if node.args.get("lateral") else ""
    return _aliased(text, node, f"{lateral}TABLE({text.sql(node.this)})")


def _table_argument(text: Generator, node: nodes.TableArgument) -> str:
    written = f"TABLE {text.sql(node.this)}"
    if node.args.get("partition_by"):
        written += f" PARTITION BY ({listed(text, node.args['partition_by'])})"
    if node.args.get("order_by"):
        written += f" ORDER BY {listed(text, node.args['order_by'])}"
    return written


def _unnest(text: Generator, node: nodes.Unnest) -> str:
    ordinality = " WITH ORDINALITY" if node.args.get("ordinality") else ""
    return _aliased(text, node, f"UNNEST({listed(text, node.expressions)}){ordinality}")


def _hint(text: Generator, node: nodes.Hint) -> str:
    arguments = f"({listed(text, node.expressions)})" if node.expressions else ""
    return f"{node.this}{arguments}"


# MATCH_RECOGNIZE


def _match_recognize(text: Generator, node: nodes.MatchRecognize) -> str:
    args = node.args
    parts = []
    for words, key in (("PARTITION BY", "partition_by"), ("ORDER BY", "order_by"), ("MEASURES", "measures")):
        if args.get(key):
            parts.append(f"{words} {_measures(text, args[key]) if key == 'measures' else listed(text, args[key])}")
    if rows := args.get("rows_per_match"):
        parts.append("ONE ROW PER MATCH" if rows == "ONE" else "ALL ROWS PER MATCH")
    if args.get("after") is not None:
        parts.append(text.sql(args["after"]))
    start, end = "^ " if args.get("strict_start") else "", " $" if args.get("strict_end") else ""
    parts.append(f"PATTERN ({start}{text.sql(args['pattern'])}{end}){clause(text, 'WITHIN', args.get('within'))}")
    if args.get("subsets"):
        parts.append(f"SUBSET {listed(text, args['subsets'])}")
    definitions = (f"{text.sql(each, 'alias')} AS {text.sql(each.this)}" for each in args["define"])
    parts.append(f"DEFINE {', '.join(definitions)}")
    return _aliased(text, node, f"{text.sql(node.this)} MATCH_RECOGNIZE ({' '.join(parts)})")


def _measures(text: Generator, measures: list[exp.Alias]) -> str:
    return ", ".join(f"{_measure(text, each.this)} AS {text.sql(each, 'alias')}" for each in measures)


def _measure(text: Generator, value: exp.Expression) -> str:
    if isinstance(value, nodes.Call) and value.this in ("FINAL", "RUNNING") and len(value.expressions) == 1:
        return f"{value.this} {text.sql(value.expressions[0])}"
    return text.sql(value)


def _skip_to(text: Generator, node: nodes.SkipTo) -> str:
    variable = f" {text.sql(node.this)}" if node.args.get("this") is not None else ""
    return f"AFTER MATCH SKIP {node.args['kind']}{variable}"


def _pattern_sequence(text: Generator, node: nodes.PatternSequence) -> str:
    return " ".join(_grouped(text, each) for each in node.expressions)


def _pattern_repeat(text: Generator, node: nodes.PatternRepeat) -> str:
    low, high = node.args["low"], node.args.get("high")
    short = {(0, None): "*", (1, None): "+", (0, 1): "?"}
    exact = f"{{{low}}}" if low == high else f"{{{low},{'' if high is None else high}}}"
    reluctant = "?" if node.args.get("reluctant") else ""
    return _grouped(text, node.this) + short.get((low, high), exact) + reluctant


def _grouped(text: Generator, node: exp.Expression) -> str:
    needs = isinstance(node, nodes.PatternSequence | nodes.PatternAlternatives | nodes.PatternRepeat)
    simple = isinstance(node, nodes.PatternRepeat) and not isinstance(node.parent, nodes.PatternRepeat)
    return f"({text.sql(node)})" if needs and not simple else text.sql(node)


QUERIES: dict[type[exp.Expression], Text] = {
    **dict.fromkeys(SET_WORDS, _set_operation),
    exp.Select: _select,
    exp.Star: _star,
    nodes.ValuesQuery: lambda text, node: _around_query(text, node, f"VALUES {listed(text, node.expressions)}"),
    exp.Subquery: _subquery,
    exp.With: _with,
    exp.CTE: _cte,
    exp.Alias: lambda text, node: f"{text.sql(node.this)} AS {text.sql(node, 'alias')}",
    exp.TableAlias: _table_alias,
    exp.Table: _table,
    exp.GroupingSets: lambda text, node: f"GROUPING SETS ({listed(text, node.expressions)})",
    exp.Rollup: lambda text, node: f"ROLLUP ({listed(text, node.expressions)})",
    exp.Cube: lambda text, node: f"CUBE ({listed(text, node.expressions)})",
    nodes.TableQuery: lambda text, node: _around_query(text, node, f"TABLE {text.sql(node.this)}"),
    nodes.Emit: _emit,
    nodes.NamedWindow: lambda text, node: f"{text.sql(node.this)} AS {text.sql(node, 'spec')}",
    nodes.JoinedTable: _joined_table,
    nodes.WindowTable: _window_table,
    nodes.TableFunction: _table_function,
    nodes.TableArgument: _table_argument,
    nodes.Descriptor: lambda text, node: f"DESCRIPTOR({listed(text, node.expressions)})",
    nodes.Unnest: _unnest,
    nodes.HintList: lambda text, node: f"/*+ {listed(text, node.expressions)} */",
    nodes.Hint: _hint,
    nodes.Option: lambda text, node: f"{text.sql(node.this)} = {text.sql(node.expression)}",
    nodes.MatchRecognize: _match_recognize,
    nodes.SkipTo: _skip_to,
    nodes.PatternSubset: lambda text, node: f"{text.sql(node.this)} = ({listed(text, node.expressions)})",
    nodes.PatternSequence: _pattern_sequence,
    nodes.PatternAlternatives: lambda text, node: " | ".join(text.sql(each) for each in node.expressions),
    nodes.PatternPermute: lambda text, node: f"PERMUTE({listed(text, node.expressions)})",
    nodes.PatternExclusion: lambda text, node: f"{{- {text.sql(node.this)} -}}",
    nodes.PatternRepeat: _pattern_repeat,
}
