#!/bin/sh
# What `make cluster-test` needs beyond `make test`: PostgreSQL and etcd from Debian, Patroni in an
# environment that the server's own user may run.  apt starts no servers: policy-rc.d says so.
set -eu
place="${CLUSTER_DIR:-/var/tmp/phyassist-cluster}"
if ! ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || ! command -v etcd >/dev/null || ! /usr/bin/python3 -c 'import ensurepip' 2>/dev/null; then
    if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
        echo "Install PostgreSQL (13 or later), etcd (3.4 or later) and python3-venv, then run this again." >&2
        exit 1
    fi
    made=""
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
        made=yes
    fi
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        postgresql postgresql-client etcd-server python3-venv
    [ -z "$made" ] || rm /usr/sbin/policy-rc.d
fi
if [ ! -e "$place/installed" ]; then
    mkdir -p "$place"
    chmod 755 "$place"
    /usr/bin/python3 -m venv --clear "$place/venv"
    "$place/venv/bin/pip" install --quiet --disable-pip-version-check \
        'patroni[psycopg3,etcd3]==4.1.5' 'psycopg[binary]==3.3.9'
    touch "$place/installed"
fi
