"""A day of a community, replayed by refrain-bench with the cache and without it: how much is found
in the cache, and how many statements PostgreSQL counts (pg_stat_statements)."""

import json
import re
import subprocess
import time

import harness

# What lives or waits for so long does so for as much less as the day goes faster.
LIVES = {"cache.ttl_open_s": 3600, "cache.ttl_closed_s": 86400, "warm.active_s": 900,
         "warm.delay_ms": 300, "site.refresh_s": 600, "catalogue.refresh_s": 3600}
FOLDING_MAX_S = 600
KNOWN_ARTISTS = 10
DEFAULT = {"warm.loads": 2}  # other than in tests
FUNCTION = re.compile(r"\brefrain\.(\w+)\s*\(")
TIMERS = "timers"
# What the functions that are called are for; the first that fits.
PURPOSES = (
    (TIMERS, r"relay_|import_|\w+_purge|catalogue_refresh|reading_peak|reading_recent"),
    ("the site's own tallies", r"site_"),
    ("computing what is to be cached", r"stats_|history_"),
    ("who asks, whose data", r"cache_state|token_state|name_versions"),
    ("submissions", r"listen_|catalogue_|playing_set"),
    ("computing ahead, beside that", r"reading_|begin |commit"),
    ("what is never cached", r""),
)


class Day:
    """The last hours of a day of so many people who have so many listens, so many times as fast;
    without the cache it may go at another pace."""

    def __init__(self, people, listens, hours, speed, speed_without, seed=1):
        self.people = people
        self.listens = listens
        self.hours = hours
        self.speed = speed
        self.speed_without = speed_without
        self.seed = seed

    def settings(self):
        lives = {name: max(round(length / self.speed), 1) for name, length in LIVES.items()}
        return {**DEFAULT, **lives}


class Statements:
    """What clients have sent to PostgreSQL, by purpose: calls, and milliseconds of its time."""

    def __init__(self, rows):
        self.calls = dict.fromkeys((name for name, _ in PURPOSES), 0)
        self.ms = dict.fromkeys(self.calls, 0.0)
        for query, calls, ms in rows:
            found = FUNCTION.search(query)
            name = found.group(1) if found else query
            purpose = next(purpose for purpose, names in PURPOSES if re.match(names, name))
            self.calls[purpose] += int(calls)
            self.ms[purpose] += float(ms)

    def sum(self):
        """Of calls, the timers' apart: those are as many whatever happens."""
        return sum(calls for purpose, calls in self.calls.items() if purpose != TIMERS)

    def sum_ms(self):
        return sum(ms for purpose, ms in self.ms.items() if purpose != TIMERS)


