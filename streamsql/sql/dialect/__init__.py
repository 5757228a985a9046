"""The Flink dialect: text to tree and back. This page is all that a reader of the trees has to know.

`exp` is sqlglot's; all other classes are ours (nodes.py, statements.py) and are exported here. An absent argument reads
as None: `node.args.get("emit")`; lists are absent when empty. Every node knows its place in the text:
`streamsql.sql.parse.span_of(node)`. "name" below is an exp.Identifier: `.this` the text, case kept; `.args["quoted"]`.

Expressions

    a, t.a, cat.db.t.a              exp.Column(this, table, db, catalog); `.parts`: the names, left to right
                                    t.a.f is a Column too: who binds decides what is a table and what a field
    *, t.*                          exp.Star(except_=[name], replace=[exp.Alias], rename=[exp.Alias]),
                                      exp.Column(this=exp.Star, table)
    f(x).y, x[i]                    exp.Dot(this, expression=name), exp.Bracket(this, expressions=[i])
    1, 1.5, 1e3, 'text'             exp.Literal(this: str, is_string); U&'..' is a string too
    X'0aff'                         exp.HexString(this='0aff')
    TRUE, NULL, (x)                 exp.Boolean(this: bool), exp.Null(), exp.Paren(this)
    (a, b)                          exp.Tuple(expressions)
    ?, :name                        exp.Placeholder(this=None or the name)
    DATE '..', TIME '..'            TypedLiteral(this=Literal, kind='DATE'|'TIME'|'TIMESTAMP')
    INTERVAL -'1:30' HOUR(3)        IntervalLiteral(this=Literal, negative=True, unit='HOUR', precision=3,
      TO MINUTE                       to='MINUTE', fraction: int)
    + - * / % ||                    exp.Add Sub Mul Div Mod DPipe (this, expression)
    -x, +x                          exp.Neg(this); unary + is dropped
    = <> != < <= > >=               exp.EQ NEQ NEQ LT LTE GT GTE (this, expression)
    = ANY (query), < ALL (query)    the same with expression=exp.Any(this=query), exp.All(this=query); SOME is ANY
    AND OR NOT                      exp.And exp.Or (this, expression), exp.Not(this)
    IS NULL, IS TRUE                IsNull(this), IsTruth(this, value='TRUE'|'FALSE'|'UNKNOWN')
    IS JSON OBJECT                  IsJson(this, kind='VALUE'|'OBJECT'|'ARRAY'|'SCALAR')
    IS [NOT] DISTINCT FROM          exp.NullSafeNEQ, with NOT exp.NullSafeEQ (this, expression)
    IN (1, 2), IN (query)           exp.In(this, expressions), exp.In(this, query)
    BETWEEN [SYMMETRIC] a AND b     exp.Between(this, low, high, symmetric)
    LIKE, SIMILAR TO .. ESCAPE      Like, SimilarTo (this, expression, escape)
    NOT IN, IS NOT NULL, ...        exp.Not(this=the positive form)
    EXISTS (query), (query)         exp.Exists(this=query), exp.Subquery(this=query)
    CASE [x] WHEN c THEN v ..       exp.Case(this=x, ifs=[exp.If(this=c, true=v)], default)
    CAST, TRY_CAST                  exp.Cast, exp.TryCast (this, to=TypeName)

Calls: Call(this=upper-case name, expressions) for every function, also where the form is special

    ns.f(a)                         Call('F', namespace=[names])
    CURRENT_TIMESTAMP, LOCALTIME    Call without expressions
    ARRAY[a], MAP[k, v], ROW(a)     Call 'ARRAY', 'MAP' (keys and values in turn), 'ROW'; ARRAY(query): an exp.Subquery
    COUNT(*), f(DISTINCT x)         expressions=[exp.Star()]; distinct=True
    f(x) FILTER (WHERE c)           filter=c
    .. WITHIN GROUP (ORDER BY y)    within_group=[SortKey]; also f(x ORDER BY y)
    .. IGNORE NULLS                 null_treatment='IGNORE'|'RESPECT'
    .. OVER w, .. OVER (...)        over=WindowSpec(this=name of the window it builds on, partition_by,
                                      order_by=[SortKey], frame=Frame)
    ROWS BETWEEN 2 PRECEDING        Frame(unit='ROWS', start=FrameBound(kind='PRECEDING', this=2),
      AND CURRENT ROW                 end=FrameBound(kind='CURRENT ROW'))
    ORDER BY x DESC NULLS LAST      SortKey(this, descending=True, nulls='LAST'|'FIRST'|None)
    f(name => x), f(DEFAULT)        NamedArgument(this=name, expression), DefaultArgument()
    EXTRACT(YEAR FROM x)            Call('EXTRACT', [Symbol('YEAR'), x])
    FLOOR(x TO DAY), CEIL           Call('FLOOR', [x, Symbol('DAY')]); CEILING is written CEIL
    TIMESTAMPDIFF(DAY, a, b)        Call('TIMESTAMPDIFF', [Symbol('DAY'), a, b]); TIMESTAMPADD alike
    TRIM(BOTH c FROM x), TRIM(x)    Call('TRIM', [Symbol('BOTH'), c, x]), Call('TRIM', [x])
    SUBSTRING(x FROM a FOR b)       Call('SUBSTRING', [x, a, b]), as with commas
    POSITION(a IN b FROM c)         Call('POSITION', [a, b, c])
    OVERLAY(a PLACING b             Call('OVERLAY', [a, b, c, d])
      FROM c FOR d)
    JSON_VALUE(x, p RETURNING t     JsonCall('JSON_VALUE', [x, p], returning=TypeName, on_empty and
      DEFAULT d ON ERROR)             on_error=JsonBehaviour(kind='NULL'|'ERROR'|'DEFAULT', this=d))
    JSON_QUERY(x, p WITH            JsonCall(wrapper='WITHOUT'|'CONDITIONAL'|'UNCONDITIONAL', returning, on_empty,
      CONDITIONAL ARRAY WRAPPER)      on_error); kinds NULL, ERROR, 'EMPTY ARRAY', 'EMPTY OBJECT'
    JSON_EXISTS(x, p)               JsonCall(on_error); kinds TRUE, FALSE, UNKNOWN, ERROR
    JSON_OBJECT(KEY k VALUE v       JsonCall(expressions=[k, v, ...], on_null='NULL'|'ABSENT'); JSON_OBJECTAGG,
      ABSENT ON NULL)                 JSON_ARRAY(a, b), JSON_ARRAYAGG alike

Types: TypeName(this, precision, scale, expressions, not_null), with defaults filled in and synonyms resolved

    BOOLEAN TINYINT SMALLINT INT BIGINT FLOAT DOUBLE DATE, DECIMAL(precision, scale), CHAR BINARY (precision),
    VARCHAR VARBINARY (precision; None for STRING, BYTES), TIME TIMESTAMP TIMESTAMP_LTZ (precision),
    'INTERVAL DAY TO SECOND', 'INTERVAL YEAR TO MONTH', ARRAY MULTISET (expressions=[element]),
    MAP (expressions=[key, value]), ROW (expressions=[FieldType(this=name, data_type, comment)])

Queries, each an exp.Query: exp.Select, exp.Union/Intersect/Except, ValuesQuery, TableQuery; exp.Subquery for (query)

    exp.Select                      expressions=[expression or exp.Alias(this, alias=name)], distinct=exp.Distinct(on),
                                      hint=HintList, from_=exp.From(this=relation), where=exp.Where(this),
                                      group=exp.Group(expressions) or (all=True), having=exp.Having(this),
                                      windows=[NamedWindow(this=name, spec=WindowSpec)], qualify=exp.Qualify(this),
                                      emit=Emit
    GROUP BY                        expressions, and exp.Tuple for () and (a, b), exp.GroupingSets, exp.Rollup, exp.Cube
    UNION [ALL]                     exp.Union(this, expression, distinct: bool)
    VALUES, TABLE t                 ValuesQuery (an exp.Values; expressions=[exp.Tuple]), TableQuery(this=exp.Table)
    on all of them                  with_=exp.With(expressions=[exp.CTE(this=query, alias=exp.TableAlias)], recursive),
                                      order=exp.Order(expressions=[SortKey]), limit=exp.Limit(expression),
                                      offset=exp.Offset(expression); FETCH FIRST is a limit
    EMIT                            Emit(mode, every, condition, lateness, accumulation): mode 'FINAL' (also ON WINDOW
                                      CLOSE), 'CHANGES', 'WHEN' with condition, 'EVENT TIME' and 'PROCESSING TIME' with
                                      every=IntervalLiteral; lateness=IntervalLiteral; accumulation
                                      'RETRACTING'|'ACCUMULATING'|'DISCARDING'

Relations: alias=exp.TableAlias(this=name, columns=[names]) on each but joins and exp.Paren

    t FOR SYSTEM_TIME AS OF x       exp.Table(this=name, db, catalog, version=x, hints=HintList)
    /*+ OPTIONS('k'='v') */         HintList(expressions=[Hint(this='OPTIONS', expressions=[Option(this, expression)])])
    (query), LATERAL (query)        exp.Subquery(this=query, lateral)
    a LEFT JOIN b ON c              JoinedTable(this=a, expression=b, kind='INNER'|'LEFT'|'RIGHT'|'FULL'|'CROSS'|'SEMI'|
                                      'ANTI', on=c, using=[names], natural, asof, match_condition, comma: bool)
    (a JOIN b ON c)                 exp.Paren(this=JoinedTable)
    TABLE(HOP(TABLE t, ...))        WindowTable(this=exp.Table or exp.Subquery, time_column=exp.Column,
                                      function='TUMBLE'|'HOP'|'CUMULATE'|'SESSION', size, slide, step, gap, offset,
                                      partition_by), whether the arguments are named or not
    UNNEST(a) WITH ORDINALITY       Unnest(expressions, ordinality)
    LATERAL TABLE(f(x)), f(x)       TableFunction(this=Call, lateral); arguments also TableArgument, Descriptor
    MATCH_RECOGNIZE (...)           MatchRecognize(this=relation, partition_by, order_by, measures=[exp.Alias],
                                      rows_per_match='ONE'|'ALL', after=SkipTo, pattern, strict_start (^),
                                      strict_end ($), within=IntervalLiteral, subsets=[PatternSubset],
                                      define=[exp.Alias(this=condition, alias=variable)])
    PATTERN                         a name, PatternSequence, PatternAlternatives, PatternPermute, PatternExclusion,
                                      PatternRepeat(this, low, high, reluctant)

Statements: a query, or a class of statements.py, which says what it holds. Tables, views and functions are exp.Table.
"""

