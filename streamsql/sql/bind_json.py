"""JSON functions with their clauses, as calls whose clauses are arguments (expr/functions_json.py says which)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamsql.expr import types as t
from streamsql.expr.functions_json import RAW, VALUE, word
from streamsql.expr.nodes import Expr, Literal
from streamsql.expr.resolve import resolve_call
from streamsql.sql import dialect as d
from streamsql.sql.parse import span_of
from streamsql.sql.type_names import bind_type

Tree = Any
Bind = Callable[[Tree], Expr]


def json_call(tree: Tree, bind: Bind) -> Expr:
    """JSON_VALUE, JSON_QUERY, JSON_EXISTS, JSON_OBJECT, JSON_ARRAY."""
    return _FORMS[tree.this](tree, bind)


def is_json(tree: Tree, bind: Bind) -> Expr:
    """IS JSON."""
    return resolve_call("IS JSON", (bind(tree.this), word(tree.args["kind"])), span_of(tree))


def _behaviour(tree: Tree, event: str, default: str = "NULL") -> Literal:
    found = tree.args.get(event)
    return word(default if found is None else found.args["kind"])


def _returning(tree: Tree) -> Literal:
    found = tree.args.get("returning")
    return Literal(None, type=t.STRING if found is None else bind_type(found))


def _default(tree: Tree, event: str, bind: Bind) -> Expr:
    found = tree.args.get(event)
    value = None if found is None else found.this
    return Literal(None, type=t.NULL) if value is None else bind(value)


def _value(tree: Tree, bind: Bind) -> Expr:
    document, path = (bind(each) for each in tree.expressions)
    words = (_behaviour(tree, "on_empty"), _behaviour(tree, "on_error"))
    defaults = (_default(tree, "on_empty", bind), _default(tree, "on_error", bind))
    return resolve_call("JSON_VALUE", (document, path, _returning(tree), *words, *defaults), span_of(tree))


def _query(tree: Tree, bind: Bind) -> Expr:
    document, path = (bind(each) for each in tree.expressions)
    words = (_behaviour(tree, "on_empty"), _behaviour(tree, "on_error"))
    wrapper = word(tree.args.get("wrapper") or "WITHOUT")
    return resolve_call("JSON_QUERY", (document, path, _returning(tree), *words, wrapper), span_of(tree))


def _exists(tree: Tree, bind: Bind) -> Expr:
    document, path = (bind(each) for each in tree.expressions)
    return resolve_call("JSON_EXISTS", (document, path, _behaviour(tree, "on_error", "FALSE")), span_of(tree))


def _object(tree: Tree, bind: Bind) -> Expr:
    parts = tree.expressions
    pairs = [
        each for key, value in zip(parts[::2], parts[1::2], strict=True) for each in (bind(key), *_part(value, bind))
    ]
    return resolve_call("JSON_OBJECT", (word(tree.args.get("on_null") or "NULL"), *pairs), span_of(tree))


def _array(tree: Tree, bind: Bind) -> Expr:
    values = [each for tree_ in tree.expressions for each in _part(tree_, bind)]
    return resolve_call("JSON_ARRAY", (word(tree.args.get("on_null") or "ABSENT"), *values), span_of(tree))


def _part(tree: Tree, bind: Bind) -> tuple[Expr, Expr]:
    """The form of a value and the value: what a constructor made and JSON(text) go in as JSON, not as a text."""
    if isinstance(tree, d.JsonCall) and tree.this.startswith(("JSON_OBJECT", "JSON_ARRAY")):
        return word(RAW), bind(tree)
    if isinstance(tree, d.Call) and tree.this == RAW and not tree.args.get("namespace"):
        return word(RAW), resolve_call(RAW, tuple(bind(each) for each in tree.expressions), span_of(tree))
    return word(VALUE), bind(tree)


def aggregate_parts(tree: Tree, bind: Bind) -> tuple[Expr, ...]:
    """The arguments of JSON_ARRAYAGG, or the key of JSON_OBJECTAGG, its JSON and that of the value."""
    *keys, value = tree.expressions
    form, bound = _part(value, bind)
    text = bound if form == word(RAW) else resolve_call("JSON_STRING", (bound,), span_of(value))
    found = [bind(each) for each in keys]
    return (*found, *(resolve_call("JSON_QUOTE", (each,), each.span) for each in found), text)


_FORMS: dict[str, Callable[[Tree, Bind], Expr]] = {
    "JSON_VALUE": _value,
    "JSON_QUERY": _query,
    "JSON_EXISTS": _exists,
    "JSON_OBJECT": _object,
    "JSON_ARRAY": _array,
}
