"""Top lists: every range, exact to the listen, against a plain count in Python."""

import collections
import datetime
import random
import time

import harness

DAY = 86400
RANGES = ("this_week", "this_month", "this_year", "week", "month", "quarter", "half_yearly",
          "year", "all_time")
KINDS = {"artists": ("artist_name",), "releases": ("artist_name", "release_name"),
         "recordings": ("artist_name", "track_name", "release_name")}


def month(year, index):
    """Midnight of the first day of a month, counted from January of the year on."""
    start = datetime.datetime(year + index // 12, index % 12 + 1, 1, tzinfo=datetime.timezone.utc)
    return int(start.timestamp())


def window(name, now):
    """[from, to) of a range, None for all time."""
    today = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
    monday = now - now % DAY - today.weekday() * DAY
    year, at = today.year, today.month - 1
    quarter, half = at // 3 * 3, at // 6 * 6
    return {
        "this_week": (monday, monday + 7 * DAY),
        "week": (monday - 7 * DAY, monday),
        "this_month": (month(year, at), month(year, at + 1)),
        "month": (month(year, at - 1), month(year, at)),
        "quarter": (month(year, quarter - 3), month(year, quarter)),
        "half_yearly": (month(year, half - 6), month(year, half)),
        "this_year": (month(year, 0), month(year + 1, 0)),
        "year": (month(year - 1, 0), month(year, 0)),
        "all_time": None,
    }[name]


class Statistics(harness.ApiTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.now = int(time.time())
        cls.token = cls.instance.token("Ann", "--public")
        random_of = random.Random(3)
        edges = [edge + step for name in RANGES if (bounds := window(name, cls.now))
                 for edge in bounds for step in (-1, 0, 1)]
        times = [edge for edge in edges if edge < cls.now]
        times += [cls.now - random_of.randrange(800 * DAY) for _ in range(2500)]
        cls.listens = set()
        for at in times:
            artist = int(random_of.paretovariate(0.7)) % 150
            release = random_of.choice([None, f"release {artist % 3}", "Anthology"])
            cls.listens.add((at, f"artist {artist}", f"track {random_of.randrange(4)}", release))
        cls.submit(sorted(cls.listens, key=str))

    @classmethod
    def submit(cls, listens):
        for start in range(0, len(listens), 1000):
            payload = []
            for at, artist, track, release in listens[start:start + 1000]:
                metadata = {"artist_name": artist, "track_name": track}
                if release is not None:
                    metadata["release_name"] = release
                payload.append({"listened_at": at, "track_metadata": metadata})
            answer = cls.instance.post("/1/submit-listens", {"listen_type": "import",
                                                             "payload": payload}, token=cls.token)
            assert answer.status == 200, answer

    def top(self, kind, query, name="Ann"):
        answer = self.instance.get(f"/1/stats/user/{name}/{kind}?{query}")
        self.assertEqual(answer.status, 200, answer)
        return answer.json()["payload"]

    def expected(self, kind, name):
        bounds = window(name, self.now)
        counts = collections.Counter()
        for at, artist, track, release in self.listens:
            if bounds is None or bounds[0] <= at < bounds[1]:
                fields = {"artist_name": artist, "track_name": track, "release_name": release}
                if kind != "releases" or release is not None:
                    counts[tuple(fields[field] for field in KINDS[kind])] += 1
        return counts

    def entries(self, kind, payload):
        return [(tuple(row[field] for field in KINDS[kind]), row["listen_count"])
                for row in payload[kind]]

    def test_every_range_is_exact(self):
        for kind in KINDS:
            total_name = f"total_{kind[:-1]}_count"
            for name in RANGES:
                with self.subTest(kind=kind, range=name):
                    payload = self.top(kind, f"range={name}&count=1000")
                    counts = self.expected(kind, name)
                    entries = self.entries(kind, payload)
                    listed = [count for _, count in entries]
                    self.assertEqual(listed, sorted(listed, reverse=True))
                    self.assertEqual(payload["count"], len(entries))
                    self.assertEqual(payload[total_name], len(counts))
                    self.assertEqual(listed, sorted(counts.values(), reverse=True)[:1000])
                    for key, count in entries:
                        self.assertEqual(counts[key], count, key)
                    self.assertEqual(payload["range"], name)
                    if bounds := window(name, self.now):
                        self.assertEqual((payload["from_ts"], payload["to_ts"]), bounds)
                    else:
                        self.assertEqual(payload["from_ts"], 1009843200)
                        self.assertEqual(payload["to_ts"], payload["last_updated"])

    def test_pages_neither_overlap_nor_skip(self):
        for kind in KINDS:
            for name in ("all_time", "year", "half_yearly"):
                whole = self.entries(kind, self.top(kind, f"range={name}&count=1000"))
                for size in (7, 100, 130):
                    pages = []
                    for offset in range(0, len(whole) + size, size):
                        payload = self.top(kind, f"range={name}&count={size}&offset={offset}")
                        self.assertEqual(payload["offset"], offset)
                        pages += self.entries(kind, payload)
                    self.assertEqual(pages, whole)

    def test_defaults(self):
        payload = self.top("artists", "")
        self.assertEqual((payload["count"], payload["offset"], payload["range"],
                          payload["user_id"]), (25, 0, "all_time", "Ann"))

    def test_shapes(self):
        artist = self.top("artists", "count=1")["artists"][0]
        self.assertEqual(set(artist), {"artist_mbid", "artist_name", "listen_count"})
        release = self.top("releases", "count=1")["releases"][0]
        self.assertEqual(set(release), {
            "artist_mbids", "artist_name", "artists", "caa_id", "caa_release_mbid",
            "listen_count", "release_mbid", "release_name"})
        recording = self.top("recordings", "count=1")["recordings"][0]
        self.assertEqual(set(recording), {
            "artist_mbids", "artist_name", "artists", "caa_id", "caa_release_mbid",
            "listen_count", "recording_mbid", "release_mbid", "release_name", "track_name"})

    def test_beyond_the_end(self):
        for offset in (5000, 10**9, 2**62):
            payload = self.top("artists", f"offset={offset}")
            self.assertEqual((payload["artists"], payload["count"]), ([], 0))
        self.assertEqual(self.top("artists", "count=0")["artists"], [])

    def test_pages_past_the_end_are_cached(self):
        """As far as an answer reaches that begins within the list, and the page after it."""
        for query, is_kept in (("count=1000", True), ("offset=100&count=1000", True),
                               ("offset=1000&count=100", True), ("offset=2000", False),
                               ("offset=1000000", False)):
            with self.subTest(query):
                path = f"/1/stats/user/Ann/artists?range=all_time&{query}"
                first, second = (self.instance.get(path) for _ in range(2))
                self.assertEqual(first.body, second.body)
                self.assertEqual("; hit; " in second.headers["Cache-Status"], is_kept,
                                 second.headers["Cache-Status"])

    def test_wrong_parameters(self):
        for query, text in (
                ("range=decade", "Invalid range: decade"),
                ("range=", "Invalid range: "),
                ("range=Week", "Invalid range: Week"),
                ("range=week%00", "Invalid range: week\\u0000"),
                ("range=%00%00x", "Invalid range: \\u0000\\u0000x"),
                ("offset=-1", "'offset' should be a non-negative integer"),
                ("offset=x&count=x", "'offset' should be a non-negative integer"),
                ("count=-1", "'count' should be a non-negative integer"),
                ("count=1.5", "'count' should be a non-negative integer"),
                ("range=x&offset=x", "Invalid range: x")):
            with self.subTest(query):
                answer = self.instance.get(f"/1/stats/user/Ann/artists?{query}")
                self.assertError(answer, 400, text)
        answer = self.instance.get("/1/stats/user/nobody/artists?range=x")
        self.assertError(answer, 404, "Cannot find user: nobody")

    def days(self, kind, first, end, query="count=1000"):
        """What from and to answer, with dates given as days since 1970."""
        text = [datetime.date.fromordinal(719163 + day).isoformat() for day in (first, end)]
        return self.top(kind, f"from={text[0]}&to={text[1]}&{query}")

    def test_any_days_are_exact(self):
        today = self.now // DAY
        for first, end in ((today - 400, today - 399), (today - 500, today - 20),
                           (today - 3, today + 1), (today - 90, today + 5000)):
            for kind in KINDS:
                with self.subTest(kind=kind, first=first, end=end):
                    counts = collections.Counter()
                    for at, artist, track, release in self.listens:
                        fields = {"artist_name": artist, "track_name": track,
                                  "release_name": release}
                        if first * DAY <= at < end * DAY and (kind != "releases" or release):
                            counts[tuple(fields[field] for field in KINDS[kind])] += 1
                    payload = self.days(kind, first, end)
                    self.assertEqual(dict(self.entries(kind, payload)), dict(counts))
                    self.assertEqual(payload[f"total_{kind[:-1]}_count"], len(counts))
                    self.assertEqual((payload["range"], payload["from_ts"], payload["to_ts"]),
                                     ("custom", first * DAY, end * DAY))

    def test_a_year_in_days_is_the_year(self):
        first, end = (edge // DAY for edge in window("year", self.now))
        for kind in KINDS:
            whole = self.top(kind, "range=year&count=1000")
            for offset in range(0, len(whole[kind]), 130):
                payload = self.days(kind, first, end, f"count=130&offset={offset}")
                self.assertEqual(payload[kind], whole[kind][offset:offset + 130])

    def test_days_are_not_kept(self):
        for _ in range(2):
            answer = self.instance.get(
                "/1/stats/user/Ann/artists?from=2025-01-01&to=2025-03-01",
                token=self.token)
            self.assertEqual(answer.headers["Cache-Status"].split("; detail")[0],
                             "refrain; fwd=miss")
        self.assertEqual(self.instance.redis("--scan", "--pattern", "*custom*"), "")

    def test_wrong_days(self):
        allowed = "should be a date such as 2026-11-16, from 2002-01-01 to 2100-01-01, not"
        for query, text in (
                ("from=2026-02-30&to=2026-03-01", f"'from' {allowed} '2026-02-30'"),
                ("from=2026-02-20&to=tomorrow", f"'to' {allowed} 'tomorrow'"),
                ("from=2001-12-31&to=2026-01-01", f"'from' {allowed} '2001-12-31'"),
                ("from=2026-01-01&to=2100-01-02", f"'to' {allowed} '2100-01-02'"),
                ("from=&to=", f"'from' {allowed} ''"),
                ("from=2026-01-01", "'to' is missing: 'from' and 'to' tell the window together"),
                ("to=2026-01-01", "'from' is missing: 'from' and 'to' tell the window together"),
                ("from=2026-01-02&to=2026-01-02", "'to' should be a date after 'from', "
                 "2026-01-02: it is the first that is left out"),
                ("range=week&from=2026-01-01&to=2026-01-02",
                 "'range' should be left out where 'from' and 'to' tell the window"),
                ("from=x&to=x&count=x", f"'from' {allowed} 'x'"),
                ("from=2026-01-01&to=2026-01-02&count=x",
                 "'count' should be a non-negative integer")):
            with self.subTest(query):
                self.assertError(self.instance.get(f"/1/stats/user/Ann/artists?{query}"), 400, text)
        answer = self.instance.get("/1/stats/user/nobody/artists?from=x&to=x")
        self.assertError(answer, 404, "Cannot find user: nobody")

    def test_a_range_without_listens_is_204(self):
        self.instance.token("Empty", "--public")
        for kind in KINDS:
            answer = self.instance.get(f"/1/stats/user/Empty/{kind}?range=week")
            self.assertEqual((answer.status, answer.body), (204, b""))

    def test_mbids_that_were_sent(self):
        token = self.instance.token("Tagged", "--public")
        artist_mbid = "0383dadf-2a4e-4d10-a46a-e9e041da8eb3"
        recording_mbid = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"
        body = {"listen_type": "single", "payload": [{
            "listened_at": self.now - 60, "track_metadata": {
                "artist_name": "With Ids", "track_name": "t", "release_name": "r",
                "additional_info": {"artist_mbids": [artist_mbid],
                                    "recording_mbid": recording_mbid}}}]}
        self.assertEqual(self.instance.post("/1/submit-listens", body, token=token).status, 200)
        self.assertEqual(self.top("artists", "", "Tagged")["artists"][0]["artist_mbid"],
                         artist_mbid)
        recording = self.top("recordings", "", "Tagged")["recordings"][0]
        self.assertEqual(recording["recording_mbid"], recording_mbid)
        self.assertEqual(recording["artist_mbids"], [artist_mbid])
        self.assertEqual(recording["artists"], [{
            "artist_mbid": artist_mbid, "artist_credit_name": "With Ids", "join_phrase": ""}])


class Caching(harness.ApiTest):
    """L1 and Redis alike; with a token, so that no cache on the way answers."""

    # Those that go by the user's clock close a day later.
    LISTS = {"artists": 0, "releases": 0, "release-groups": 0, "recordings": 0,
             "listening-activity": DAY, "daily-activity": DAY, "artist-activity": 0,
             "artist-evolution-activity": DAY, "genre-activity": DAY, "summary": DAY}
    CLOSED = ("week", "month", "quarter", "half_yearly", "year")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.now = int(time.time())
        cls.submitted = 10
        cls.tokens = {name: cls.instance.token(name, "--public") for name in ("Ann", "Bob")}
        for name in cls.tokens:
            for edge in cls.CLOSED:
                cls.submit(name, window(edge, cls.now)[0] + 5)

    @classmethod
    def submit(cls, name, at):
        answer = cls.instance.post("/1/submit-listens", {"listen_type": "single", "payload": [{
            "listened_at": at, "track_metadata": {
                "artist_name": f"artist {at}", "track_name": "t", "release_name": "r",
                "additional_info": {"tags": ["folk"]}}}]},
            token=cls.tokens[name])
        assert answer.status == 200, answer

    def read(self, path, name="Ann"):
        answer = self.instance.get(f"/1/stats/user/{name}/{path}", token=self.tokens[name])
        self.assertEqual(answer.status, 200, answer)
        return answer

    def assertHit(self, path, name="Ann"):
        self.assertRegex(self.read(path, name).headers["Cache-Status"], "^refrain; hit; ", path)

    def assertMiss(self, path):
        self.assertEqual(self.read(path).headers["Cache-Status"],
                         "refrain; fwd=miss; stored; detail=version", path)

    def closed(self):
        """The lists of windows that have been closed for ten minutes at least."""
        midnight = self.now - self.now % DAY
        return [f"{kind}?range={name}" for kind, later_s in self.LISTS.items()
                for name in self.CLOSED
                if window(name, self.now)[1] + later_s <= midnight and self.now - midnight >= 900]

    def test_a_listen_now_leaves_closed_windows_warm(self):
        closed = self.closed()
        for path in closed:
            self.read(path)
            self.assertHit(path)
        self.read("artists?range=this_year")
        self.submit("Ann", int(time.time()))
        for path in closed:
            self.assertHit(path)
        self.assertMiss("artists?range=this_year")

    def test_a_late_listen_is_seen_in_every_window_of_its_user_alone(self):
        closed = self.closed()
        for path in closed:
            self.read(path, "Bob")
            before = self.read(path).json()["payload"]
            self.assertHit(path)
            self.submitted += 1
            self.submit("Ann", window(path.split("?range=")[1], self.now)[0] + self.submitted)
            self.assertMiss(path)
            after = self.read(path).json()["payload"]
            self.assertNotEqual(before, after)
        for path in closed:
            self.assertHit(path, "Bob")

    def test_ranges_have_views_and_days_one_of_their_own(self):
        def counted():
            views = self.instance.get("/1/cache/metrics", token=self.admin).json()["views"]
            return {name: sum(views[name][kind] for kind in ("hits", "misses", "bypasses"))
                    for name in ("stats_artists", "stats_custom")}
        self.admin = self.instance.token("Root", "--admin")
        before = counted()
        self.read("artists?range=year")
        self.read("artists?from=2020-01-01&to=2100-01-01")
        self.read("recordings?from=2020-01-01&to=2100-01-01")
        after = counted()
        self.assertEqual((after["stats_artists"] - before["stats_artists"],
                          after["stats_custom"] - before["stats_custom"]), (1, 2))
