#!/bin/sh
# Checks that a Docker engine for tests/docker can be started here, and installs it: Docker from this system's packages,
# Compose and Buildx from Debian 13, whose programs also run on Debian 12, into the cache of the tests.
# If the tests cannot run, prints the reason and exits with 1. Called by run-tests.sh.
set -eu

cannot() {
    echo "$1"
    exit 1
}

[ "${DOCKER_TESTS:-yes}" != no ] || cannot "DOCKER_TESTS=no is set."
[ "$(id -u)" -eq 0 ] || cannot "They start a Docker engine, which needs root."
grep -qx "ID=debian" /etc/os-release 2>/dev/null || cannot "They need Debian's packages."
unshare --mount --net true 2>/dev/null || cannot "This system does not permit containers."
if pgrep -x dockerd >/dev/null; then cannot "Another Docker engine is running, and both would change the same firewall rules."; fi

cache=${DOCKER_TESTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/django-file-upload/docker}
plugins=$cache/cli/cli-plugins

missing=
for program in dockerd:docker.io docker:docker-cli iptables:iptables debootstrap:debootstrap; do
    if [ ! -x "/usr/bin/${program%%:*}" ] && [ ! -x "/usr/sbin/${program%%:*}" ]; then missing="$missing ${program##*:}"; fi
done
# Debian 12 has the client in docker.io.
apt-cache show docker-cli >/dev/null 2>&1 || missing=$(echo "$missing" | sed 's/ docker-cli//')
if [ -n "$missing" ]; then
    echo "Installing$missing for the Docker tests ..." >&2
    # shellcheck disable=SC2086  # $missing has several words
    sh "$(dirname "$0")/install-packages.sh" $missing >&2 ||
        cannot "The packages$missing could not be installed."
fi

if [ ! -x "$plugins/docker-compose" ] || [ ! -x "$plugins/docker-buildx" ]; then
    echo "Downloading Compose and Buildx for the Docker tests ..." >&2
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$plugins"
    # The mirror that this system uses itself.
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Label: Debian' | head -n 1)
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$work/sources.list"
    set -- -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root
    { cd "$work" && apt-get "$@" update -qq && apt-get "$@" download -qq docker-compose docker-buildx; } >&2 ||
        cannot "Compose and Buildx could not be downloaded."
    for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/files"; done
    cp "$work"/files/usr/libexec/docker/cli-plugins/* "$plugins/"
fi
