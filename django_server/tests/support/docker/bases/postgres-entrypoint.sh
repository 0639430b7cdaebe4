#!/bin/bash
# Creates the cluster, user and database at the first start, as the official image does. TCP connections need a password.
set -e
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    password=$(cat "$POSTGRES_PASSWORD_FILE")
    initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$password")
    printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    pg_ctl --wait -o "-c listen_addresses=''" start
    psql --username "$POSTGRES_USER" --dbname postgres --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
    pg_ctl --wait --mode fast stop
fi
if [ "$1" = postgres ]; then exec "$@" -c listen_addresses='*'; fi
exec "$@"
