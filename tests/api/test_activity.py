"""When somebody listened, and to whom; release groups; and all of a page in one answer."""

import collections
import datetime
import random
import threading
import time
import zoneinfo

import harness
from test_statistics import DAY, RANGES, window

NOW = int(time.time())
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
GROUPS = ("8a7f2c1e-4b6d-4f3a-9c2e-1d5b7a9c3e4f", "5c3e1a9b-7d2f-4e8c-8b6a-2f4d6c8e0a1b")
ENVELOPE = {"user_id", "range", "from_ts", "to_ts", "last_updated"}
LISTS = {"release-groups": "release_groups", "listening-activity": "listening_activity",
         "daily-activity": "daily_activity", "artist-activity": "artist_activity",
         "artist-evolution-activity": "artist_evolution_activity",
         "genre-activity": "genre_activity"}


class ActivityTest(harness.ApiTest):
    @classmethod
    def submit(cls, name, listens):
        """(time, artist, release, tags)"""
        token = cls.instance.token(name, "--public")
        for start in range(0, len(listens), 1000):
            payload = [{"listened_at": at, "track_metadata": {
                "artist_name": artist, "track_name": f"tune of {artist}", "release_name": release,
                "additional_info": {"tags": tags, **cls.group_of(release)}}}
                for at, artist, release, tags in listens[start:start + 1000]]
            answer = cls.instance.post("/1/submit-listens", {
                "listen_type": "import", "payload": payload}, token=token)
            assert answer.status == 200, answer

    @staticmethod
    def group_of(release):
        """Editions of a release belong together."""
        return {"release_group_mbid": GROUPS["abc".index(release[-1]) % 2]} \
            if release.startswith("edition") else {}

    def get(self, path, name="Ann"):
        """With a token, so that no cache on the way answers."""
        return self.instance.get(f"/1/stats/user/{name}/{path}", token=self.instance.token(name))

    def read(self, path, name="Ann"):
        answer = self.get(path, name)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()["payload"]


