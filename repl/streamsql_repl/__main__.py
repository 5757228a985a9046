"""`python -m streamsql_repl`: the `streamsql` command."""

from streamsql_repl.cli import main

main()
