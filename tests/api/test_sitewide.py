"""What all public users listen to, through the real servers: folded by the workers, served from the
cache, and nothing of who is private."""

import collections
import os
import random
import signal
import time
import uuid

import harness
from test_statistics import DAY, RANGES, window

NOW = int(time.time())
KINDS = {"artists": ("artist_name",), "releases": ("artist_name", "release_name"),
         "release-groups": ("artist_name", "release_group_name"),
         "recordings": ("artist_name", "track_name", "release_name")}
WHOLE = {"listening-activity": "listening_activity", "daily-activity": "daily_activity",
         "artist-activity": "artist_activity",
         "artist-evolution-activity": "artist_evolution_activity",
         "genre-activity": "genre_activity"}
COMMON = {"range", "from_ts", "to_ts", "last_updated"}


def heard_by_chance(seed, count):
    rng = random.Random(seed)
    return list({(NOW - int(rng.random() ** 2 * 800 * DAY),
                  f"artist {int(rng.paretovariate(0.8)) % 60}", f"track {rng.randrange(3)}",
                  rng.choice((None, "One", "Two"))) for _ in range(count)})


def counted(listens, kind="artists"):
    counts = collections.Counter()
    for _, artist, track, release in listens:
        fields = {"artist_name": artist, "track_name": track, "release_name": release,
                  "release_group_name": release}
        if release or not kind.startswith("release"):
            counts[tuple(fields[field] for field in KINDS[kind])] += 1
    return dict(counts)


class SiteTest(harness.ApiTest):
    options = {"workers": 2, "settings": {"site.refresh_s": 1}}

    def submit(self, name, listens, *options, mbid=None):
        token = self.instance.token(name, *options)
        for start in range(0, len(listens), 1000):
            payload = [{"listened_at": at, "track_metadata": {
                "artist_name": artist, "track_name": track,
                **({"release_name": release} if release else {}),
                **({"additional_info": {"artist_mbids": [mbid]}} if mbid else {})}}
                for at, artist, track, release in listens[start:start + 1000]]
            answer = self.instance.post("/1/submit-listens", {
                "listen_type": "import", "payload": payload}, token=token)
            self.assertEqual(answer.status, 200, answer)

    def read(self, path):
        """The payload; None if there is nothing to tell."""
        answer = self.instance.get(f"/1/stats/{path}")
        if answer.status == 204:
            return None
        self.assertEqual(answer.status, 200, answer)
        return answer.json()["payload"]

    def chart(self, kind="artists", query="count=1000"):
        payload = self.read(f"sitewide/{kind}?{query}")
        return {tuple(row[field] for field in KINDS[kind]): row["listen_count"]
                for row in payload[kind.replace("-", "_")]} if payload else {}

    def wait_for(self, condition, what="the workers"):
        return harness.wait_for(condition, what, 60)


