#!/bin/sh
# Prints the command of a Python that is 3.11 or newer and has the module venv. If there is none, prints one sentence to
# stderr and exits with 1. Called by preflight.sh, environment.sh and `make lock`.
set -eu

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
without_venv=
for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    "$candidate" -c "$new_enough" 2>/dev/null || continue
    # Debian has ensurepip, which venv needs, in a separate package.
    if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$candidate"
        exit 0
    fi
    without_venv=${without_venv:-$candidate}
done

sudo=sudo
if [ "$(id -u)" -eq 0 ]; then sudo=; fi
if [ -n "$without_venv" ]; then
    echo "Python's venv module is missing; this installs it: ${sudo:+$sudo }apt-get install $without_venv-venv" >&2
else
    echo "Python 3.11 or newer is missing; this installs it: ${sudo:+$sudo }apt-get install python3 python3-venv" >&2
fi
exit 1
