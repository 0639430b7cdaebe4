#!/bin/sh
# Runs a command if the contents of its source files have changed since its last success. Ignores modification times.
#
#     when-changed.sh STAMP "SENTENCE" PATH... -- COMMAND...
#
# STAMP is a file with the digest of the contents. Put it inside the folder that COMMAND creates: if somebody deletes the
# folder, COMMAND runs again. SENTENCE is printed before COMMAND runs. If the folder can't be written or its disk has fewer
# than ROOM_MB megabytes left, COMMAND does not run. Called by environment.sh and page.sh.
set -eu

scripts=$(cd "$(dirname "$0")" && pwd)
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

sh "$scripts/require-writable.sh" "$(dirname "$stamp")" "${ROOM_MB:-1}"
echo "$sentence"
while [ "$1" != -- ]; do shift; done
shift
"$@"
printf '%s\n' "$digest" >"$stamp"
