#!/bin/sh
# The OpenAPI document, the page's TypeScript types and the tables of docs/api.md, generated from the server's code.
#
#     api-types.sh write      writes them into svelte_app/ and docs/
#     api-types.sh check      compares them with those in svelte_app/ and docs/; exit 1 when they differ
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
    .venv/bin/python django_server/manage.py api_docs
elif ! cmp "$made/openapi.json" svelte_app/openapi.json || ! cmp "$made/schema.d.ts" "svelte_app/$schema"; then
    echo "The API has changed and the page's types have not: run \`make api\`." >&2
    exit 1
else
    .venv/bin/python django_server/manage.py api_docs --check
fi
