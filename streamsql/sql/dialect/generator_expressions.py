"""Expressions and types as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp
from sqlglot.generator import Generator

from streamsql.sql.dialect import nodes
from streamsql.sql.dialect.words import BARE_FUNCTIONS, RESERVED

Text = Callable[[Generator, Any], str]

_PLAIN_NAME = re.compile(r"[^\W\d][\w$]*")

OPERATORS: dict[type[exp.Expression], str] = {
    exp.Or: "OR", exp.And: "AND", exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM", exp.NullSafeNEQ: "IS DISTINCT FROM", exp.Add: "+", exp.Sub: "-",
    exp.Mul: "*", exp.Div: "/", exp.Mod: "%", exp.DPipe: "||",
}  # fmt: skip


def listed(text: Generator, items: list[Any] | None, separator: str = ", ") -> str:
    """Items as text with commas between."""
    return separator.join(text.sql(item) for item in items or ())


def clause(text: Generator, word: str, item: Any) -> str:
    """` WORD item`, or nothing where the item is absent."""
    return f" {word} {text.sql(item)}" if item is not None else ""


def string(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("'", "''") + "'"


def _identifier(text: Generator, node: exp.Identifier) -> str:
    name: str = node.this
    if node.args.get("quoted") or not _PLAIN_NAME.fullmatch(name) or name.upper() in RESERVED:
        return "`" + name.replace("`", "``") + "`"
    return name


def _dotted(text: Generator, node: exp.Column) -> str:
    return listed(text, node.parts, ".")


def _literal(text: Generator, node: exp.Literal) -> str:
    return string(node.this) if node.is_string else node.this


def _binary(text: Generator, node: exp.Expression) -> str:
    """A chain such as a AND b AND c can be thousands long, so its left side is walked, not recursed into."""
    parts: list[str] = []
    left: Any = node
    while operator := OPERATORS.get(type(left)):
        parts.append(f"{operator} {text.sql(left.expression)}")
        left = left.this
    return " ".join([text.sql(left), *reversed(parts)])


def _not(text: Generator, node: exp.Not) -> str:
    inner = node.this
    if type(inner) in NEGATABLE:
        return NEGATABLE[type(inner)](text, inner, "NOT ")
    return f"NOT {text.sql(inner)}"


def _is_null(text: Generator, node: nodes.IsNull, negation: str = "") -> str:
    return f"{text.sql(node.this)} IS {negation}NULL"


def _is_truth(text: Generator, node: nodes.IsTruth, negation: str = "") -> str:
    return f"{text.sql(node.this)} IS {negation}{node.args['value']}"


def _is_json(text: Generator, node: nodes.IsJson, negation: str = "") -> str:
    return f"{text.sql(node.this)} IS {negation}JSON {node.args['kind']}"


def _in(text: Generator, node: exp.In, negation: str = "") -> str:
    query = node.args.get("query")
    inside = text.sql(query) if query is not None else listed(text, node.expressions)
    return f"{text.sql(node.this)} {negation}IN ({inside})"


def _between(text: Generator, node: exp.Between, negation: str = "") -> str:
    symmetric = "SYMMETRIC " if node.args.get("symmetric") else ""
    low, high = text.sql(node, "low"), text.sql(node, "high")
    return f"{text.sql(node.this)} {negation}BETWEEN {symmetric}{low} AND {high}"


def _like(text: Generator, node: nodes.Like | nodes.SimilarTo, negation: str = "") -> str:
    word = "LIKE" if isinstance(node, nodes.Like) else "SIMILAR TO"
    escape = clause(text, "ESCAPE", node.args.get("escape"))
    return f"{text.sql(node.this)} {negation}{word} {text.sql(node.expression)}{escape}"


NEGATABLE: dict[type[exp.Expression], Callable[[Generator, Any, str], str]] = {
    nodes.IsNull: _is_null,
    nodes.IsTruth: _is_truth,
    nodes.IsJson: _is_json,
    nodes.Like: _like,
    nodes.SimilarTo: _like,
    exp.In: _in,
    exp.Between: _between,
}


def _neg(text: Generator, node: exp.Neg) -> str:
    # Two minus signs would start a comment.
    return f"- {text.sql(node.this)}" if isinstance(node.this, exp.Neg) else f"-{text.sql(node.this)}"


def _case(text: Generator, node: exp.Case) -> str:
    operand = f" {text.sql(node.this)}" if node.args.get("this") is not None else ""
    branches = "".join(f" WHEN {text.sql(each.this)} THEN {text.sql(each, 'true')}" for each in node.args["ifs"])
    return f"CASE{operand}{branches}{clause(text, 'ELSE', node.args.get('default'))} END"


def _typed_literal(text: Generator, node: nodes.TypedLiteral) -> str:
    return f"{node.args['kind']} {text.sql(node.this)}"


def _interval(text: Generator, node: nodes.IntervalLiteral) -> str:
    args = node.args
    sign = "-" if args.get("negative") else ""
    precision, to, fraction = args.get("precision"), args.get("to"), args.get("fraction")
    digits = [str(each) for each in (precision, None if to else fraction) if each is not None]
    unit = args["unit"] + (f"({', '.join(digits)})" if digits else "")
    if to:
        unit += f" TO {to}" + (f"({fraction})" if fraction is not None else "")
    return f"INTERVAL {sign}{text.sql(node.this)} {unit}"


# Types


def _type_name(text: Generator, node: nodes.TypeName) -> str:
    args, name = node.args, node.this
    precision = args.get("precision")
    if node.expressions:
        written = f"{name}<{listed(text, node.expressions)}>"
    elif unit := args.get("unit"):
        written = f"INTERVAL {unit}"
    elif precision is None:
        written = {"VARCHAR": "STRING", "VARBINARY": "BYTES"}.get(name, name)
    elif name == "DECIMAL":
        written = f"DECIMAL({precision}, {args['scale']})"
    else:
        written = f"{name}({precision})"
    return written + (" NOT NULL" if args.get("not_null") else "")


def _field_type(text: Generator, node: nodes.FieldType) -> str:
    comment = node.args.get("comment")
    written = f"{text.sql(node.this)} {text.sql(node, 'data_type')}"
    return written + (f" {text.sql(comment)}" if comment is not None else "")


# Calls


def _call(text: Generator, node: nodes.Call) -> str:
    namespace = node.args.get("namespace")
    form = _plain_arguments if namespace else CALL_FORMS.get(node.this, _plain_arguments)
    qualifier = "".join(f"{text.sql(each)}." for each in namespace or ())
    return f"{qualifier}{node.this}{form(text, node)}{_call_clauses(text, node)}"


def _plain_arguments(text: Generator, node: nodes.Call) -> str:
    if node.this in BARE_FUNCTIONS and not node.expressions and not node.args.get("namespace"):
        return ""
    distinct = "DISTINCT " if node.args.get("distinct") else ""
    return f"({distinct}{listed(text, node.expressions)})"


def _call_clauses(text: Generator, node: nodes.Call) -> str:
    args = node.args
    written = ""
    if args.get("within_group"):
        written += f" WITHIN GROUP (ORDER BY {listed(text, args['within_group'])})"
    if args.get("null_treatment"):
        written += f" {args['null_treatment']} NULLS"
    if args.get("filter") is not None:
        written += f" FILTER (WHERE {text.sql(args['filter'])})"
    if (over := args.get("over")) is not None:
        written += f" OVER {_over(text, over)}"
    return written


def _over(text: Generator, node: nodes.WindowSpec) -> str:
    is_name = node.args.get("this") is not None and len([each for each in node.args.values() if each]) == 1
    return text.sql(node.this) if is_name else text.sql(node)


def _bracketed(text: Generator, node: nodes.Call) -> str:
    if len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Subquery):
        return text.sql(node.expressions[0])
    return f"[{listed(text, node.expressions)}]"


def _with_symbol(text: Generator, node: nodes.Call) -> str:
    first, *rest = node.expressions
    if isinstance(first, nodes.Symbol) and node.this == "EXTRACT":
        return f"({first.this} FROM {listed(text, rest)})"
    if isinstance(first, nodes.Symbol):
        return f"({first.this} {text.sql(rest[0])} FROM {text.sql(rest[1])})"
    if rest and isinstance(rest[-1], nodes.Symbol):
        return f"({text.sql(first)} TO {rest[-1].this})"
    return _plain_arguments(text, node)


def _position(text: Generator, node: nodes.Call) -> str:
    needle, text_in, *start = node.expressions
    return f"({text.sql(needle)} IN {text.sql(text_in)}{clause(text, 'FROM', start[0] if start else None)})"


def _overlay(text: Generator, node: nodes.Call) -> str:
    words = ("", " PLACING ", " FROM ", " FOR ")
    return "(" + "".join(word + text.sql(each) for word, each in zip(words, node.expressions, strict=False)) + ")"


CALL_FORMS: dict[str, Callable[[Generator, Any], str]] = {
    "ARRAY": _bracketed,
    "MAP": _bracketed,
    "EXTRACT": _with_symbol,
    "TRIM": _with_symbol,
    "FLOOR": _with_symbol,
    "CEIL": _with_symbol,
    "POSITION": _position,
    "OVERLAY": _overlay,
}


def _json_call(text: Generator, node: nodes.JsonCall) -> str:
    args = node.args
    if node.this in ("JSON_OBJECT", "JSON_OBJECTAGG"):
        keys, values = node.expressions[::2], node.expressions[1::2]
        pairs = (f"KEY {text.sql(key)} VALUE {text.sql(value)}" for key, value in zip(keys, values, strict=True))
        written = ", ".join(pairs)
    else:
        written = listed(text, node.expressions)
    if args.get("within_group") and node.this == "JSON_ARRAYAGG":
        written += f" ORDER BY {listed(text, args['within_group'])}"
    written += clause(text, "RETURNING", args.get("returning"))
    if wrapper := args.get("wrapper"):
        written += " WITHOUT ARRAY WRAPPER" if wrapper == "WITHOUT" else f" WITH {wrapper} ARRAY WRAPPER"
    for event in ("on_empty", "on_error"):
        if args.get(event) is not None:
            written += f" {text.sql(args[event])} {event.upper().replace('_', ' ')}"
    if args.get("on_null"):
        written += f" {args['on_null']} ON NULL"
    clauses = "" if node.this == "JSON_ARRAYAGG" and args.get("within_group") else _call_clauses(text, node)
    return f"{node.this}({written.strip()}){clauses}"


def _json_behaviour(text: Generator, node: nodes.JsonBehaviour) -> str:
    value = f" {text.sql(node.this)}" if node.args.get("this") is not None else ""
    return f"{node.args['kind']}{value}"


# Windows of OVER


def _sort_key(text: Generator, node: nodes.SortKey) -> str:
    nulls = f" NULLS {node.args['nulls']}" if node.args.get("nulls") else ""
    return text.sql(node.this) + (" DESC" if node.args.get("descending") else "") + nulls


def _window_spec(text: Generator, node: nodes.WindowSpec) -> str:
    args, parts = node.args, []
    if args.get("this") is not None:
        parts.append(text.sql(args["this"]))
    if args.get("partition_by"):
        parts.append(f"PARTITION BY {listed(text, args['partition_by'])}")
    if args.get("order_by"):
        parts.append(f"ORDER BY {listed(text, args['order_by'])}")
    if args.get("frame") is not None:
        parts.append(text.sql(args["frame"]))
    return f"({' '.join(parts)})"


def _frame(text: Generator, node: nodes.Frame) -> str:
    exclude = f" EXCLUDE {node.args['exclude']}" if node.args.get("exclude") else ""
    return f"{node.args['unit']} BETWEEN {text.sql(node, 'start')} AND {text.sql(node, 'end')}{exclude}"


def _frame_bound(text: Generator, node: nodes.FrameBound) -> str:
    distance = f"{text.sql(node.this)} " if node.args.get("this") is not None else ""
    return f"{distance}{node.args['kind']}"


EXPRESSIONS: dict[type[exp.Expression], Text] = {
    **dict.fromkeys(OPERATORS, _binary),
    exp.Identifier: _identifier,
    exp.Column: _dotted,
    exp.Dot: lambda text, node: f"{text.sql(node.this)}.{text.sql(node.expression)}",
    exp.Bracket: lambda text, node: f"{text.sql(node.this)}[{listed(text, node.expressions)}]",
    exp.Literal: _literal,
    exp.HexString: lambda text, node: f"X'{node.this}'",
    exp.Boolean: lambda text, node: "TRUE" if node.this else "FALSE",
    exp.Null: lambda text, node: "NULL",
    exp.Paren: lambda text, node: f"({text.sql(node.this)})",
    exp.Tuple: lambda text, node: f"({listed(text, node.expressions)})",
    exp.Neg: _neg,
    exp.Not: _not,
    exp.In: _in,
    exp.Between: _between,
    exp.Any: lambda text, node: f"ANY ({text.sql(node.this)})",
    exp.All: lambda text, node: f"ALL ({text.sql(node.this)})",
    exp.Exists: lambda text, node: f"EXISTS ({text.sql(node.this)})",
    exp.Case: _case,
    exp.Cast: lambda text, node: f"CAST({text.sql(node.this)} AS {text.sql(node, 'to')})",
    exp.TryCast: lambda text, node: f"TRY_CAST({text.sql(node.this)} AS {text.sql(node, 'to')})",
    nodes.Call: _call,
    nodes.JsonCall: _json_call,
    nodes.JsonBehaviour: _json_behaviour,
    nodes.Symbol: lambda text, node: node.this,
    nodes.NamedArgument: lambda text, node: f"{text.sql(node.this)} => {text.sql(node.expression)}",
    nodes.DefaultArgument: lambda text, node: "DEFAULT",
    nodes.TypedLiteral: _typed_literal,
    nodes.IntervalLiteral: _interval,
    nodes.TypeName: _type_name,
    nodes.FieldType: _field_type,
    nodes.Like: _like,
    nodes.SimilarTo: _like,
    nodes.IsNull: _is_null,
    nodes.IsTruth: _is_truth,
    nodes.IsJson: _is_json,
    nodes.SortKey: _sort_key,
    nodes.WindowSpec: _window_spec,
    nodes.Frame: _frame,
    nodes.FrameBound: _frame_bound,
}
