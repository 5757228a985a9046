"""LIKE, SIMILAR TO and the REGEXP functions, whose patterns are Java's as far as RE2 goes (java_regex.py)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import count

import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr import types as t
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_text import quoted
from streamsql.expr.function import ArrowFunction, Datum, Function, Render, is_literal, literal
from streamsql.expr.java_regex import java_regex
from streamsql.expr.nodes import Call, Literal
from streamsql.expr.signatures import Args, Bound, Mismatch, Rule, takes
from streamsql.expr.text_bytes import count_character, is_ascii_character

_NO_TEXT = pa.scalar(None, pa.string())
_PLAIN = re.compile(r"""(?:[\w ,;:/"'@#%&=<>!~`-]|\\[^\w\s])+""", re.ASCII)
"""A pattern that stands for one text; that is searched for many times as fast."""


def like_regex(pattern: str, escape: str | None) -> str:
    """A LIKE pattern as a regular expression for the whole text."""
    parts = []
    characters = iter(pattern)
    for each in characters:
        if escape and each == escape:
            parts.append(re.escape(_escaped(pattern, next(characters, ""), (escape, "%", "_"))))
        else:
            parts.append({"%": ".*", "_": "."}.get(each) or re.escape(each))
    return f"^(?s:{''.join(parts)})$"


def _escaped(pattern: str, character: str, allowed: Sequence[str]) -> str:
    if character not in allowed or not character:
        raise Mismatch(f"in the pattern '{pattern}' the escape character stands before neither % nor _ nor itself")
    return character


def similar_regex(pattern: str, escape: str | None) -> str:
    """A SIMILAR TO pattern as a regular expression for the whole text; `.` is any character, as Flink has it."""
    parts, in_set = [], False
    characters = iter(pattern)
    for each in characters:
        if escape and each == escape:
            parts.append(re.escape(next(characters, "")))
        elif in_set or each not in "%_":
            in_set = (in_set or each == "[") and each != "]"
            parts.append(re.escape(each) if each in "^$\\" and not in_set else each)
        else:
            parts.append(".*" if each == "%" else ".")
    return f"^(?s:{''.join(parts)})$"


def _checked(regex: str, pattern: Literal) -> None:
    try:
        pc.match_substring_regex(pa.array([""]), regex)
    except pa.ArrowInvalid as error:
        reason = str(error).removeprefix("Invalid regular expression: ")
        raise Mismatch(f"{pattern.value!r} is not a pattern: {reason}", span=pattern.span) from None


def _matching_rule(to_regex: Callable[[str, str | None], str]) -> Rule:
    base = takes("text, text, text?", t.BOOLEAN)

    def rule(args: Args) -> Bound:
        bound = base(args)
        pattern = bound.args[1]
        if len(args) > 2 and (not isinstance(args[2], Literal) or len(str(args[2].value)) != 1):
            raise Mismatch("ESCAPE takes one character", span=args[2].span)
        if isinstance(pattern, Literal) and isinstance(pattern.value, str):
            escape = args[2].value if len(args) > 2 and isinstance(args[2], Literal) else None
            _checked(to_regex(pattern.value, str(escape) if escape else None), pattern)
        return bound

    return rule


def _escape(call: Call) -> str | None:
    value = literal(call, 2)
    return str(value) if value else None


def _like(call: Call, context: EvalContext) -> ArrowFunction | None:
    """The common forms ('abc%', '%abc', '%abc%') need no regular expression."""
    pattern = literal(call, 1)
    if not isinstance(pattern, str):
        return None
    inner = pattern.strip("%")
    if _escape(call) is None and "%" not in inner and "_" not in inner and inner:
        at_start, at_end = not pattern.startswith("%"), not pattern.endswith("%")
        if at_start and at_end:
            return lambda text, *rest: pc.equal(text, inner)
        function = pc.starts_with if at_start else pc.ends_with if at_end else pc.match_substring
        return lambda text, *rest: function(text, inner)
    regex = like_regex(pattern, _escape(call))
    return lambda text, *rest: pc.match_substring_regex(text, regex)


def _like_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    escape = f" ESCAPE {args[2]}" if len(args) > 2 else ""
    return f"({args[0]} LIKE {args[1]}{escape})"


def _similar(call: Call, context: EvalContext) -> ArrowFunction | None:
    regex = similar_regex(str(literal(call, 1)), _escape(call))
    return lambda text, *rest: pc.match_substring_regex(text, regex)


def _similar_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    return f"regexp_matches({args[0]}, {quoted(similar_regex(str(literal(call, 1)), _escape(call)))})"


def _similar_rule(args: Args) -> Bound:
    bound = _matching_rule(similar_regex)(args)
    if not isinstance(bound.args[1], Literal) or bound.args[1].value is None:
        raise Mismatch("SIMILAR TO takes a constant pattern")
    return bound


def _regexp_rule(base: Rule) -> Rule:
    """Checks a constant pattern when the query is bound."""

    def rule(args: Args) -> Bound:
        bound = base(args)
        pattern = bound.args[1]
        if isinstance(pattern, Literal) and isinstance(pattern.value, str):
            try:
                _checked(java_regex(pattern.value), pattern)
            except Mismatch as wrong:
                raise Mismatch(wrong.reason, wrong.hint, wrong.span or pattern.span) from None
        return bound

    return rule


def _pattern(call: Call) -> str | None:
    """The pattern for RE2; None where it is no constant."""
    value = literal(call, 1)
    return java_regex(value) if isinstance(value, str) else None


def _with_pattern(template: str) -> Render:
    """Writes the constant pattern as RE2 has it; one that comes from a column goes as it is."""

    def render(call: Call, args: Sequence[str], context: EvalContext) -> str:
        return template.format(args[0], _pattern_sql(call, args), *args[2:])

    return render


def _pattern_sql(call: Call, args: Sequence[str]) -> str:
    regex = _pattern(call)
    return args[1] if regex is None else quoted(regex)


def _is_open(call: Call) -> bool:
    """A pattern that comes from a column may be none."""
    return not is_literal(call, 1)


def _regexp(call: Call, context: EvalContext) -> ArrowFunction | None:
    pattern = _pattern(call)
    if pattern is None:
        return None
    return lambda text, pattern_: pc.match_substring_regex(text, pattern)


def only_group(pattern: str, group: int) -> str | None:
    """The pattern with that one group captured, named `g`; group 0 is all of it; None: there is no such group.

    >>> only_group("(a)(b)", 2)
    '(?:a)(?P<g>b)'
    """
    parts, seen, in_set, place = [], 0, False, 0
    while place < len(pattern):
        each = pattern[place]
        if each == "\\":
            parts.append(pattern[place : place + 2])
            place += 2
            continue
        opens = each == "(" and not in_set and not pattern.startswith("(?", place)
        named = re.match(r"\(\?P?<\w+>", pattern[place:]) if each == "(" and not in_set else None
        in_set = (in_set or each == "[") and each != "]"
        if opens or named:
            seen += 1
            parts.append("(?P<g>" if seen == group else "(?:")
            place += named.end() if named else 1
            continue
        parts.append(each)
        place += 1
    if group > seen or group < 0:
        return None
    text = "".join(parts)
    return f"(?P<g>{text})" if group == 0 else text


def max_group(pattern: str) -> int:
    """How many groups the pattern has.

    >>> max_group("(a)(?:b)(c)")
    2
    """
    return next(group for group in count(1) if only_group(pattern, group) is None) - 1


def _extract_rule(args: Args) -> Bound:
    bound = _regexp_rule(takes("text, text, int?", t.STRING, nulls=True))(args)
    if len(args) > 2 and not isinstance(args[2], Literal) and not isinstance(args[1], Literal):
        raise Mismatch("the pattern or the group must be a constant", span=args[2].span)
    return bound


def _extract(call: Call, context: EvalContext) -> ArrowFunction | None:
    """REGEXP_EXTRACT(text, pattern[, group]): NULL where nothing matches."""
    pattern, group = _pattern(call), literal(call, 2, 0)
    if pattern is None or not isinstance(group, int) or (len(call.args) > 2 and not is_literal(call, 2)):
        return None
    regex = only_group(pattern, group)
    if regex is None:
        return lambda text, *rest: pc.if_else(pc.is_valid(text), _NO_TEXT, _NO_TEXT)
    return lambda text, *rest: _field(pc.extract_regex(text, regex))


def _field(found: Datum) -> Datum:
    return pc.struct_field(found, [0])


def _extract_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    text, pattern = args[0], _pattern_sql(call, args)
    value, group = _pattern(call), literal(call, 2, 0)
    if value is not None and isinstance(group, int) and only_group(value, group) is None:
        return "CAST(NULL AS VARCHAR)"
    chosen = args[2] if len(args) > 2 else "0"
    if len(args) > 2 and not is_literal(call, 2) and value is not None:
        # DuckDB takes constant groups only.
        groups = range(max_group(value) + 1)
        whens = (f"WHEN {group} THEN regexp_extract({text}, {pattern}, {group})" for group in groups)
        return f"CASE WHEN regexp_matches({text}, {pattern}) THEN CASE {chosen} {' '.join(whens)} END END"
    return f"CASE WHEN regexp_matches({text}, {pattern}) THEN regexp_extract({text}, {pattern}, {chosen}) END"


def _replace(call: Call, context: EvalContext) -> ArrowFunction | None:
    pattern, replacement = _pattern(call), literal(call, 2)
    if pattern is None or not isinstance(replacement, str):
        return None
    plain = replacement.replace("\\", "\\\\")
    return lambda text, *rest: pc.replace_substring_regex(text, pattern, plain)


def _count(call: Call, context: EvalContext) -> ArrowFunction | None:
    pattern = _pattern(call)
    if pattern is None:
        return None
    if _PLAIN.fullmatch(pattern) is None:
        return lambda text, pattern_: pc.cast(pc.count_substring_regex(text, pattern), pa.int32())
    plain = re.sub(r"\\(.)", r"\1", pattern)
    if is_ascii_character(plain):
        count = count_character(plain)
        return lambda text, pattern_: count(text)
    return lambda text, pattern_: pc.cast(pc.count_substring(text, plain), pa.int32())


def _extract_all_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    """NULL where the pattern has no such group."""
    value, group = _pattern(call), literal(call, 2, 1)
    if value is not None and isinstance(group, int) and only_group(value, group) is None:
        return "CAST(NULL AS VARCHAR[])"
    return f"regexp_extract_all({args[0]}, {_pattern_sql(call, args)}, {args[2] if len(args) > 2 else '1'})"


_REPLACE_SQL = r"regexp_replace({0}, {1}, replace({2}, '\', '\\'), 'g')"
_INSTR_SQL = (
    "CASE WHEN regexp_matches({0}, {1}) THEN strpos({0}, regexp_extract({0}, {1}))"
    " ELSE 0 * length({0}) + 0 * length({1}) END"
)

ENTRIES: tuple[Function, ...] = (
    Function("LIKE", "text LIKE pattern [ESCAPE character]", _matching_rule(like_regex), _like, _like_sql, "LIKE"),
    Function("SIMILAR TO", "text SIMILAR TO pattern", _similar_rule, _similar, _similar_sql, "SIMILAR TO"),
    Function(
        "REGEXP",
        "REGEXP(text, pattern)",
        _regexp_rule(takes("text, text", t.BOOLEAN)),
        _regexp,
        _with_pattern("regexp_matches({0}, {1})"),
        "REGEXP",
        _is_open,
    ),
    Function(
        "REGEXP_EXTRACT",
        "REGEXP_EXTRACT(text, pattern[, group])",
        _extract_rule,
        _extract,
        _extract_sql,
        "REGEXP_EXTRACT",
        _is_open,
    ),
    Function(
        "REGEXP_SUBSTR",
        "REGEXP_SUBSTR(text, pattern)",
        _regexp_rule(takes("text, text", t.STRING, nulls=True)),
        _extract,
        _extract_sql,
        "REGEXP_SUBSTR",
        _is_open,
    ),
    Function(
        "REGEXP_REPLACE",
        "REGEXP_REPLACE(text, pattern, replacement)",
        _regexp_rule(takes("text, text, text", t.STRING)),
        _replace,
        _with_pattern(_REPLACE_SQL),
        "REGEXP_REPLACE",
        _is_open,
    ),
    Function(
        "REGEXP_COUNT",
        "REGEXP_COUNT(text, pattern)",
        _regexp_rule(takes("text, text", t.INT)),
        _count,
        _with_pattern("len(regexp_extract_all({0}, {1}))"),
        "REGEXP_COUNT",
        _is_open,
    ),
    Function(
        "REGEXP_INSTR",
        "REGEXP_INSTR(text, pattern)",
        _regexp_rule(takes("text, text", t.INT)),
        None,
        _with_pattern(_INSTR_SQL),
        "REGEXP_INSTR",
        _is_open,
    ),
    Function(
        "REGEXP_EXTRACT_ALL",
        "REGEXP_EXTRACT_ALL(text, pattern[, group])",
        _regexp_rule(takes("text, text, int?", t.array(t.STRING), nulls=True)),
        None,
        _extract_all_sql,
        "REGEXP_EXTRACT_ALL",
        _is_open,
    ),
)
