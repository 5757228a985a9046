"""Numbers, texts and bytes written in other ways: hexadecimal, character sets, URLs, base 64, hashes."""

from __future__ import annotations

from collections.abc import Sequence

from streamsql.expr import types as t
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_text import quoted
from streamsql.expr.function import Build, Function, Render, always, literal
from streamsql.expr.nodes import Call, Literal
from streamsql.expr.python_kernels import CHARSETS, python_kernel
from streamsql.expr.signatures import Args, Bound, Mismatch, Rule, one_of, takes
from streamsql.expr.types import BYTES_KINDS, INTEGERS


def _charset_rule(base: Rule) -> Rule:
    """The second argument names a character set."""

    def rule(args: Args) -> Bound:
        bound = base(args)
        charset = bound.args[1]
        if not isinstance(charset, Literal) or not isinstance(charset.value, str):
            raise Mismatch("the character set must be a constant text", span=charset.span)
        name = charset.value.upper()
        if name not in CHARSETS:
            known = ", ".join(CHARSETS)
            raise Mismatch(f"unknown character set '{charset.value}'", f"character sets: {known}", charset.span)
        return Bound((bound.args[0], Literal(value=name, type=t.char(len(name)), span=charset.span)), bound.type)

    return rule


def _with_utf8(function: str, call: Call, args: Sequence[str]) -> str:
    if literal(call, 1) == "UTF-8" and function == "encode":
        return f"encode({args[0]})"
    return f"streamsql_{function}({args[0]}, {args[1]})"


def _encode_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    return _with_utf8("encode", call, args)


def _decode_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    return _with_utf8("decode", call, args)


def _hex_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    """Integers as 64 bits, without leading zeros; texts by their UTF-8."""
    kind = call.args[0].type.kind
    if kind in INTEGERS:
        return f"hex(CAST({args[0]} AS BIGINT))"
    return f"hex({args[0]})" if kind in BYTES_KINDS else f"hex(encode({args[0]}))"


def _to_base64_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    data = args[0] if call.args[0].type.kind in BYTES_KINDS else f"encode({args[0]})"
    return f"to_base64({data})"


_UNHEX = "CASE WHEN regexp_full_match({0}, '[0-9A-Fa-f]*') THEN unhex({0}) END"
_URL_ENCODE = "replace(replace(replace(url_encode({0}), '%20', '+'), '~', '%7E'), '%2A', '*')"
_BROKEN_ESCAPE = "%(?:[^0-9A-Fa-f]|[0-9A-Fa-f][^0-9A-Fa-f]|[0-9A-Fa-f]?$)"
_URL_DECODE = (
    f"CASE WHEN NOT regexp_matches({{0}}, '{_BROKEN_ESCAPE}')"
    " THEN CASE WHEN contains({0}, '%') THEN streamsql_url_decode({0}) ELSE replace({0}, '+', ' ') END END"
)

_SCHEMES = "(?i)https?|ftp|file|jar|mailto"
_AUTHORITY = r"(?:[^/?#]*)"
_URL = rf"^({_SCHEMES}):(//({_AUTHORITY}))?([^?#]*)(\?[^#]*)?(#.*)?$"
_URL_GROUPS = "['protocol', 'slashes', 'authority', 'path', 'query', 'ref']"
_URL_PARTS = {
    "PROTOCOL": "u.protocol",
    "AUTHORITY": "CASE WHEN u.slashes <> '' THEN u.authority END",
    "USERINFO": "CASE WHEN contains(u.authority, '@') THEN regexp_extract(u.authority, '^(.*)@', 1) END",
    "HOST": r"regexp_replace(regexp_replace(u.authority, '^.*@', ''), ':\d*$', '')",
    "PATH": "u.path",
    "FILE": "u.path || u.query",
    "QUERY": "CASE WHEN u.query <> '' THEN substring(u.query, 2) END",
    "REF": "CASE WHEN u.ref <> '' THEN substring(u.ref, 2) END",
}


