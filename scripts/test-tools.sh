#!/bin/sh
# Makes sure of what the tests need from the system: Chromium. Installed where apt-get may be used without asking,
# else named in one sentence; exit 1 then. Called by `make test`.
set -eu

has_chromium() {
    if [ -n "${CHROMIUM:-}" ]; then [ -x "$CHROMIUM" ]; else [ -x /usr/bin/chromium ]; fi
}

if has_chromium; then exit 0; fi
if [ -z "${CHROMIUM:-}" ] && command -v apt-get >/dev/null; then
    if [ "$(id -u)" -eq 0 ]; then
        sudo=
    elif sudo -n true 2>/dev/null; then
        sudo="sudo -n"
    else
        echo "The tests need Chromium; this installs it: sudo apt-get install chromium" >&2
        exit 1
    fi
    echo "Installing Chromium for the tests ..."
    $sudo apt-get update -qq
    # Ubuntu's package of this name is not Chromium but a way to its snap: whether it helped is looked at below.
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi
has_chromium || {
    echo "The tests need Chromium: install it as /usr/bin/chromium, or set CHROMIUM to the program." >&2
    exit 1
}
