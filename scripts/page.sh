#!/bin/sh
# Installs the packages of the page and builds it, each if its sources have changed.
#
#     page.sh [packages]      packages: without building
set -eu
cd "$(dirname "$0")/../svelte_app"

# preflight.sh has checked the version of Node. One package asks for npm 9.5, but Debian's 9.2 works.
sh ../scripts/when-changed.sh node_modules/.installed "Installing the packages of the page (half a minute the first time) ..." \
    package.json package-lock.json -- \
    npm ci --no-audit --no-fund --no-engine-strict --loglevel=error
if [ "${1:-}" = packages ]; then exit 0; fi

sources="src index.html vite.config.ts svelte.config.js tsconfig.json package-lock.json"
if [ -d public ]; then sources="$sources public"; fi
# shellcheck disable=SC2086  # a list
sh ../scripts/when-changed.sh dist/.built "Building the page ..." $sources -- \
    npm run --silent build -- --logLevel warn
