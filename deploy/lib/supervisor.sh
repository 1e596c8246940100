# shellcheck shell=bash disable=SC2154 # the settings come from deploy/instance
# The process that an instance hangs on: it starts the parts in order, restarts one that dies, and
# ends all when it is told to. Sourced by deploy/instance after servers.sh.
#
# It is the parent of every part, and each part is told by the kernel when its parent is gone, so
# nothing outlives it, however it ends. run/lock is locked by it alone for as long as it lives;
# run/NAME.pid tells a part's process, run/NAME.down that a part is kept down on purpose.

declare -A launched_cs=()

# start_child NAME LOG COMMAND…
start_child() {
    local name=$1 log=$2
    shift 2
    setpriv --pdeathsig "$(end_signal_of "$name")" -- "$@" < /dev/null >> "$log" 2>&1 8>&- 9>&- &
    pid_write "run/$name.pid" "$!"
}

# spawn NAME COMMAND…: a part, which is there to stay.
spawn() {
    launched_cs[$1]=$(uptime_cs)
    start_child "$1" "log/$1.log" "${@:2}"
}

is_alive() {
    pid_read "run/$1.pid" > /dev/null
}

is_settled() {
    local name=$1
    shift
    "$@" || ! is_alive "$name"
}

# await_or_end NAME SECONDS COMMAND…: succeeds once the command does while the part lives.
await_or_end() {
    wait_for "$2" is_settled "$1" "${@:3}" && is_alive "$1"
}

await_failed() {
    if is_alive "$1"; then
        fail "$1 did not get ready in time; see log/$1.log"
    fi
    fail "$1 ended at its start: $(last_words "log/$1.log") (log/$1.log)"
}

await() {
    await_or_end "$@" || await_failed "$1"
}

# run_step NAME COMMAND…: a command that ends by itself. It is waited for in a way that leaves us
# able to act on a signal meanwhile.
run_step() {
    local name=$1 status=0
    shift
    start_child "$name" "log/$name.log" "$@"
    wait "$!" || status=$?
    rm -f "run/$name.pid"
    ((status == 0)) || fail "$name failed: $(last_words "log/$name.log") (log/$name.log)"
}

fail() {
    printf '%s\n' "$*" > run/failure
    say "$*"
    exit 1
}

# In the order in which they are needed; they end in the opposite one.
part_names() {
    if [[ -z $external_database ]] && has_part postgresql; then echo postgresql; fi
    if [[ -z $external_redis ]] && has_part redis; then echo redis; fi
    if has_part refrain; then
        serve_names
        worker_names
    fi
    if has_part nginx; then echo nginx; fi
}

end_part() {
    pid_end "run/$1.pid" "$(end_signal_of "$1")" 20
}

end_all() {
    local names at file
    trap '' TERM INT HUP
    rm -f env run/ready
    mapfile -t names < <(part_names)
    for ((at = ${#names[@]} - 1; at >= 0; at--)); do
        end_part "${names[at]}"
    done
    for file in run/*.pid; do
        [[ ! -e $file || $file == run/supervisor.pid ]] || pid_end "$file" TERM 5
    done
    rm -rf "$sockets"
    rm -f sockets run/supervisor.pid
}

rotate_logs() {
    local log
    mkdir -p log
    for log in log/*.log; do
        [[ ! -e $log ]] || mv -f "$log" "$log.old"
    done
}

make_sockets_folder() {
    sockets=$(mktemp -d "$(temporary_folder)/refrain-XXXXXX")
    chmod 711 "$sockets"
    ln -sfn "$sockets" sockets
}

# data/complete is written when the first start has come to its end. Without it nobody has been
# told of these data yet, and what an interrupted start left is thrown away.
start_databases() {
    if has_part postgresql && [[ -z $external_database ]]; then
        [[ -e data/complete ]] || rm -rf data/postgresql
        postgresql_start
        [[ -e data/complete ]] || postgresql_make_database
    fi
    if has_part redis && [[ -z $external_redis ]]; then
        redis_start
    fi
}

# An existing database that has users already is somebody's.
wants_sample() {
    [[ ! -e data/complete && $with_sample == yes ]] || return 1
    [[ -z $external_database || -z $("${refrain[@]}" user list) ]]
}

first_run() {
    if wants_sample; then
        # A token belongs in no log.
        (umask 077 && : > data/demo)
        run_step sample bash -c 'exec "$@" > data/demo' - "${refrain[@]}" sample
    fi
}

start_all() {
    make_sockets_folder
    start_databases
    if has_part refrain; then
        refrain_configure
        run_step migrate "${refrain[@]}" migrate
        first_run
        refrain_start
    fi
    touch data/complete
    if has_part nginx; then
        nginx_start
    fi
    write_env
    touch run/ready
}

demo_value() {
    [[ ! -e data/demo ]] || grep -oE "\b$1=[^ ]+" data/demo | head -n 1 | cut -d = -f 2-
}

redis_socket() {
    local url
    url=$(redis_url)
    [[ $url != unix://* ]] || printf '%s\n' "${url#unix://}"
}

write_env() {
    local url='' metrics=''
    if has_part nginx; then
        url=http://127.0.0.1:$port metrics=http://127.0.0.1:$metrics_port/metrics
    fi
    (
        umask 077
        cat > env.new <<END
REFRAIN_URL=$url
REFRAIN_METRICS_URL=$metrics
REFRAIN_CONFIG=$home/etc/refrain.conf
DATABASE_URL=$(database_url)
REDIS_SOCKET=$(redis_socket)
DEMO_USER=$(demo_value user)
DEMO_PASSWORD=$(demo_value password)
DEMO_TOKEN=$(demo_value token)
END
    )
    mv env.new env
}

launch() {
    case $1 in
        serve-*) serve_launch "$1" ;;
        worker*) worker_launch "$1" ;;
        *) "$1_launch" ;;
    esac
}

# A part that dies at once is not started more than once a second.
hold_down() {
    while (($(uptime_cs) < ${launched_cs[$1]} + 100)); do
        pause
    done
}

is_missing() {
    [[ ! -e run/$1.down ]] && ! is_alive "$1"
}

# Whoever ends a part holds the lock too, so that none is started while it is being ended.
restart_part() {
    flock 8
    if is_missing "$1"; then
        say "starting $1 again"
        launch "$1"
    fi
    flock -u 8
}

restart_missing() {
    local name
    for name in $(part_names); do
        if is_missing "$name"; then
            hold_down "$name"
            restart_part "$name"
        fi
    done
}

# Ends us when the process does on whose behalf we run.
tie_to() {
    [[ -z $1 ]] || start_child tie /dev/null tail --pid="$1" -f /dev/null
}

# Returns when a child ends or a signal comes. "wait -n" knows nothing of what ended before it was
# called, so a clock wakes us in any case.
wait_for_event() {
    is_alive clock || start_child clock /dev/null sleep 3
    wait -n || true
}

supervise() {
    mkdir -p bin data etc log run tmp
    exec 9> run/lock
    flock -n 9 || die "this instance is running already"
    exec 8> run/parts.lock
    home_end_leftovers "$home"
    rm -f run/*.down run/ready run/failure
    rotate_logs
    exec > log/instance.log 2>&1
    pid_write run/supervisor.pid "$$"
    trap end_all EXIT
    trap 'exit 0' TERM INT HUP
    tie_to "$tie"
    ln -sfn "$prefix/bin/refrain" bin/refrain
    start_all
    # Asks for a look at the parts.
    trap : USR1
    while [[ -z $tie ]] || is_alive tie; do
        restart_missing
        wait_for_event
    done
}
