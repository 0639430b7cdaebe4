# shellcheck shell=sh
# Sourced by environment.sh and page.sh, in the root of the repository. pip and npm keep caches in the home folder. If that
# folder can't be written, their caches are in .cache/ instead.

if [ ! -w "${HOME:-/nonexistent}" ]; then
    export PIP_CACHE_DIR="$PWD/.cache/pip"
    export npm_config_cache="$PWD/.cache/npm"
fi
