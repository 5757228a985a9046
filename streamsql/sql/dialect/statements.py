"""Tree nodes of statements: DDL, INSERT, settings, SHOW and the rest."""

from __future__ import annotations

from sqlglot.expressions import Expression


class CreateTable(Expression):
    """CREATE TABLE; columns, keys, watermarks and options in the order of the text."""

    arg_types = {
        "this": True,
        "temporary": False,
        "exists": False,
        "columns": False,
        "watermarks": False,
        "primary_key": False,
        "comment": False,
        "partitioned_by": False,
        "options": False,
        "like": False,
        "query": False,
    }


class PhysicalColumn(Expression):
    """`name type [PRIMARY KEY NOT ENFORCED] [COMMENT '...']`."""

    arg_types = {"this": True, "data_type": True, "primary_key": False, "comment": False}


class ComputedColumn(Expression):
    """`name AS expression [COMMENT '...']`."""

    arg_types = {"this": True, "expression": True, "comment": False}


class MetadataColumn(Expression):
    """`name type METADATA [FROM 'key'] [VIRTUAL] [COMMENT '...']`."""

    arg_types = {"this": True, "data_type": True, "key": False, "virtual": False, "comment": False}


class Watermark(Expression):
    """`WATERMARK FOR this AS expression`; `this` is a Column."""

    arg_types = {"this": True, "expression": True}


class PrimaryKey(Expression):
    """`[CONSTRAINT name] PRIMARY KEY (columns) NOT ENFORCED`."""

    arg_types = {"expressions": True, "name": False}


class LikeClause(Expression):
    """`LIKE this (INCLUDING|EXCLUDING|OVERWRITING ...)`."""

    arg_types = {"this": True, "expressions": False}


class LikeOption(Expression):
    """`action` INCLUDING, EXCLUDING or OVERWRITING, and what (`this`): ALL, CONSTRAINTS, OPTIONS, WATERMARKS, ..."""

    arg_types = {"action": True, "this": True}


class CreateView(Expression):
    """CREATE [TEMPORARY] VIEW or CREATE MATERIALIZED VIEW."""

    arg_types = {
        "this": True,
        "query": True,
        "materialized": False,
        "temporary": False,
        "exists": False,
        "columns": False,
        "comment": False,
    }


class CreateFunction(Expression):
    """A SQL macro (`body`) or a class by name (`class_name`)."""

    arg_types = {
        "this": True,
        "temporary": False,
        "system": False,
        "exists": False,
        "parameters": False,
        "returns": False,
        "body": False,
        "class_name": False,
        "language": False,
    }


class Parameter(Expression):
    """A parameter of a SQL function."""

    arg_types = {"this": True, "data_type": True}


class InsertInto(Expression):
    """INSERT INTO or OVERWRITE; `partition` holds Assignments of Literals."""

    arg_types = {"this": True, "query": True, "columns": False, "partition": False, "overwrite": False}


class StatementSet(Expression):
    """EXECUTE STATEMENT SET BEGIN ... END; `expressions` are InsertInto."""

    arg_types = {"expressions": True}


class UpdateTable(Expression):
    """UPDATE this SET assignments [WHERE condition]."""

    arg_types = {"this": True, "assignments": True, "where": False}


class Assignment(Expression):
    """`this = expression`; `this` is an Identifier."""

    arg_types = {"this": True, "expression": True}


class DeleteFrom(Expression):
    """DELETE FROM this [WHERE condition]."""

    arg_types = {"this": True, "where": False}


class SetOption(Expression):
    """`SET 'key' = 'value'`; SET alone lists the settings."""

    arg_types = {"this": False, "expression": False}


class ResetOption(Expression):
    """`RESET 'key'`; RESET alone resets all."""

    arg_types = {"this": False}


class Show(Expression):
    """SHOW `kind`, with the name `this` for CREATE TABLE, CREATE VIEW and COLUMNS."""

    arg_types = {"kind": True, "this": False, "negated": False, "like": False}


class DescribeTable(Expression):
    """DESCRIBE [EXTENDED] name."""

    arg_types = {"this": True, "extended": False}


class Explain(Expression):
    """EXPLAIN [details] statement."""

    arg_types = {"this": True, "details": False}


class DropObject(Expression):
    """DROP [TEMPORARY] TABLE|VIEW|MATERIALIZED VIEW|FUNCTION [IF EXISTS] name."""

    arg_types = {"this": True, "kind": True, "temporary": False, "exists": False}


class UseObject(Expression):
    """USE [CATALOG] name; `kind` is CATALOG or DATABASE."""

    arg_types = {"this": True, "kind": True}
