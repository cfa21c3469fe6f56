#!/bin/sh
# The practice's role and its empty database; run once, on the leader.
set -eu
export PGPASSWORD="$PATRONI_SUPERUSER_PASSWORD" PGHOST=127.0.0.1 PGUSER=postgres PGDATABASE=postgres
psql --quiet --set=ON_ERROR_STOP=1 --set=password="$PRACTICE_PASSWORD" <<'SQL'
CREATE ROLE phyassist LOGIN PASSWORD :'password';
CREATE DATABASE practice OWNER phyassist ENCODING 'UTF8' TEMPLATE template0;
SQL
