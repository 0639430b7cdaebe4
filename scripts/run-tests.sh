#!/bin/sh
# Runs the Python tests; called by `make test` and `make unit`, which give the environment.
#
#   sh scripts/run-tests.sh          every test: two side by side where that disturbs none, then the others one by one
#   sh scripts/run-tests.sh unit     the tests that need no server, two side by side
#   sh scripts/run-tests.sh PATH     one file, folder or node id, relative to the repository or to django_server/
set -eu
cd "$(dirname "$0")/../django_server"

if [ "${1:-}" = unit ]; then exec python -m pytest -n 2 --dist worksteal tests/unit; fi
if [ $# -gt 0 ]; then exec python -m pytest "${1#django_server/}"; fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Each worker process has servers, a database and folders of its own.
{
    python -m pytest -n 2 --dist loadgroup -m "(unit or service) and not alone" && code=0 || code=$?
    echo "$code" >"$scratch/code"
} | tee "$scratch/output"
side_by_side=$(cat "$scratch/code")

python -m pytest -m "alone or not (unit or service)" && one_by_one=0 || one_by_one=$?
# pytest's last line is the last line of this run: here, above the one of the second part when that has failed.
if [ "$side_by_side" -ne 0 ]; then
    echo "The tests that run side by side have failed:"
    tail -n 1 "$scratch/output"
fi
[ "$side_by_side" -eq 0 ] && [ "$one_by_one" -eq 0 ]
