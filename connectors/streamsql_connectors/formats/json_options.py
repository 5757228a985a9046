"""The options of the `json` format."""

from __future__ import annotations

from collections.abc import Mapping

from streamsql.errors import UsageError
from streamsql.ports import OptionInfo
from streamsql.record import record
from streamsql_connectors.options import boolean, choice, option

_STANDARDS = ("SQL", "ISO-8601")
_NULL_KEYS = ("FAIL", "DROP", "LITERAL")
HINT = "set 'json.ignore-parse-errors' = 'true' to go on without such records; they are counted and kept as rejects"

OPTIONS = (
    OptionInfo("ignore-parse-errors", "boolean", "a malformed line is a reject, a malformed field NULL", "false"),
    OptionInfo("fail-on-missing-field", "boolean", "a field that is not there is an error", "false"),
    OptionInfo("timestamp-format.standard", " | ".join(_STANDARDS), "how times are written; both are read", "SQL"),
    OptionInfo("map-null-key.mode", " | ".join(_NULL_KEYS), "as in Flink; a MAP here never has a NULL key", "FAIL"),
    OptionInfo("map-null-key.literal", "string", "as in Flink; a MAP here never has a NULL key", "null"),
    OptionInfo("encode.decimal-as-plain-number", "boolean", "false: small decimals are written as 1E-8", "true"),
    OptionInfo("encode.ignore-null-fields", "boolean", "fields that are NULL are not written", "false"),
)


@record
class JsonStyle:
    """How values are written. `iso`: T between date and time; `plain_decimals`: never with an exponent; `with_nulls`:
    fields that are NULL too."""

    iso: bool = False
    plain_decimals: bool = True
    with_nulls: bool = True


USUAL_STYLE = JsonStyle()


@record
class JsonOptions:
    """What the options of a table say."""

    ignore_errors: bool
    fail_on_missing: bool
    style: JsonStyle

    @classmethod
    def of(cls, options: Mapping[str, str]) -> JsonOptions:
        """UsageError for an option whose text means nothing, and for two that contradict each other."""
        ignore = option(options, "ignore-parse-errors", boolean, False)
        missing = option(options, "fail-on-missing-field", boolean, False)
        if ignore and missing:
            raise UsageError("'json.ignore-parse-errors' and 'json.fail-on-missing-field' cannot both be true")
        option(options, "map-null-key.mode", choice(*_NULL_KEYS), "FAIL")
        standard = option(options, "timestamp-format.standard", choice(*_STANDARDS), "SQL")
        plain = option(options, "encode.decimal-as-plain-number", boolean, True)
        without_nulls = option(options, "encode.ignore-null-fields", boolean, False)
        return cls(ignore, missing, JsonStyle(standard != "SQL", plain, not without_nulls))
