#!/bin/sh
# Renders /etc/nginx/templates as the official image does: only variables that are set; a folder that is not writable is
# reported and skipped.
set -e
output=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}
if [ "$1" = nginx ] && [ -d /etc/nginx/templates ]; then
    if [ -w "$output" ]; then
        # shellcheck disable=SC2046  the names of variables have no spaces
        names=$(printf '${%s} ' $(env | cut -d= -f1))
        for template in /etc/nginx/templates/*.template; do
            envsubst "$names" <"$template" >"$output/$(basename "$template" .template)"
        done
    else
        echo "$0: /etc/nginx/templates exists, but $output is not writable" >&2
    fi
fi
exec "$@"
