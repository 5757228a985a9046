"""The table of aggregate functions: what each is called with, how it is typed, and what has to be kept for it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from streamsql.expr import aggregate_signatures as s
from streamsql.record import record


class Keeps(Enum):
    """What state a function has in each group; the values are for people. DISTINCT adds one entry a distinct value."""

    NUMBERS = "one entry"
    EXTREME = "one entry; each distinct value where rows are taken back"
    FIRST_ROW = "one entry; every row where rows are taken back"
    VALUES = "each distinct value"
    ROWS = "every row"
    SKETCH = "a sketch: some 10,000 entries at most, however many values there are"


@record
class AggregateFunction:
    """One entry. `usage`: how it is called; `meaning`: what it gives, in a few words."""

    usage: str
    meaning: str
    keeps: Keeps
    resolve: s.Resolver
    exact: str = "exact"


_CLOSE = "9 digits for FLOAT and DOUBLE, else exact"
_CLOSE_ALWAYS = "9 digits"
_VARIANCE = "of integers an integer, cut off; of DECIMAL a DECIMAL"

AGGREGATES: Mapping[str, AggregateFunction] = {
    "APPROX_COUNT_DISTINCT": AggregateFunction(
        "APPROX_COUNT_DISTINCT(value)",
        "how many distinct values there are, by HyperLogLog",
        Keeps.SKETCH,
        s.approximate_count,
        "standard error 1.6 %",
    ),
    "APPROX_QUANTILE": AggregateFunction(
        "APPROX_QUANTILE(number, fraction or ARRAY[…])",
        "a quantile of the numbers rounded to 8 binary digits, as DOUBLE",
        Keeps.SKETCH,
        s.approximate_quantile,
        "within 0.4 % of a value at that rank",
    ),
    "ARG_MAX": AggregateFunction(
        "ARG_MAX(value, by)",
        "the value of the row where `by` is greatest; the first such row",
        Keeps.FIRST_ROW,
        s.witness,
    ),
    "ARG_MIN": AggregateFunction(
        "ARG_MIN(value, by)", "the value of the row where `by` is least; the first such row", Keeps.FIRST_ROW, s.witness
    ),
    "ARRAY_AGG": AggregateFunction(
        "ARRAY_AGG([DISTINCT] value [ORDER BY …]) [IGNORE NULLS]",
        "all values, NULL too, in order of arrival",
        Keeps.ROWS,
        s.array_agg,
    ),
    "AVG": AggregateFunction(
        "AVG(number)",
        "of integers an integer, cut off; of DECIMAL(p, s) a DECIMAL(38, max(6, s))",
        Keeps.NUMBERS,
        s.average,
        _CLOSE,
    ),
    "BIT_AND": AggregateFunction("BIT_AND(integer)", "the bits that all have", Keeps.VALUES, s.bits),
    "BIT_OR": AggregateFunction("BIT_OR(integer)", "the bits that any has", Keeps.VALUES, s.bits),
    "BIT_XOR": AggregateFunction("BIT_XOR(integer)", "the bits that an odd number has", Keeps.VALUES, s.bits),
    "BOOL_AND": AggregateFunction("BOOL_AND(condition)", "whether all are TRUE", Keeps.EXTREME, s.condition),
    "BOOL_OR": AggregateFunction("BOOL_OR(condition)", "whether any is TRUE", Keeps.EXTREME, s.condition),
    "COLLECT": AggregateFunction("COLLECT(value)", "the MULTISET of the values without NULL", Keeps.VALUES, s.collect),
    "CORR": AggregateFunction("CORR(y, x)", "Pearson's correlation", Keeps.NUMBERS, s.pair, _CLOSE_ALWAYS),
    "COUNT": AggregateFunction(
        "COUNT(*), COUNT([DISTINCT] value, …)", "rows; those without a NULL among the values", Keeps.NUMBERS, s.count
    ),
    "COVAR_POP": AggregateFunction("COVAR_POP(y, x)", "covariance of all", Keeps.NUMBERS, s.pair, _CLOSE_ALWAYS),
    "COVAR_SAMP": AggregateFunction("COVAR_SAMP(y, x)", "covariance of a sample", Keeps.NUMBERS, s.pair, _CLOSE_ALWAYS),
    "FIRST_VALUE": AggregateFunction(
        "FIRST_VALUE(value)", "the first to arrive that is not NULL", Keeps.FIRST_ROW, s.first_row
    ),
    "JSON_ARRAYAGG": AggregateFunction(
        "JSON_ARRAYAGG(value [ORDER BY …] [NULL | ABSENT ON NULL])",
        "a JSON array in order of arrival; without NULLs unless NULL ON NULL",
        Keeps.ROWS,
        s.json_array,
    ),
    "JSON_OBJECTAGG": AggregateFunction(
        "JSON_OBJECTAGG([KEY] text VALUE value [NULL | ABSENT ON NULL])",
        "a JSON object, by key; a key that comes twice is an error",
        Keeps.ROWS,
        s.json_object,
    ),
    "LAST_VALUE": AggregateFunction(
        "LAST_VALUE(value)", "the last to arrive that is not NULL", Keeps.FIRST_ROW, s.first_row
    ),
    "LISTAGG": AggregateFunction(
        "LISTAGG([DISTINCT] text [, separator]) [WITHIN GROUP (ORDER BY …)]",
        "the texts joined, in order of arrival",
        Keeps.ROWS,
        s.listagg,
    ),
    "MAX": AggregateFunction("MAX(value)", "the greatest", Keeps.EXTREME, s.extreme),
    "MEDIAN": AggregateFunction("MEDIAN(number or time)", "`QUANTILE_CONT(…, 0.5)`", Keeps.VALUES, s.median),
    "MIN": AggregateFunction("MIN(value)", "the least", Keeps.EXTREME, s.extreme),
    "MODE": AggregateFunction(
        "MODE(value), MODE() WITHIN GROUP (ORDER BY value)",
        "the most frequent; of equally frequent ones the first to arrive",
        Keeps.ROWS,
        s.mode,
    ),
    "PERCENTILE": AggregateFunction(
        "PERCENTILE(number, fraction or ARRAY[…] [, frequency])", "interpolated, as DOUBLE", Keeps.VALUES, s.percentile
    ),
    "QUANTILE_CONT": AggregateFunction(
        "QUANTILE_CONT(number or time, fraction or ARRAY[…]), PERCENTILE_CONT(fraction) WITHIN GROUP (ORDER BY …)",
        "interpolated, as DOUBLE or TIMESTAMP",
        Keeps.VALUES,
        s.continuous_quantile,
    ),
    "QUANTILE_DISC": AggregateFunction(
        "QUANTILE_DISC(value, fraction or ARRAY[…]), PERCENTILE_DISC(fraction) WITHIN GROUP (ORDER BY …)",
        "one of the values",
        Keeps.VALUES,
        s.discrete_quantile,
    ),
    "REGR_AVGX": AggregateFunction("REGR_AVGX(y, x)", "mean of x", Keeps.NUMBERS, s.pair, _CLOSE_ALWAYS),
    "REGR_AVGY": AggregateFunction("REGR_AVGY(y, x)", "mean of y", Keeps.NUMBERS, s.pair, _CLOSE_ALWAYS),
    "REGR_COUNT": AggregateFunction("REGR_COUNT(y, x)", "pairs without NULL", Keeps.NUMBERS, s.pair, _CLOSE_ALWAYS),
    "REGR_INTERCEPT": AggregateFunction(
        "REGR_INTERCEPT(y, x)", "where the line of least squares meets x = 0", Keeps.NUMBERS, s.pair, _CLOSE_ALWAYS
    ),
    "REGR_R2": AggregateFunction("REGR_R2(y, x)", "coefficient of determination", Keeps.NUMBERS, s.pair, _CLOSE_ALWAYS),
    "REGR_SLOPE": AggregateFunction(
        "REGR_SLOPE(y, x)", "slope of the line of least squares", Keeps.NUMBERS, s.pair, _CLOSE_ALWAYS
    ),
    "REGR_SXX": AggregateFunction(
        "REGR_SXX(y, x)", "sum of the squared distances of x from its mean", Keeps.NUMBERS, s.pair, _CLOSE_ALWAYS
    ),
    "REGR_SXY": AggregateFunction(
        "REGR_SXY(y, x)", "sum of the products of the distances of x and y", Keeps.NUMBERS, s.pair, _CLOSE_ALWAYS
    ),
    "REGR_SYY": AggregateFunction(
        "REGR_SYY(y, x)", "sum of the squared distances of y from its mean", Keeps.NUMBERS, s.pair, _CLOSE_ALWAYS
    ),
    "STDDEV_POP": AggregateFunction("STDDEV_POP(number)", f"of all; {_VARIANCE}", Keeps.NUMBERS, s.average, _CLOSE),
    "STDDEV_SAMP": AggregateFunction(
        "STDDEV_SAMP(number)", f"of a sample, NULL for one; {_VARIANCE}", Keeps.NUMBERS, s.average, _CLOSE
    ),
    "SUM": AggregateFunction("SUM(number)", "an error where it does not fit the type", Keeps.NUMBERS, s.total, _CLOSE),
    "VAR_POP": AggregateFunction("VAR_POP(number)", f"of all; {_VARIANCE}", Keeps.NUMBERS, s.average, _CLOSE),
    "VAR_SAMP": AggregateFunction(
        "VAR_SAMP(number)", f"of a sample, NULL for one; {_VARIANCE}", Keeps.NUMBERS, s.average, _CLOSE
    ),
}

AGGREGATE_ALIASES: Mapping[str, str] = {
    "ANY": "BOOL_OR",
    "ANY_VALUE": "FIRST_VALUE",
    "APPROX_PERCENTILE": "APPROX_QUANTILE",
    "ARGMAX": "ARG_MAX",
    "ARGMIN": "ARG_MIN",
    "EVERY": "BOOL_AND",
    "LIST": "ARRAY_AGG",
    "MAX_BY": "ARG_MAX",
    "MEAN": "AVG",
    "MIN_BY": "ARG_MIN",
    "PERCENTILE_CONT": "QUANTILE_CONT",
    "PERCENTILE_DISC": "QUANTILE_DISC",
    "QUANTILE": "QUANTILE_DISC",
    "SOME": "BOOL_OR",
    "STDDEV": "STDDEV_SAMP",
    "STRING_AGG": "LISTAGG",
    "VARIANCE": "VAR_SAMP",
}

SKETCH_CODES: Mapping[str, str] = {"APPROX_COUNT_DISTINCT": "HLL_CODE", "APPROX_QUANTILE": "SIGNIFICANT"}
"""The function that an approximate aggregate applies to its argument: what it gives is counted like any value."""
