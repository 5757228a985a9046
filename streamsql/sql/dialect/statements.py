"""Tree nodes of statements: DDL, INSERT, settings, SHOW and the rest."""

from __future__ import annotations

from sqlglot.expressions import Expression

from streamsql.sql.dialect.nodes import arguments


class CreateTable(Expression):
    """CREATE TABLE; columns, keys, watermarks and options in the order of the text."""

    arg_types = arguments(
        "this temporary? exists? columns? watermarks? primary_key? comment? partitioned_by? options? like? query?"
    )


class PhysicalColumn(Expression):
    """`name type [PRIMARY KEY NOT ENFORCED] [COMMENT '...']`; without a type in CREATE TABLE ... AS only."""

    arg_types = arguments("this data_type? primary_key? comment?")


class ComputedColumn(Expression):
    """`name AS expression [COMMENT '...']`."""

    arg_types = arguments("this expression comment?")


class MetadataColumn(Expression):
    """`name type METADATA [FROM 'key'] [VIRTUAL] [COMMENT '...']`."""

    arg_types = arguments("this data_type key? virtual? comment?")


class Watermark(Expression):
    """`WATERMARK FOR this AS expression`; `this` is a Column."""

    arg_types = arguments("this expression")


class PrimaryKey(Expression):
    """`[CONSTRAINT name] PRIMARY KEY (columns) NOT ENFORCED`."""

    arg_types = arguments("expressions name?")


class LikeClause(Expression):
    """`LIKE this (INCLUDING|EXCLUDING|OVERWRITING ...)`."""

    arg_types = arguments("this expressions?")


class LikeOption(Expression):
    """`action` INCLUDING, EXCLUDING or OVERWRITING, and what (`this`): ALL, CONSTRAINTS, OPTIONS, WATERMARKS, ..."""

    arg_types = arguments("action this")


class CreateView(Expression):
    """CREATE [TEMPORARY] VIEW or CREATE MATERIALIZED VIEW."""

    arg_types = arguments("this query materialized? temporary? exists? columns? comment?")


class CreateFunction(Expression):
    """A SQL macro (`body`) or a class by name (`class_name`)."""

    arg_types = arguments("this temporary? system? exists? parameters? returns? body? class_name? language?")


class Parameter(Expression):
    """A parameter of a SQL function; one of a macro has no type."""

    arg_types = arguments("this data_type?")


class InsertInto(Expression):
    """INSERT INTO or OVERWRITE; `partition` holds Assignments of Literals."""

    arg_types = arguments("this query columns? partition? overwrite?")


class StatementSet(Expression):
    """EXECUTE STATEMENT SET BEGIN ... END; `expressions` are InsertInto."""

    arg_types = arguments("expressions")


class UpdateTable(Expression):
    """UPDATE this SET assignments [WHERE condition]."""

    arg_types = arguments("this assignments where?")


class Assignment(Expression):
    """`this = expression`; `this` is an Identifier."""

    arg_types = arguments("this expression")


class DeleteFrom(Expression):
    """DELETE FROM this [WHERE condition]."""

    arg_types = arguments("this where?")


class SetOption(Expression):
    """`SET 'key' = 'value'`; SET alone lists the settings."""

    arg_types = arguments("this? expression?")


class ResetOption(Expression):
    """`RESET 'key'`; RESET alone resets all."""

    arg_types = arguments("this?")


class Show(Expression):
    """SHOW `kind`, with the name `this` for CREATE TABLE, CREATE VIEW and COLUMNS."""

    arg_types = arguments("kind this? negated? like?")


class DescribeTable(Expression):
    """DESCRIBE [EXTENDED] name."""

    arg_types = arguments("this extended?")


class Explain(Expression):
    """EXPLAIN [details] statement."""

    arg_types = arguments("this details?")


class DropObject(Expression):
    """DROP [TEMPORARY] TABLE|VIEW|MATERIALIZED VIEW|FUNCTION [IF EXISTS] name."""

    arg_types = arguments("this kind temporary? exists?")


class UseObject(Expression):
    """USE [CATALOG] name; `kind` is CATALOG or DATABASE."""

    arg_types = arguments("this kind")
