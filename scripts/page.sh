#!/bin/sh
# Installs the packages of the page if package.json or the lock file has changed, and builds the page if a source has.
#
#     page.sh [packages]      packages: does not build
set -eu
cd "$(dirname "$0")/.."
. scripts/cache-folders.sh
cd svelte_app

ROOM_MB=300 sh ../scripts/when-changed.sh node_modules/.installed "Installing the packages of the page (half a minute the first time) ..." \
    package.json package-lock.json -- \
    npm ci --no-audit --no-fund --loglevel=error
if [ "${1:-}" = packages ]; then exit 0; fi

sources="src index.html vite.config.ts svelte.config.js tsconfig.json package-lock.json"
if [ -d public ]; then sources="$sources public"; fi
# shellcheck disable=SC2086  # $sources has several words
sh ../scripts/when-changed.sh dist/.built "Building the page ..." $sources -- \
    npm run --silent build -- --logLevel warn
