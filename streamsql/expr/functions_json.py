"""Functions over JSON texts; DuckDB evaluates them, with the macros of duckdb_json_macros.py.

The clauses of the syntax are constant arguments: JSON_VALUE(document, path, NULL of the type RETURNING names, word of
ON EMPTY, word of ON ERROR, default of ON EMPTY, default of ON ERROR); JSON_ARRAY(word of ON NULL, form of a value, the
value, …).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from streamsql.expr import types as t
from streamsql.expr.casting import can_cast
from streamsql.expr.coercion import coerce, is_text
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_cast import cast_sql
from streamsql.expr.duckdb_text import duckdb_type, failure, quoted
from streamsql.expr.function import Function, literal
from streamsql.expr.json_paths import JsonPath, json_path
from streamsql.expr.json_values import or_null, to_json
from streamsql.expr.nodes import Call, Cast, Expr, Literal
from streamsql.expr.signatures import Args, Bound, Mismatch, Rule, any_nullable, takes
from streamsql.expr.types import FLOATS, INTEGERS, STRINGS, Kind, SqlType

TEXT_ARRAY = t.array(t.STRING)


def word(text: str) -> Literal:
    """A keyword as an argument."""
    return Literal(value=text, type=t.char(len(text)).with_nullable(False))


def _document(args: Args, least: int) -> tuple[Expr, Literal]:
    """The first two arguments: a text, and a path that is constant and can be read."""
    if len(args) < least:
        raise Mismatch
    if not (is_text(args[0].type) or args[0].type.kind is Kind.NULL):
        given = args[0].type.with_nullable(True)
        raise Mismatch(f"JSON is read from a text, this is {given}", "CAST it AS STRING", args[0].span)
    path = args[1]
    if not isinstance(path, Literal) or not isinstance(path.value, str):
        raise Mismatch("the JSON path must be a constant text", span=path.span)
    try:
        json_path(path.value)
    except Mismatch as wrong:
        raise Mismatch(wrong.reason, wrong.hint, wrong.span or path.span) from None
    return coerce(args[0], t.STRING) if args[0].type.kind is Kind.NULL else args[0], path


def _words(*args: Expr) -> None:
    """Arguments that stand for clauses are constants."""
    if not all(isinstance(each, Literal) for each in args):
        raise Mismatch


def _value_rule(args: Args) -> Bound:
    document, path = _document(args, 2)
    type_, on_empty, on_error, *defaults = args[2:] or (Literal(None, type=t.STRING), word("NULL"), word("NULL"))
    _words(type_, on_empty, on_error)
    result = type_.type.with_nullable(True)
    if result.children or not can_cast(t.STRING, result):
        raise Mismatch(f"JSON_VALUE cannot return {result}", "it returns a text, a number, a BOOLEAN or a time")
    values = tuple(_default(each, result) for each in defaults) or (Literal(None, type=result),) * 2
    return Bound((document, path, Literal(None, type=result), on_empty, on_error, *values), result)


def _default(arg: Expr, result: SqlType) -> Expr:
    if isinstance(arg, Literal) and isinstance(arg.value, bool) and is_text(result):
        return replace(arg, value=str(arg.value).lower(), type=result)
    if arg.type.same_as(result):
        return arg
    if not can_cast(arg.type, result):
        raise Mismatch(f"the DEFAULT is {arg.type}, JSON_VALUE returns {result}", span=arg.span)
    return (
        Cast(arg=arg, type=result.with_nullable(True), span=arg.span)
        if arg.type.kind is not Kind.NULL
        else coerce(arg, result)
    )


def _raises(call: Call) -> bool:
    return "ERROR" in (literal(call, 3), literal(call, 4))


def _path_text(call: Call) -> str:
    return str(literal(call, 1))


def _path(call: Call) -> JsonPath:
    return json_path(_path_text(call))


def _over_document(text: str, kind_path: str, body: str) -> str:
    """The body over names, each computed once: t the text, j the same if it is JSON, k what a path leads to."""
    kind = f"list_transform([json_type(j, {quoted(kind_path)})], lambda k: {body})[1]"
    return f"list_transform([{text}], lambda t: list_transform([streamsql_json(t)], lambda j: {kind})[1])[1]"


def _value_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    path, target = _path(call), duckdb_type(call.type)

    def outcome(event: str, index: int) -> str:
        match literal(call, index):
            case "ERROR":
                return failure(f"JSON_VALUE found {_FOUND[event]} at {_path_text(call)}", target)
            case "DEFAULT":
                return args[index + 2]
            case _:
                return f"CAST(NULL AS {target})"

    empty, error = outcome("EMPTY", 3), outcome("ERROR", 4)
    missing = error if path.strict else empty
    if not path.definite:
        return f"CASE WHEN {args[0]} IS NULL THEN NULL ELSE {missing} END"
    found = f"streamsql_json_scalar(j, {quoted(path.text)})"
    if call.type.kind not in STRINGS:
        found = f"list_transform([{found}], lambda v: coalesce({_typed('v', call.type, context)}, {error}))[1]"
    body = (
        f"CASE WHEN t IS NULL THEN NULL WHEN k IS NULL THEN {missing} WHEN k = 'NULL' THEN {empty}"
        f" WHEN k IN ('OBJECT', 'ARRAY') THEN {missing} ELSE {found} END"
    )
    return _over_document(args[0], path.text, body)


_FOUND = {"EMPTY": "nothing", "ERROR": "no scalar of its type"}


def _typed(text: str, type_: SqlType, context: EvalContext) -> str:
    if type_.kind in INTEGERS:
        # What is written 1E+3 is a whole number too.
        number = f"CAST(trunc(streamsql_to_double({text})) AS HUGEINT)"
        return f"TRY_CAST(coalesce(streamsql_to_integer({text}), {number}) AS {duckdb_type(type_)})"
    if type_.kind in (*FLOATS, Kind.DECIMAL):
        return f"TRY_CAST({text} AS {duckdb_type(type_)})"
    return cast_sql(text, t.STRING, type_, True, context)


def _query_rule(args: Args) -> Bound:
    document, path = _document(args, 2)
    default = (Literal(None, type=t.STRING), word("NULL"), word("NULL"), word("WITHOUT"))
    type_, on_empty, on_error, wrapper = args[2:] or default
    _words(type_, on_empty, on_error, wrapper)
    result = type_.type.with_nullable(True)
    if not result.same_as(TEXT_ARRAY) and result.kind is not Kind.VARCHAR:
        raise Mismatch(f"JSON_QUERY cannot return {result}", "it returns STRING or ARRAY<STRING>")
    words = [each.value for each in (on_empty, on_error) if isinstance(each, Literal)]
    if result.kind is Kind.ARRAY and "EMPTY OBJECT" in words:
        raise Mismatch("JSON_QUERY … RETURNING ARRAY<STRING> has no EMPTY OBJECT", "write EMPTY ARRAY")
    return Bound((document, path, Literal(None, type=result), on_empty, on_error, wrapper), result)


def _query_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    path, wrapper = _path(call), literal(call, 5)
    as_list, target = call.type.kind is Kind.ARRAY, duckdb_type(call.type)

    def outcome(event: str, index: int) -> str:
        match literal(call, index):
            case "ERROR":
                return failure(f"JSON_QUERY found {_FOUND_MANY[event]} at {_path_text(call)}", target)
            case "EMPTY ARRAY":
                return f"CAST([] AS {target})" if as_list else "'[]'"
            case "EMPTY OBJECT":
                return "'{}'"
            case _:
                return f"CAST(NULL AS {target})"

    empty, error = outcome("EMPTY", 3), outcome("ERROR", 4)
    missing = error if path.strict else empty
    found = _queried("j", path)
    if wrapper == "UNCONDITIONAL":
        found = f"'[' || {found} || ']'"
    elif wrapper == "CONDITIONAL" and path.definite:
        found = f"CASE WHEN k = 'ARRAY' THEN {found} ELSE '[' || {found} || ']' END"
    if as_list:
        found = f"CASE WHEN starts_with({found}, '[') THEN streamsql_json_elements({found}) ELSE {error} END"
    guards = ["t IS NULL THEN NULL", f"k IS NULL THEN {missing}"]
    if path.definite:
        guards.append(f"k = 'NULL' THEN {empty}")
        if wrapper == "WITHOUT":
            guards.append(f"k NOT IN ('OBJECT', 'ARRAY') THEN {missing}")
    body = f"CASE {' '.join(f'WHEN {each}' for each in guards)} ELSE {found} END"
    return _over_document(args[0], path.text if path.definite else path.certain, body)


_FOUND_MANY = {"EMPTY": "nothing", "ERROR": "no object or array"}


def _queried(document: str, path: JsonPath) -> str:
    macro = "streamsql_json_at" if path.definite else "streamsql_json_list"
    return f"{macro}({document}, {quoted(path.text)})"


def _exists_rule(args: Args) -> Bound:
    document, path = _document(args, 2)
    on_error = args[2] if len(args) > 2 else word("FALSE")
    _words(on_error)
    return Bound((document, path, on_error), t.BOOLEAN.with_nullable(True))


def _exists_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    path, missing = _path(call), "false"
    if path.strict:
        failed = failure(f"JSON_EXISTS found nothing at {_path_text(call)}", "BOOLEAN")
        missing = {"ERROR": failed, "UNKNOWN": "NULL"}.get(str(literal(call, 2)), str(literal(call, 2)))
    found = "k <> 'NULL'" if path.definite else "true"
    body = f"CASE WHEN t IS NULL THEN NULL WHEN k IS NULL THEN {missing} ELSE {found} END"
    return _over_document(args[0], path.text if path.definite else path.certain, body)


def _is_json_rule(args: Args) -> Bound:
    if len(args) != 2 or not (is_text(args[0].type) or args[0].type.kind is Kind.NULL):
        raise Mismatch
    return Bound((coerce(args[0], t.STRING), args[1]), t.BOOLEAN.with_nullable(False))


def _is_json_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    kind = f"json_type(streamsql_json({args[0]}))"
    test = {"OBJECT": "= 'OBJECT'", "ARRAY": "= 'ARRAY'", "SCALAR": "NOT IN ('OBJECT', 'ARRAY')"}
    return f"coalesce({kind} {test.get(str(literal(call, 1)), 'IS NOT NULL')}, false)"


def _object_rule(args: Args) -> Bound:
    """The word of ON NULL, then key, form and value in turn; keys are put in order, the last of equal ones counts."""
    on_null, parts = args[0], args[1:]
    found: dict[str, Args] = {}
    for key, form, value in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        if not isinstance(key, Literal) or not isinstance(key.value, str):
            raise Mismatch("a key of JSON_OBJECT must be a constant text", span=key.span)
        found[key.value] = (key, form, value)
    ordered = tuple(part for name in sorted(found) for part in found[name])
    return Bound((on_null, *ordered), t.STRING.with_nullable(False))


def _array_rule(args: Args) -> Bound:
    return Bound(args, t.STRING.with_nullable(False))


def _part(call: Call, args: Sequence[str], index: int, context: EvalContext) -> str:
    """The JSON of an argument; what is JSON already, as the argument before it says, goes in as it is."""
    json = args[index] if literal(call, index - 1) == RAW else to_json(args[index], call.args[index].type, context)
    return json if literal(call, 0) == "ABSENT" else or_null(json)


def _object_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    parts = [
        f"CAST(to_json({args[index]}) AS VARCHAR) || ':' || {_part(call, args, index + 2, context)}"
        for index in range(1, len(args), 3)
    ]
    return f"'{{' || concat_ws(',', {', '.join(parts)}) || '}}'" if parts else "'{}'"


def _array_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    parts = [_part(call, args, index, context) for index in range(2, len(args), 2)]
    return f"'[' || concat_ws(',', {', '.join(parts)}) || ']'" if parts else "'[]'"


def _string_rule(args: Args) -> Bound:
    if len(args) != 1:
        raise Mismatch
    return Bound(args, t.STRING.with_nullable(any_nullable(args)))


def _string_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    return to_json(args[0], call.args[0].type, context)


RAW, VALUE = "JSON", "VALUE"
"""The forms in which a value goes into a constructor: a JSON text as it is, any other value as its JSON."""
_json_text = takes("text", t.STRING)


def _entry(
    name: str,
    usage: str,
    rule: Rule,
    sql: str | Callable[[Call, Sequence[str], EvalContext], str],
    can_fail: bool | Callable[[Call], bool] = False,
) -> Function:
    return Function(name, usage, rule, None, sql, name, can_fail)


_ON = "[… ON EMPTY] [… ON ERROR]"

ENTRIES: tuple[Function, ...] = (
    _entry("JSON_VALUE", f"JSON_VALUE(text, 'path' [RETURNING type] {_ON})", _value_rule, _value_sql, _raises),
    _entry(
        "JSON_QUERY",
        f"JSON_QUERY(text, 'path' [RETURNING type] [WITH … WRAPPER] {_ON})",
        _query_rule,
        _query_sql,
        _raises,
    ),
    _entry(
        "JSON_EXISTS",
        "JSON_EXISTS(text, 'path' [… ON ERROR])",
        _exists_rule,
        _exists_sql,
        lambda call: literal(call, 2) == "ERROR",
    ),
    _entry("IS JSON", "text IS JSON [VALUE | OBJECT | ARRAY | SCALAR]", _is_json_rule, _is_json_sql),
    _entry("JSON_OBJECT", "JSON_OBJECT([KEY] 'key' VALUE value, … [NULL | ABSENT ON NULL])", _object_rule, _object_sql),
    _entry("JSON_ARRAY", "JSON_ARRAY(value, … [NULL | ABSENT ON NULL])", _array_rule, _array_sql),
    _entry(
        RAW,
        "JSON(text), as a value of JSON_OBJECT and JSON_ARRAY",
        _json_text,
        f"CASE WHEN streamsql_is_json({{0}}) THEN {{0}} WHEN {{0}} IS NOT NULL THEN "
        f"{failure('JSON() takes a JSON text', 'VARCHAR')} END",
        True,
    ),
    _entry("JSON_STRING", "JSON_STRING(value)", _string_rule, _string_sql),
    _entry("JSON_QUOTE", "JSON_QUOTE(text)", _json_text, "streamsql_json_quote({0})"),
    _entry("JSON_UNQUOTE", "JSON_UNQUOTE(text)", _json_text, "streamsql_json_unquote({0})"),
)
