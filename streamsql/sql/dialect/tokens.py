"""Text to tokens: one regular expression, exact positions, no backslash escapes."""

from __future__ import annotations

import re

from sqlglot.tokenizer_core import Token, TokenType

from streamsql.errors import Span, SqlError
from streamsql.sql.syntax_errors import ELSEWHERE, unterminated

SYMBOLS = {
    "(": TokenType.L_PAREN,
    ")": TokenType.R_PAREN,
    "[": TokenType.L_BRACKET,
    "]": TokenType.R_BRACKET,
    "{": TokenType.L_BRACE,
    "}": TokenType.R_BRACE,
    ",": TokenType.COMMA,
    ".": TokenType.DOT,
    ";": TokenType.SEMICOLON,
    ":": TokenType.COLON,
    "+": TokenType.PLUS,
    "-": TokenType.DASH,
    "*": TokenType.STAR,
    "/": TokenType.SLASH,
    "%": TokenType.MOD,
    "=": TokenType.EQ,
    "<>": TokenType.NEQ,
    "!=": TokenType.NEQ,
    "<": TokenType.LT,
    "<=": TokenType.LTE,
    ">": TokenType.GT,
    ">=": TokenType.GTE,
    "||": TokenType.DPIPE,
    "|": TokenType.PIPE,
    "=>": TokenType.FARROW,
    "?": TokenType.PLACEHOLDER,
    "^": TokenType.CARET,
    "$": TokenType.DOLLAR,
    "/*+": TokenType.HINT,
    "*/": TokenType.BLOCK_END,
}

TOKEN = re.compile(
    r"""
    (?P<space>[\s\ufeff]+ | --[^\n]* | /\*(?!\+).*?\*/)
  | (?P<unicode>[uU]&'(?:[^']|'')*'(?:\s+(?i:UESCAPE)\s*'[^'0-9a-fA-F+\s]')?)
  | (?P<hex>[xX]'(?:[^']|'')*')
  | (?P<string>'(?:[^']|'')*')
  | (?P<name>`(?:[^`]|``)*` | "(?:[^"]|"")*")
  | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<foreign>:: | == | &&)
  | (?P<symbol>/\*\+ | \*/ | <> | != | <= | >= | => | \|\| | /(?!\*) | [()\[\]{},.;:+\-*%=<>|?^$])
    """,
    re.VERBOSE | re.DOTALL,
)
OPENINGS = {"'": ("string", "'"), "`": ("quoted name", "`"), '"': ("quoted name", '"'), "/*": ("comment", "*/")}


def tokenize(sql: str) -> list[Token]:
    """All tokens of the text; SqlError where a character, string or comment is wrong.

    `Token.end` is the last character, as everywhere in sqlglot.
    """
    tokens: list[Token] = []
    offset = 0
    while offset < len(sql):
        match = TOKEN.match(sql, offset)
        if match is None:
            raise _bad_character(sql, offset)
        if match.lastgroup != "space":
            tokens.append(_token(sql, match))
        offset = match.end()
    return tokens


def _token(sql: str, match: re.Match[str]) -> Token:
    kind, text, span = match.lastgroup, match.group(), Span(match.start(), match.end())
    match kind:
        case "word":
            return _make(TokenType.VAR, text, span)
        case "symbol":
            return _make(SYMBOLS[text], text, span)
        case "string":
            return _make(TokenType.STRING, text[1:-1].replace("''", "'"), span)
        case "name":
            return _quoted_name(text, span)
        case "number":
            return _number(sql, text, span)
        case "hex":
            return _hex(text, span)
        case "unicode":
            return _make(TokenType.STRING, _unicode(text, span), span)
        case _:
            raise SqlError(f'syntax error: unexpected "{text}"', span=span, hint=ELSEWHERE[text])


def _make(kind: TokenType, text: str, span: Span) -> Token:
    return Token(kind, text, start=span.start, end=span.end - 1)


def _quoted_name(text: str, span: Span) -> Token:
    quote, name = text[0], text[1:-1]
    if not name:
        raise SqlError("syntax error: a quoted name is empty", span=span)
    return _make(TokenType.IDENTIFIER, name.replace(quote * 2, quote), span)


def _number(sql: str, text: str, span: Span) -> Token:
    following = sql[span.end : span.end + 1]
    if following.isalpha() or following == "_":
        word = re.compile(r"[\w$]*").match(sql, span.start)
        end = word.end() if word else span.end
        raise SqlError(
            f'syntax error: "{sql[span.start : end]}" is neither a number nor a name',
            span=Span(span.start, end),
            hint=f"a name that starts with a digit is quoted: `{sql[span.start : end]}`",
        )
    return _make(TokenType.NUMBER, text, span)


def _hex(text: str, span: Span) -> Token:
    digits = text[2:-1]
    if len(digits) % 2 or not re.fullmatch(r"[0-9a-fA-F]*", digits):
        raise SqlError("syntax error: X'...' takes pairs of hexadecimal digits", span=span)
    return _make(TokenType.HEX_STRING, digits.lower(), span)


def _unicode(text: str, span: Span) -> str:
    """The text of U&'…' with its escapes \\XXXX and \\+XXXXXX replaced; UESCAPE '!' names another sign than \\."""
    named = re.search(r"'\s+UESCAPE\s*'(.)'$", text, re.IGNORECASE)
    sign, end = (re.escape(named[1]), named.start()) if named else (r"\\", len(text) - 1)
    try:
        return re.sub(
            rf"{sign}(?:(?P<sign>{sign})|\+([0-9a-fA-F]{{6}})|([0-9a-fA-F]{{4}}))",
            lambda found: found["sign"] or chr(int(found[2] or found[3], 16)),
            text[3:end].replace("''", "'"),
        )
    except ValueError as error:
        raise SqlError("syntax error: U&'...' names a character that does not exist", span=span) from error


def _bad_character(sql: str, offset: int) -> SqlError:
    for opening, (what, closing) in OPENINGS.items():
        if sql.startswith(opening, offset):
            return unterminated(what, closing, Span(offset, offset + len(opening)))
    character = sql[offset]
    return SqlError(
        f'syntax error: unexpected character "{character}"',
        span=Span(offset, offset + 1),
        hint=ELSEWHERE.get(character),
    )