class Figures(SiteTest):
    """One instance that is filled once: the tests only read."""

    def setUp(self):
        if "Ann" not in self.instance.tokens:
            type(self).listens = [heard_by_chance(5, 900), heard_by_chance(6, 700)]
            self.submit("Ann", self.listens[0], "--public")
            self.submit("Bob", self.listens[1], "--public")
            self.submit("Eve", heard_by_chance(7, 900))
        self.all = self.listens[0] + self.listens[1]
        self.wait_for(lambda: self.chart() == counted(self.all))

    def heard(self, name):
        bounds = window(name, NOW)
        return [one for one in self.all if bounds is None or bounds[0] <= one[0] < bounds[1]]

    def test_every_range_is_exact(self):
        for kind in KINDS:
            for name in RANGES:
                with self.subTest(kind=kind, range=name):
                    expected = counted(self.heard(name), kind)
                    self.assertEqual(expected, self.chart(kind, f"range={name}&count=1000"))
                    payload = self.read(f"sitewide/{kind}?range={name}&count=3&offset=1")
                    key = kind.replace("-", "_")
                    self.assertEqual((3, 1, name, len(expected)), (
                        payload["count"], payload["offset"], payload["range"],
                        payload[f"total_{key[:-1]}_count"]))
                    self.assertEqual(COMMON | {key, "count", "offset", f"total_{key[:-1]}_count"},
                                     set(payload))

    def test_whole_charts(self):
        for name in RANGES:
            for kind, key in WHOLE.items():
                with self.subTest(kind=kind, range=name):
                    self.assertEqual(COMMON | {key},
                                     set(self.read(f"sitewide/{kind}?range={name}")))
            week = self.read(f"sitewide/daily-activity?range={name}")["daily_activity"]
            self.assertEqual(len(self.heard(name)), sum(
                hour["listen_count"] for hours in week.values() for hour in hours))
        years = self.read("sitewide/listening-activity")["listening_activity"]
        self.assertEqual(len(self.all), sum(year["listen_count"] for year in years))

    def test_count_is_what_was_asked_for(self):
        """As on ListenBrainz: also past the end, and no more than a thousand."""
        for query, count, offset in (("", 25, 0), ("count=5000", 1000, 0),
                                     ("count=7&offset=100000", 7, 100000)):
            payload = self.read(f"sitewide/artists?{query}")
            self.assertEqual((count, offset), (payload["count"], payload["offset"]))
            self.assertLessEqual(len(payload["artists"]), count)

    def test_errors(self):
        for path, text in (
                ("sitewide/artists?range=day", "Invalid range: day"),
                ("sitewide/artists?offset=-1&count=x",
                 "'offset' should be a non-negative integer"),
                ("sitewide/artists?count=x", "'count' should be a non-negative integer"),
                ("sitewide/artists?from=2026-01-01&to=2026-02-01",
                 "'from' and 'to' tell a window of one user: for all users there are the windows "
                 "that 'range' names"),
                ("artist/x/listeners", "x mbid format invalid."),
                ("release/7/listeners", "7 mbid format invalid."),
                ("release-group/-/listeners", "- mbid format invalid."),
                (f"artist/{uuid.uuid4()}/listeners?range=Week", "Invalid range: Week")):
            self.assertError(self.instance.get(f"/1/stats/{path}"), 400, text)
        self.assertEqual(404, self.instance.get("/1/stats/sitewide/artist-map").status)
        self.assertEqual(404, self.instance.get("/1/stats/sitewide").status)

    def test_nobody_is_called_so(self):
        for name in ("%20", "", "0", "sitewide"):
            self.assertEqual(404, self.instance.get(f"/1/stats/user/{name}/artists").status, name)
        self.assertEqual([], self.instance.get(
            "/1/search/users/?search_term=%20").json()["users"])
        self.assertEqual(["Ann", "Bob", "Eve"], [
            line.split()[0] for line in self.instance.refrain("user", "list").stdout.splitlines()
            if line.split()[0] in ("Ann", "Bob", "Eve")])
        self.assertNotEqual(0, self.instance.refrain("user", "add", " ", check=False).returncode)

    def test_it_is_cached(self):
        path = "/1/stats/sitewide/releases?range=month&count=2"
        token = self.instance.token("Ann")
        self.instance.get(path, token=token)
        self.assertIn("; hit", self.instance.get(path, token=token).headers["Cache-Status"])
        live = self.instance.psql("select live from user_version where user_id = 0")
        self.submit("Eve", [(NOW, "artist of Eve", "track", None)])
        self.assertEqual(live, self.instance.psql(
            "select live from user_version where user_id = 0"))
        answer = self.instance.get(path, token=token)
        self.assertIn("; hit", answer.headers["Cache-Status"])
        self.assertEqual("public, no-cache", answer.headers["Cache-Control"])

    def test_verify(self):
        self.wait_for(lambda: self.instance.psql("select count(*) from site_deltas") == "0")
        self.assertIn(" wrong=0 ", self.instance.refrain("verify").stdout)
        self.instance.psql("update site_tallies set listens = listens + 1 where kind = 1")
        done = self.instance.refrain("verify", check=False)
        self.assertIn("site tally", done.stdout)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("repaired=1", self.instance.refrain("verify", "--repair").stdout)
        self.wait_for(lambda: self.chart() == counted(self.all))