def _parse_url_rule(args: Args) -> Bound:
    bound = takes("text, text, text?", t.STRING, nulls=True)(args)
    part = bound.args[1]
    if not isinstance(part, Literal) or part.value not in _URL_PARTS:
        known = ", ".join(_URL_PARTS)
        raise Mismatch("PARSE_URL takes one of its parts as a constant", f"parts: {known}", part.span)
    return bound


def _parse_url_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    part = _URL_PARTS[str(literal(call, 1))]
    if len(args) > 2:
        pattern = f"'(?:^|&)' || regexp_escape({args[2]}) || '=([^&]*)'"
        query = f"({_URL_PARTS['QUERY']})"
        found = f"CASE WHEN regexp_matches({query}, {pattern}) THEN regexp_extract({query}, {pattern}, 1) END"
        part = found if literal(call, 1) == "QUERY" else "CAST(NULL AS VARCHAR)"
    fields = f"regexp_extract({args[0]}, {quoted(_URL)}, {_URL_GROUPS})"
    return f"list_transform([{fields}], lambda u: CASE WHEN u.protocol <> '' THEN {part} END)[1]"


def _sha2_rule(args: Args) -> Bound:
    bound = takes("text, int", t.STRING)(args)
    length = bound.args[1]
    if not isinstance(length, Literal) or length.value not in _SHA2:
        raise Mismatch("SHA2 takes the length of the hash as a constant", "224, 256, 384 or 512", length.span)
    return bound


def _sha2_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    return _SHA2[int(str(literal(call, 1)))].format(args[0])


_SHA2 = {
    224: "streamsql_sha224({0})",
    256: "sha256({0})",
    384: "streamsql_sha384({0})",
    512: "streamsql_sha512({0})",
}
_text_or_bytes = one_of(takes("text", t.STRING), takes("bytes", t.STRING))
_integer_or_text = one_of(takes("bigint", t.STRING), _text_or_bytes)


def _entry(name: str, usage: str, rule: Rule, sql: str | Render, arrow: Build | None = None) -> Function:
    return Function(name, f"{name}({usage})", rule, arrow, sql, name)


def _text(name: str, sql: str, arrow: Build | None = None, result: t.SqlType = t.STRING) -> Function:
    return _entry(name, "text", takes("text", result), sql, arrow)


def _python(name: str) -> Build:
    return always(python_kernel(name))


ENTRIES: tuple[Function, ...] = (
    _entry("BIN", "integer", takes("bigint", t.STRING), "bin(CAST({0} AS BIGINT))"),
    _entry("HEX", "integer, text or bytes", _integer_or_text, _hex_sql),
    _entry("UNHEX", "text", takes("text", t.BYTES, nulls=True), _UNHEX),
    _entry("ENCODE", "text, 'character set'", _charset_rule(takes("text, text", t.BYTES)), _encode_sql),
    _entry("DECODE", "bytes, 'character set'", _charset_rule(takes("bytes, text", t.STRING)), _decode_sql),
    _entry("TO_BASE64", "text or bytes", _text_or_bytes, _to_base64_sql),
    Function(
        "FROM_BASE64",
        "FROM_BASE64(text)",
        takes("text", t.STRING),
        None,
        "streamsql_decode(from_base64({0}), 'UTF-8')",
        "FROM_BASE64",
        can_fail=True,
    ),
    _text("URL_ENCODE", _URL_ENCODE),
    _entry("URL_DECODE", "text", takes("text", t.STRING, nulls=True), _URL_DECODE),
    _entry("PARSE_URL", "text, 'part'[, key]", _parse_url_rule, _parse_url_sql),
    _text("MD5", "md5({0})"),
    _text("SHA1", "sha1({0})"),
    _text("SHA224", _SHA2[224], _python("streamsql_sha224")),
    _text("SHA256", _SHA2[256]),
    _text("SHA384", _SHA2[384], _python("streamsql_sha384")),
    _text("SHA512", _SHA2[512], _python("streamsql_sha512")),
    _entry("SHA2", "text, 224, 256, 384 or 512", _sha2_rule, _sha2_sql),
)