from __future__ import annotations

from sqlglot import exp

from streamsql.sql.dialect.nodes import (
    Call,
    DefaultArgument,
    Descriptor,
    Emit,
    FieldType,
    Frame,
    FrameBound,
    Hint,
    HintList,
    IntervalLiteral,
    IsJson,
    IsNull,
    IsTruth,
    JoinedTable,
    JsonBehaviour,
    JsonCall,
    Like,
    MatchRecognize,
    NamedArgument,
    NamedWindow,
    Option,
    PatternAlternatives,
    PatternExclusion,
    PatternPermute,
    PatternRepeat,
    PatternSequence,
    PatternSubset,
    SimilarTo,
    SkipTo,
    SortKey,
    Symbol,
    TableArgument,
    TableFunction,
    TableQuery,
    TypedLiteral,
    TypeName,
    Unnest,
    ValuesQuery,
    WindowSpec,
    WindowTable,
)
from streamsql.sql.dialect.statements import (
    Assignment,
    ComputedColumn,
    CreateFunction,
    CreateTable,
    CreateView,
    DeleteFrom,
    DescribeTable,
    DropObject,
    Explain,
    InsertInto,
    LikeClause,
    LikeOption,
    MetadataColumn,
    Parameter,
    PhysicalColumn,
    PrimaryKey,
    ResetOption,
    SetOption,
    Show,
    StatementSet,
    UpdateTable,
    UseObject,
    Watermark,
)

