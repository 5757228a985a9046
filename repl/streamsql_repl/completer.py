"""What may come at the cursor: a pure function of the text and of the names that there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field

from streamsql.record import record
from streamsql.sql.dialect.words import RESERVED
from streamsql_repl.splitter import COMMAND
from streamsql_repl.typed import (
    WINDOW_COLUMNS,
    WINDOW_FUNCTIONS,
    Typed,
    common_tables,
    in_comment,
    makes_windows,
    name_of,
    opened,
    options_set,
    tables_read,
    typed,
)

_TABLES_AFTER = ("FROM", "JOIN", "INTO", "TABLE", "DESCRIBE", "DESC", "UPDATE", "EXISTS", "VIEW")
_PLAIN_NAME = re.compile(r"[^\W\d]\w*")


def _nothing(_: str) -> tuple[str, ...]:
    return ()


@record
class Vocabulary:
    """The names that there are. `columns`: those of a table or view; `files`: the paths that begin so.

    `connectors`, `formats`: their options; a format's with its prefix.
    """

    keywords: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    columns: Callable[[str], tuple[str, ...]] = _nothing
    settings: tuple[str, ...] = ()
    connectors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    formats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    files: Callable[[str], tuple[str, ...]] = _nothing


@record
class Completion:
    """A text for the last `replaces` characters before the cursor, and the kind of thing it is."""

    text: str
    replaces: int
    kind: str


def completions(text: str, cursor: int, names: Vocabulary) -> list[Completion]:
    """All that may come at the cursor, the likeliest first.

    >>> names = Vocabulary(tables=("bids",), columns=lambda table: ("price", "item"))
    >>> [each.text for each in completions("SELECT pr FROM bids", 9, names)]
    ['price']
    """
    line = text[:cursor].rpartition("\n")[2].lstrip()
    if line.startswith(COMMAND):
        return list(_command(line, names))
    if in_comment(text, cursor):
        return []
    at = typed(text, cursor)
    if at.word.startswith("'"):
        return list(_string(at, names, closes=text[cursor : cursor + 1] != "'"))
    prefix = at.word[1:] if at.word[:1] in ('"', "`") else at.word
    found: dict[str, Completion] = {}
    for kind, name in _candidates(at, names):
        if name.lower().startswith(prefix.lower()) and name != at.word:
            shown = _as_typed(name, kind, at.word)
            found.setdefault(shown, Completion(shown, len(at.word), kind))
    return list(found.values())


def _candidates(at: Typed, names: Vocabulary) -> Iterator[tuple[str, str]]:
    if not at.before:
        yield from _each("keyword", names.starts)
    elif at.last == ".":
        qualifier = name_of(at.before[-2]) if len(at.before) > 1 else ""
        yield from _each("column", names.columns(tables_read(at.whole).get(qualifier, qualifier)))
    elif _wants_table(at):
        yield from _each("table", (*common_tables(at.whole), *names.tables))
        yield from _each("keyword", ("TABLE", "LATERAL", "UNNEST", *WINDOW_FUNCTIONS) if at.last != "TABLE" else ())
    else:
        yield from _columns(at, names)
        yield from _each("keyword", names.keywords)
        if at.word:
            yield from _each("function", names.functions)


def _columns(at: Typed, names: Vocabulary) -> Iterator[tuple[str, str]]:
    read = tables_read(at.whole)
    if not read and at.word:
        read = {name: name for name in names.tables}  # before FROM is written, any column may be meant
    for table in dict.fromkeys(read.values()):
        yield from _each("column", names.columns(table))
    if makes_windows(at.whole):
        yield from _each("column", WINDOW_COLUMNS)
    if at.word:
        yield from _each("table", read)


def _wants_table(at: Typed) -> bool:
    if at.last == "EXISTS":
        return len(at.before) > 3 and at.before[0].upper == "DROP"
    if at.last in ("TABLE", "VIEW"):
        return at.before[0].upper != "CREATE"
    return at.last in _TABLES_AFTER or (at.last == "," and at.clause == "FROM" and not any(opened(at.before)))


def _string(at: Typed, names: Vocabulary, *, closes: bool) -> Iterator[Completion]:
    """Inside of a string: a setting, an option or its value."""
    written = at.word[1:]
    first = at.before[0].upper if at.before else ""
    if first in ("SET", "RESET") and len(at.before) == 1:
        kind, found, follows = "setting", names.settings, " = '" if first == "SET" else ""
    elif not any(each.upper in ("WITH", "OPTIONS") for each in opened(at.before)):
        return
    elif at.last == "=":
        kind, follows = "value", ""
        found = _values(at.before[-2].text.strip("'"), written, names)
    else:
        given = options_set(at.whole)
        kind, found, follows = "option", _options(given, names), " = '"
    end = f"'{follows}" if closes else ""
    for name in found:
        if name.startswith(written) and name != written:
            folder = kind == "value" and name.endswith("/")
            yield Completion(name + ("" if folder else end), len(written), kind)


def _options(given: Mapping[str, str], names: Vocabulary) -> tuple[str, ...]:
    """The options that may be added to the ones that are given."""
    if "connector" not in given:
        return ("connector",)
    connector = names.connectors.get(given["connector"], ())
    format_ = names.formats.get(given.get("format", ""), ())
    return tuple(each for each in dict.fromkeys((*connector, *format_)) if each not in given)


def _values(key: str, written: str, names: Vocabulary) -> tuple[str, ...]:
    match key:
        case "connector":
            return tuple(names.connectors)
        case "format":
            return tuple(names.formats)
        case "path":
            return names.files(written)
        case _:
            return ()


def _command(line: str, names: Vocabulary) -> Iterator[Completion]:
    command, space, argument = line.partition(" ")
    if not space:
        found: Iterable[str] = names.commands
        written, kind = command, "command"
    else:
        by_command = {"\\d": names.tables, "\\help": names.topics, "\\i": names.files(argument.strip())}
        found, written, kind = by_command.get(command, ()), argument.lstrip(), "argument"
    for name in found:
        if name.lower().startswith(written.lower()) and name != written:
            yield Completion(name, len(written), kind)


def _as_typed(name: str, kind: str, word: str) -> str:
    """A keyword or function in the case in which its first letters are typed; other names quoted where needed."""
    if kind == "function":
        return f"{name.lower() if word.islower() else name}("
    if kind == "keyword":
        return name.lower() if word.islower() else name
    if _PLAIN_NAME.fullmatch(name) and name.upper() not in RESERVED and word[:1] not in ('"', "`"):
        return name
    quote = word[:1] if word[:1] in ('"', "`") else "`"
    return f"{quote}{name.replace(quote, quote * 2)}{quote}"


def _each(kind: str, found: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((kind, name) for name in found)
