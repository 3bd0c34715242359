# Sourced by the settings of the cluster and of the Docker engine.
# shellcheck shell=bash

# wait_for SECONDS COMMAND...: until the command succeeds; fails when it does not in that time.
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.1
  done
}
