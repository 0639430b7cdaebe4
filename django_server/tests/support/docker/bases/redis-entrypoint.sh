#!/bin/sh
# The official image is compiled without protected mode, so that other containers may connect.
set -e
if [ "$1" = redis-server ]; then exec "$@" --protected-mode no; fi
exec "$@"
