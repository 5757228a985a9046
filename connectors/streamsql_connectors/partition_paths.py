"""Partitions in paths, Hive style: `day=2025-06-01/shop=a%2Fb/part.parquet`."""

from __future__ import annotations

import re
from urllib.parse import unquote

HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
FLINK_NULL = "__DEFAULT_PARTITION__"

_ESCAPED = re.compile(r"""[\x00-\x1f\x7f"#%'*/:=?\\{}\[\]^]""")


def partition_texts(path: str, null_names: tuple[str, ...]) -> dict[str, str | None]:
    """The keys and values that the folders of a path tell, None where a value stands for NULL.

    >>> partition_texts("t/day=2025-06-01/shop=a%2Fb/x.csv", (HIVE_NULL,))
    {'day': '2025-06-01', 'shop': 'a/b'}
    """
    folders = path.replace("\\", "/").split("/")[:-1]
    pairs = (each.partition("=") for each in folders if "=" in each)
    return {unquote(key): None if value in null_names else unquote(value) for key, _, value in pairs if key}


def partition_folder(keys: tuple[str, ...], texts: tuple[str | None, ...], null_name: str) -> str:
    """The folders of one partition.

    >>> partition_folder(("day", "shop"), ("2025-06-01", None), HIVE_NULL)
    'day=2025-06-01/shop=__HIVE_DEFAULT_PARTITION__'
    """
    values = (null_name if text is None else _escaped(text) for text in texts)
    return "/".join(f"{_escaped(key)}={value}" for key, value in zip(keys, values, strict=True))


def _escaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: f"%{ord(match[0]):02X}", text)
