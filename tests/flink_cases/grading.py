"""Flink's answers as a yardstick: reading the cases, and results in the form of their expected rows."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Case:
    """A query with its input files, and what Flink 2.3 answers."""

    folder: Path
    feature: str
    types: dict[str, str]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def sql(self) -> str:
        return (self.folder / "query.sql").read_text().replace("${DIR}", str(self.folder))

    def expected(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "expected.jsonl").read_text().splitlines() if line.strip()]


def cases(kind: str) -> list[Case]:
    """All cases of a folder: cases, errors or quirks."""
    found = []
    for folder in sorted((HERE / kind).iterdir()):
        meta = json.loads((folder / "meta.json").read_text())
        found.append(Case(folder, meta["feature"], dict(map(tuple, meta.get("columns") or []))))
    return found


def canonical_rows(table: pa.Table) -> list[dict[str, Any]]:
    """A result in the form of the expected rows."""
    return [{name: _canonical(value) for name, value in row.items()} for row in table.to_pylist()]


def _canonical(value: Any) -> Any:
    match value:
        case Decimal():
            return format(value, "f")
        case dt.datetime():
            return value.replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
        case dt.date():
            return value.isoformat()
        case dt.time():
            return value.isoformat(timespec="seconds")
        case bytes():
            return value.hex()
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
        case dict():
            return {key: _canonical(each) for key, each in value.items()}
        case list() if value and all(isinstance(each, tuple) for each in value):
            return {str(_canonical(key)): _canonical(each) for key, each in value}
        case list():
            return [_canonical(each) for each in value]
    return value


def differences(case: Case, actual: list[dict[str, Any]], answer: list[dict[str, Any]] | None = None) -> list[str]:
    """Rows that only one side has, as lines `-` expected or `+` actual; floats agree to 9 significant digits.

    Expected is Flink's answer, or `answer`.
    """
    expected = Counter(_key(case, row) for row in (case.expected() if answer is None else answer))
    found = Counter(_key(case, row) for row in actual)
    return [f"- {row}" for row in (expected - found).elements()] + [f"+ {row}" for row in (found - expected).elements()]


def _key(case: Case, row: dict[str, Any]) -> str:
    values = {name: _comparable(value, case.types.get(name, "")) for name, value in row.items()}
    return json.dumps(values, sort_keys=True, ensure_ascii=False)


def _comparable(value: Any, type_: str) -> Any:
    if isinstance(value, float) or (type_.startswith(("DOUBLE", "FLOAT")) and isinstance(value, int)):
        return format(float(value), ".9g")
    if isinstance(value, str) and type_.startswith("DECIMAL"):
        return format(Decimal(value).normalize(), "f")
    if isinstance(value, list):
        return [_comparable(each, "") for each in value]
    if isinstance(value, dict):
        return {key: _comparable(each, "") for key, each in value.items()}
    return value
