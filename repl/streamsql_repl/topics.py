r"""What `\help TOPIC` says: how statements and functions are written."""

from __future__ import annotations

from collections.abc import Mapping

from streamsql.errors import UsageError, did_you_mean
from streamsql_repl.commands import command_lines
from streamsql_repl.listings import all_functions, all_plugins, function_lines, plugin_lines

TOPICS: dict[str, str] = {
    "SELECT": """\
[WITH name AS (query), …]
SELECT [DISTINCT] expression [AS name], … FROM table [AS name] [JOIN …]
[WHERE condition] [GROUP BY expression, …] [HAVING condition]
[ORDER BY expression [ASC | DESC], …] [LIMIT n] [EMIT …]""",
    "CREATE TABLE": """\
CREATE TABLE name (
  column TYPE, …,
  computed AS expression,
  WATERMARK FOR time_column AS time_column - INTERVAL '5' SECOND,
  PRIMARY KEY (column, …) NOT ENFORCED
) WITH ('connector' = 'filesystem', 'path' = 'bids.jsonl', 'format' = 'json')
Without WITH the table lives in memory and is filled by INSERT INTO.""",
    "CREATE VIEW": "CREATE VIEW name [(column, …)] AS query",
    "INSERT": "INSERT INTO table [(column, …)] query\nINSERT INTO table VALUES (value, …), …",
    "WINDOWS": """\
SELECT window_start, window_end, key, COUNT(*)
FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' MINUTE))
GROUP BY window_start, window_end, key
HOP(TABLE t, DESCRIPTOR(ts), slide, size)       windows of a size, one each slide
CUMULATE(TABLE t, DESCRIPTOR(ts), step, size)   a window that grows step by step
SESSION(TABLE t PARTITION BY key, DESCRIPTOR(ts), gap)
A window fires when the watermark has passed its end: \\watermark shows which ones wait.""",
    "EMIT": """\
EMIT FINAL            results when they are final (the default for windows)
EMIT CHANGES          every change (the default otherwise)""",
    "SET": "SET 'key' = 'value'; SET; RESET 'key'",
    "EXPLAIN": "EXPLAIN query: the plan, what is updating and why, and what bounds the state",
    "SHOW": "SHOW TABLES; SHOW VIEWS; SHOW COLUMNS FROM table; DESCRIBE table",
    "DROP": "DROP TABLE [IF EXISTS] name; DROP VIEW [IF EXISTS] name",
    "STATEMENT SET": "EXECUTE STATEMENT SET BEGIN INSERT …; INSERT …; END;",
}
"""How the statements are written."""


def help_text(topic: str, own: Mapping[str, str]) -> str:
    """The text for a topic, the list of commands and topics for none; UsageError for an unknown one.

    `own`: how the session's own functions are called, by name.
    """
    wanted = topic.strip().upper()
    if not wanted:
        return "\n".join(
            [
                "A statement ends with a semicolon; Tab completes, Ctrl-C stops a query or clears the line.",
                *command_lines(),
                f"Topics of \\help: {', '.join(TOPICS)}; any function, connector or format by its name.",
            ]
        )
    if wanted in TOPICS:
        return TOPICS[wanted]
    plugins = [each for each in all_plugins() if each.name.upper() == wanted]
    if plugins:
        return "\n".join(line for each in plugins for line in plugin_lines(each))
    functions = [each for each in all_functions() if each.name.upper() == wanted]
    if functions:
        return "\n".join(function_lines(functions))
    if wanted in own:
        return own[wanted]
    hint = did_you_mean(wanted, (*topic_names(), *own), kind="topics")
    raise UsageError(f"there is no help on {topic}", hint=hint)


def topic_names() -> tuple[str, ...]:
    """Everything that there is help on."""
    return (*TOPICS, *(each.name for each in all_plugins()), *(each.name for each in all_functions()))
