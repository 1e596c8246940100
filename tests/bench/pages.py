"""Every read that a listener with a long history can make, cold and warm, through nginx.

Cold is with L1 off and nothing in Redis but the heartbeats of the relay, so that the account and the
token are read again as well; warm is from L1, or, where that says not-cached, read by key again."""

import re
import statistics
import time

import database
import harness
import history

USER = "faithful"
OTHERS = 50
LOVED = 2_000
WARM_READS = 20
COLD_MS = 50
WARM_MS = 5
RANGES = ("this_week", "this_month", "this_year", "week", "month", "quarter", "half_yearly", "year",
          "all_time")
ROUTES = harness.TOP / "fcgi" / "service" / "routes.c"
ROUTE = re.compile(r'\{HTTP_GET[^,]*, "([^"]+)"')
# They are about no listener, or no page: an export has a section of its own.
OTHER_ROUTES = ("/1/cache/metrics", "/1/search/users", "/1/export-listens", "/healthz", "/readyz",
                "/metrics", "/1/stats/sitewide/", "/1/stats/artist/", "/1/stats/release/",
                "/1/stats/release-group/")
EVER = ("",)
PAGES = {
    "/1/user/{name}/listens": ("?count=100", "?count=1000", "?max_ts={middle}&count=100",
                               "?min_ts={middle}&count=100", "?min_ts={first}&count=1000"),
    "/1/user/{name}/listen-count": EVER,
    "/1/user/{name}/playing-now": EVER,
    **{f"/1/stats/user/{{name}}/{kind}": tuple(f"?range={range_}&count=100" for range_ in RANGES)
       + (f"?range=all_time&count=100&offset={deep}",)
       for kind, deep in (("artists", 2_000), ("releases", 10_000), ("recordings", 100_000))},
    **{f"/1/stats/user/{{name}}/{kind}": tuple(f"?range={range_}" for range_ in RANGES)
       for kind in ("release-groups", "listening-activity", "daily-activity", "artist-activity",
                    "artist-evolution-activity", "genre-activity", "sessions", "streaks",
                    "discoveries", "summary")},
    "/1/stats/user/{name}/changes": tuple(
        f"?range={range_}" for range_ in RANGES if range_ != "all_time"),
    "/1/stats/user/{name}/on-this-day": ("", "?date=02-29"),
    **{f"/1/user/{{name}}/top/{kind}": tuple(f"?range={range_}" for range_ in RANGES)
       for kind in ("artists", "genres", "tracks")},
    "/1/feedback/user/{name}/get-feedback": ("?count=100", "?count=100&metadata=true",
                                             "?count=100&offset=1900&score=1"),
    "/1/feedback/user/{name}/get-feedback-for-recordings": ("?recording_msids={msids}",),
    "/1/feedback/recording/{msid}/get-feedback": EVER,
    "/1/feedback/recording/{mbid}/get-feedback-mbid": EVER,
    "/1/user/{name}/followers": EVER,
    "/1/user/{name}/following": EVER,
    "/1/user/{name}/similar-users": EVER,
    "/1/user/{name}/services": EVER,
    "/1/latest-import": ("?user_name={name}",),
    "/1/import-listens": EVER,
    "/1/import-listens/list": EVER,
    "/1/import-listens/{id}": EVER,
    "/1/validate-token": EVER,
}
# Everything of Redis but what its relay writes.
FORGET = """
for _, key in ipairs(redis.call('KEYS', '*')) do
    if not string.find(key, '}hb$') and not string.find(key, '}pos$') then
        redis.call('DEL', key)
    end
end
"""


class Listener:
    """Half a million listens, some of them loved; follows and is followed."""

    def __init__(self, near, listens, path):
        self.near = near
        self.token = near.token(USER)
        history.write(path, listens)
        near.refrain("import", "--user", USER, path)
        path.unlink()
        self.psql("vacuum analyze refrain.listens", "vacuum analyze refrain.tallies")
        self.user_id = self.psql(f"select id from refrain.users where name = '{USER}'")
        self.befriend()
        self.love()

    def psql(self, *statements):
        return database.psql(self.near, *(word for one in statements for word in ("-c", one))).strip()

    def befriend(self):
        others = [f"other{number:02}" for number in range(OTHERS)]
        for name in others:
            self.near.token(name)
        for name in others:
            self.near.post(f"/1/user/{name}/follow", "", token=self.token)
            self.near.post(f"/1/user/{USER}/follow", "", token=self.near.token(name))

    def love(self):
        """What has been heard most, each known by both ids."""
        self.psql(f"""
            select count(refrain.feedback_set({self.user_id}, r.msid, gen_random_uuid(), 1))
            from (select entity_id from refrain.tallies
                  where user_id = {self.user_id} and period = 0 and kind = 3
                  order by listens desc, entity_id limit {LOVED}) t
            join refrain.recordings r on r.id = t.entity_id""")

    def values(self):
        """What stands in PAGES."""
        loved = self.psql(f"""select recording_msid, recording_mbid from refrain.feedback
                              where user_id = {self.user_id} order by id limit 50""").splitlines()
        msids, mbids = zip(*(row.split("|") for row in loved))
        first, last = self.psql(f"""
            select refrain.time_s(min(listened_at)), refrain.time_s(max(listened_at))
            from refrain.listens where user_id = {self.user_id}""").split("|")
        return {"name": USER, "msid": msids[0], "mbid": mbids[0], "msids": ",".join(msids),
                "first": first, "middle": (int(first) + int(last)) // 2,
                "id": self.psql(f"select max(id) from refrain.import_jobs "
                                f"where user_id = {self.user_id}")}


