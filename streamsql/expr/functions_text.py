"""Text functions but those with patterns, which are in functions_pattern.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial, reduce

import pyarrow.compute as pc

from streamsql.expr import text_bytes
from streamsql.expr import text_kernels as kernels
from streamsql.expr import types as t
from streamsql.expr.coercion import coerce, common_type, is_text
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_text import quoted
from streamsql.expr.function import Build, Function, Render, always
from streamsql.expr.nodes import Call, Literal
from streamsql.expr.signatures import Args, Bound, Mismatch, Rule, any_nullable, one_of, takes
from streamsql.expr.types import BYTES_KINDS, INTEGERS, Kind

TRIM_MODES = ("BOTH", "LEADING", "TRAILING")


def _concat_rule(args: Args) -> Bound:
    """Texts, or byte strings."""
    shared = common_type(each.type for each in args) if args else None
    if shared is None or not (is_text(shared) or shared.kind in (*BYTES_KINDS, Kind.NULL)):
        hint = "CAST(… AS STRING) makes a text of any value"
        raise Mismatch("only texts can be joined" if args else "", hint)
    type_ = t.BYTES if shared.kind in BYTES_KINDS else t.STRING
    converted = tuple(coerce(each, type_) if each.type.kind is Kind.NULL else each for each in args)
    return Bound(converted, type_.with_nullable(any_nullable(args)))


def _concat_ws_rule(args: Args) -> Bound:
    bound = takes("text, text+", t.STRING)(args)
    return Bound(bound.args, t.STRING.with_nullable(args[0].type.nullable))


def _trim_rule(args: Args) -> Bound:
    if len(args) == 1:
        args = (_word("BOTH"), _word(" "), *args)
    if len(args) != 3 or not isinstance(args[0], Literal) or args[0].value not in TRIM_MODES:
        raise Mismatch
    texts = takes("text, text", t.STRING)(args[1:])
    return Bound((args[0], *texts.args), texts.type)


def _side_rule(mode: str) -> Rule:
    """LTRIM(text[, characters]) and its kin, as TRIM."""

    def rule(args: Args) -> Bound:
        if len(args) not in (1, 2):
            raise Mismatch
        characters = args[1] if len(args) == 2 else _word(" ")
        return _trim_rule((_word(mode), characters, args[0]))

    return rule


def _word(text: str) -> Literal:
    return Literal(value=text, type=t.char(len(text)).with_nullable(False))


def _trim_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    mode = call.args[0].value if isinstance(call.args[0], Literal) else "BOTH"
    function = {"BOTH": "trim", "LEADING": "ltrim", "TRAILING": "rtrim"}[str(mode)]
    return f"{function}({args[2]}, {args[1]})"


def _substring_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    text, start = args[:2]
    length = f", {args[2]}" if len(args) > 2 else ""
    missing = f"WHEN {args[2]} < 0 THEN NULL " if length else ""
    return (
        f"CASE {missing}WHEN {start} = 0 THEN substring({text}, 1{length})"
        f" WHEN {start} < -length({text}) THEN '' || left({text}, 0) ELSE substring({text}, {start}{length}) END"
    )


def _position_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    needle, text = args[:2]
    if len(args) == 2:
        return f"CASE WHEN {needle} = '' THEN 1 + 0 * length({text}) ELSE strpos({text}, {needle}) END"
    start = f"(CASE WHEN {args[2]} < 1 THEN 1 ELSE {args[2]} END)"
    found = f"strpos(substring({text}, {start}), {needle})"
    return (
        f"CASE WHEN {needle} = '' THEN 1 + 0 * length({text}) + 0 * {start}"
        f" WHEN {found} > 0 THEN {found} + {start} - 1 ELSE {found} END"
    )


def _locate_rule(args: Args) -> Bound:
    return takes("text, text, int?", t.INT)(args)


def _instr_rule(args: Args) -> Bound:
    if len(args) != 2:
        raise Mismatch
    return _locate_rule((args[1], args[0]))


def _pad_sql(function: str, call: Call, args: Sequence[str], context: EvalContext) -> str:
    filler = args[2] if len(args) > 2 else "' '"
    return f"CASE WHEN {args[1]} < 0 OR {filler} = '' THEN NULL ELSE {function}({args[0]}, {args[1]}, {filler}) END"


def _overlay_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    text, replacement, start = args[:3]
    length = args[3] if len(args) > 3 else f"length({replacement})"
    return (
        f"CASE WHEN {replacement} IS NULL OR {length} IS NULL THEN NULL"
        f" WHEN {start} <= 0 OR {start} > length({text}) THEN {text}"
        f" ELSE left({text}, {start} - 1) || {replacement} || substring({text}, {start} + {length}) END"
    )


def _initcap_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    lower = f"translate({args[0]}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"
    return reduce(
        lambda text, step: f"regexp_replace({text}, {quoted(step[0])}, {quoted(step[1])}, 'g')",
        kernels.INITCAP_STEPS,
        lower,
    )


def _text(
    name: str, params: str, arrow: Build | None, sql: str | Render, *, result: t.SqlType = t.STRING, usage: str = ""
) -> Function:
    rule = takes(params, result)
    return Function(name, usage or f"{name}({params})", rule, arrow, sql, name)


def _split_index_rule(args: Args) -> Bound:
    """The delimiter may be the code of a character."""
    if len(args) == 3 and args[1].type.kind in INTEGERS:
        code = args[1]
        if not isinstance(code, Literal) or not isinstance(code.value, int) or not 0 < code.value < 0x110000:
            raise Mismatch("a delimiter by its code must be a constant character", span=code.span)
        args = (args[0], replace(_word(chr(code.value)), span=code.span), args[2])
    return takes("text, text, int", t.STRING, nulls=True)(args)


def _both_texts(args: Args) -> Bound:
    return one_of(takes("text, text", t.BOOLEAN), takes("bytes, bytes", t.BOOLEAN))(args)


def _ends_sql(function: str, call: Call, args: Sequence[str], context: EvalContext) -> str:
    """Bytes by their hexadecimal digits, two a byte."""
    if call.args[0].type.kind in BYTES_KINDS:
        return f"{function}(hex({args[0]}), hex({args[1]}))"
    return f"{function}({args[0]}, {args[1]})"


def _test(name: str, regex: str) -> Function:
    """Whether a text consists of certain characters; FALSE for NULL and ''."""
    rule = takes("text", t.BOOLEAN, nulls=False)
    sql = f"coalesce(regexp_matches({{0}}, {quoted(regex.replace('{', '{{').replace('}', '}}'))}), false)"
    return Function(name, f"{name}(text)", rule, always(partial(kernels.consists_of, regex)), sql, name)


_FIRST_BYTE = "CAST('0x' || left(hex({0}), 2) AS INTEGER)"
_ASCII = f"CASE WHEN {{0}} = '' THEN 0 WHEN {_FIRST_BYTE} > 127 THEN {_FIRST_BYTE} - 256 ELSE {_FIRST_BYTE} END"
_TRIM = "TRIM([BOTH | LEADING | TRAILING] [text FROM] text)"
_LEFT = "CASE WHEN {1} <= 0 THEN left({0}, 0) ELSE left({0}, {1}) END"
_RIGHT = "CASE WHEN {1} <= 0 THEN left({0}, 0) ELSE right({0}, {1}) END"

_CONVERT_TZ = "strftime(streamsql_to_timestamp({0}) AT TIME ZONE {1} AT TIME ZONE {2}, '%Y-%m-%d %H:%M:%S')"

ENTRIES: tuple[Function, ...] = (
    Function("||", "text || text", _concat_rule, always(kernels.concat), "({0} || {1})", "||"),
    Function(
        "CONCAT",
        "CONCAT(text, …)",
        _concat_rule,
        always(kernels.concat),
        lambda call, args, context: f"({' || '.join(args)})",
        "CONCAT",
    ),
    Function(
        "CONCAT_WS",
        "CONCAT_WS(separator, text, …)",
        _concat_ws_rule,
        kernels.concat_ws,
        "CASE WHEN {0} IS NOT NULL THEN concat_ws({args}) END",
        "CONCAT_WS",
    ),
    _text("UPPER", "text", always(text_bytes.upper), "upper({0})"),
    _text("LOWER", "text", always(text_bytes.lower), "lower({0})"),
    Function("TRIM", _TRIM, _trim_rule, kernels.trim, _trim_sql, "TRIM"),
    Function("LTRIM", "LTRIM(text[, characters])", _side_rule("LEADING"), kernels.trim, _trim_sql, "LTRIM"),
    Function("RTRIM", "RTRIM(text[, characters])", _side_rule("TRAILING"), kernels.trim, _trim_sql, "RTRIM"),
    Function("BTRIM", "BTRIM(text[, characters])", _side_rule("BOTH"), kernels.trim, _trim_sql, "BTRIM"),
    _text(
        "SUBSTRING",
        "text, int, int?",
        kernels.substring,
        _substring_sql,
        usage="SUBSTRING(text FROM int [FOR int]) or SUBSTRING(text, int[, int])",
    ),
    _text("LEFT", "text, int", kernels.left, _LEFT),
    _text("RIGHT", "text, int", kernels.right, _RIGHT),
    _text("CHAR_LENGTH", "text", always(pc.utf8_length), "length({0})", result=t.INT),
    Function("POSITION", "POSITION(text IN text)", _locate_rule, kernels.position, _position_sql, "POSITION"),
    Function("LOCATE", "LOCATE(needle, text[, from])", _locate_rule, kernels.position, _position_sql, "LOCATE"),
    Function("INSTR", "INSTR(text, needle)", _instr_rule, kernels.position, _position_sql, "INSTR"),
    _text("REPLACE", "text, text, text", kernels.replace, "replace({0}, {1}, {2})"),
    _text("REPEAT", "text, int", always(kernels.repeat), "repeat({0}, greatest({1}, 0))"),
    _text("REVERSE", "text", always(pc.utf8_reverse), "reverse({0})"),
    Function(
        "LPAD",
        "LPAD(text, int[, text])",
        takes("text, int, text?", t.STRING, nulls=True),
        partial(kernels.pad, True),
        partial(_pad_sql, "lpad"),
        "LPAD",
    ),
    Function(
        "RPAD",
        "RPAD(text, int[, text])",
        takes("text, int, text?", t.STRING, nulls=True),
        partial(kernels.pad, False),
        partial(_pad_sql, "rpad"),
        "RPAD",
    ),
    _text("INITCAP", "text", always(kernels.initcap), _initcap_sql),
    _text("ASCII", "text", always(kernels.ascii_code), _ASCII, result=t.INT),
    _text(
        "CHR", "bigint", always(kernels.character), "CASE WHEN {0} < 0 THEN '' ELSE chr(CAST({0} & 255 AS INTEGER)) END"
    ),
    _text(
        "OVERLAY", "text, text, int, int?", None, _overlay_sql, usage="OVERLAY(text PLACING text FROM int [FOR int])"
    ),
    Function(
        "SPLIT_INDEX",
        "SPLIT_INDEX(text, delimiter, int)",
        _split_index_rule,
        kernels.split_index,
        "CASE WHEN {2} >= 0 AND {0} <> '' THEN string_split({0}, {1})[{2} + 1] END",
        "SPLIT_INDEX",
    ),
    _text(
        "SPLIT",
        "text, text",
        kernels.split,
        "CASE WHEN {0} = '' AND {1} IS NOT NULL THEN [] WHEN {1} IS NOT NULL THEN string_split({0}, {1}) END",
        result=t.array(t.STRING.with_nullable(True)),
    ),
    Function(
        "STARTSWITH",
        "STARTSWITH(text, text)",
        _both_texts,
        partial(kernels.starts_or_ends, True),
        partial(_ends_sql, "starts_with"),
        "STARTSWITH",
    ),
    Function(
        "ENDSWITH",
        "ENDSWITH(text, text)",
        _both_texts,
        partial(kernels.starts_or_ends, False),
        partial(_ends_sql, "suffix"),
        "ENDSWITH",
    ),
    _text("TRANSLATE", "text, text, text", None, "translate({0}, {1}, {2})"),
    _test("IS_ALPHA", r"^\p{L}+$"),
    _test("IS_DIGIT", r"^\p{Nd}+$"),
    _test("IS_DECIMAL", r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"),
    _text(
        "CONVERT_TZ",
        "text, text, text",
        None,
        _CONVERT_TZ,
        usage="CONVERT_TZ('yyyy-MM-dd HH:mm:ss', 'from zone', 'to zone')",
    ),
)
