#!/bin/sh
# Runs the dialect's tests beside the real sqlglotc, in a virtual environment of its own: check_sqlglotc.sh [python]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${1:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "sqlglot[c]>=30,<31" pytest hypothesis
cd "$root"
export PYTHONPATH="$root" PYTHONDONTWRITEBYTECODE=1

"$work/venv/bin/python" -c '
import streamsql.sql.parse
import sqlglot.tokenizer_core as core
assert core.__file__.endswith(".py"), core.__file__
'
"$work/venv/bin/python" -c '
import sqlglot.tokenizer_core as core
assert not core.__file__.endswith(".py"), "sqlglotc is not installed"
try:
    import streamsql.sql
except ImportError as error:
    assert "pip uninstall sqlglotc" in str(error)
else:
    raise SystemExit("the compiled form was not refused")
'
"$work/venv/bin/python" -m pytest -q -p no:cacheprovider tests/sql_dialect
echo "streamsql works beside sqlglotc"
