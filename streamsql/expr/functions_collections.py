"""Functions over whole arrays and maps; DuckDB evaluates them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streamsql.expr import types as t
from streamsql.expr.coercion import coerce, common_type, is_text
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_text import duckdb_type, failure, quoted
from streamsql.expr.function import Function, Render, is_literal, literal
from streamsql.expr.java_regex import java_regex
from streamsql.expr.nodes import Call, Expr, Literal
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


def _all_of(kind: Kind, least: int, most: int = 255) -> Rule:
    """Several arrays or maps of one type, which is the result's."""

    def rule(args: Args) -> Bound:
        if not least <= len(args) <= most or any(each.type.kind is not kind for each in args):
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


def _is_array(arg: Expr) -> bool:
    return arg.type.kind is Kind.ARRAY


def _slice_rule(args: Args) -> Bound:
    """An array, and from where to where."""
    if len(args) not in (2, 3) or not _is_array(args[0]):
        raise Mismatch
    places = takes("int, int?", t.INT)(args[1:]).args
    return Bound((args[0], *places), args[0].type.with_nullable(any_nullable(args)))


def _slice_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    """Both ends are inside; 0 is the start, negative places count from the end."""
    array, start = args[:2]
    end = args[2] if len(args) > 2 else f"len({array})"
    missing = " OR ".join(f"{each} IS NULL" for each in args)

    def place(sql: str) -> str:
        return f"CASE WHEN {sql} < 0 THEN len({array}) + {sql} + 1 WHEN {sql} = 0 THEN 1 ELSE {sql} END"

    first = f"greatest({place(start)}, 1)"
    last = place(end)
    return (
        f"CASE WHEN {missing} THEN NULL WHEN {last} < 1 THEN {array}[2:1] ELSE list_slice({array}, {first}, {last}) END"
    )


def _sort_rule(args: Args) -> Bound:
    if len(args) not in (1, 2, 3) or not _is_array(args[0]):
        raise Mismatch
    flags = takes("boolean?, boolean?", t.BOOLEAN)(args[1:]).args
    for each in flags:
        if not isinstance(each, Literal):
            raise Mismatch("ARRAY_SORT takes its order as constants", "write TRUE or FALSE", each.span)
    return Bound((args[0], *flags), args[0].type.with_nullable(any_nullable(args)))


def _sort_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    """Ascending with NULLs first, descending with NULLs last, unless the third argument says where NULLs go."""
    flags = [each.value for each in call.args[1:] if isinstance(each, Literal)]
    if None in flags:
        return f"CAST(NULL AS {duckdb_type(call.type)})"
    ascending = flags[0] if flags else True
    nulls_first = flags[1] if len(flags) > 1 else ascending
    order, nulls = "ASC" if ascending else "DESC", "FIRST" if nulls_first else "LAST"
    return f"list_sort({args[0]}, '{order}', 'NULLS {nulls}')"


def _combined(function: str) -> Render:
    """Several lists or maps put together; NULL where one is NULL."""

    def render(call: Call, args: Sequence[str], context: EvalContext) -> str:
        if len(args) == 1:
            return args[0]
        missing = " OR ".join(f"{each} IS NULL" for each in args)
        return f"CASE WHEN {missing} THEN NULL ELSE {function}({', '.join(args)}) END"

    return render


def _join_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    array = args[0]
    if len(args) > 2:
        array = f"list_transform({array}, lambda e: coalesce(e, {args[2]}))"
    missing = " OR ".join(f"{each} IS NULL" for each in args)
    joined = f"array_to_string({array}, {args[1]})"
    if not is_literal(call, 1):
        # array_to_string takes constants only; list_reduce takes no empty list.
        texts = f"list_filter({array}, lambda e: e IS NOT NULL)"
        joined = f"CASE WHEN len({texts}) > 0 THEN list_reduce({texts}, lambda a, b: a || {args[1]} || b) END"
    return f"CASE WHEN {missing} THEN NULL ELSE coalesce({joined}, '') END"


def _join_rule(args: Args) -> Bound:
    """An array of texts, what goes between, and what stands for NULL."""
    if not args or not _is_array(args[0]) or not is_text(_element(args[0].type)):
        raise Mismatch
    texts = takes("text, text?", t.STRING)(args[1:]).args
    return Bound((args[0], *texts), t.STRING.with_nullable(any_nullable(args)))


def _entries_rule(args: Args) -> Bound:
    """An array of rows of two fields."""
    fields = _element(args[0].type).children if len(args) == 1 and _is_array(args[0]) else ()
    if len(fields) != 2 or _element(args[0].type).kind is not Kind.ROW:
        raise Mismatch
    return Bound(args, t.map_(*fields).with_nullable(args[0].type.nullable))


