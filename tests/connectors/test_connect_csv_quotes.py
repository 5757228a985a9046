"""Which texts need quotes: alone in a batch and among others, the same."""

from __future__ import annotations

import io

import pyarrow as pa
import pytest
from streamsql_connectors.formats.csv_dialect import Dialect
from streamsql_connectors.formats.csv_encode import CsvWriter

from streamsql.expr.types import STRING, schema

PLAIN = ["a", "ü é", "a b", "a#", "'", "語", None]
QUOTED = ["", "a,b", 'a"b', "a\nb", "a\rb", " a", "a ", "\ta", "a\f", ","]


def written(texts: list[str | None], dialect: Dialect) -> str:
    target = io.BytesIO()
    CsvWriter(schema(("s", STRING)), target, dialect, header=False).write(pa.record_batch({"s": pa.array(texts)}))
    return target.getvalue().decode()


@pytest.mark.parametrize("text", QUOTED)
def test_a_text_that_needs_quotes_among_plain_ones(text: str) -> None:
    line = '"' + text.replace('"', '""') + '"\n'
    assert written([text], Dialect()) == line
    assert written([*PLAIN, text], Dialect()) == "".join(f"{each or ''}\n" for each in PLAIN) + line


def test_plain_texts_have_none() -> None:
    assert written(PLAIN, Dialect()) == "a\nü é\na b\na#\n'\n語\n\n"
    assert written(["#a", "b"], Dialect(comments=True)) == '"#a"\nb\n'
    assert written(["#a", "b"], Dialect()) == "#a\nb\n"
    assert written(["a;b", "c"], Dialect(delimiter=";")) == '"a;b"\nc\n'
    assert written(["none", "c", None], Dialect(null="none")) == '"none"\nc\nnone\n'
