"""The files that the wrong inputs speak of."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = (
    '{"k":"a","v":1,"price":1.50,"ts":"2025-01-01 00:00:01"}\n{"k":"b","v":0,"price":2.50,"ts":"2025-01-01 00:00:02"}\n'
)
TEXTS = {
    "t.jsonl": ROWS,
    "words.txt": "a word\n",
    "broken.jsonl": '{"k":"a","v":1}\n{"k":"b","v":\n{"k":"c","v":3}\n',
    "wrong_type.jsonl": '{"k":"a","v":1}\n{"k":"b","v":"many"}\n',
    "wrong_time.jsonl": '{"k":"a","ts":"2025-02-30 25:00:00"}\n',
    "array.jsonl": "[1, 2]\n",
    "missing.jsonl": '{"k":"a","v":1}\n{"k":"b"}\n',
    "big.jsonl": '{"k":"a","v":9999999999}\n',
    "broken.csv": "k,v\na,1\nb,many\n",
    "short.csv": "k,v\na,1\nb\n",
    "twice.csv": "k,v,v\na,1,2\n",
    "returns.jsonl": '{"k":"a","v":1}\r{"k":"b","v":2}\r',
    "milliseconds.jsonl": '{"k":"a","ts":1748772000000}\n',
    "nul.csv": "k,v\na,1\n\0\n",
    "open_quote.csv": 'k,v\n"a,1\n',
    "text.parquet": "this is no parquet file\n",
    "nothing.jsonl": "",
    "data.xyz": "?\n",
    "q2.sql": "SELECT 1\n",
}


def make_files(folder: Path) -> None:
    """Write them all into an empty folder."""
    for name, text in TEXTS.items():
        (folder / name).write_text(text)
    (folder / "empty").mkdir()
    (folder / "mixed").mkdir()
    (folder / "mixed" / "README.md").write_text("# Rows\n")
    (folder / "mixed" / "t.jsonl").write_text(ROWS)
    (folder / "wide.csv").write_bytes("k,v\na,1\n".encode("utf-16"))
    (folder / "latin.txt").write_bytes(b"caf\xe9\n")
    whole = gzip.compress(b"".join(b'{"k":"%d","v":%d}\n' % (each, each) for each in range(1000)), mtime=0)
    (folder / "cut.jsonl.gz").write_bytes(whole[:-100])
    (folder / "not.jsonl.gz").write_bytes(b"plain text\n")
    pq.write_table(pa.table({"k": ["a"] * 1000, "v": range(1000)}), folder / "whole.parquet")
    (folder / "cut.parquet").write_bytes((folder / "whole.parquet").read_bytes()[:500])
    pq.write_table(pa.table({"k": ["a"], "v": ["text"]}), folder / "drift.parquet")
