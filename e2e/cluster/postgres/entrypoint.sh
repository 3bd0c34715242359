#!/bin/sh
# The contract of the official image, as far as the chart uses it: POSTGRES_PASSWORD, POSTGRES_DB, PGDATA, further flags as
# arguments. Data is complete when the file beside it says so: what an interrupted start left is made anew.
set -eu
if [ ! -f "$PGDATA.done" ]; then
  rm -rf "$PGDATA"
  umask 077
  printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
  initdb -D "$PGDATA" -U postgres --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C >/dev/null
  rm /tmp/password
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  echo "CREATE DATABASE \"$POSTGRES_DB\"" | postgres --single -D "$PGDATA" postgres >/dev/null
  : > "$PGDATA.done"
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql "$@"
