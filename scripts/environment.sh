#!/bin/sh
# Makes .venv and installs the pinned, hashed packages into it, when they have changed.
#
#     environment.sh [dev]      dev: also what tests and checks need
set -eu
cd "$(dirname "$0")/.."

python=.venv/bin/python
# Also made anew when the Python it was made with is gone.
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    found=$(sh scripts/find-python.sh)
    echo "Making the virtual environment .venv ..."
    "$found" -m venv --clear .venv
fi

install="$python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes"
# shellcheck disable=SC2086  # $install is several words
sh scripts/when-changed.sh .venv/.installed "Installing the Python packages (a minute the first time) ..." \
    django_server/requirements.txt -- \
    $install -r django_server/requirements.txt
if [ "${1:-}" = dev ]; then
    # shellcheck disable=SC2086
    sh scripts/when-changed.sh .venv/.installed-dev "Installing the packages for tests and checks ..." \
        django_server/requirements.txt django_server/requirements-dev.txt -- \
        $install -r django_server/requirements.txt -r django_server/requirements-dev.txt
fi
