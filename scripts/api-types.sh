#!/bin/sh
# The OpenAPI document and the page's types, generated from the server's code.
#
#     api-types.sh write      into svelte_app/
#     api-types.sh check      exit code 1 when those in svelte_app/ are stale
set -eu
cd "$(dirname "$0")/.."

schema=src/lib/api/schema.d.ts
generated=$(mktemp -d)
trap 'rm -rf "$generated"' EXIT
.venv/bin/python django_server/manage.py openapi >"$generated/openapi.json"
(cd svelte_app && node_modules/.bin/openapi-typescript "$generated/openapi.json" -o "$generated/schema.d.ts" >/dev/null)
if [ "$1" = write ]; then
    cp "$generated/openapi.json" svelte_app/openapi.json
    cp "$generated/schema.d.ts" "svelte_app/$schema"
elif ! cmp "$generated/openapi.json" svelte_app/openapi.json || ! cmp "$generated/schema.d.ts" "svelte_app/$schema"; then
    echo "The OpenAPI document or the page's types are stale: run \`make api\`." >&2
    exit 1
fi