class Changes(SiteTest):
    def verified(self):
        self.assertEqual("", self.instance.psql("select * from verify_site()"))

    def test_who_is_public_and_who_is_not(self):
        """Flips, deletions and deleted listens are seen a moment later, and names at once."""
        mbid = str(uuid.uuid4())
        heard = {name: [(NOW - n * 1000, "Somebody", f"track {n % 4}", "Album")
                        for n in range(number)]
                 for name, number in (("Ann", 30), ("Bob", 20), ("Eve", 40))}
        for name, listens in heard.items():
            self.submit(name, listens, *([] if name == "Eve" else ["--public"]), mbid=mbid)

        def listeners():
            payload = self.read(f"artist/{mbid}/listeners")
            return payload and ({one["user_name"]: one["listen_count"]
                                 for one in payload["listeners"]}, payload["total_user_count"])
        self.wait_for(lambda: listeners() == ({"Ann": 30, "Bob": 20}, 2))
        payload = self.read(f"artist/{mbid}/listeners?range=all_time")
        self.assertEqual((mbid, "Somebody", 50), (
            payload["artist_mbid"], payload["artist_name"], payload["total_listen_count"]))
        self.assertEqual(COMMON | {"artist_mbid", "artist_name", "listeners", "total_listen_count",
                                   "total_user_count"}, set(payload))
        self.assertEqual(self.chart(), {("Somebody",): 50})
        msid = self.instance.psql("select msid from releases where name = 'Album'")
        for path in (f"release/{msid}", f"release-group/{msid}"):
            payload = self.read(f"{path}/listeners")
            self.assertEqual((50, ["Ann", "Bob"]), (
                payload["total_listen_count"],
                [one["user_name"] for one in payload["listeners"]]))

        self.instance.psql("update users set public = not public where name in ('Bob', 'Eve')")
        self.assertNotIn("Bob", (listeners() or ({}, 0))[0])
        self.wait_for(lambda: listeners() == ({"Ann": 30, "Eve": 40}, 2))
        self.wait_for(lambda: self.chart() == {("Somebody",): 70})
        self.verified()

        self.submit("Bob", [(NOW - 5, "Somebody", "track", None)])
        self.instance.psql("delete from listens where listened_at < "
                           f"to_timestamp({NOW - 20_000}) ")
        self.wait_for(lambda: self.chart() == {("Somebody",): 42})
        self.verified()

        self.instance.refrain("user", "delete", "Eve")
        self.assertNotIn("Eve", (listeners() or ({}, 0))[0])
        self.wait_for(lambda: self.chart() == {("Somebody",): 21})
        self.wait_for(lambda: self.instance.psql("select count(*) from purges") == "0")
        self.verified()
        self.instance.psql("update users set public = false where id > 0")
        self.wait_for(lambda: self.chart() == {})
        self.assertIsNone(self.read(f"artist/{mbid}/listeners"))
        self.assertIsNone(self.read("sitewide/listening-activity"))
        self.verified()


class Ahead(SiteTest):
    def test_who_reads_is_noted(self):
        """That the site is read is noted under its number, and with nobody else."""
        self.instance.token("Ann", "--public")
        self.read("sitewide/recordings?range=half_yearly")
        self.read("user/Ann/releases?range=month")
        notes = "select user_id = 0, array_to_string(views, ' ') from reading order by user_id"
        try:
            self.wait_for(lambda: self.instance.psql(notes) == "t|recordings@half_yearly\n"
                                                               "f|releases@month", "the notes")
        except TimeoutError:
            self.assertEqual("", self.instance.psql(notes))
            raise


class Deaths(SiteTest):
    def test_workers_are_killed(self):
        """Again and again, while listens come and people change their minds: all counts once."""
        listens = heard_by_chance(9, 6000)
        for turn in range(6):
            self.submit("Ann", listens[turn * 1000:turn * 1000 + 1000], "--public")
            self.submit("Bob", listens[turn * 1000:turn * 1000 + 500])
            self.instance.psql("update users set public = not public where name = 'Bob'")
            part = f"worker-{turn % 2 + 1}"
            os.kill(self.instance.part_pid(part), signal.SIGKILL)
            self.instance.start_part(part)
        expected = collections.Counter(counted(listens[:6000]))
        self.wait_for(lambda: self.chart() == dict(expected))
        self.assertEqual("", self.instance.psql("select * from verify_site()"))
