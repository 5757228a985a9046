"""`streamsql functions` and `streamsql connectors`: what there is to write in SQL and in WITH (…)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from fnmatch import fnmatchcase

import click

from streamsql.errors import UsageError, did_you_mean
from streamsql.expr.aggregate_table import AGGREGATE_ALIASES, AGGREGATES
from streamsql.expr.duckdb_functions import ALLOWED
from streamsql.expr.function import DUCKDB_PREFIX
from streamsql.expr.function_reference import descriptions
from streamsql.expr.functions import ALIASES, FUNCTIONS, OVERLOADS
from streamsql.expr.functions_plan import is_plans_own
from streamsql.expr.rewrites import REWRITES
from streamsql.plugins import known_names, load_connector, load_format
from streamsql.ports import OptionInfo
from streamsql.record import record
from streamsql.runtime.settings import IDLE_TIMEOUT

_IN_ANY_TABLE = OptionInfo(
    IDLE_TIMEOUT, "duration", "after so long without rows the table no longer holds the watermark back"
)
_OVERLOAD = re.compile(r" (TO|BASE|TEXT|INTERVAL)$")


@record
class FunctionInfo:
    """A function as the listing shows it; `kind`: scalar, aggregate, operator or duckdb."""

    name: str
    kind: str
    usage: str
    text: str = ""


@record
class PluginInfo:
    """A connector or format with its options; the names of a format's have its prefix."""

    name: str
    kind: str
    text: str
    options: tuple[OptionInfo, ...]


def all_functions() -> tuple[FunctionInfo, ...]:
    """Every function, by name; DuckDB's own behind the others."""
    callable_ = {name: each for name, each in FUNCTIONS.items() if not is_plans_own(name)}
    own = [FunctionInfo(_bare(name), _kind(name), each.usage, _text(name)) for name, each in callable_.items()]
    own += [FunctionInfo(name, _kind(name), f"= {target}") for name, target in ALIASES.items() if target in FUNCTIONS]
    own += [FunctionInfo(name, "scalar", f"{name}(…)", _text(name)) for name in REWRITES if name.isidentifier()]
    own += [FunctionInfo(name, "aggregate", each.usage, each.meaning) for name, each in AGGREGATES.items()]
    own += [FunctionInfo(name, "aggregate", f"= {target}") for name, target in AGGREGATE_ALIASES.items()]
    taken = {each.name for each in own}
    duckdb = [
        (name.upper() if name.upper() not in taken else f"{DUCKDB_PREFIX}{name}".lower(), name) for name in ALLOWED
    ]
    return (
        *sorted(own, key=lambda each: (each.name, each.usage)),
        *(FunctionInfo(shown, "duckdb", f"DuckDB's {name}(…)") for shown, name in sorted(duckdb)),
    )


def _bare(name: str) -> str:
    return _OVERLOAD.sub("", name)


def _text(name: str) -> str:
    found = descriptions().get(name) or descriptions().get(_bare(name))
    return "" if found is None else found.text


def _kind(name: str) -> str:
    shared = {each for entries in OVERLOADS.values() for each in entries}
    first = name.split()[0] if name in shared else name
    return "scalar" if re.fullmatch(r"\w+", first) and name not in ("AND", "OR", "NOT") else "operator"


def functions_like(pattern: str | None) -> tuple[FunctionInfo, ...]:
    """The functions whose name holds a text, or fits a pattern with * and ?; UsageError where there is none."""
    known = all_functions()
    if pattern is None:
        return tuple(each for each in known if each.kind != "duckdb")
    wanted = pattern.upper() if any(mark in pattern for mark in "*?") else f"*{pattern.upper()}*"
    found = tuple(each for each in known if fnmatchcase(each.name.upper(), wanted))
    if not found:
        near = did_you_mean(pattern.upper(), tuple(each.name for each in known), kind="some of them")
        raise UsageError(f"there is no function like {pattern}", hint=near)
    return found


def all_plugins() -> tuple[PluginInfo, ...]:
    """Every connector and format."""
    return (*map(_connector, known_names("connector")), *map(_format, known_names("format")))


def plugins_named(name: str | None) -> tuple[PluginInfo, ...]:
    """The connector or format of a name, else all of them; UsageError for an unknown one."""
    known = all_plugins()
    found = tuple(each for each in known if name in (None, each.name))
    if not found:
        names = tuple(each.name for each in known)
        raise UsageError(f"there is no connector or format {name}", hint=did_you_mean(str(name), names))
    return found


def _connector(name: str) -> PluginInfo:
    found = load_connector(name)
    return PluginInfo(name, "connector", _first_sentence(found), (*found.options, _IN_ANY_TABLE))


def _format(name: str) -> PluginInfo:
    found = load_format(name)
    options = tuple(OptionInfo(**{**asdict(each), "name": f"{name}.{each.name}"}) for each in found.options)
    return PluginInfo(name, "format", _first_sentence(found), options)


def _first_sentence(plugin: object) -> str:
    return " ".join((plugin.__doc__ or "").split())


def show_functions(pattern: str | None, *, as_json: bool) -> None:
    """Print the functions like a pattern."""
    found = functions_like(pattern)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=1, ensure_ascii=False))
        return
    click.echo("\n".join(function_lines(found)))


def function_lines(found: Iterable[FunctionInfo]) -> Iterator[str]:
    """One line each: name, kind, how it is called, what it gives."""
    rows = tuple(found)
    names, kinds = (max(len(text) for text in texts) for texts in zip(*((r.name, r.kind) for r in rows), strict=True))
    for each in rows:
        text = f": {each.text}" if each.text else ""
        yield f"{each.name:<{names}}  {each.kind:<{kinds}}  {each.usage}{text}"


def show_plugins(name: str | None, *, as_json: bool) -> None:
    """Print connectors and formats with their options."""
    found = plugins_named(name)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=1, ensure_ascii=False))
        return
    click.echo("\n\n".join("\n".join(plugin_lines(each)) for each in found))


def plugin_lines(plugin: PluginInfo) -> Iterator[str]:
    """A heading, and a line for each option."""
    yield f"{plugin.kind} '{plugin.name}': {plugin.text}"
    width = max((len(each.name) + 2 for each in plugin.options), default=0)
    for each in plugin.options:
        quoted = f"'{each.name}'"
        stands = "; required" if each.required else "" if each.default is None else f"; default {each.default}"
        yield f"  {quoted:<{width}}  {each.text} ({each.type}{stands})"
