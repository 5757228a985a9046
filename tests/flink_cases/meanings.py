"""What streamsql answers where Flink 2.3 refuses or is wrong; docs/differences.md says why."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

MEANINGS: dict[str, list[Row]] = {
    # The query does not use the time, so the row without one stays.
    "001_null_rowtime": [{"k": "a", "v": 1}, {"k": "a", "v": 2}, {"k": "b", "v": 0}, {"k": "x", "v": 1}],
    # Here it does: the row is a reject.
    "002_null_rowtime_window": [
        {"window_start": "2025-06-02 10:00:00.000", "n": 1},
        {"window_start": "2025-06-02 10:00:05.000", "n": 2},
    ],
    # Windows of 10 s every 4 s hold the rows of 10:00:01, :05 and :09.
    "003_hop_tvf_not_multiple": [
        {"window_start": "2025-06-02 09:59:52.000", "n": 1},
        {"window_start": "2025-06-02 09:59:56.000", "n": 2},
        {"window_start": "2025-06-02 10:00:00.000", "n": 3},
        {"window_start": "2025-06-02 10:00:04.000", "n": 2},
        {"window_start": "2025-06-02 10:00:08.000", "n": 1},
    ],
    # Steps of 4 s, the last one cut at 10 s.
    "004_cumulate_not_multiple": [
        {"window_start": "2025-06-02 10:00:00.000", "n": 1},
        {"window_start": "2025-06-02 10:00:00.000", "n": 2},
        {"window_start": "2025-06-02 10:00:00.000", "n": 3},
    ],
    "007_order_by_without_limit": [{"k": "b", "v": 0}, {"k": "a", "v": 1}, {"k": "a", "v": 2}],
    # Rows of rank 1: the smallest v of each k.
    "020_lateral_topn_other_table": [
        {"k": "a", "v": 1},
        {"k": "a", "v": 1},
        {"k": "a", "v": 2},
        {"k": "a", "v": 2},
        {"k": "b", "v": 0},
    ],
    "016_rank_function_topn": [{"k": "a", "v": 1, "r": 1}, {"k": "b", "v": 0, "r": 1}],
    # The sum of a row and the one after it.
    "017_over_following": [{"k": "a", "s": 2}, {"k": "a", "s": 3}, {"k": "b", "s": 0}],
    "018_over_two_windows": [{"k": "a", "s": 1, "g": 1}, {"k": "a", "s": 3, "g": 3}, {"k": "b", "s": 0, "g": 2}],
    "019_over_desc_time": [{"k": "a", "s": 2}, {"k": "a", "s": 3}, {"k": "b", "s": 0}],
    "023_lag_default_not_null": [
        {"k": "a", "v": 1, "ts": "2025-06-02 10:00:01.000", "l": -1},
        {"k": "a", "v": None, "ts": "2025-06-02 10:00:02.000", "l": -1},
        {"k": "a", "v": 2, "ts": "2025-06-02 10:00:03.000", "l": 1},
        {"k": "a", "v": 3, "ts": "2025-06-02 10:00:04.000", "l": None},
        {"k": "a", "v": 4, "ts": "2025-06-02 10:00:05.000", "l": 2},
    ],
    "024_truncate_huge_double": [{"y": 1.2}, {"y": 1e300}],
    "026_over_order_by_non_time": [{"k": "a", "v": 1, "s": 1}, {"k": "a", "v": 2, "s": 3}, {"k": "b", "v": 0, "s": 0}],
    "027_interval_minute_precision": [
        {"k": "a", "t2": "2025-06-02 13:00:01.000"},
        {"k": "a", "t2": "2025-06-02 13:00:05.000"},
        {"k": "b", "t2": "2025-06-02 13:00:09.000"},
    ],
    # The rows that are there at the end: the best player, e, is skipped.
    "029_limit_offset_over_retracting": [
        {"player": "f", "total": 68},
        {"player": "b", "total": 61},
        {"player": "g", "total": 52},
    ],
}
"""Queries that Flink refuses, or whose job it fails, and our rows in order."""

CORRECTIONS: dict[str, dict[int, Row]] = {
    # Fields of a time before 1970 are those of its calendar date and clock.
    "001_extract_before_1970": {
        2: {"y": 1969, "q": 4, "mo": 12, "dd": 31, "doy": 365, "dow": 4, "de": 196, "ep": -1}
        | {"h": 23, "hh": 23, "mi": 59, "s": 59, "ms": 999},
        7: {"dd": 1, "doy": 60, "dow": 5, "h": 0, "hh": 0, "mi": 0, "s": 0, "ms": 1, "ep": -2203891200},
        12: {"dd": 1, "doy": 182, "dow": 5, "h": 13, "hh": 13, "mi": 14, "s": 15, "ms": 16, "ep": -142080345},
    },
    "002_floor_ceil_time_before_1970": {
        2: {"fmo": "1969-12-01 00:00:00.000", "fq": "1969-10-01 00:00:00.000", "fy": "1969-01-01 00:00:00.000"},
    },
    # Casts cut, they do not round; dates long ago are counted in the calendar of today.
    "003_cast_time_before_1970": {
        1: {"d": "1969-07-20", "ds": "1969-07-20"},
        2: {"d": "0999-01-01", "ds": "0999-01-01", "t": "01:01:01", "t0": "0999-01-01 01:01:01.000"}
        | {"ut": -30641756339},
        3: {"d": "1969-12-31", "ds": "1969-12-31", "t": "23:59:59", "t0": "1969-12-31 23:59:59.000", "ut": -1},
        6: {"d": "1900-03-01", "ds": "1900-03-01", "t": "00:00:00", "t0": "1900-03-01 00:00:00.000"}
        | {"ut": -2203891200},
    },
    # A text in another format than the one given is NULL.
    "004_to_timestamp_format_fallback": {
        1: {"tf": None, "td": None},
        2: {"td": None},
        3: {"tf": None, "td": None},
        4: {"td": None},
        5: {"tf": None, "td": None},
        6: {"td": None},
    },
    "007_regexp_replace_group_reference": {},
    "012_over_unbounded_before_1970": {},
}
"""Answers of Flink that look like defects: by the column `id`, what we say instead. All else is as Flink has it."""

ANSWERS: dict[str, list[Row]] = {
    # LAG looks at the row before, also among rows of one time.
    "008_lag_with_equal_times": [
        {"k": k, "v": v, "ts": f"2025-06-02 11:00:{second}", "l1": l1, "l2": l2}
        for k, v, second, l1, l2 in (
            ("a", 1, "00.000", None, -1),
            ("b", 10, "01.000", None, -1),
            ("a", 2, "02.000", 1, -1),
            ("a", 3, "02.000", 2, 1),
            (None, 100, "03.000", None, -1),
            ("b", 20, "04.000", 10, -1),
            ("a", 5, "04.000", 3, 2),
            ("b", 30, "04.000", 20, 10),
            (None, 200, "08.000", 100, -1),
            ("a", 6, "09.000", 5, 3),
            ("b", 50, "11.000", 30, 20),
            ("a", 9, "12.500", 6, 5),
            ("b", 40, "14.000", 50, 30),
            ("a", 8, "14.000", 9, 6),
            ("a", 10, "20.000", 8, 9),
            ("b", 60, "20.000", 40, 50),
            (None, 300, "20.000", 200, 100),
            ("a", 11, "20.000", 10, 8),
        )
    ],
    # COUNT over no rows is 0, and has its row.
    "009_lateral_count_drops_unmatched": [
        {"d": None, "n": 0, "m": None},
        {"d": "hr", "n": 2, "m": 4},
        {"d": "it", "n": 3, "m": 9},
        {"d": "it", "n": 3, "m": 9},
        {"d": "qa", "n": 0, "m": None},
    ],
    # Times before 1970 are times.
    "011_over_bounded_before_1970": [
        {"k": "a", "v": 1, "ts": "1969-12-31 23:59:50.000", "s": 1},
        {"k": "a", "v": 2, "ts": "1969-12-31 23:59:55.000", "s": 3},
        {"k": "b", "v": 3, "ts": "1970-01-01 00:00:00.000", "s": 3},
        {"k": "b", "v": 4, "ts": "1970-01-01 00:00:01.000", "s": 7},
        {"k": "a", "v": 5, "ts": "1970-01-01 00:00:02.000", "s": 8},
    ],
}
"""Answers of Flink that look like defects: our rows, in order."""

NOT_THERE: dict[str, list[Row]] = {
    # Flink lets NULL = NULL hold for a LATERAL Top-N, as nowhere else.
    "208_lateral_topn_same_table": [{"d": None, "name": "g", "sal": 8}],
}
"""Rows of Flink's answer that ours has not."""

FAILURES: dict[str, str] = {
    # A malformed field is judged on the declared columns, read or not.
    "005_json_projection_skips_malformed_field": "column v: 'not a number' is not INT",
    "006_round_large_truncate": "integer overflow: ROUND(2147483647, -1) does not fit INT",
    "010_timestampdiff_before_1970": "does not fit INT",
    "186_fn_integer_arithmetic": "integer overflow: 2147483647 * 2 does not fit INT",
}
"""Queries that Flink answers and we fail on purpose, with a part of the message."""
