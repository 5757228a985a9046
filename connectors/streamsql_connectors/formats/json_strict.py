"""What DuckDB takes for a JSON object and we do not: NaN, a comma before a bracket, a key of a column twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql_connectors import duck
from streamsql_connectors.formats.text_values import Mask

_NOT_JSON = r"(?i)[:,\[]\s*-?(?:nan|inf)|,\s*[}\]]"


def malformed(texts: pa.Array, names: Sequence[str] = ()) -> Mask | None:
    """Where a text is not JSON, or an object has one of the names twice; None if nowhere. NULL is fine.

    >>> malformed(pa.array(['{"a": 1}', '{"a": NaN}', '[1,]', '{"a": 1, "a": 1}', None]), ["a"]).tolist()
    [False, True, True, True, False]
    """
    repeated = "json_type(t) = 'OBJECT' AND len(json_keys(t)) > len(list_distinct(json_keys(t)))"
    judge = (
        f"CASE WHEN t IS NULL THEN 'fine' WHEN NOT json_valid(t) THEN 'bad' WHEN {repeated} THEN 'odd' ELSE 'fine' END"
    )
    (judged,) = duck.project({"t": texts}, judge)
    bad = pc.equal(judged, "bad").to_numpy(zero_copy_only=False)
    odd = pc.or_(pc.equal(judged, "odd"), pc.fill_null(pc.match_substring_regex(texts, _NOT_JSON), False))
    for each in np.flatnonzero(odd.to_numpy(zero_copy_only=False) & ~bad).tolist():
        bad[each] = syntax_error(texts[each].as_py(), names) is not None
    return bad if bad.any() else None


def syntax_error(text: str | bytes, names: Iterable[str] = ()) -> str | None:
    """Why a text is not JSON, or which of the names its object has twice; None if neither.

    >>> syntax_error('{"a": 1, "b": 2, "a": 3}', ["a"])
    'field a occurs twice'
    >>> syntax_error('{"a": Infinity}')
    'not valid JSON: Infinity is not a JSON value'
    """
    try:
        value = json.loads(text, object_pairs_hook=_Object, parse_int=str, parse_float=str, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        return f"not valid JSON: {error.msg.removesuffix(' at')} at column {error.colno}"
    except RecursionError:
        return "not valid JSON that could be read: it is nested too deeply"
    except ValueError as error:
        return f"not valid JSON: {error}"
    if not isinstance(value, _Object):
        return None
    keys = [key for key, _ in value]
    twice = next((each for each in names if keys.count(each) > 1), None)
    return None if twice is None else f"field {twice} occurs twice"


class _Object(list[tuple[str, Any]]):
    """The members of an object as written."""


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON value")
