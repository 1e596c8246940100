"""What is measured in PostgreSQL itself: reads by psql's clock, bare inserts, bare transactions."""

import datetime
import os
import re
import statistics
import subprocess
import time

import load

BARE_BATCH = 50_000
REPEATS = 9

BARE_TABLES = """
drop schema if exists bench cascade;
create schema bench;
create table bench.listens (like refrain.listens including all);
create table bench.counters (user_id int primary key, live bigint not null) with (fillfactor = 50);
insert into bench.counters select g, 0 from generate_series(1, 16) g;
"""

# A single submission without Refrain: the listen, and one counter of the listener.
BARE_TRANSACTION = """\\set track random(1, 10000)
\\set at random(1, 300000000)
begin;
insert into bench.listens (user_id, listened_at, recording_id, artist_id, release_id, duration_ms,
                           client, info)
values (:client_id + 1, to_timestamp(1100000000 + :at), :track, :track / 50, :track / 10, 215000,
        'bench', '{"tags": ["rock", "indie"], "duration_ms": 215000}')
on conflict do nothing;
update bench.counters set live = live + 1 where user_id = :client_id + 1;
commit;
"""


# serve remembers what it has added to the catalogue, so that this one call is all it takes.
FUNCTION_TRANSACTION = """\\set at random(1, 300000000)
select * from refrain.listen_add(:client_id + {0}, array[1100000000 + :at]::bigint[], '{{{1}}}',
    '{{{2}}}', '{{{3}}}', '{{"{4}"}}', '{{"{5}"}}', '{{"{6}"}}', '{{215000}}', '{{bench}}',
    array['{{"tags": ["rock", "indie"], "duration_ms": 215000}}'], '{{null}}');
"""


def psql(instance, *arguments, stdin=None):
    command = ["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", *arguments, instance.env["DATABASE_URL"]]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return done.stdout


def time_each(instance, statements):
    """Milliseconds of each as psql sees them, one after the other on one connection."""
    script = ["\\o /dev/null", "\\timing on", *(statement + ";" for statement in statements)]
    output = psql(instance, "-f", "-", stdin="\n".join(script) + "\n")
    return [float(found) for found in re.findall(r"^Time: ([\d.]+) ms", output, re.M)]


def time_statements(instance, statements):
    """The median of several calls of each."""
    times = time_each(instance, [one for one in statements for _ in range(REPEATS)])
    return [statistics.median(times[at:at + REPEATS]) for at in range(0, len(times), REPEATS)]


def seconds(year, month, day=1):
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return int(datetime.datetime(year, month, day, tzinfo=datetime.timezone.utc).timestamp())


def time_history(instance, user_id):
    """Milliseconds of a page of 100 listens at the start, in the middle, at the end."""
    bounds = psql(instance, "-c", f"""
        select extract(epoch from min(listened_at))::bigint,
               extract(epoch from max(listened_at))::bigint
        from refrain.listens where user_id = {user_id}""").strip().split("|")
    first, last = map(int, bounds)
    ends = (first + 86400, (first + last) // 2, last + 1)
    return time_statements(instance, [
        f"select * from refrain.history_page({user_id}, 0, {end}, false, 100)" for end in ends])


def time_index(instance, user_id):
    """Milliseconds of what a page's place is found by: the list of years, and the fullest year."""
    year = int(psql(instance, "-c", f"""
        select period from refrain.totals
        where user_id = {user_id} and period > 0
        order by listens desc limit 1"""))
    return time_statements(instance, [
        f"select * from refrain.history_years({user_id}, 3000)",
        f"select * from refrain.history_index({user_id}, {seconds(year, 1)}, {seconds(year + 1, 1)})"])


def busy_s(instance):
    """Seconds that sessions have spent in statements so far; those of sessions that have ended."""
    return float(psql(instance, "-c", "select pg_stat_force_next_flush()", "-c", """
        select active_time / 1000 from pg_stat_database where datname = current_database()
        """).strip())


def make_bare_batches(instance, user, first_s, folder):
    """The rows of a user from a second on as files with one plain statement each: arrays into
    unnest."""
    psql(instance, "-c", f"""
        create table bench.numbered as
        select (row_number() over (order by listened_at, recording_id) - 1) / {BARE_BATCH} batch, l.*
        from refrain.listens l join refrain.users u on u.id = l.user_id
        where u.name = '{user}' and listened_at >= to_timestamp({first_s})""")
    columns = [row.split("|") for row in psql(instance, "-c", """
        select attname, atttypid::regtype from pg_attribute
        where attrelid = 'bench.listens'::regclass and attnum > 0 and not attisdropped
        order by attnum""").splitlines()]
    names = ", ".join(name for name, _ in columns)
    arrays = " || ', ' || ".join(
        f"quote_literal(array_agg({name})::text) || '::{kind}[]'" for name, kind in columns)
    count = int(psql(instance, "-c", "select max(batch) + 1 from bench.numbered"))
    files = []
    for batch in range(count):
        head = f"insert into bench.listens ({names}) select * from unnest("
        statement = psql(instance, "-c", f"select '{head}' || {arrays} || ');' "
                                         f"from bench.numbered where batch = {batch}")
        files.append(folder / f"bare-{batch}.sql")
        files[-1].write_text(statement)
    psql(instance, "-c", "drop table bench.numbered")
    return files


def run_files(instance, files):
    """Over one connection; each statement is a transaction."""
    psql(instance, "-f", "-", stdin="".join(f"\\i {path}\n" for path in files))


def write_bare_script(folder):
    path = folder / "bare.pgbench"
    path.write_text(BARE_TRANSACTION)
    return path


def write_function_scripts(instance, folder):
    """What serve sends for a submission of some recordings of the catalogue."""
    rows = psql(instance, "-F", "\t", "-c", """
        select (select min(id) from refrain.users where name like 'scrobbler%'),
               r.id, a.id, l.id, a.name, r.name, l.name
        from refrain.recordings r
        join refrain.artists a on a.id = r.artist_id
        join refrain.releases l on l.id = r.release_id
        where exists (select from refrain.listens h join refrain.users u on u.id = h.user_id
                      where h.recording_id = r.id and u.name = 'scrobbler00')
        order by r.id limit 8""").splitlines()
    paths = []
    for row in rows:
        paths.append(folder / f"function-{len(paths)}.pgbench")
        paths[-1].write_text(FUNCTION_TRANSACTION.format(*row.split("\t")))
    return paths


def pgbench(instance, scripts, clients, duration_s):
    """Runs scripts, drawn by lot for each transaction. The first second is for plans and caches."""
    program = os.path.join(subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True,
                                          check=True).stdout.strip(), "pgbench")
    command = [program, "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-P", "1",
               "-T", str(duration_s + 1)]
    for script in scripts:
        command += ["-f", script]
    done = subprocess.run([*command, instance.env["DATABASE_URL"]], capture_output=True, text=True)
    rates = [float(found) for found in re.findall(r"^progress: .*?([\d.]+) tps", done.stderr, re.M)]
    if done.returncode != 0 or len(rates) < 2:
        raise RuntimeError(f"pgbench: {done.stderr.strip()}")
    return load.Round(requests=statistics.mean(rates[1:duration_s + 1]), duration_us=1e6)
