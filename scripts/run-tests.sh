#!/bin/sh
# Runs the Python tests. Called by `make test` and `make unit`, which set the environment.
#
#   sh scripts/run-tests.sh          all tests: two at a time, then those marked `alone`, then those with a Docker engine
#   sh scripts/run-tests.sh unit     the tests that need no server, in two processes
#   sh scripts/run-tests.sh PATH     one file, folder or node id, relative to the repository or to django_server/
#
# DOCKER_TESTS=no leaves out the last step. DOCKER_TESTS_CACHE is the folder that keeps its packages and images.
set -eu
cd "$(dirname "$0")/../django_server"

if [ "${1:-}" = unit ]; then exec python -m pytest -n 2 --dist worksteal tests/unit; fi
if [ $# -gt 0 ]; then
    selected=${1#django_server/}
    case $selected in
        tests/docker*) reason=$(sh ../scripts/docker-tools.sh) || { echo "Not run: $selected. $reason"; exit 1; } ;;
    esac
    exec python -m pytest "$selected"
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=

# step NAME ARGUMENTS: runs pytest and keeps its last line, which is its summary.
step() {
    name=$1
    shift
    {
        python -m pytest --durations=15 --durations-min=2 "$@" && code=0 || code=$?
        echo "$code" >"$scratch/code"
    } | tee "$scratch/output"
    { echo "$name:"; tail -n 1 "$scratch/output"; } >>"$scratch/summaries"
    [ "$(cat "$scratch/code")" -eq 0 ] || failed=yes
}

# Each pytest worker process starts its own servers and has its own database and folders.
step "Tests that run side by side" -n 2 --dist loadgroup -m "not alone and not docker"
step "Tests that run alone" -m alone
# Last, because a Docker engine changes the firewall rules of the machine until it stops.
if reason=$(sh ../scripts/docker-tools.sh); then
    step "Tests with a Docker engine" tests/docker
else
    printf 'Tests with a Docker engine were not run. %s\n' "$reason" | tee "$scratch/not-run"
fi

echo
if [ -e "$scratch/not-run" ]; then cat "$scratch/not-run"; fi
cat "$scratch/summaries"
[ -z "$failed" ]
