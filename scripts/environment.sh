#!/bin/sh
# Creates .venv and installs the pinned packages with their hashes, if the requirements have changed.
#
#     environment.sh [dev]      dev: also the packages for tests and checks
set -eu
cd "$(dirname "$0")/.."

python=.venv/bin/python
# Also created again when the Python it was created with no longer exists.
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    found=$(sh scripts/find-python.sh)
    echo "Creating the virtual environment .venv ..."
    "$found" -m venv --clear .venv
fi

install="$python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes"
# shellcheck disable=SC2086  # $install is a list of words
sh scripts/when-changed.sh .venv/.installed "Installing the Python packages (a minute the first time) ..." \
    django_server/requirements.txt -- \
    $install -r django_server/requirements.txt
if [ "${1:-}" = dev ]; then
    # shellcheck disable=SC2086
    sh scripts/when-changed.sh .venv/.installed-dev "Installing the packages for tests and checks ..." \
        django_server/requirements.txt django_server/requirements-dev.txt -- \
        $install -r django_server/requirements.txt -r django_server/requirements-dev.txt
fi
