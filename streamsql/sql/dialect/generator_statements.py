"""Statements as text."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.generator import Generator

from streamsql.sql.dialect import statements
from streamsql.sql.dialect.generator_expressions import Text, clause, listed


def _words(*parts: str | None) -> str:
    return " ".join(each for each in parts if each)


def _flag(node: exp.Expression, key: str, words: str) -> str:
    return words if node.args.get(key) else ""


def _create_table(text: Generator, node: statements.CreateTable) -> str:
    args = node.args
    elements = [*(args.get("columns") or ()), *(args.get("watermarks") or ())]
    if args.get("primary_key") is not None:
        elements.append(args["primary_key"])
    return _words(
        "CREATE",
        _flag(node, "temporary", "TEMPORARY"),
        "TABLE",
        _flag(node, "exists", "IF NOT EXISTS"),
        text.sql(node.this),
        f"({listed(text, elements)})" if elements else None,
    ) + "".join(
        (
            clause(text, "COMMENT", args.get("comment")),
            f" PARTITIONED BY ({listed(text, args['partitioned_by'])})" if args.get("partitioned_by") else "",
            f" WITH ({listed(text, args['options'])})" if args.get("options") else "",
            f" {text.sql(args['like'])}" if args.get("like") is not None else "",
            clause(text, "AS", args.get("query")),
        )
    )


def _physical_column(text: Generator, node: statements.PhysicalColumn) -> str:
    key = " PRIMARY KEY NOT ENFORCED" if node.args.get("primary_key") else ""
    data_type = f" {text.sql(node, 'data_type')}" if node.args.get("data_type") is not None else ""
    return f"{text.sql(node.this)}{data_type}{key}" + clause(text, "COMMENT", node.args.get("comment"))


def _computed_column(text: Generator, node: statements.ComputedColumn) -> str:
    written = f"{text.sql(node.this)} AS {text.sql(node.expression)}"
    return written + clause(text, "COMMENT", node.args.get("comment"))


def _metadata_column(text: Generator, node: statements.MetadataColumn) -> str:
    written = f"{text.sql(node.this)} {text.sql(node, 'data_type')} METADATA"
    written += clause(text, "FROM", node.args.get("key")) + (" VIRTUAL" if node.args.get("virtual") else "")
    return written + clause(text, "COMMENT", node.args.get("comment"))


def _primary_key(text: Generator, node: statements.PrimaryKey) -> str:
    name = node.args.get("name")
    constraint = f"CONSTRAINT {text.sql(name)} " if name is not None else ""
    return f"{constraint}PRIMARY KEY ({listed(text, node.expressions)}) NOT ENFORCED"


def _like_clause(text: Generator, node: statements.LikeClause) -> str:
    options = f" ({listed(text, node.expressions, ' ')})" if node.expressions else ""
    return f"LIKE {text.sql(node.this)}{options}"


def _create_view(text: Generator, node: statements.CreateView) -> str:
    columns = node.args.get("columns")
    head = _words(
        "CREATE",
        _flag(node, "temporary", "TEMPORARY"),
        _flag(node, "materialized", "MATERIALIZED"),
        "VIEW",
        _flag(node, "exists", "IF NOT EXISTS"),
        text.sql(node.this),
        f"({listed(text, columns)})" if columns else None,
    )
    return head + clause(text, "COMMENT", node.args.get("comment")) + clause(text, "AS", node.args["query"])


def _create_function(text: Generator, node: statements.CreateFunction) -> str:
    args = node.args
    parameters = args.get("parameters")
    written = _words(
        "CREATE",
        _flag(node, "temporary", "TEMPORARY"),
        _flag(node, "system", "SYSTEM"),
        "FUNCTION",
        _flag(node, "exists", "IF NOT EXISTS"),
        text.sql(node.this) + (f"({listed(text, parameters)})" if parameters is not None else ""),
    )
    written += clause(text, "RETURNS", args.get("returns"))
    written += clause(text, "AS", args.get("class_name")) + clause(text, "AS", args.get("body"))
    return written + (f" LANGUAGE {args['language']}" if args.get("language") else "")


def _insert(text: Generator, node: statements.InsertInto) -> str:
    partition, columns = node.args.get("partition"), node.args.get("columns")
    return _words(
        "INSERT OVERWRITE" if node.args.get("overwrite") else "INSERT INTO",
        text.sql(node.this),
        f"PARTITION ({listed(text, partition)})" if partition else None,
        f"({listed(text, columns)})" if columns else None,
        text.sql(node, "query"),
    )


def _statement_set(text: Generator, node: statements.StatementSet) -> str:
    return f"EXECUTE STATEMENT SET BEGIN {' '.join(f'{text.sql(each)};' for each in node.expressions)} END"


def _update(text: Generator, node: statements.UpdateTable) -> str:
    written = f"UPDATE {text.sql(node.this)} SET {listed(text, node.args['assignments'])}"
    return written + clause(text, "WHERE", node.args.get("where"))


def _set_option(text: Generator, node: statements.SetOption) -> str:
    return f"SET {text.sql(node.this)} = {text.sql(node.expression)}" if node.args.get("this") is not None else "SET"


def _show(text: Generator, node: statements.Show) -> str:
    subject = node.args.get("this")
    return _words(
        "SHOW",
        node.args["kind"],
        "FROM" if node.args["kind"] == "COLUMNS" else None,
        text.sql(subject) if subject is not None else None,
        _flag(node, "negated", "NOT"),
    ) + clause(text, "LIKE", node.args.get("like"))


def _drop(text: Generator, node: statements.DropObject) -> str:
    return _words(
        "DROP",
        _flag(node, "temporary", "TEMPORARY"),
        node.args["kind"],
        _flag(node, "exists", "IF EXISTS"),
        text.sql(node.this),
    )


def _explain(text: Generator, node: statements.Explain) -> str:
    return _words("EXPLAIN", ", ".join(node.args.get("details") or ()), text.sql(node.this))


STATEMENTS: dict[type[exp.Expression], Text] = {
    statements.CreateTable: _create_table,
    statements.PhysicalColumn: _physical_column,
    statements.ComputedColumn: _computed_column,
    statements.MetadataColumn: _metadata_column,
    statements.Watermark: lambda text, node: f"WATERMARK FOR {text.sql(node.this)} AS {text.sql(node.expression)}",
    statements.PrimaryKey: _primary_key,
    statements.LikeClause: _like_clause,
    statements.LikeOption: lambda text, node: f"{node.args['action']} {node.this}",
    statements.CreateView: _create_view,
    statements.CreateFunction: _create_function,
    statements.Parameter: lambda text, node: f"{text.sql(node.this)} {text.sql(node, 'data_type')}".rstrip(),
    statements.InsertInto: _insert,
    statements.StatementSet: _statement_set,
    statements.UpdateTable: _update,
    statements.Assignment: lambda text, node: f"{text.sql(node.this)} = {text.sql(node.expression)}",
    statements.DeleteFrom: lambda text, node: (
        f"DELETE FROM {text.sql(node.this)}{clause(text, 'WHERE', node.args.get('where'))}"
    ),
    statements.SetOption: _set_option,
    statements.ResetOption: lambda text, node: _words(
        "RESET", text.sql(node.this) if node.args.get("this") is not None else None
    ),
    statements.Show: _show,
    statements.DescribeTable: lambda text, node: _words(
        "DESCRIBE", _flag(node, "extended", "EXTENDED"), text.sql(node.this)
    ),
    statements.Explain: _explain,
    statements.DropObject: _drop,
    statements.UseObject: lambda text, node: _words(
        "USE", "CATALOG" if node.args["kind"] == "CATALOG" else None, text.sql(node.this)
    ),
}
