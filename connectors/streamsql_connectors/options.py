"""Options of connectors and formats: which there are, and what their texts mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from streamsql.errors import UsageError, did_you_mean
from streamsql.ports import OptionInfo

Value = TypeVar("Value")

_BYTE_UNITS = {"": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_MOST = 10**18
_ESCAPES = {"\\t": "\t", "\\\\": "\\"}


def refuse_unknown(options: Iterable[str], known: Iterable[str], owner: str) -> None:
    """UsageError for the first option that `owner` does not know."""
    names = tuple(known)
    for name in options:
        if name not in names:
            near = did_you_mean(name, names, kind="known options")
            listed = f"known options: {', '.join(sorted(names))}"
            hint = near if near == listed else f"{near} ({listed})"
            raise UsageError(f"unknown option '{name}' of {owner}", hint=hint)


def names_of(options: Iterable[OptionInfo]) -> tuple[str, ...]:
    """The names of a table of options."""
    return tuple(each.name for each in options)


def option(options: Mapping[str, str], name: str, parse: Callable[[str], Value], default: Value) -> Value:
    """The value of an option; UsageError naming it where its text means nothing."""
    text = options.get(name)
    if text is None:
        return default
    try:
        return parse(text)
    except ValueError as error:
        raise UsageError(f"option '{name}' = '{text}': {error}") from None


def required(options: Mapping[str, str], name: str, owner: str) -> str:
    """The text of an option that must be there."""
    if not options.get(name):
        raise UsageError(f"{owner} needs the option '{name}'", hint=f"write WITH ('{name}' = '…')")
    return options[name]


def boolean(text: str) -> bool:
    """
    >>> boolean("TRUE")
    True
    """
    if text.lower() not in ("true", "false"):
        raise ValueError("write true or false")
    return text.lower() == "true"


def count(text: str) -> int:
    """A whole number from 0 on.

    >>> count("10")
    10
    """
    if not re.fullmatch(r"[0-9]+", text.strip()):
        raise ValueError("write a whole number from 0 on")
    if int(text) > _MOST:
        raise ValueError(f"write a whole number up to {_MOST}")
    return int(text)


def positive(text: str) -> int:
    """A whole number from 1 on.

    >>> positive("10")
    10
    """
    if count(text) == 0:
        raise ValueError("write a whole number from 1 on")
    return int(text)


def whole_number(text: str) -> int:
    """
    >>> whole_number("-10")
    -10
    """
    if not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text):
        raise ValueError("write a whole number")
    return int(text)


def byte_size(text: str) -> int:
    """
    >>> byte_size("128 MB")
    134217728
    """
    match = re.fullmatch(r"\s*([0-9]+)\s*([a-zA-Z]*)\s*", text)
    if match is None or match[2].lower() not in _BYTE_UNITS:
        raise ValueError("write a size such as 128MB")
    return int(match[1]) * _BYTE_UNITS[match[2].lower()]


def character(text: str) -> str:
    r"""One character, with `\t` for the tab.

    >>> character("\\t") == "\t"
    True
    """
    text = _ESCAPES.get(text, text)
    if len(text) != 1 or ord(text) > 127 or text in "\r\n":
        raise ValueError("write one ASCII character")
    return text


def characters(text: str) -> str:
    r"""One or more characters, with `\t` for the tab.

    >>> characters("; ")
    '; '
    """
    if not text:
        raise ValueError("write at least one character")
    return _ESCAPES.get(text, text)


def choice(*allowed: str, fold: bool = False) -> Callable[[str], str]:
    """A parser that accepts one of the given words; `fold`: in upper case too."""

    def parse(text: str) -> str:
        word = text.lower() if fold else text
        if word not in allowed:
            raise ValueError(f"write one of {', '.join(allowed)}")
        return word

    return parse
