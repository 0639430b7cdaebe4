#!/bin/sh
# Installs the packages that the tests need: Chromium, nginx, PgBouncer, docker-compose, redis-cli, curl and openssl. Uses
# apt-get if that needs no password. Otherwise prints one sentence with the missing programs and exits with 1.
# Called by `make test`.
set -eu

has() {
    case $1 in
        chromium) if [ -n "${CHROMIUM:-}" ]; then [ -x "$CHROMIUM" ]; else [ -x /usr/bin/chromium ]; fi ;;
        redis-tools) command -v redis-cli >/dev/null ;;
        *) [ -x "/usr/sbin/$1" ] || [ -x "/usr/bin/$1" ] ;;
    esac
}

missing() {
    for tool in chromium nginx pgbouncer docker-compose redis-tools curl openssl; do
        if ! has "$tool"; then printf '%s ' "$tool"; fi
    done
}

wanted=$(missing)
if [ -z "$wanted" ]; then exit 0; fi
if command -v apt-get >/dev/null && { [ -z "${CHROMIUM:-}" ] || has chromium; }; then
    if [ "$(id -u)" -ne 0 ] && ! sudo -n true 2>/dev/null; then
        echo "The tests need ${wanted% }; this installs it: sudo apt-get install ${wanted% }" >&2
        exit 1
    fi
    echo "Installing ${wanted% } for the tests ..."
    # Ubuntu's package chromium only installs a snap, which may fail: the programs are checked again below.
    # shellcheck disable=SC2086  # $wanted has several words
    sh "$(dirname "$0")/install-packages.sh" $wanted
fi
wanted=$(missing)
if [ -n "$wanted" ]; then
    echo "The tests need ${wanted% } in /usr/bin or /usr/sbin. The variable CHROMIUM may contain the path of another Chromium." >&2
    exit 1
fi
