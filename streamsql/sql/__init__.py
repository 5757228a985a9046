"""SQL text in, typed statements out. Importing this package settles which form of sqlglot is loaded."""

from streamsql.sql.pure_python import use_sources

use_sources()
