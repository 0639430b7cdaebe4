#!/bin/sh
# As the official image does, reads the executable files /docker-entrypoint.d/*.envsh, then renders /etc/nginx/templates:
# only variables that are set; a folder that is not writable is reported and skipped.
set -e
for script in /docker-entrypoint.d/*.envsh; do
    # shellcheck disable=SC1090  the names are known in the image only
    if [ "$1" = nginx ] && [ -x "$script" ]; then . "$script"; fi
done
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
