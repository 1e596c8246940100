# shellcheck shell=bash
# The state folder of an instance, who owns it, and where its data really live. Sourced after
# common.sh.
#
# Run by root, all of an instance belongs to the system user postgres, because PostgreSQL refuses to
# run as root. Where he cannot reach the state folder (below root's own home, say), everything lives
# in $hidden_homes/HASH and the state folder holds links to it. The random identity in both tells
# whether they still belong together: whoever removes a state folder gets a fresh instance.

hidden_homes=/var/lib/refrain-up
home_entries=(bin data env etc log prefix run sockets)

runner_name() {
    if ((EUID == 0)); then echo postgres; else id -un; fi
}

# Runs a command as the user to whom the instance belongs.
as_runner() {
    if ((EUID == 0)); then
        setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
    else
        "$@"
    fi
}

runner_exec() {
    if ((EUID == 0)); then
        exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
    fi
    exec "$@"
}

absolute_path() {
    realpath -m -- "$1"
}

runner_reaches() {
    (cd / && as_runner test -r "$1" -a -w "$1" -a -x "$1")
}

hidden_home_of() {
    printf '%s/%s\n' "$hidden_homes" "$(printf '%s' "$1" | sha256sum | cut -c 1-16)"
}

# Prints where the instance of a state folder lives; fails if there is none.
home_of() {
    [[ -e $1/instance-id ]] || return 1
    if [[ -L $1/data ]]; then
        dirname "$(readlink "$1/data")"
    else
        printf '%s\n' "$1"
    fi
}

# A folder with other things in it is refused: it would change hands.
state_is_usable() {
    local entry
    [[ ! -e $1/instance-id ]] || return 0
    for entry in "$1"/* "$1"/.[!.]*; do
        [[ ! -e $entry || ${entry##*/} == lost+found ]] || return 1
    done
}

# Makes the state folder and prints the folder in which the instance lives.
home_prepare() {
    local state=$1 home
    # It stands unquoted in the configuration files of others.
    [[ $state != *[!A-Za-z0-9/._+,:@%=~-]* ]] ||
        die "the name of the state folder may hold letters, digits and /._+,:@%=~- only: $state"
    mkdir -p "$state" 2> /dev/null || true
    [[ -d $state ]] || die "cannot make the state folder $state"
    state_is_usable "$state" || die "$state is not empty and no state folder; choose another"
    touch "$state/instance-id" 2> /dev/null || die "cannot write to the state folder $state"
    home_check_owner "$state"
    [[ -s $state/instance-id ]] || od -An -N16 -tx1 /dev/urandom | tr -d ' \n' > "$state/instance-id"
    home=$state
    if ((EUID == 0)); then
        chown postgres:postgres "$state" "$state/instance-id"
        chmod 711 "$state"
        if ! runner_reaches "$state"; then
            home=$(home_hide "$state")
        fi
    fi
    home_check_space "$home"
    printf '%s\n' "$home"
}

home_check_owner() {
    local home owner
    home=$(home_of "$1")
    [[ -d $home/data ]] || return 0
    owner=$(stat -c %U "$home/data")
    [[ $owner == "$(runner_name)" ]] || die "the instance in $1 belongs to $owner, not to $(runner_name)"
}

home_hide() {
    local state=$1 home entry
    home=$(hidden_home_of "$state")
    if [[ -e $home ]] && ! cmp -s "$state/instance-id" "$home/instance-id"; then
        home_end_leftovers "$home"
        rm -rf "$home"
    fi
    mkdir -p "$hidden_homes"
    install -d -o postgres -g postgres -m 711 "$home"
    cp "$state/instance-id" "$home/instance-id"
    for entry in "${home_entries[@]}"; do
        ln -sfn "$home/$entry" "$state/$entry"
    done
    printf '%s\n' "$home"
}

home_check_space() {
    local free_kb
    free_kb=$(df -Pk "$1" | awk 'NR == 2 { print $4 }')
    ((free_kb >= 300 * 1024)) ||
        die "only $((free_kb / 1024)) MB are free in $1; an instance takes 300 MB"
}

# The supervisor holds this lock for as long as it lives.
home_is_running() {
    [[ -e $1/run/lock ]] && ! flock -n "$1/run/lock" true
}

# What makes a part end in good order.
end_signal_of() {
    case $1 in
        postgresql) echo INT ;;
        nginx) echo QUIT ;;
        *) echo TERM ;;
    esac
}

# Ends what a supervisor that died without a farewell may have left.
home_end_leftovers() {
    local file
    for file in "$1"/run/*.pid; do
        [[ ! -e $file ]] || pid_end "$file" "$(end_signal_of "$(basename "$file" .pid)")" 10
    done
    sockets_remove "$1"
}

# The folder belongs to the instance's user, so he is who may remove it.
sockets_remove() {
    [[ -L $1/sockets ]] || return 0
    (cd / && as_runner rm -rf "$(readlink "$1/sockets")")
    rm -f "$1/sockets"
}

# Removes an instance that does not run, with everything that belongs to it.
home_remove() {
    local state=$1 home
    home=$(home_of "$state") || return 0
    home_end_leftovers "$home"
    rm -rf "$home" "$state"
    rmdir "$hidden_homes" 2> /dev/null || true
}
