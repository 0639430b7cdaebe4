#!/bin/sh
# Generates the OpenAPI document, the page's TypeScript types and the tables of docs/api.md from the server's code.
#
#     api-types.sh write      writes the generated files into svelte_app/ and docs/
#     api-types.sh check      compares the generated files with those in svelte_app/ and docs/; exit code 1 if they differ
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
    .venv/bin/python django_server/manage.py api_docs
elif ! cmp "$generated/openapi.json" svelte_app/openapi.json || ! cmp "$generated/schema.d.ts" "svelte_app/$schema"; then
    echo "The API has changed, but the page's generated types have not: run \`make api\`." >&2
    exit 1
else
    .venv/bin/python django_server/manage.py api_docs --check
fi
