"""Functions over whole arrays and maps; DuckDB evaluates them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streamsql.expr import types as t
from streamsql.expr.coercion import coerce, common_type
from streamsql.expr.context import EvalContext
from streamsql.expr.function import Function
from streamsql.expr.nodes import Call
from streamsql.expr.signatures import Args, Bound, Mismatch, Rule, any_nullable, same_type, takes
from streamsql.expr.types import Kind, SqlType


def _element(type_: SqlType) -> SqlType:
    return type_.children[0]


def _with_element(result: Callable[[SqlType], SqlType], *, nulls: bool | None = None) -> Rule:
    """An array and one value of its element type."""

    def rule(args: Args) -> Bound:
        if len(args) != 2 or args[0].type.kind is not Kind.ARRAY:
            raise Mismatch
        element = common_type((_element(args[0].type), args[1].type))
        if element is None:
            raise Mismatch(f"the elements of this ARRAY are {_element(args[0].type)}, not {args[1].type}")
        array = t.array(element)
        type_ = result(array).with_nullable(args[0].type.nullable if nulls is None else nulls)
        return Bound((coerce(args[0], array), coerce(args[1], element)), type_)

    return rule


def _all_of(kind: Kind, least: int) -> Rule:
    """Several arrays or maps of one type, which is the result's."""

    def rule(args: Args) -> Bound:
        if len(args) < least or any(each.type.kind is not kind for each in args):
            raise Mismatch
        converted = same_type(args, "there is no common type of")
        return Bound(converted, converted[0].type.with_nullable(any_nullable(args)))

    return rule


def _array(args: Args) -> SqlType:
    return args[0].type


def _extreme(args: Args) -> SqlType:
    return _element(args[0].type)


def _entries(args: Args) -> SqlType:
    key, value = args[0].type.children
    return t.array(t.row(("key", "value"), (key, value)))


def _from_arrays(args: Args) -> SqlType:
    return t.map_(_element(args[0].type), _element(args[1].type))


_MAP_OF_TEXT = t.map_(t.STRING, t.STRING)
_POSITION = "CASE WHEN {1} IS NOT NULL AND {0} IS NOT NULL THEN coalesce(list_position({0}, {1}), 0) END"
_REMOVE = "list_filter({0}, lambda e: e IS DISTINCT FROM {1})"
_JOIN = "CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN coalesce(array_to_string({0}, {1}), '') END"
_DISTINCT = "list_filter({0}, lambda e, i: len(list_filter({0}[1:i - 1], lambda x: x IS NOT DISTINCT FROM e)) = 0)"
_APPEND = "CASE WHEN {0} IS NOT NULL THEN list_append({0}, {1}) END"


def _text_map(call: Call, args: Sequence[str], context: EvalContext) -> str:
    """STR_TO_MAP('a=1,b=2'): a part without `=` is a key with NULL."""
    text = args[0]
    between = args[1] if len(args) > 1 else "','"
    equals = args[2] if len(args) > 2 else "'='"
    value = f"CASE WHEN contains(e, {equals}) THEN substring(e, strpos(e, {equals}) + length({equals})) END"
    pair = f"struct_pack(k := string_split(e, {equals})[1], v := {value})"
    return f"map_from_entries(list_transform(string_split({text}, {between}), lambda e: {pair}))"


def _entry(name: str, usage: str, rule: Rule, sql: str) -> Function:
    return Function(name, f"{name}({usage})", rule, None, sql, name)


def _any_null(sql: str) -> str:
    """DuckDB's list functions take a NULL list for an empty one."""
    return "CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN " + sql + " END"


COLLECTIONS: tuple[Function, ...] = (
    _entry("ARRAY_SORT", "array", takes("array", _array), "list_sort({0}, 'ASC', 'NULLS FIRST')"),
    _entry("ARRAY_DISTINCT", "array", takes("array", _array), _DISTINCT),
    _entry("ARRAY_REVERSE", "array", takes("array", _array), "list_reverse({0})"),
    _entry("ARRAY_MAX", "array", takes("array", _extreme, nulls=True), "list_max({0})"),
    _entry("ARRAY_MIN", "array", takes("array", _extreme, nulls=True), "list_min({0})"),
    _entry("ARRAY_APPEND", "array, value", _with_element(lambda type_: type_), _APPEND),
    _entry("ARRAY_REMOVE", "array, value", _with_element(lambda type_: type_), _REMOVE),
    _entry("ARRAY_POSITION", "array, value", _with_element(lambda type_: t.INT, nulls=True), _POSITION),
    _entry("ARRAY_CONCAT", "array, array", _all_of(Kind.ARRAY, 2), _any_null("list_concat({0}, {1})")),
    _entry("ARRAY_JOIN", "array, text", takes("array, text", t.STRING), _JOIN),
    _entry("MAP_ENTRIES", "map", takes("map", _entries), "map_entries({0})"),
    _entry("MAP_UNION", "map, map", _all_of(Kind.MAP, 2), _any_null("map_concat({0}, {1})")),
    _entry("MAP_FROM_ARRAYS", "array, array", takes("array, array", _from_arrays), "MAP({0}, {1})"),
    Function(
        "STR_TO_MAP",
        "STR_TO_MAP(text[, text, text])",
        takes("text, text?, text?", _MAP_OF_TEXT),
        None,
        _text_map,
        "STR_TO_MAP",
    ),
)