class Activity(ActivityTest):
    ZONE = "Asia/Kathmandu"  # 5:45 ahead

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        random_of = random.Random(9)
        cls.listens = []
        for _ in range(3000):
            at = NOW - int(random_of.expovariate(1 / (200 * DAY)))
            artist = f"artist {min(24, int(random_of.expovariate(0.2)))}"
            release = random_of.choice(["album", "edition a", "edition b", "edition c"])
            cls.listens.append((at, artist, release, cls.genres_of(artist)))
        cls.listens = list({(at, artist): listen for listen in cls.listens
                            for at, artist in [listen[:2]]}.values())
        cls.submit("Ann", cls.listens)
        cls.submit("Maya", cls.listens)
        cls.instance.psql(f"update users set time_zone = '{cls.ZONE}' where name = 'Maya'")

    @staticmethod
    def genres_of(artist):
        """Nine in all: ten are told of each hour."""
        return ["folk", f"genre {int(artist.split()[1]) % 8}"]

    def inside(self, name, zone="UTC"):
        """The listens of a range, with their time by the wall clock of a zone."""
        bounds = window(name, NOW)
        listens = [(datetime.datetime.fromtimestamp(at, zoneinfo.ZoneInfo(zone)), artist, release)
                   for at, artist, release, _ in self.listens]
        if bounds is None:
            return listens
        first, end = (datetime.datetime.fromtimestamp(edge, datetime.timezone.utc).date()
                      for edge in bounds)
        return [listen for listen in listens if first <= listen[0].date() < end]

    def test_envelopes(self):
        for path, name in LISTS.items():
            payload = self.read(f"{path}?range=this_year")
            more = {"total_release_group_count", "count", "offset"} \
                if path == "release-groups" else set()
            self.assertEqual(set(payload), ENVELOPE | {name} | more)
            self.assertEqual((payload["user_id"], payload["range"]), ("Ann", "this_year"))
            if path != "listening-activity":
                self.assertEqual((payload["from_ts"], payload["to_ts"]),
                                 window("this_year", NOW))

    def test_release_groups(self):
        for name in RANGES:
            counts = collections.Counter()
            for _, artist, release in self.inside(name):
                group = self.group_of(release).get("release_group_mbid")
                counts[group or (artist, release)] += 1
            payload = self.read(f"release-groups?range={name}&count=1000")
            self.assertEqual(
                {row["release_group_mbid"] or (row["artist_name"], row["release_group_name"]):
                 row["listen_count"] for row in payload["release_groups"]}, dict(counts), name)
            self.assertEqual((payload["count"], payload["total_release_group_count"]),
                             (len(counts), len(counts)))
            listed = [row["listen_count"] for row in payload["release_groups"]]
            self.assertEqual(listed, sorted(listed, reverse=True))
            pages = [row for offset in range(0, len(counts), 7) for row in self.read(
                f"release-groups?range={name}&count=7&offset={offset}")["release_groups"]]
            self.assertEqual(pages, payload["release_groups"])

    def test_listening_activity_goes_back_to_the_window_before(self):
        for user, zone in (("Ann", "UTC"), ("Maya", self.ZONE)):
            for name in RANGES:
                with self.subTest(range=name, zone=zone):
                    payload = self.read(f"listening-activity?range={name}", user)
                    slices = payload["listening_activity"]
                    for one in slices:
                        self.assertEqual(one["listen_count"], sum(
                            one["from_ts"] <= at <= one["to_ts"] for at, *_ in self.listens))
                    if bounds := window(name, NOW):
                        ahead = 20700 if user == "Maya" else 0
                        self.assertEqual([one["to_ts"] + 1 for one in slices[:-1]],
                                         [one["from_ts"] for one in slices[1:]])
                        self.assertEqual(slices[-1]["to_ts"] + 1, bounds[1] - ahead)
                        self.assertIn(bounds[0] - ahead, [one["from_ts"] for one in slices[1:]])
                    else:
                        self.assertEqual(sum(one["listen_count"] for one in slices),
                                         len(self.listens))

    def test_daily_activity_goes_by_the_own_clock(self):
        for user, zone in (("Ann", "UTC"), ("Maya", self.ZONE)):
            for name in RANGES:
                with self.subTest(range=name, zone=zone):
                    expected = collections.Counter(
                        (WEEKDAYS[at.weekday()], at.hour) for at, *_ in self.inside(name, zone))
                    days = self.read(f"daily-activity?range={name}", user)["daily_activity"]
                    self.assertEqual(tuple(days), WEEKDAYS)
                    self.assertEqual({day: [row["hour"] for row in days[day]] for day in days},
                                     dict.fromkeys(WEEKDAYS, list(range(24))))
                    self.assertEqual({(day, row["hour"]): row["listen_count"] for day in days
                                      for row in days[day] if row["listen_count"]}, dict(expected))

    def test_artist_activity_is_the_top_of_the_artists_with_their_albums(self):
        for name in RANGES:
            artists = self.read(f"artists?range={name}&count=15")["artists"]
            activity = self.read(f"artist-activity?range={name}")["artist_activity"]
            self.assertEqual([(row["artist_name"], row["artist_mbid"], row["listen_count"])
                              for row in artists],
                             [(row["name"], row["artist_mbid"], row["listen_count"])
                              for row in activity])
            for row in activity:
                self.assertEqual(set(row), {"name", "artist_name", "artist_mbid", "listen_count",
                                            "albums"})
                self.assertEqual(sum(album["listen_count"] for album in row["albums"]),
                                 row["listen_count"])
                for album in row["albums"]:
                    self.assertEqual(set(album), {"name", "listen_count", "release_group_mbid"})

    def test_artist_evolution_adds_up_to_the_artists(self):
        for name in RANGES:
            artists = {row["artist_name"]: row["listen_count"]
                       for row in self.read(f"artists?range={name}&count=20")["artists"]}
            sums = collections.Counter()
            for row in self.read(f"artist-evolution-activity?range={name}")[
                    "artist_evolution_activity"]:
                self.assertEqual(set(row), {"time_unit", "artist_name", "artist_mbid",
                                            "listen_count"})
                sums[row["artist_name"]] += row["listen_count"]
            self.assertEqual(dict(sums), artists, name)

    def test_genre_activity_goes_by_the_own_clock(self):
        for user, zone in (("Ann", "UTC"), ("Maya", self.ZONE)):
            for name in ("all_time", "this_year"):
                expected = collections.Counter()
                for at, artist, _ in self.inside(name, zone):
                    for genre in self.genres_of(artist):
                        expected[genre, at.hour] += 1
                rows = self.read(f"genre-activity?range={name}", user)["genre_activity"]
                self.assertEqual({(row["genre"], row["hour"]): row["listen_count"]
                                  for row in rows}, dict(expected), (user, name))

    def test_any_days(self):
        for path, name in LISTS.items():
            payload = self.read(f"{path}?from=2002-01-01&to=2100-01-01")
            self.assertEqual(payload["range"], "custom")
            self.assertGreater(len(payload[name]), 0)
            answer = self.get(f"{path}?from=2002-01-01&to=2100-01-01")
            self.assertRegex(answer.headers["Cache-Status"], "^refrain; fwd=miss")
        first, end = (datetime.date.fromtimestamp(NOW + days * DAY) for days in (-3, 1))
        slices = self.read(f"listening-activity?from={first}&to={end}")["listening_activity"]
        self.assertEqual(len(slices), 8)

    def test_wrong_parameters(self):
        for path in LISTS:
            answer = self.instance.get(f"/1/stats/user/Ann/{path}?range=decade")
            self.assertError(answer, 400, "Invalid range: decade")
            self.assertError(self.instance.get(f"/1/stats/user/nobody/{path}?range=decade"), 404,
                             "Cannot find user: nobody")
            answer = self.get(f"{path}?count=x")
            if path in ("release-groups", "artist-activity"):
                self.assertError(answer, 400, "'count' should be a non-negative integer")
            else:
                self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.read("artist-activity?count=1&offset=3"),
                         self.read("artist-activity"))

    def test_nothing_is_204(self):
        self.instance.token("Empty", "--public")
        for path in (*LISTS, "summary"):
            answer = self.get(f"{path}?range=week", "Empty")
            self.assertEqual((answer.status, answer.body), (204, b""), path)


