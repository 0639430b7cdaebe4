#!/bin/sh
# The API's description and the page's types of it, made from the server's code.
#
#     api-types.sh write      into svelte_app/
#     api-types.sh check      says whether those in svelte_app/ are what the code gives; exit 1 when not
set -eu
cd "$(dirname "$0")/.."

schema=src/lib/api/schema.d.ts
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
.venv/bin/python django_server/manage.py openapi >"$made/openapi.json"
(cd svelte_app && node_modules/.bin/openapi-typescript "$made/openapi.json" -o "$made/schema.d.ts" >/dev/null)
if [ "$1" = write ]; then
    cp "$made/openapi.json" svelte_app/openapi.json
    cp "$made/schema.d.ts" "svelte_app/$schema"
elif ! cmp "$made/openapi.json" svelte_app/openapi.json || ! cmp "$made/schema.d.ts" "svelte_app/$schema"; then
    echo "The API has changed and the page's types have not: run \`make api\`." >&2
    exit 1
fi