class Reader:
    """One connection to an instance, kept."""

    def __init__(self, instance, token):
        self.connection = instance.connect()
        self.headers = {"Authorization": f"Token {token}"}

    def read(self, path):
        """(milliseconds, where it came from)"""
        began = time.perf_counter()
        self.connection.request("GET", path, headers=self.headers)
        answer = self.connection.getresponse()
        answer.read()
        ms = (time.perf_counter() - began) * 1e3
        if answer.status not in (200, 204):
            raise RuntimeError(f"{path}: {answer.status}")
        return ms, answer.headers.get("Cache-Status", "")

    def close(self):
        self.connection.close()


class Page:
    def __init__(self, route, query, values):
        self.name = f"{route}{query}".replace("{msids}", "50 of them")
        self.path = f"{route}{query}".format(**values)
        self.cold = []
        self.warm = []
        self.warm_from = None

    def add_cold(self, ms, status):
        if "; hit" in status:
            raise RuntimeError(f"{self.path} was to be cold: {status}")
        self.cold.append(ms)

    def measure_warm(self, reader):
        """Both processes have it after a few reads."""
        statuses = [reader.read(self.path)[1] for _ in range(WARM_READS)]
        reads = [reader.read(self.path) for _ in range(WARM_READS)]
        self.warm = [ms for ms, _ in reads]
        self.warm_from = statuses[-1].rpartition("detail=")[2] or "no cache"

    @property
    def missed(self):
        names = []
        if statistics.median(self.cold) > COLD_MS:
            names.append("cold")
        if statistics.median(self.warm) > WARM_MS:
            names.append("warm")
        return ", ".join(names)


def require_all_routes():
    lacking = [route for route in ROUTE.findall(ROUTES.read_text())
               if route not in PAGES and not route.startswith(OTHER_ROUTES)]
    if lacking:
        raise RuntimeError(f"tests/bench/pages.py does not read {', '.join(sorted(lacking))}")


def measure_cold(far, token, pages, rounds):
    """In rounds, from an empty Redis each. Connections, and the plans that they keep, are warm after
    the first."""
    reader = Reader(far, token)
    for number in range(rounds + 1):
        far.redis("FLUSHALL")
        harness.wait_for(lambda: "stored" in reader.read(pages[0].path)[1], "the relay")
        for page in pages:
            far.redis("EVAL", FORGET, "0")
            figures = reader.read(page.path)
            if number > 0:
                page.add_cold(*figures)
    reader.close()


def report(report_, near, folder, plan):
    require_all_routes()
    listener = Listener(near, plan.history_listens, folder / "faithful.jsonl")
    values = listener.values()
    pages = [Page(route, query, values) for route, queries in PAGES.items() for query in queries]
    far = harness.Instance("bench-cold", parts="refrain,nginx", redis=f"unix://{near.redis_socket}",
                           database=near.env["DATABASE_URL"], settings={"cache.l1_bytes": 0})
    try:
        far.stop_part("worker")
        far.env["REDIS_SOCKET"] = near.redis_socket
        measure_cold(far, listener.token, pages, plan.rounds)
    finally:
        far.close()
    reader = Reader(near, listener.token)
    for page in pages:
        page.measure_warm(reader)
    reader.close()
    show(report_, pages, plan)


def show(report_, pages, plan):
    report_.section(f"A history of {plan.history_listens:,}: every page of one listener through nginx, "
                    f"ms, {plan.rounds} rounds",
                    "cold", "worst", "warm", "worst", "from", "missed")
    for page in pages:
        report_.row(page.name, statistics.median(page.cold), max(page.cold),
                    statistics.median(page.warm), max(page.warm), page.warm_from, page.missed)
    missed = [page for page in pages if page.missed]
    report_.note(f"Aims: <= {COLD_MS} ms cold, <= {WARM_MS} ms warm; {len(missed)} of {len(pages)} "
                 "miss them.")
