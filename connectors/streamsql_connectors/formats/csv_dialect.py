"""What a CSV file is written in: delimiter, quotes, escapes, comments, NULL, header."""

from __future__ import annotations

from collections.abc import Mapping

from streamsql.errors import UsageError
from streamsql.ports import OptionInfo
from streamsql.record import record
from streamsql_connectors.options import boolean, character, characters, option

OPTIONS = (
    OptionInfo("field-delimiter", "character", "between fields; \\t is the tab, which .tsv files have", ","),
    OptionInfo("delimiter", "character", "another name of field-delimiter", ","),
    OptionInfo("quote-character", "character", "around a field that holds delimiters or newlines", '"'),
    OptionInfo("disable-quote-character", "boolean", "quotes are ordinary characters", "false"),
    OptionInfo("escape-character", "character", "takes the next character as it is"),
    OptionInfo("array-element-delimiter", "text", "between the elements of an ARRAY or ROW", ";"),
    OptionInfo("null-literal", "text", "the field that means NULL; without it, an empty one without quotes"),
    OptionInfo("allow-comments", "boolean", "lines that begin with # are no records", "false"),
    OptionInfo("ignore-parse-errors", "boolean", "a line that does not fit is a reject", "false"),
    OptionInfo("header", "boolean", "the first line names the columns; without it, that is found out"),
    OptionInfo("write-bigdecimal-in-scientific-notation", "boolean", "decimals as Java writes them: 1E+2", "false"),
)
HINT = "set 'csv.ignore-parse-errors' = 'true' to go on without such records; they are counted and kept as rejects"
_DELIMITERS = (",", ";", "\t", "|")


@record
class Dialect:
    """`quote` and `escape` None: there is none; `null` None: an empty field without quotes is NULL.

    `header`: whether the first line names the columns; None: it does if it is the declared names.
    `comments`: lines that begin with # are no records. `elements`: what stands between the elements of an ARRAY or ROW.
    `scientific`: decimals are written the way Java writes them, such as 1E+2.
    """

    delimiter: str | None = None
    quote: str | None = '"'
    escape: str | None = None
    null: str | None = None
    header: bool | None = None
    ignore_errors: bool = False
    comments: bool = False
    elements: str = ";"
    scientific: bool = False

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Dialect:
        """The dialect that the options ask for; UsageError where one character would mean two things."""
        unquoted = option(options, "disable-quote-character", boolean, False)
        quote = None if unquoted else option(options, "quote-character", character, '"')
        escape = option(options, "escape-character", character, None)
        dialect = cls(
            option(options, "field-delimiter", character, option(options, "delimiter", character, None)),
            quote,
            None if escape == quote else escape,
            options.get("null-literal"),
            option(options, "header", boolean, None),
            option(options, "ignore-parse-errors", boolean, False),
            option(options, "allow-comments", boolean, False),
            option(options, "array-element-delimiter", characters, ";"),
            option(options, "write-bigdecimal-in-scientific-notation", boolean, False),
        )
        if dialect.delimiter is not None and dialect.delimiter in (dialect.quote, dialect.escape):
            raise UsageError(
                f"'csv.field-delimiter' = '{dialect.delimiter}' is the quote or escape character too",
                hint="choose another, or set 'csv.disable-quote-character' = 'true'",
            )
        return dialect

    def delimiter_of(self, first_line: str) -> str:
        """The declared delimiter; else the comma, unless the first line has none but has another usual one."""
        if self.delimiter is not None:
            return self.delimiter
        return next((each for each in _DELIMITERS if each in first_line), ",")
