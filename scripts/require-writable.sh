#!/bin/sh
# Checks that files can be created in a folder. If not, prints one sentence and exits with 1. Called before packages are
# installed or the page is built.
#
#     require-writable.sh FOLDER [MEGABYTES]      FOLDER need not exist; MEGABYTES: the room that is needed
set -eu

folder=$1
existing=$folder
while [ ! -e "$existing" ]; do existing=$(dirname "$existing"); done
existing=$(cd "$existing" 2>/dev/null && pwd || echo "$existing")

if [ ! -d "$existing" ]; then
    echo "$existing is a file: delete it, because a folder has to be created there." >&2
    exit 1
fi
if [ ! -w "$existing" ]; then
    user=$(id -un 2>/dev/null || id -u)
    owner=$(stat -c %U "$existing")
    if [ "$owner" = "$user" ] || [ "$user" = root ]; then
        echo "$existing can't be written: it is read-only. Clone the repository into a folder that $user may write." >&2
    else
        echo "$existing belongs to $owner, and $user may not write it: clone the repository again as $user, or change the owner with \`sudo chown -R $user $existing\`." >&2
    fi
    exit 1
fi
free=$(df -Pm "$existing" | awk 'NR == 2 { print $4 }')
if [ "$free" -lt "${2:-1}" ]; then
    echo "The disk of $existing has $free MB left, and ${2:-1} MB are needed: free some space." >&2
    exit 1
fi
