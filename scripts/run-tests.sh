#!/bin/sh
# Runs the Python tests. Called by `make test` and `make unit`, which set the environment.
#
#   sh scripts/run-tests.sh          all tests: first those that may run in two processes, then the others one by one
#   sh scripts/run-tests.sh unit     the tests that need no server, in two processes
#   sh scripts/run-tests.sh PATH     one file, folder or node id, relative to the repository or to django_server/
set -eu
cd "$(dirname "$0")/../django_server"

if [ "${1:-}" = unit ]; then exec python -m pytest -n 2 --dist worksteal tests/unit; fi
if [ $# -gt 0 ]; then exec python -m pytest "${1#django_server/}"; fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Each pytest worker process starts its own servers and has its own database and folders.
{
    python -m pytest -n 2 --dist loadgroup -m "(unit or service) and not alone" && code=0 || code=$?
    echo "$code" >"$scratch/code"
} | tee "$scratch/output"
side_by_side=$(cat "$scratch/code")

python -m pytest -m "alone or not (unit or service)" && one_by_one=0 || one_by_one=$?
# The last line of each pytest run is its summary. The first run's summary is far above, so a failed one is repeated.
if [ "$side_by_side" -ne 0 ]; then
    echo "Tests that run in two processes have failed:"
    tail -n 1 "$scratch/output"
fi
[ "$side_by_side" -eq 0 ] && [ "$one_by_one" -eq 0 ]
