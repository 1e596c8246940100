# shellcheck shell=bash disable=SC2154 # the settings come from deploy/instance
# The parts of an instance: how each is configured, launched and found ready. Sourced by the
# supervisor, which runs in the instance's folder $home as the instance's user.

# Sizes that hang together are derived here and nowhere else. An nginx worker keeps up to
# $nginx_keepalive idle connections to serve, and each pins one of its threads.
nginx_workers=$(nproc)
nginx_workers=$((nginx_workers > 4 ? 4 : nginx_workers))
nginx_keepalive=32
serve_threads=$((nginx_workers * nginx_keepalive + 32))

serve_names() {
    local i
    for ((i = 1; i <= serve_count; i++)); do
        echo "serve-$i"
    done
}

# One worker needs no number.
worker_names() {
    local i
    if ((worker_count == 1)); then
        echo worker
        return
    fi
    for ((i = 1; i <= worker_count; i++)); do
        echo "worker-$i"
    done
}

has_part() {
    [[ ,$parts, == *,$1,* ]]
}

# PostgreSQL

database_url() {
    if [[ -n $external_database ]]; then
        printf '%s\n' "$external_database"
    else
        printf 'postgresql://refrain@/refrain?host=%s\n' "$sockets"
    fi
}

postgresql_initialise() {
    mkdir -p data
    rm -rf data/postgresql
    run_step initdb "$postgresql_bin/initdb" --pgdata=data/postgresql --username=postgres \
        --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=reject
}

postgresql_configure() {
    cat > data/postgresql/postgresql.conf <<END
include '$home/deploy/postgresql/refrain.conf'
listen_addresses = ''
unix_socket_directories = '$sockets'
unix_socket_permissions = 0700
log_line_prefix = '%m [%p] '
timezone = 'UTC'
log_timezone = 'UTC'
$(printf '%s\n' "${postgresql_settings[@]}")
END
    # It names a process of before a crash, or of another boot: with the lock ours, none of ours lives.
    rm -f data/postgresql/postmaster.pid
}

postgresql_launch() {
    spawn postgresql "$postgresql_bin/postgres" -D "$home/data/postgresql"
}

postgresql_is_ready() {
    "$postgresql_bin/pg_isready" -q -h "$sockets" -U postgres
}

postgresql_start() {
    [[ -e data/postgresql/PG_VERSION ]] || postgresql_initialise
    postgresql_configure
    postgresql_launch
    await postgresql 60 postgresql_is_ready
}

postgresql_make_database() {
    run_step database "$postgresql_bin/psql" -qX -v ON_ERROR_STOP=1 -h "$sockets" -U postgres \
        -d postgres -c 'create role refrain login createdb' -c 'create database refrain owner refrain'
}

# Redis

redis_url() {
    if [[ -n $external_redis ]]; then
        printf '%s\n' "$external_redis"
    else
        printf 'unix://%s/redis.sock\n' "$sockets"
    fi
}

redis_configure() {
    mkdir -p data/redis
    cat > etc/redis.conf <<END
include $home/deploy/redis/refrain.conf
port 0
unixsocket $sockets/redis.sock
unixsocketperm 700
dir $home/data/redis
daemonize no
END
}

redis_launch() {
    spawn redis redis-server etc/redis.conf
}

redis_is_ready() {
    [[ $(redis-cli -s "$sockets/redis.sock" ping 2> /dev/null) == PONG ]]
}

redis_start() {
    redis_configure
    redis_launch
    await redis 30 redis_is_ready
}

# Refrain

refrain_configure() {
    local setting entry
    # A URL may hold a password.
    (umask 077 && : > etc/refrain.conf)
    {
        printf '[http]\nthreads = %s\n' "$serve_threads"
        printf '[database]\nurl = %s\n' "$(database_url)"
        printf '[redis]\nurl = %s\n' "$(redis_url)"
        printf '[monitoring]\nopen_on_loopback = yes\n'
        printf '[paths]\ndata = %s/share/refrain\nruntime = %s/run\n' "$prefix" "$home"
        for setting in "${settings[@]}"; do
            entry=${setting#*.}
            printf '[%s]\n%s = %s\n' "${setting%%.*}" "${entry%%=*}" "${entry#*=}"
        done
    } > etc/refrain.conf
}

refrain=("$prefix/bin/refrain" --config "$home/etc/refrain.conf")

serve_launch() {
    spawn "$1" env REFRAIN_HTTP_SOCKET="$sockets/$1.sock" \
        "${refrain[@]}" serve
}

worker_launch() {
    # Who has started the instance may have a folder of his own, which is closed to its user.
    spawn "$1" env TMPDIR="$(temporary_folder)" "${refrain[@]}" worker
}

socket_exists() {
    [[ -S $sockets/$1.sock ]]
}

refrain_start() {
    local name
    for name in $(serve_names); do
        serve_launch "$name"
    done
    for name in $(worker_names); do
        worker_launch "$name"
    done
    for name in $(serve_names); do
        await "$name" 60 socket_exists "$name"
    done
}

# nginx

# A value may hold / and &, so it is put in by the shell.
nginx_fill() {
    local text name
    text=$(cat)
    for name in "$@"; do
        text=${text//"@${name%%=*}@"/"${name#*=}"}
    done
    printf '%s\n' "$text"
}

nginx_upstream_servers() {
    local name
    for name in $(serve_names); do
        printf 'server unix:%s/%s.sock max_fails=0; ' "$sockets" "$name"
    done
}

nginx_configure() {
    local limits='limit_req zone=refrain_requests burst=4000 nodelay; limit_conn refrain_connections 512;'
    [[ $with_limits == yes ]] || limits=
    mkdir -p tmp/nginx
    nginx_fill < deploy/nginx/refrain.conf.in > etc/nginx-site.conf \
        listen="127.0.0.1:$port" metrics_listen="127.0.0.1:$metrics_port" \
        upstream_servers="$(nginx_upstream_servers)" keepalive="$nginx_keepalive" \
        limits="$limits" web="$prefix/share/refrain/web" access_log="$home/log/access.log"
    cat > etc/nginx.conf <<END
daemon off;
pid $home/run/nginx-master;
error_log $home/log/nginx.log error;
worker_processes $nginx_workers;
events { worker_connections 4096; }
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    client_body_temp_path $home/tmp/nginx/body;
    fastcgi_temp_path $home/tmp/nginx/fastcgi;
    proxy_temp_path $home/tmp/nginx/proxy;
    scgi_temp_path $home/tmp/nginx/scgi;
    uwsgi_temp_path $home/tmp/nginx/uwsgi;
    sendfile on;
    tcp_nopush on;
    include $home/etc/nginx-site.conf;
}
END
}

nginx_launch() {
    spawn nginx "$nginx_program" -e "$home/log/nginx.log" -c "$home/etc/nginx.conf"
}

nginx_is_ready() {
    curl -fs --noproxy '*' --max-time 5 -o /dev/null "http://127.0.0.1:$port$1"
}

# A port of our own choice may be gone by now: then the next one.
nginx_start() {
    local wanted=$port tries path=/readyz
    has_part refrain || path=/
    for tries in 4 3 2 1 0; do
        ((wanted != 0)) || port=$(port_pick)
        metrics_port=$(port_pick)
        nginx_configure
        nginx_launch
        if await_or_end nginx 60 nginx_is_ready "$path"; then
            return 0
        fi
        if ((tries == 0)) || ! grep -q 'bind() to .* failed' log/nginx.log ||
            grep -q "bind() to 127.0.0.1:$wanted failed" log/nginx.log; then
            await_failed nginx
        fi
    done
}
