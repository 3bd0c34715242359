#!/bin/bash
# The contract of the official image, as far as it is used here: POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE, PGDATA, flags of
# `postgres` as arguments; the data is given to the user postgres, and the line "init process complete" ends the set-up.
set -euo pipefail
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
  chown postgres:postgres /var/run/postgresql
  exec setpriv --reuid=postgres --regid=postgres --clear-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  password=${POSTGRES_PASSWORD-}
  if [ -n "${POSTGRES_PASSWORD_FILE-}" ]; then password=$(< "$POSTGRES_PASSWORD_FILE"); fi
  [ -n "$password" ] || { echo "POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE must say the superuser's password" >&2; exit 1; }
  initdb -D "$PGDATA" -U postgres --pwfile=<(printf '%s\n' "$password") --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  echo "PostgreSQL init process complete; ready for start up."
fi
unset POSTGRES_PASSWORD POSTGRES_PASSWORD_FILE
shift
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql "$@"
