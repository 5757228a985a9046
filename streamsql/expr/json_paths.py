"""JSON paths as Flink reads them (`lax $.a[0]['b c']`), as paths of DuckDB."""

from __future__ import annotations

import re

from streamsql.expr.signatures import Mismatch
from streamsql.record import record

_MODE = re.compile(r"\s*(strict|lax)\s+(.+)$", re.IGNORECASE | re.DOTALL)
_STEP = re.compile(
    r"""\.\.(?P<deep>[\w-]+)
      | \.(?P<name>[^.\[\]*()?@\s'"]+)
      | \.?\[\s*'(?P<single>(?:[^'\\]|\\.)*)'\s*\]
      | \.?\[\s*"(?P<double>(?:[^"\\]|\\.)*)"\s*\]
      | \[\s*(?P<index>-?\d+)\s*\]
      | (?P<all>\.\*|\[\s*\*\s*\])
    """,
    re.VERBOSE,
)


@record
class JsonPath:
    """A path in DuckDB's spelling.

    `strict`: what is missing is an error. `definite`: it means one value, not a list of what matches. `certain`: the
    part before the first step that may match several values.
    """

    text: str
    strict: bool
    definite: bool
    certain: str


def json_path(text: str) -> JsonPath:
    """Read a path; a Mismatch says what in it is not supported.

    >>> json_path("lax $.a[0]['b c']").text
    '$."a"[0]."b c"'
    >>> json_path("$.items[*].price").certain
    '$."items"'
    """
    moded = _MODE.match(text)
    path = (moded.group(2) if moded else text).strip()
    if not path.startswith("$"):
        raise Mismatch(f"the JSON path '{text}' does not begin with $", "write it like '$.name' or 'lax $.list[0]'")
    place, steps, certain = 1, ["$"], None
    while place < len(path):
        step = _STEP.match(path, place)
        if step is None:
            raise Mismatch(f"the JSON path '{text}' cannot be read at '{path[place:]}'", _STEPS)
        if step.group("all") or step.group("deep"):
            certain = certain or "".join(steps)
        steps.append(_step(step, text))
        place = step.end()
    whole = "".join(steps)
    return JsonPath(whole, not moded or moded.group(1).lower() == "strict", certain is None, certain or whole)


_ESCAPED, _ITSELF = re.compile(r"\\(.)"), r"\1"
_STEPS = "its steps are .name, ['name'], [index], [*], .* and ..name"


def _step(step: re.Match[str], text: str) -> str:
    if step.group("all"):
        return "[*]" if step.group("all").startswith("[") else ".*"
    if index := step.group("index"):
        return f"[#{index}]" if index.startswith("-") else f"[{index}]"
    if deep := step.group("deep"):
        return f"..{_name(deep, text)}"
    quoted = step.group("single") or step.group("double") or ""
    return f".{_name(step.group('name') or _ESCAPED.sub(_ITSELF, quoted), text)}"


def _name(name: str, text: str) -> str:
    if '"' in name:
        raise Mismatch(f"the JSON path '{text}' has a double quote in a name, which is not supported")
    return f'"{name}"'