__all__ = [
    "Assignment",
    "Call",
    "ComputedColumn",
    "CreateFunction",
    "CreateTable",
    "CreateView",
    "DefaultArgument",
    "DeleteFrom",
    "DescribeTable",
    "Descriptor",
    "DropObject",
    "Emit",
    "Explain",
    "FieldType",
    "Frame",
    "FrameBound",
    "Hint",
    "HintList",
    "InsertInto",
    "IntervalLiteral",
    "IsJson",
    "IsNull",
    "IsTruth",
    "JoinedTable",
    "JsonBehaviour",
    "JsonCall",
    "Like",
    "LikeClause",
    "LikeOption",
    "MatchRecognize",
    "MetadataColumn",
    "NamedArgument",
    "NamedWindow",
    "Option",
    "Parameter",
    "PatternAlternatives",
    "PatternExclusion",
    "PatternPermute",
    "PatternRepeat",
    "PatternSequence",
    "PatternSubset",
    "PhysicalColumn",
    "PrimaryKey",
    "ResetOption",
    "SetOption",
    "Show",
    "SimilarTo",
    "SkipTo",
    "SortKey",
    "StatementSet",
    "Symbol",
    "TableArgument",
    "TableFunction",
    "TableQuery",
    "TypeName",
    "TypedLiteral",
    "Unnest",
    "UpdateTable",
    "UseObject",
    "ValuesQuery",
    "Watermark",
    "WindowSpec",
    "WindowTable",
    "exp",
]
