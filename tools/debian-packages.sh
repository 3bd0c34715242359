# Sourced by scripts that need programs of the system: `need_programs`, further names into `missing`, then `install_missing`.
# shellcheck shell=bash
missing=()

# need_programs PROGRAM:PACKAGE...: notes the packages of those that are not there.
need_programs() {
  local need
  for need in "$@"; do command -v "${need%%:*}" >/dev/null || missing+=("${need##*:}"); done
}

# Installs Debian's packages when that is allowed; says otherwise what is missing, and ends the script.
install_missing() {
  local policy=/usr/sbin/policy-rc.d
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "These Debian packages (or what they are called here) are missing: ${missing[*]}" >&2
    exit 1
  fi
  echo "installing ${missing[*]}" >&2
  # A package must not start a server of its own.
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
    # shellcheck disable=SC2064
    trap "rm -f $policy" EXIT
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
