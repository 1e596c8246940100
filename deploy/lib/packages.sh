# shellcheck shell=bash
# Debian packages: which are missing, and installing them. Sourced after common.sh.

# packages_missing LIST…: names what is not installed.
packages_missing() {
    local package
    sed -e '/^#/d' -e '/^$/d' "$@" | while read -r package; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null) == installed ]] ||
            printf '%s\n' "$package"
    done
}

# packages_require yes|no LIST…: installs what is missing, or says it and ends.
packages_require() {
    local install=$1 missing
    shift
    command -v dpkg-query > /dev/null ||
        die "this is not Debian: install the equivalents of $(sed '/^#/d' "$@" | tr '\n' ' ')"
    mapfile -t missing < <(packages_missing "$@")
    ((${#missing[@]} > 0)) || return 0
    [[ $install == yes ]] || die "missing packages: ${missing[*]}"
    if ((EUID != 0)) && ! command -v sudo > /dev/null; then
        die "missing packages: ${missing[*]}; without sudo only an administrator can install them"
    fi
    say "installing ${missing[*]}"
    packages_install "${missing[@]}"
}

privileged() {
    if ((EUID == 0)); then
        "$@"
    elif [[ -t 0 ]]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

apt_get() {
    privileged env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "$@" < /dev/null
}

# While packages are being installed Debian must not start their servers: ours are private.
policy=/usr/sbin/policy-rc.d

policy_set() {
    [[ ! -e $policy ]] || return 1
    privileged sh -c "printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy"
}

policy_unset() {
    privileged rm -f "$policy"
}

# The lists of packages are fetched only where the ones at hand do not do.
packages_install() (
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    if policy_set; then
        trap 'policy_unset; rm -f "$log"' EXIT
    fi
    apt_get install "$@" > "$log" 2>&1 ||
        { apt_get update && apt_get install "$@"; } > "$log" 2>&1 ||
        die "apt-get could not install $*: $(last_words "$log")"
)
