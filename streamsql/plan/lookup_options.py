"""Options of tables that are looked up: what is kept of them, and for how long; spelled as Flink spells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

from streamsql.durations import parse_duration
from streamsql.errors import UsageError, did_you_mean
from streamsql.expr.text import duration_text
from streamsql.plan.logical import Table
from streamsql.plan.trait_values import UNBOUNDED
from streamsql.record import record
from streamsql.time import Duration

CacheKind = Literal["NONE", "PARTIAL", "FULL"]

CACHE = "lookup.cache"
MAX_RETRIES = "lookup.max-retries"
MAX_ROWS = "lookup.partial-cache.max-rows"
AFTER_WRITE = "lookup.partial-cache.expire-after-write"
AFTER_ACCESS = "lookup.partial-cache.expire-after-access"
MISSING_KEYS = "lookup.partial-cache.cache-missing-key"
RELOAD = "lookup.full-cache.periodic-reload.interval"

_PARTIAL = (MAX_ROWS, AFTER_WRITE, AFTER_ACCESS, MISSING_KEYS)
_DEFAULT_RETRIES = 3
LOOKUP_OPTIONS = (CACHE, MAX_RETRIES, *_PARTIAL, RELOAD)


@record
class LookupOptions:
    """What a lookup keeps.

    `max_rows`: so many keys, those used last. `after_write` and `after_access`: how long after it was looked up, or
    used, a key is kept. `missing_keys`: keys that are not there are kept too. `max_retries`: how often a lookup that
    failed is tried again. `reload`: after how long a table that is kept whole is read anew.
    """

    cache: CacheKind
    max_retries: int = _DEFAULT_RETRIES
    max_rows: int | None = None
    after_write: Duration | None = None
    after_access: Duration | None = None
    missing_keys: bool = True
    reload: Duration | None = None

    @property
    def state_bound(self) -> str | None:
        """What bounds what is kept, in words."""
        match self.cache:
            case "NONE":
                return None
            case "FULL":
                return "all rows of the table"
            case "PARTIAL" if self.max_rows is not None:
                return f"cache of {self.max_rows} keys"
            case "PARTIAL" if (limit := self.after_write or self.after_access) is not None:
                return f"cache of the keys of {duration_text(limit)}"
            case _:
                return f"{UNBOUNDED} (cache of all keys looked up)"


def lookup_options(table: Table) -> LookupOptions | None:
    """The options of a table that can be looked up; None where its connector offers no lookups.

    UsageError for unknown or malformed ones, and for those that do not go together.
    """
    given = {name: text for name, text in table.options.items() if name.startswith("lookup.")}
    for name in given:
        if name not in LOOKUP_OPTIONS:
            raise UsageError(
                f"unknown option '{name}' of table {table.name}",
                hint=did_you_mean(name, LOOKUP_OPTIONS, kind="options of lookups"),
            )
    if table.lookup_cache is None:
        if given:
            where = "an in-memory table" if table.connector is None else f"connector {table.connector}"
            raise UsageError(
                f"option '{next(iter(given))}' of table {table.name}: {where} is not looked up",
                hint="leave it out: FOR SYSTEM_TIME AS OF PROCTIME() reads the table's rows as they come",
            )
        return None
    cache = cast(CacheKind, _cache(given.get(CACHE, table.lookup_cache)))
    _refuse_unused(given, cache)
    return LookupOptions(
        cache,
        _DEFAULT_RETRIES if (retries := _count(given, MAX_RETRIES, least=0)) is None else retries,
        _count(given, MAX_ROWS, least=1),
        _duration(given, AFTER_WRITE),
        _duration(given, AFTER_ACCESS),
        _boolean(given, MISSING_KEYS),
        _duration(given, RELOAD),
    )


def _cache(text: str) -> str:
    if text.upper() not in ("NONE", "PARTIAL", "FULL"):
        raise UsageError(f"option '{CACHE}' = '{text}': write one of NONE, PARTIAL, FULL")
    return text.upper()


def _refuse_unused(given: Mapping[str, str], cache: CacheKind) -> None:
    for names, needed in ((_PARTIAL, "PARTIAL"), ((RELOAD,), "FULL")):
        unused = next((each for each in names if each in given and cache != needed), None)
        if unused is not None:
            raise UsageError(
                f"option '{unused}' means nothing with '{CACHE}' = '{cache}'", hint=f"write '{CACHE}' = '{needed}'"
            )


def _count(given: Mapping[str, str], name: str, *, least: int) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not text.strip().isdecimal() or int(text) < least:
        raise UsageError(f"option '{name}' = '{text}': write a whole number from {least} on")
    return int(text)


def _duration(given: Mapping[str, str], name: str) -> Duration | None:
    return parse_duration(given[name], name) if name in given else None


def _boolean(given: Mapping[str, str], name: str) -> bool:
    text = given.get(name, "true").lower()
    if text not in ("true", "false"):
        raise UsageError(f"option '{name}' = '{text}': write true or false")
    return text == "true"
