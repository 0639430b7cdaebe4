#!/bin/sh
# Installs Debian packages without starting their services, neither now nor at boot: the tests start the servers that they
# need themselves. Needs root, or sudo without a password. Called by test-tools.sh and docker-tools.sh.
#
#     install-packages.sh PACKAGE...
set -eu

sudo=
if [ "$(id -u)" -ne 0 ]; then sudo="sudo -n"; fi

# Debian starts a service when it is installed, and at every boot. Exit code 101 of policy-rc.d prevents the first;
# `systemctl disable` prevents the second.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    # shellcheck disable=SC2064  # expands $sudo and $policy now
    trap "$sudo rm -f $policy" EXIT
    printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
    $sudo chmod 755 "$policy"
fi
$sudo apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
for package in "$@"; do
    case $package in
        nginx | pgbouncer) services=$package ;;
        docker.io) services="docker.socket docker containerd" ;;
        *) continue ;;
    esac
    # shellcheck disable=SC2086  # $services has several words
    $sudo systemctl disable $services >/dev/null 2>&1 || true
done
