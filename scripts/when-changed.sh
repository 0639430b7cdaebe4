#!/bin/sh
# Runs a command if the contents of its source files have changed since its last success. Ignores modification times.
#
#     when-changed.sh STAMP "SENTENCE" PATH... -- COMMAND...
#
# STAMP is a file with the digest of the contents. Put it inside the folder that COMMAND creates: if somebody deletes the
# folder, COMMAND runs again. SENTENCE is printed before COMMAND runs. Called by environment.sh and page.sh.
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
