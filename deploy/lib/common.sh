# shellcheck shell=bash
# What the programs of deploy/, ./up and ./check share. Sourced; $program names who speaks.

: "${program:?}"
umask 022
export LC_ALL=C.UTF-8
unset CDPATH BASH_ENV ENV GREP_OPTIONS

say() {
    printf '%s: %s\n' "$program" "$*"
}

warn() {
    say "$@" >&2
}

die() {
    warn "$@"
    exit 1
}

usage_error() {
    warn "$1; see $program --help"
    exit 2
}

# Prints the comment at the head of a program, which is its help.
print_head() {
    sed -n '2,/^$/ { s/^# \{0,1\}//p }' "$1"
}

# A clock that nobody can set, in hundredths of a second.
uptime_cs() {
    local up
    read -r up _ < /proc/uptime
    printf '%s\n' "${up/./}"
}

pause() {
    sleep 0.05
}

# wait_for SECONDS COMMAND…: asks until the command succeeds; fails at the deadline.
wait_for() {
    local deadline=$(($(uptime_cs) + $1 * 100))
    shift
    until "$@"; do
        (($(uptime_cs) < deadline)) || return 1
        pause
    done
}

# The moment a process started tells it from a later one with the same number; nothing for a zombie.
process_start() {
    local stat fields
    stat=$(cat "/proc/$1/stat" 2> /dev/null) || return 1
    read -ra fields <<< "${stat##*) }"
    [[ ${fields[0]} != [ZX] ]] || return 1
    printf '%s\n' "${fields[19]}"
}

# A pid file holds number and start, so that one left by a crash is never mistaken.
pid_write() {
    local file=$1 pid=$2
    printf '%s %s\n' "$pid" "$(process_start "$pid" || echo 0)" > "$file"
}

# Prints the number of the live process that the pid file means; fails if there is none.
pid_read() {
    local pid start
    [[ -s $1 ]] && read -r pid start < "$1" || return 1
    [[ $(process_start "$pid") == "$start" ]] || return 1
    printf '%s\n' "$pid"
}

pid_is_gone() {
    ! pid_read "$1" > /dev/null
}

# pid_end FILE SIGNAL SECONDS: asks the process to end, makes it end at the deadline.
pid_end() {
    local file=$1 pid
    if pid=$(pid_read "$file"); then
        kill -s "$2" "$pid" 2> /dev/null || true
        if ! wait_for "$3" pid_is_gone "$file"; then
            kill -s KILL "$pid" 2> /dev/null || true
            wait_for 5 pid_is_gone "$file" || true
        fi
    fi
    rm -f "$file"
}

# One line out of a log, for an error message: the last one that complains, else the last one.
last_words() {
    [[ -s $1 ]] || return 0
    { grep -aiE 'error|fatal|panic|emerg|cannot|fail|invalid|no space' "$1" || tail -n 1 "$1"; } | tail -n 1
}

# heed_interrupts "$0" "$@": a shell in whose background we were started has made us deaf to SIGINT,
# and bash cannot undo that itself.
heed_interrupts() {
    local ignored
    ignored=$(sed -n 's/^SigIgn:[[:blank:]]*//p' "/proc/$$/status")
    ((0x$ignored & 2)) || return 0
    exec env --default-signal=INT "$@"
}

# Runs a long command, or a function, in a way that lets a trap act meanwhile: bash puts traps off
# while a command in the foreground runs. end_child is what such a trap calls.
child=''

run_child() {
    local status=0
    set -m # it leads a process group of its own
    "$@" < /dev/null &
    child=$!
    set +m
    wait "$child" || status=$?
    child=''
    return "$status"
}

end_child() {
    [[ -n $child ]] || return 0
    kill -s TERM -- "-$child" 2> /dev/null || true
    wait "$child" || true
}

port_is_taken() {
    local status=0
    timeout 2 bash -c "exec 3<> /dev/tcp/127.0.0.1/$1" 2> /dev/null || status=$?
    ((status != 1))
}

check_port() {
    [[ $1 =~ ^[0-9]{1,5}$ ]] && ((10#$1 <= 65535)) ||
        usage_error "--port takes a number from 0 to 65535, not '$1'"
    (($1 == 0)) || ! port_is_taken "$1" ||
        die "port $1 of 127.0.0.1 is in use; choose another with --port"
}

# A port below the range that the kernel gives to outgoing connections. Another program may take it
# before we do, so whoever binds it tries again with the next one.
port_pick() {
    local port
    while :; do
        port=$((20000 + SRANDOM % 12000))
        port_is_taken "$port" || break
    done
    printf '%s\n' "$port"
}

# Where sockets and test folders go: $TMPDIR, unless its name would not fit a socket's path or a URL.
temporary_folder() {
    local folder=${TMPDIR:-/tmp}
    [[ ${#folder} -le 60 && $folder == /* && $folder != *[!A-Za-z0-9/._-]* && -w $folder ]] || folder=/tmp
    printf '%s\n' "$folder"
}
