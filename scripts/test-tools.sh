#!/bin/sh
# Makes sure of what the tests need from the system: Chromium for the page, nginx, PgBouncer and docker-compose for the
# production stack. Installed where apt-get may be used without asking, else named in one sentence; exit 1 then.
# Called by `make test`.
set -eu

has() {
    case $1 in
        chromium) if [ -n "${CHROMIUM:-}" ]; then [ -x "$CHROMIUM" ]; else [ -x /usr/bin/chromium ]; fi ;;
        *) [ -x "/usr/sbin/$1" ] || [ -x "/usr/bin/$1" ] ;;
    esac
}

missing() {
    for tool in chromium nginx pgbouncer docker-compose curl openssl; do
        if ! has "$tool"; then printf '%s ' "$tool"; fi
    done
}

# Debian starts what it installs, now and at every boot; the tests start their own. A no of this file is asked for first.
policy=/usr/sbin/policy-rc.d
without_services() {
    if [ ! -e "$policy" ]; then
        # shellcheck disable=SC2064  the value of now
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
    # Ubuntu's chromium is not Chromium but a way to its snap: whether it helped is looked at below.
    # shellcheck disable=SC2086  a list
    without_services $sudo env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $wanted >/dev/null
fi
wanted=$(missing)
if [ -n "$wanted" ]; then
    echo "The tests need ${wanted% } in /usr/bin or /usr/sbin; CHROMIUM may name another Chromium." >&2
    exit 1
fi
