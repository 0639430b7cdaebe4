#!/bin/sh
# Prints the first of the given Pythons that is 3.11 to 3.14 and can create virtual environments; without arguments, of
# those on PATH. If there is none, prints one sentence with the command that installs one to stderr, and exits with 1.
# Called by environment.sh and `make lock`.
set -eu

# make puts the virtual environment in front of PATH.
PATH=${PATH#"$PWD/.venv/bin:"}

# The pinned packages have wheels for these versions: tests/unit/dependencies/test_wheels.py.
if [ $# -eq 0 ]; then set -- python3 python3.14 python3.13 python3.12 python3.11; fi
for candidate in "$@"; do
    # Debian has ensurepip, which venv needs, in a separate package.
    if "$candidate" -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
        echo "$candidate"
        exit 0
    fi
done

missing() {
    echo "Python 3.11 to 3.14 with its module venv is missing; $1" >&2
    exit 1
}

sudo=sudo
if [ "$(id -u)" -eq 0 ]; then sudo=; fi
sudo=${sudo:+$sudo }
if command -v apt-get >/dev/null; then
    install="apt-get install --no-install-recommends"
    # Not always python3-venv: python3 is 3.10 on Ubuntu 22.04, which also has 3.11.
    for minor in 14 13 12 11; do
        if apt-cache show "python3.$minor-venv" >/dev/null 2>&1; then
            missing "this installs it: $sudo$install python3.$minor-venv"
        fi
    done
    if apt-cache show python3-venv >/dev/null 2>&1; then missing "this release of the system has no package of it."; fi
    missing "this installs it: ${sudo}apt-get update && $sudo$install python3-venv"
elif command -v brew >/dev/null; then
    missing "this installs it: brew install python@3.14"
else
    missing "install it with the package manager of this system."
fi