class Community:
    """The people have an instance of their own, whose PostgreSQL counts statements."""

    def __init__(self, program, folder, day):
        self.program = program
        self.file = folder / "people"
        self.day = day
        self.instance = harness.Instance(
            "bench-community", settings=day.settings(),
            postgresql={"shared_preload_libraries": "pg_stat_statements"})
        self.ask_owner("create extension pg_stat_statements")
        self.instance.refrain("sample", "--listeners", str(day.people),
                              "--listens", str(day.listens))
        self.instance.psql("update users set public = true where not public")
        self.import_without_mbids()
        harness.wait_for(self.is_folded, "the site's tallies", FOLDING_MAX_S)
        self.ask_owner("vacuum analyze")
        self.file.write_text("".join(f"{self.token(name)} {name}\n" for name in self.names()))

    def import_without_mbids(self):
        """What is heard most in the day, named as in request.c: clients bring MBIDs for it."""
        begin = int(time.time()) - 300 * 86400
        listens = [{"listened_at": begin + 210 * track, "track_metadata": {
            "artist_name": f"Artist {track // 60}", "track_name": f"Track {track}",
            "release_name": f"Release {track // 12}"}} for track in range(KNOWN_ARTISTS * 60)]
        answer = self.instance.post("/1/submit-listens", {
            "listen_type": "import", "payload": listens}, token=self.token(self.names()[0]))
        if answer.status != 200:
            raise RuntimeError(f"importing: {answer}")

    def is_folded(self):
        """What all have heard is counted by the worker, behind the writers."""
        return self.instance.psql("select not exists (select from site_deltas)") == "t"

    def names(self):
        """Of those who have heard most first."""
        users = json.loads(self.instance.refrain("user", "list", "--json").stdout)
        return [user["user_name"] for user in sorted(users, key=lambda user: -user["listens"])]

    def token(self, name):
        output = self.instance.refrain("user", "token", name).stdout
        return re.search(r"^token=(.+)$", output, re.M).group(1)

    def ask_owner(self, sql):
        """The rows of a statement that only the owner of the servers may send."""
        url = self.instance.env["DATABASE_URL"].replace("//refrain@", "//postgres@")
        command = ["psql", "-qXAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", sql, url]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return [line.split("\t") for line in done.stdout.splitlines()]

    def run_program(self, *options, check=True):
        command = [self.program, "--url", self.instance.url, "--people", self.file,
                   "--hours", str(self.day.hours), "--seed", str(self.day.seed),
                   *map(str, options)]
        done = subprocess.run(command, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise RuntimeError(f"refrain-bench: {done.stdout}{done.stderr}".strip())
        return done

    def replay(self, speed):
        """(what refrain-bench tells, the statements)"""
        self.ask_owner("select pg_stat_statements_reset()")
        told = json.loads(self.run_program("--speed", speed, "--json").stdout)
        rows = self.ask_owner(r"""
            select regexp_replace(query, '\s+', ' ', 'g'), calls, total_exec_time
            from pg_stat_statements
            where toplevel and userid = 'refrain'::regrole""")
        return told, Statements(rows)

    def replay_with(self):
        return self.replay(self.day.speed)

    def replay_without(self):
        """Where there is no Redis, nothing is kept in the processes either: every answer is computed."""
        self.instance.stop_redis()
        return self.replay(self.day.speed_without)


def fewer(with_cache, without):
    return None if without == 0 else f"{1 - with_cache / without:.1%}"


def report_hits(report, told):
    title = ("{requests:,} requests in {seconds:.0f} s: the last {hours} h of a day of {people} "
             "people, {speed:.0f} times as fast".format(**told))
    report.section(title, "requests", "hits", "L1", "Redis", "absent", "outdated", "p50 ms",
                   "p99 ms", "aim")
    for section, aim in (("cached", "> 70 %"), ("apart", None), ("read", None), ("written", None),
                         ("services", None), ("causes", None), ("all", None)):
        for row in told[section]:
            share = lambda count: f"{count / row['look_ups']:.1%}" if row["look_ups"] else None
            report.row(row["name"], str(row["requests"]), share(row["hits"]), share(row["l1"]),
                       share(row["l2"]), share(row["absent"]), share(row["outdated"]),
                       row["p50_ms"], row["p99_ms"], aim)


def report_statements(report, told, with_cache, without, day):
    report.section("The same, in PostgreSQL: statements", "with cache", "without", "fewer", "aim",
                   "ms with", "ms without")
    for purpose in with_cache.calls:
        if purpose != TIMERS:
            report.row(purpose, str(with_cache.calls[purpose]), str(without.calls[purpose]),
                       fewer(with_cache.calls[purpose], without.calls[purpose]), None,
                       with_cache.ms[purpose], without.ms[purpose])
    report.row("all", str(with_cache.sum()), str(without.sum()),
               fewer(with_cache.sum(), without.sum()), ">= 60 %", with_cache.sum_ms(),
               without.sum_ms())
    a_second = with_cache.calls[TIMERS] / told["seconds"]
    report.note(f"Not among these: timers of the worker send {a_second:.1f} statements a second, which "
                f"take {with_cache.ms[TIMERS] / told['seconds']:.2f} ms, whoever is there and at whatever "
                f"pace: {a_second * 3600 * day.hours:,.0f} in these hours of a community in life.")


def report(report_, program, folder, day):
    community = Community(program, folder, day)
    told, with_cache = community.replay_with()
    _, without = community.replay_without()
    community.instance.close()
    report_hits(report_, told)
    report_statements(report_, told, with_cache, without, day)
