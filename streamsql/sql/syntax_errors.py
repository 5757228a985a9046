"""What is said about text that is not SQL: what was found, what was expected, and what may have been meant."""

from __future__ import annotations

from collections.abc import Iterable

from streamsql.errors import Span, SqlError, nearest, position

END_OF_TEXT = "the end of the text"

# Foreign spellings that have one plain translation.
ELSEWHERE = {
    "==": "write = to compare",
    "::": "write CAST(value AS type)",
    "&&": "write AND",
    "!": "write NOT",
    "~": "write SIMILAR TO, or REGEXP(text, pattern)",
    "@": "there are no variables; settings are read with SET",
    "\\": "a backslash stands only inside strings, where it is an ordinary character",
    "\u2018": "strings stand in straight quotes: 'text'",
    "\u2019": "strings stand in straight quotes: 'text'",
    "\u201c": 'names are quoted with `name` or "name"',
    "\u201d": 'names are quoted with `name` or "name"',
    "/*+": "a hint stands after SELECT or after the name of a table",
    "ILIKE": "write LOWER(text) LIKE LOWER(pattern)",
    "RLIKE": "write REGEXP(text, pattern)",
    "TOP": "write LIMIT n at the end of the query",
    "MINUS": "write EXCEPT",
}


def quoted(word: str) -> str:
    """A stretch of the text as messages show it."""
    return word if word == END_OF_TEXT else f'"{word}"'


def unexpected(found: str, span: Span, *, expected: str | None = None, hint: str | None = None) -> SqlError:
    """A token that cannot stand where it does."""
    message = f"expected {expected}, found {quoted(found)}" if expected else f"unexpected {quoted(found)}"
    return SqlError(f"syntax error: {message}", span=span, hint=hint or ELSEWHERE.get(found.upper()))


def unterminated(what: str, closing: str, span: Span) -> SqlError:
    """A string, quoted name or comment that runs to the end of the text."""
    hints = {
        "string": "a quote inside a string is written twice: 'it''s'",
        "quoted name": f"a {closing} inside a quoted name is written twice",
    }
    return SqlError(f"syntax error: this {what} has no closing {closing}", span=span, hint=hints.get(what))


def unclosed(text: str, opening: Span, found: str, span: Span) -> SqlError:
    """A bracket whose partner is missing where `found` stands."""
    bracket = text[opening.start]
    closing = {"(": ")", "[": "]", "{": "}", "<": ">"}[bracket]
    line, column = position(text, opening.start)
    return SqlError(
        f'syntax error: expected "{closing}", found {quoted(found)}',
        span=span,
        hint=f'it would close the "{bracket}" at line {line}, column {column}',
    )


def misspelt(word: str, keywords: Iterable[str]) -> str | None:
    """The hint for a word of another dialect, or one that is nearly a keyword, else None.

    >>> misspelt("GRUOP", ["GROUP BY", "WHERE"])
    'did you mean GROUP BY?'
    """
    if word.upper() in ELSEWHERE:
        return ELSEWHERE[word.upper()]
    by_first: dict[str, str] = {}
    for keyword in keywords:
        by_first.setdefault(keyword.split()[0], keyword)
    if len(word) < 2 or word.upper() in by_first:
        return None
    found = nearest(word.upper(), list(by_first))
    return f"did you mean {by_first[found[0]]}?" if found else None


_ORDER = ("FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "QUALIFY", "ORDER", "LIMIT", "OFFSET", "EMIT")
_WRITTEN = {
    "a unit of time such as SECOND or DAY": "write for instance INTERVAL '5' MINUTE",
    "WHEN, ELSE or END of this CASE": "a CASE ends with END",
    "a table, a query in parentheses or a table function": "name the table after FROM",
}


def out_of_place(found: str, starts: bool) -> str | None:
    """The hint for a word after a whole statement: a clause in the wrong place, or the next statement (`starts`)."""
    if found in _ORDER:
        return "clauses stand in the order FROM, WHERE, GROUP BY, HAVING, QUALIFY, ORDER BY, LIMIT, EMIT, each once"
    return "a semicolon stands between two statements" if starts and found != "(" else None


def advice(expected: str | None, before: str, found: str) -> str | None:
    """The hint for what was expected behind the word `before`, where `found` stands; None: nothing to add.

    >>> advice("BY", "GROUP", "")
    'write GROUP BY'
    """
    match expected, before, found:
        case "BY", ("GROUP" | "ORDER" | "PARTITION"), _:
            return f"write {before} BY"
        case "AND", _, ",":
            return "write BETWEEN low AND high"
        case '"("', "IN", _:
            return "the values stand in parentheses: IN (1, 2)"
        case "a type", _, ("," | ")"):
            return "a column is declared with its type: name STRING"
        case '"="', _, (")" | ","):
            return "an option is written 'key' = 'value'"
        case _:
            return _WRITTEN.get(expected or "")