class Zones(ActivityTest):
    def test_another_zone_is_seen_at_once(self):
        at = NOW - 3 * DAY
        self.submit("Ann", [(at, "a", "r", [])])

        def hours():
            days = self.read("daily-activity")["daily_activity"].values()
            return [row["hour"] for day in days for row in day if row["listen_count"]]
        for zone in ("UTC", "Pacific/Kiritimati", "America/St_Johns"):
            self.instance.psql(f"update users set time_zone = '{zone}' where name = 'Ann'")
            hour = datetime.datetime.fromtimestamp(at, zoneinfo.ZoneInfo(zone)).hour
            harness.wait_for(lambda hour=hour: hours() == [hour], zone, 2)


class Summary(ActivityTest):
    options = {"settings": {"cache.l1_bytes": 0}}
    MEMBERS = ("artists", "releases", "recordings", "listening_activity", "daily_activity")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.submit("Ann", [(NOW - n * 7001, f"artist {n % 40}", f"album {n % 30}", [])
                           for n in range(2000)])
        cls.submit("Bare", [(NOW - 5, "somebody", "", [])])

    def test_members_are_the_payloads_of_their_own_endpoints(self):
        for query in (*(f"range={name}" for name in RANGES), "from=2025-01-01&to=2026-01-01", ""):
            with self.subTest(query):
                answer = self.get(f"summary?{query}")
                if self.get(f"artists?{query}").status == 204:
                    self.assertEqual(answer.status, 204)
                    continue
                payload = answer.json()["payload"]
                self.assertEqual(set(payload), ENVELOPE | set(self.MEMBERS))
                for name in self.MEMBERS:
                    own = self.get(f"{name.replace('_', '-')}?{query}")
                    self.assertEqual(payload[name], own.json()["payload"] if own.body else None)
                for name in ENVELOPE:
                    self.assertEqual(payload[name], payload["artists"][name])

    def test_what_there_is_not_is_null(self):
        payload = self.read("summary", "Bare")
        self.assertIsNone(payload["releases"])
        self.assertEqual(payload["artists"]["count"], 1)

    def test_wrong_parameters(self):
        self.assertError(self.instance.get("/1/stats/user/Ann/summary?range=x"), 400,
                         "Invalid range: x")
        self.assertError(self.instance.get("/1/stats/user/nobody/summary?range=x"), 404,
                         "Cannot find user: nobody")

    def status(self, path):
        answer = self.get(path)
        self.assertEqual(answer.status, 200, answer)
        return answer.headers["Cache-Status"]

    def test_it_shares_what_is_cached_with_its_members(self):
        self.submit("Ann", [(NOW - 1, "artist 1", "album 1", [])])
        self.assertRegex(self.status("summary"), "^refrain; fwd=miss; stored")
        for name in self.MEMBERS:
            self.assertRegex(self.status(name.replace("_", "-")), "^refrain; hit; ")
        self.assertRegex(self.status("summary"), "^refrain; hit; ")
        self.submit("Ann", [(NOW - 2, "artist 1", "album 1", [])])
        self.status("releases")
        self.assertRegex(self.status("summary"), "^refrain; fwd=miss; stored")

    def test_one_snapshot_fills_all(self):
        self.submit("Ann", [(NOW - 3, "artist 1", "album 1", [])])
        self.status("summary?range=this_month")
        subject = self.instance.psql("select encode(subject, 'hex') from user_version v "
                                     "join users u on u.id = v.user_id where u.name = 'Ann'")
        keys = self.instance.redis("KEYS", f"*d:{subject}:*@{self.month()}:*").split()
        self.assertEqual(len(keys), len(self.MEMBERS), keys)
        times = {self.instance.redis(
            "EVAL", "return tostring(struct.unpack('<i8', redis.call('GETRANGE', KEYS[1], 72, 79)))",
            "1", key) for key in keys}
        self.assertEqual(len(times), 1, times)

    @staticmethod
    def month():
        return datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc).strftime("%Y-%m-01")

    def test_one_question_to_redis(self):
        def asked():
            text = self.instance.redis("INFO", "commandstats")
            return int(text.split("cmdstat_mget:calls=")[1].split(",")[0])
        self.status("summary")
        counts = {}
        for path in ("artists", "summary"):
            before = asked()
            for _ in range(50):
                self.assertRegex(self.status(path), "^refrain; hit; ")
            counts[path] = asked() - before
        self.assertLess(counts["summary"] - counts["artists"], 25, counts)


