"""What statistics cost that are in no cache: in PostgreSQL by psql's clock, beside grouping the
listens themselves; what is kept for it on disk; and what computing them does to the memory of serve."""

import datetime
import statistics
import time

import database
import storm

CHARTS = ("artists", "releases", "recordings")
MORE = ("release_groups", "genres", "listening_activity", "daily_activity", "artist_activity",
        "artist_evolution", "genre_activity", "sessions", "streaks", "artist_discoveries",
        "recording_discoveries", "artist_changes", "release_changes", "recording_changes")
COLUMNS = ("artist_id", "release_id", "recording_id")
AIM_MS = {"week": 3, "month": 3, "quarter": 20, "half_yearly": 20, "year": 3, "all_time": 3}
TIMES_AS_QUICK = 50     # as grouping the listens themselves
GENRES_MS = 7           # beside the chart that they are made of
EVER_S = 1009843200     # 2002-01-01
TABLES = ("listens", "tallies", "totals", "listen_days")
DELETED = 9
MEMORY_THIRDS = 3
MIB = 1024  # KiB


def windows():
    """The complete windows of now: {range: the arguments that all functions of statistics share, in
    SQL}."""
    now = datetime.datetime.now(datetime.timezone.utc)
    monday = int(time.time()) // 86400 * 86400 - now.weekday() * 86400
    year, month = now.year, now.month

    def months(length, step):
        first = month - (month - 1) % length - length
        return (*(database.seconds(year, first + offset) for offset in (-length, 0, length)), -1, step)

    found = {
        "week": (monday - 14 * 86400, monday - 7 * 86400, monday, -1, 1),
        "month": months(1, 1),
        "quarter": months(3, 1),
        "half_yearly": months(6, 2),
        "year": (*(database.seconds(year - back, 1) for back in (2, 1, 0)), year - 1, 2),
        "all_time": (EVER_S, EVER_S, "null", 0, 3),
    }
    return {range_: ", ".join(map(str, window)) for range_, window in found.items()}


def raw_statement(user_id, column, window):
    """What a chart would be without anything that is kept for it."""
    _, from_s, to_s, *_ = window.split(", ")
    until = "" if to_s == "null" else f"and listened_at < to_timestamp({to_s})"
    return (f"select {column}, count(*) from refrain.listens where user_id = {user_id} "
            f"and {column} is not null and listened_at >= to_timestamp({from_s}) {until} "
            "group by 1 order by 2 desc, 1 limit 100")


def time_all(instance, user_id):
    """{function or column: {range: ms}}"""
    statements = {}
    for range_, window in windows().items():
        for name in (*CHARTS, *MORE):
            statements[name, range_] = f"select * from refrain.stats_{name}({user_id}, {window}, 0, 100)"
        for column in COLUMNS:
            statements[column, range_] = raw_statement(user_id, column, window)
    times = {}
    for (name, range_), ms in zip(statements, database.time_statements(instance, statements.values())):
        times.setdefault(name, {})[range_] = ms
    return times


def find_missed(times):
    for name, more_ms in (*((chart, 0) for chart in CHARTS), ("genres", GENRES_MS)):
        for range_, ms in times[name].items():
            if ms > AIM_MS[range_] + more_ms:
                yield f"{name} {range_}"
    for name, column in zip(CHARTS, COLUMNS):
        if times[column]["all_time"] < times[name]["all_time"] * TIMES_AS_QUICK:
            yield f"{name} all_time, by its share"


def report_times(report, instance, user_id, listens):
    times = time_all(instance, user_id)
    report.section(f"Statistics in PostgreSQL, vacuumed, ms: the listener with {listens:,} listens, "
                   "100 ranks", *AIM_MS)
    for name, column in zip(CHARTS, COLUMNS):
        report.row(f"top {name}", *times[name].values())
        report.row("grouping the listens themselves", *times[column].values())
        report.row("times as quick", *(times[column][range_] / ms
                                       for range_, ms in times[name].items()))
    for name in MORE:
        report.row(name.replace("_", " "), *times[name].values())
    report.note("Aims of the tops: <= " + ", ".join(f"{ms} ms {range_}" for range_, ms in AIM_MS.items())
                + f"; genres {GENRES_MS} ms more; all_time >= {TIMES_AS_QUICK} times as quick as "
                "grouping the listens.")
    report.note(f"Missed: {'; '.join(find_missed(times)) or 'none'}.")


