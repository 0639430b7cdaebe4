#!/bin/sh
# Installs the packages that the tests need: Chromium, nginx, PgBouncer, docker-compose, redis-cli, curl and openssl. Uses
# apt-get if that needs no password. Otherwise prints one sentence with the missing programs and exits with 1.
# Called by `make test`.
set -eu

has() {
    case $1 in
        chromium) if [ -n "${CHROMIUM:-}" ]; then [ -x "$CHROMIUM" ]; else [ -x /usr/bin/chromium ]; fi ;;
        redis-tools) command -v redis-cli >/dev/null ;;
        *) [ -x "/usr/sbin/$1" ] || [ -x "/usr/bin/$1" ] ;;
    esac
}

missing() {
    for tool in chromium nginx pgbouncer docker-compose redis-tools curl openssl; do
        if ! has "$tool"; then printf '%s ' "$tool"; fi
    done
}

# The tests start nginx and PgBouncer themselves, but Debian starts a service when it is installed, and at every boot.
# Exit code 101 of policy-rc.d prevents the first; `systemctl disable` prevents the second.
policy=/usr/sbin/policy-rc.d
without_services() {
    if [ ! -e "$policy" ]; then
        # shellcheck disable=SC2064  expands $sudo and $policy now
        trap "$sudo rm -f $policy" EXIT
        printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
        $sudo chmod 755 "$policy"
    fi
    "$@"
    for service in nginx pgbouncer; do
        case " $wanted " in *" $service "*) $sudo systemctl disable "$service" >/dev/null 2>&1 || true ;; esac
    done
}

wanted=$(missing)
if [ -z "$wanted" ]; then exit 0; fi
if command -v apt-get >/dev/null && { [ -z "${CHROMIUM:-}" ] || has chromium; }; then
    if [ "$(id -u)" -eq 0 ]; then
        sudo=
    elif sudo -n true 2>/dev/null; then
        sudo="sudo -n"
    else
        echo "The tests need ${wanted% }; this installs it: sudo apt-get install ${wanted% }" >&2
        exit 1
    fi
    echo "Installing ${wanted% } for the tests ..."
    $sudo apt-get update -qq
    # Ubuntu's package chromium only installs a snap, which may fail: the programs are checked again below.
    # shellcheck disable=SC2086  $wanted has several words
    without_services $sudo env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $wanted >/dev/null
fi
wanted=$(missing)
if [ -n "$wanted" ]; then
    echo "The tests need ${wanted% } in /usr/bin or /usr/sbin. The variable CHROMIUM may contain the path of another Chromium." >&2
    exit 1
fi