class SummaryInTheMidst(ActivityTest):
    """While listens come: each is of an artist, a release and a recording of its own."""
    options = {"settings": {"cache.l1_bytes": 0}}
    READERS = 4
    SUMMARIES = 300  # of each reader
    LASTS_S = 60

    def write(self):
        for number in range(1_000_000):
            if self.is_over.is_set():
                return
            self.submit("Ann", [(NOW - number, f"artist {number}", f"album {number}", [])])

    def look(self, tell):
        until = time.monotonic() + self.LASTS_S
        while len(tell) < self.SUMMARIES and time.monotonic() < until:
            # So that some members are in the cache before others.
            self.get(("artists", "recordings", "daily-activity")[len(tell) % 3])
            answer = self.get("summary")
            payload = answer.json()["payload"] if answer.status == 200 else {}
            tell.append((answer.status, *(self.count(payload, name) for name in Summary.MEMBERS)))

    @staticmethod
    def count(payload, name):
        if name == "listening_activity":
            return sum(row["listen_count"] for row in payload[name][name])
        if name == "daily_activity":
            return sum(row["listen_count"] for rows in payload[name][name].values()
                       for row in rows)
        return payload[name][f"total_{name[:-1]}_count"]

    def test_members_are_of_one_state(self):
        self.submit("Ann", [(NOW + 1, "first artist", "first album", [])])
        self.is_over = threading.Event()
        told = [[] for _ in range(self.READERS)]
        writer = threading.Thread(target=self.write)
        readers = [threading.Thread(target=self.look, args=(tell,)) for tell in told]
        for thread in (writer, *readers):
            thread.start()
        for thread in readers:
            thread.join()
        self.is_over.set()
        writer.join()
        summaries = [one for tell in told for one in tell]
        self.assertEqual({status for status, *_ in summaries}, {200})
        self.assertGreater(len({counts[0] for _, *counts in summaries}), 20, "listens came")
        mixed = [counts for _, *counts in summaries if len(set(counts)) > 1]
        self.assertFalse(mixed, f"{len(mixed)} of {len(summaries)}")
