#!/bin/sh
# Builds a new version of one service and replaces its containers, old ones only after new ones are healthy. The number of
# containers stays. Services: web, live, worker, bulk.
#
#     roll.sh SERVICE
set -eu
cd "$(dirname "$0")/.."

service=$1
old=$(docker compose ps --quiet "$service")
[ -n "$old" ] || { echo "No container of $service is running: docker compose up --detach" >&2; exit 1; }
# shellcheck disable=SC2086  # $old has several words
set -- $old

docker compose build "$service"
docker compose up --detach --no-deps --no-recreate --wait --scale "$service=$(($# * 2))" "$service"
# nginx resolves names again after a second.
sleep 3
for container in "$@"; do
    docker stop "$container" >/dev/null
    docker rm "$container" >/dev/null
done