_MAP_OF_TEXT = t.map_(t.STRING, t.STRING)
_POSITION = "CASE WHEN {1} IS NOT NULL AND {0} IS NOT NULL THEN coalesce(list_position({0}, {1}), 0) END"
_REMOVE = "list_filter({0}, lambda e: e IS DISTINCT FROM {1})"
_DISTINCT = "list_filter({0}, lambda e, i: len(list_filter({0}[1:i - 1], lambda x: x IS NOT DISTINCT FROM e)) = 0)"
_APPEND = "CASE WHEN {0} IS NOT NULL THEN list_append({0}, {1}) END"
_PREPEND = "CASE WHEN {0} IS NOT NULL THEN list_prepend({1}, {0}) END"
_KEPT = "len(list_filter({1}, lambda x: x IS NOT DISTINCT FROM e))"
_EXCEPT = f"list_filter({_DISTINCT}, lambda e: {_KEPT} = 0)"
_INTERSECT = f"list_filter({_DISTINCT}, lambda e: {_KEPT} > 0)"
_UNION = _DISTINCT.replace("{0}", "list_concat({0}, {1})")


def _text_map(call: Call, args: Sequence[str], context: EvalContext) -> str:
    """STR_TO_MAP('a=1,b=2'): a part without `=` is a key with NULL."""
    between, equals = (_delimiter(call, index, plain) for index, plain in ((1, ","), (2, "=")))
    before, found = quoted(f"(?s)^(.*?)(?:{equals})"), f"regexp_matches(e, {quoted(equals)})"
    key = f"CASE WHEN {found} THEN regexp_extract(e, {before}, 1) ELSE e END"
    value = f"CASE WHEN {found} THEN regexp_replace(e, {before}, '') END"
    parts = f"string_split_regex({args[0]}, {quoted(between)})"
    return f"streamsql_map(list_transform({parts}, lambda e: {{'key': {key}, 'value': {value}}}))"


def _map_of_arrays_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    unlike = failure("MAP_FROM_ARRAYS takes arrays of one length", duckdb_type(call.type))
    keys, values = args
    guard = f"WHEN {keys} IS NULL OR {values} IS NULL THEN NULL WHEN len({keys}) <> len({values}) THEN {unlike}"
    return f"CASE {guard} ELSE streamsql_map(list_zip({keys}, {values})) END"


def _delimiter(call: Call, index: int, plain: str) -> str:
    """Delimiters are regular expressions."""
    return java_regex(str(literal(call, index, plain)))


def _text_map_rule(args: Args) -> Bound:
    bound = takes("text, text?, text?", _MAP_OF_TEXT)(args)
    for each in bound.args[1:]:
        if not isinstance(each, Literal) or not isinstance(each.value, str) or not each.value:
            raise Mismatch("the delimiters of STR_TO_MAP must be constant texts", span=each.span)
        java_regex(each.value)
    return bound


def _entry(name: str, usage: str, rule: Rule, sql: str | Render, *, can_fail: bool = False) -> Function:
    return Function(name, f"{name}({usage})", rule, None, sql, name, can_fail)


def _any_null(sql: str) -> str:
    """DuckDB's list functions take a NULL list for an empty one."""
    return "CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN " + sql + " END"


ENTRIES: tuple[Function, ...] = (
    _entry("ARRAY_SORT", "array[, ascending[, nulls first]]", _sort_rule, _sort_sql),
    _entry("ARRAY_DISTINCT", "array", takes("array", _array), _DISTINCT),
    _entry("ARRAY_REVERSE", "array", takes("array", _array), "list_reverse({0})"),
    _entry("ARRAY_MAX", "array", takes("array", _extreme, nulls=True), "list_max({0})"),
    _entry("ARRAY_MIN", "array", takes("array", _extreme, nulls=True), "list_min({0})"),
    _entry("ARRAY_APPEND", "array, value", _with_element(lambda type_: type_), _APPEND),
    _entry("ARRAY_PREPEND", "array, value", _with_element(lambda type_: type_), _PREPEND),
    _entry("ARRAY_REMOVE", "array, value", _with_element(lambda type_: type_), _REMOVE),
    _entry("ARRAY_POSITION", "array, value", _with_element(lambda type_: t.INT, nulls=True), _POSITION),
    _entry("ARRAY_CONCAT", "array, …", _all_of(Kind.ARRAY, 1), _combined("list_concat")),
    _entry("ARRAY_UNION", "array, array", _all_of(Kind.ARRAY, 2, 2), _any_null(_UNION)),
    _entry("ARRAY_EXCEPT", "array, array", _all_of(Kind.ARRAY, 2, 2), _any_null(_EXCEPT)),
    _entry("ARRAY_INTERSECT", "array, array", _all_of(Kind.ARRAY, 2, 2), _any_null(_INTERSECT)),
    _entry("ARRAY_SLICE", "array, from[, to]", _slice_rule, _slice_sql),
    _entry("ARRAY_JOIN", "array of text, text[, text for NULL]", _join_rule, _join_sql),
    _entry("MAP_ENTRIES", "map", takes("map", _entries), "map_entries({0})"),
    _entry("MAP_FROM_ENTRIES", "array of rows", _entries_rule, "streamsql_map({0})", can_fail=True),
    _entry("MAP_UNION", "map, …", _all_of(Kind.MAP, 1), _combined("map_concat")),
    _entry(
        "MAP_FROM_ARRAYS",
        "array, array",
        takes("array, array", _from_arrays),
        _map_of_arrays_sql,
        can_fail=True,
    ),
    Function(
        "STR_TO_MAP",
        "STR_TO_MAP(text[, text, text])",
        _text_map_rule,
        None,
        _text_map,
        "STR_TO_MAP",
    ),
)
