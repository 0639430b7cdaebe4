#!/bin/sh
# Runs a command when what it is made from has changed since it last succeeded. Contents count, not dates.
#
#     when-changed.sh STAMP "SENTENCE" PATH... -- COMMAND...
#
# STAMP remembers the contents; it lives inside what COMMAND makes, so that removing that runs COMMAND again.
# SENTENCE tells a person what the time is spent on. Called by the Makefile and environment.sh.
set -eu

stamp=$1
sentence=$2
shift 2
digest=$(
    for argument in "$@"; do
        if [ "$argument" = -- ]; then break; fi
        find "$argument" -type f
    done | LC_ALL=C sort | while IFS= read -r file; do cksum "$file"; done | cksum
    echo "$*"
)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$digest" ]; then exit 0; fi

echo "$sentence"
while [ "$1" != -- ]; do shift; done
shift
"$@"
printf '%s\n' "$digest" >"$stamp"
