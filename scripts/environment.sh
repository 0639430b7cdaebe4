#!/bin/sh
# Creates .venv if it does not exist. Installs the pinned packages, checking their hashes, if the requirements changed.
#
#     environment.sh [dev]      dev: also installs the packages for tests and checks
set -eu
cd "$(dirname "$0")/.."
. scripts/cache-folders.sh

python=.venv/bin/python
# .venv is created again if its Python no longer exists or is older than 3.11.
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    sh scripts/require-writable.sh .venv
    base_python=$(sh scripts/find-python.sh)
    echo "Creating the virtual environment .venv ..."
    "$base_python" -m venv --clear .venv
fi

install="$python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes"
# shellcheck disable=SC2086  # $install has several words
ROOM_MB=500 sh scripts/when-changed.sh .venv/.installed "Installing the Python packages (a minute the first time) ..." \
    django_server/requirements.txt -- \
    $install -r django_server/requirements.txt
if [ "${1:-}" = dev ]; then
    # shellcheck disable=SC2086
    ROOM_MB=1000 sh scripts/when-changed.sh .venv/.installed-dev "Installing the packages for tests and checks ..." \
        django_server/requirements.txt django_server/requirements-dev.txt -- \
        $install -r django_server/requirements.txt -r django_server/requirements-dev.txt
fi