def report_places(report, instance, user_id):
    report.section("Other reads of the same listener in PostgreSQL", "ms", "aim")
    for where, ms in zip(("first day", "middle", "newest"), database.time_history(instance, user_id)):
        report.row(f"a page of 100 listens: {where}", ms, "<= 2 ms")
    years_ms, index_ms = database.time_index(instance, user_id)
    report.row("where it lies: the years", years_ms)
    report.row("where it lies: the fullest year", index_ms)
    report.row("deleting one listen", time_deletes(instance, user_id))


def time_deletes(instance, user_id):
    """Milliseconds of deleting a listen: the median of some from all times."""
    rows = database.psql(instance, "-c", f"""
        select refrain.time_s(l.listened_at), r.msid
        from (select distinct on (ntile({DELETED}) over (order by listened_at)) *
              from refrain.listens where user_id = {user_id}) l
        join refrain.recordings r on r.id = l.recording_id""").splitlines()
    return statistics.median(database.time_each(instance, [
        "select refrain.listen_delete({}, {}, '{}')".format(user_id, *row.split("|"))
        for row in rows]))


def report_sizes(report, instance):
    """Of all listeners that there are."""
    listens = int(database.psql(instance, "-c", "select count(*) from refrain.listens"))
    report.section(f"On disk, with indexes: {listens:,} listens", "rows", "a listen", "MB",
                   "MB/million")
    for table in TABLES:
        rows, size = map(int, database.psql(instance, "-c", f"""
            select count(*), pg_total_relation_size('refrain.{table}')
            from refrain.{table}""").split("|"))
        report.row(table, rows, rows / listens, size / 1e6, size / listens)


def report_memory(report, instance, user, reads):
    """Windows that are named by days are computed anew each time. The first third is for buffers to
    become as large as they get."""
    token = instance.token(user)
    now_s = int(time.time()) // 86400 * 86400

    def read(number):
        kind = CHARTS[number % len(CHARTS)]
        first_s = now_s - (1 + number * 37 % 3000) * 86400
        first, end = (time.strftime("%Y-%m-%d", time.gmtime(at_s))
                      for at_s in (first_s, first_s + (1 + number % 365) * 86400))
        answer = instance.get(f"/1/stats/user/{user}/{kind}?from={first}&to={end}&count=100",
                              token=token)
        if answer.status not in (200, 204):
            raise RuntimeError(f"a window of days: {answer}")

    sizes = [storm.serve_kib(instance)]
    for third in range(MEMORY_THIRDS):
        for number in range(third * reads // MEMORY_THIRDS, (third + 1) * reads // MEMORY_THIRDS):
            read(number)
        sizes.append(storm.serve_kib(instance))
    report.section(f"{reads:,} charts of windows that are in no cache, read through nginx",
                   "before MiB", "a third", "two thirds", "end", "growth", "aim")
    report.row("resident memory of both serve processes", *(kib / MIB for kib in sizes),
               f"{sizes[-1] / sizes[1] - 1:+.0%}", "<= +10 %")


def report(report_, instance, user, plan):
    user_id = int(database.psql(instance, "-c", f"select id from refrain.users where name = '{user}'"))
    database.psql(instance, *(word for table in TABLES
                              for word in ("-c", f"vacuum analyze refrain.{table}")))
    report_times(report_, instance, user_id, plan.import_listens)
    report_places(report_, instance, user_id)
    report_sizes(report_, instance)
    report_memory(report_, instance, user, plan.chart_reads)
