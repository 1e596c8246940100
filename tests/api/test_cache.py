"""Cache-first, and never stale: what is served from Redis, when not, and what is said about it."""

import contextlib
import re
import threading
import time

import harness

NOW = int(time.time())
DAY = 86400
FOLLOWS_S = 2  # what was changed otherwise than through the API
VIEWS = ("/1/stats/user/Ann/artists", "/1/stats/user/Ann/releases",
         "/1/stats/user/Ann/recordings?range=this_year", "/1/user/Ann/listens",
         "/1/user/Ann/listen-count", "/1/user/Ann/top/genres", "/1/user/Ann/top/artists",
         "/1/user/Ann/top/tracks")


class CacheTest(harness.ApiTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.token = cls.instance.token("Ann", "--public")
        cls.submitted = 0

    @classmethod
    def submit(cls, at=None, artist="someone"):
        cls.submitted += 1
        body = {"listen_type": "single", "payload": [{
            "listened_at": at or NOW - 3000 + cls.submitted,
            "track_metadata": {"artist_name": artist, "track_name": f"track {cls.submitted}",
                               "release_name": "r",
                               "additional_info": {"tags": [f"genre {cls.submitted}"]}}}]}
        answer = cls.instance.post("/1/submit-listens", body, token=cls.token)
        assert answer.status == 200, answer

    def read(self, path, **headers):
        answer = self.instance.get(path, headers=headers)
        self.assertIn(answer.status, (200, 204, 304), answer)
        return answer, answer.headers["Cache-Status"] or ""

    def assertHit(self, path, detail="; detail=l[12]"):
        answer, status = self.read(path)
        self.assertRegex(status, rf"^refrain; hit; ttl=\d+{detail}$", path)
        return answer

    def assertHitUnderWhateverRelay(self, path):
        """Where heartbeats have just ended."""
        return self.assertHit(path, "; detail=(l[12]|validated)")

    def count(self):
        return self.instance.get("/1/user/Ann/listen-count").json()["payload"]["count"]


class Freshness(CacheTest):
    def test_miss_then_hit_then_miss_after_a_listen(self):
        self.submit()
        for path in VIEWS:
            with self.subTest(path):
                first, status = self.read(path)
                self.assertRegex(status, r"^refrain; fwd=miss; stored; detail=(absent|version)$")
                second = self.assertHit(path)
                self.assertEqual(first.body, second.body)
                self.submit()
                third, status = self.read(path)
                self.assertEqual(status, "refrain; fwd=miss; stored; detail=version")
                self.assertNotEqual(third.body, first.body)
                self.assertEqual(self.assertHit(path).body, third.body)

    def test_every_answered_listen_is_seen_by_the_next_read(self):
        """Through two serve processes, with readers that keep the cache filled all the time."""
        done = threading.Event()

        def read_on():
            while not done.is_set():
                self.instance.get("/1/user/Ann/listen-count")
                self.instance.get("/1/stats/user/Ann/artists")

        readers = [threading.Thread(target=read_on) for _ in range(4)]
        for reader in readers:
            reader.start()
        try:
            before = self.count()
            for step in range(1, 60):
                self.submit()
                self.assertEqual(self.count(), before + step)
                top = self.instance.get("/1/stats/user/Ann/artists?count=1000").json()["payload"]
                self.assertEqual(sum(row["listen_count"] for row in top["artists"]),
                                 before + step)
        finally:
            done.set()
            for reader in readers:
                reader.join()

    def test_a_listen_now_leaves_closed_windows_warm(self):
        self.submit(at=NOW - 8 * DAY - 370 * DAY)
        for path in ("/1/stats/user/Ann/artists?range=year",
                     "/1/stats/user/Ann/recordings?range=quarter"):
            self.read(path)
            if NOW % DAY < 900:
                continue  # a window that has just closed counts as open for ten minutes
            self.assertHit(path)
            self.submit(at=NOW)
            self.assertHit(path)
            self.submit(at=NOW - 3 * DAY)
            _, status = self.read(path)
            self.assertEqual(status, "refrain; fwd=miss; stored; detail=version")

    def test_changes_made_with_psql_are_seen(self):
        self.submit(artist="to be deleted")
        before = self.count()
        self.read("/1/stats/user/Ann/artists?count=1000")
        self.instance.psql("delete from listens using artists where artist_id = artists.id "
                           "and artists.name = 'to be deleted'")
        harness.wait_for(lambda: self.count() == before - 1, "the relay", FOLLOWS_S)
        answer, _ = self.read("/1/stats/user/Ann/artists?count=1000")
        self.assertNotIn(b"to be deleted", answer.body)

    def test_visibility_acts_soon(self):
        self.instance.token("Bea", "--public")
        self.read("/1/user/Bea/listens")
        self.instance.psql("update users set public = false where name = 'Bea'")
        harness.wait_for(lambda: self.instance.get("/1/user/Bea/listens").status == 404,
                         "the relay", FOLLOWS_S)


class LargeListens(CacheTest):
    """Players tell much of a listen; who hears hundreds of them a day has warm pages too."""

    def test_every_page_is_stored(self):
        for day in range(4):
            payload = [{"listened_at": NOW - DAY * (day + 1) - 60 * i, "track_metadata": {
                "artist_name": "someone", "track_name": f"t{i}",
                "additional_info": {"comment": f"{day} {i} " + "x" * 2500}}} for i in range(300)]
            answer = self.instance.post("/1/submit-listens",
                                        {"listen_type": "import", "payload": payload},
                                        token=self.token)
            self.assertEqual(answer.status, 200, answer)
        for query in ("count=5", "count=100", f"max_ts={NOW - 3 * DAY}&count=100",
                      f"min_ts={NOW - 4 * DAY}&count=250", f"max_ts={NOW - 2 * DAY}&count=25"):
            with self.subTest(query):
                path = f"/1/user/Ann/listens?{query}"
                self.read(path)
                self.assertHit(path)


class TimesToLive(CacheTest):
    HOUR_S = 3600
    OPEN = (VIEWS[0], "/1/stats/user/Ann/recordings", "/1/user/Ann/listens",
            "/1/user/Ann/listen-count", "/1/user/Ann/top/genres")
    CLOSED = tuple(f"/1/{path}?range={name}" for name in ("year", "half_yearly") for path in (
        "stats/user/Ann/artists", "stats/user/Ann/releases", "user/Ann/top/tracks",
        "user/Ann/top/genres"))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        payload = [{"listened_at": NOW - DAY * (i // 30) - 2 * i, "track_metadata": {
            "artist_name": "someone", "track_name": f"t{i}", "release_name": "r",
            "additional_info": {"tags": ["folk"]}}} for i in range(990)]
        payload += [{**listen, "listened_at": NOW - 400 * DAY + i}
                    for i, listen in enumerate(payload[:10])]
        answer = cls.instance.post("/1/submit-listens", {"listen_type": "import",
                                                         "payload": payload}, token=cls.token)
        assert answer.status == 200, answer

    def setUp(self):
        if NOW % DAY < 900:
            self.skipTest("what has closed at midnight counts as open for ten minutes")

    def assertLives(self, seconds, expected_s):
        """A tenth more or less, so that not all ends at once."""
        self.assertGreaterEqual(seconds, 0.9 * expected_s - 60)
        self.assertLessEqual(seconds, 1.1 * expected_s)

    def ttl(self, path):
        self.read(path)
        _, status = self.read(path)
        return int(re.match(r"refrain; hit; ttl=(\d+);", status).group(1))

    def values(self, part):
        """What lies in Redis of a part of the history: {key: hash}."""
        script = "return redis.sha1hex(redis.call('GET', KEYS[1]))"
        keys = self.instance.redis("--scan", "--pattern", f"rf2:*d:*:history:{part}:*").split()
        return {key: self.instance.redis("EVAL", script, "1", key) for key in keys}

    def test_what_is_open_lives_for_an_hour_and_what_is_closed_for_a_day(self):
        for path in self.OPEN:
            with self.subTest(path):
                self.assertLives(self.ttl(path), self.HOUR_S)
        for path in self.CLOSED:
            with self.subTest(path):
                self.assertLives(self.ttl(path), DAY)

    def test_nothing_outlives_its_window(self):
        for name in ("this_week", "this_month", "this_year"):
            path = f"/1/stats/user/Ann/artists?range={name}"
            ends_s = self.read(path)[0].json()["payload"]["to_ts"] - time.time()
            self.assertLessEqual(self.ttl(path), min(ends_s, 1.1 * self.HOUR_S))

    def test_older_pages_of_the_history_stay(self):
        """Every page tells of the newest listen; what it lists is computed once."""
        path = f"/1/user/Ann/listens?max_ts={NOW - 20 * DAY}&count=50"
        self.read(path)
        old = {part: self.values(part) for part in ("index", "segment")}
        for part, life_s in (("recent", self.HOUR_S), ("index", DAY), ("segment", DAY)):
            values = self.values(part)
            self.assertTrue(values, part)
            for key in values:
                # It is kept a day more, for an outage.
                self.assertLives(int(self.instance.redis("PTTL", key)) / 1000 - DAY, life_s)
        self.submit(at=int(time.time()))
        answer = self.read(path)[0]
        self.assertHit(path)
        self.assertEqual({part: self.values(part) for part in old}, old)
        listens = answer.json()["payload"]["listens"]
        self.submit(at=listens[10]["listened_at"] + 1, artist="backdated")
        _, status = self.read(path)
        self.assertEqual(status, "refrain; fwd=miss; stored; detail=version")
        self.assertNotEqual(self.values("segment"), old["segment"])
        names = [listen["track_metadata"]["artist_name"]
                 for listen in self.assertHit(path).json()["payload"]["listens"]]
        self.assertEqual(names.index("backdated"), 10)
        self.instance.psql("delete from listens using artists where artist_id = artists.id "
                           "and artists.name = 'backdated'")
        harness.wait_for(lambda: b"backdated" not in self.read(path)[0].body, "the relay",
                         FOLLOWS_S)
        self.assertEqual(self.assertHit(path).json()["payload"]["listens"], listens)


class FromRedis(CacheTest):
    """What else a process might serve from its own memory."""
    options = {"settings": {"cache.l1_bytes": 0}}

    def test_damaged_and_foreign_values_are_misses(self):
        self.submit()
        path = VIEWS[0]
        expected, _ = self.read(path)
        keys = self.instance.redis("--scan", "--pattern", "rf2:*:stats:artists:all_time:0").split()
        self.assertTrue(keys)
        for value in ("", "garbage", "x" * 500):
            for key in keys:
                self.instance.redis("SET", key, value)
            answer, status = self.read(path)
            self.assertIn("fwd=miss", status)
            self.assertEqual(answer.body, expected.body)
        for key in keys:
            self.instance.redis("DEL", key)
            self.instance.redis("LPUSH", key, "a list")
        self.assertEqual(self.read(path)[0].body, expected.body)
        self.assertHit(path)


class Storing(CacheTest):
    def keys(self, pattern):
        return self.instance.redis("--scan", "--pattern", pattern).split()

    def test_a_value_over_the_limit_keeps_no_other_from_being_stored(self):
        payload = [{"listened_at": NOW - DAY * (i // 40) - i, "track_metadata": {
            "artist_name": "verbose", "track_name": f"t{i}",
            "additional_info": {"note": "x" * 5000 if i < 100 else ""}}} for i in range(500)]
        body = {"listen_type": "import", "payload": payload}
        self.assertEqual(self.instance.post("/1/submit-listens", body, token=self.token).status,
                         200)
        path = f"/1/user/Ann/listens?count=25&max_ts={NOW - 8 * DAY}"
        for _ in range(2):
            _, status = self.read(path)
            self.assertIn("fwd=miss", status)  # for the newest hundred are too large
        self.assertTrue(self.keys("rf2:*:history:index:*"))
        self.assertTrue(self.keys("rf2:*:history:segment:*"))

    def test_invented_names_leave_nothing_behind(self):
        self.submit()
        for offset in (10**6, 10**6 + 500, 2 * 10**9):
            self.read(f"/1/stats/user/Ann/artists?offset={offset}&count=1000")
        self.assertEqual(self.keys("rf2:*:stats:artists:all_time:[1-9]*"), [])

    def test_a_crowded_day_is_read_page_by_page(self):
        token = self.instance.token("Crowded", "--public")
        midnight = int(time.time()) // DAY * DAY
        times = [midnight + 2 * i % (NOW - midnight + 1) for i in range(1800)]
        for start in (0, 900):
            payload = [{"listened_at": at, "track_metadata": {
                "artist_name": "a", "track_name": f"t{start + i}"}}
                for i, at in enumerate(times[start:start + 900])]
            self.instance.post("/1/submit-listens", {"listen_type": "import",
                                                     "payload": payload}, token=token)
        bound = sorted(times)[600]
        answer, _ = self.read(f"/1/user/Crowded/listens?count=200&max_ts={bound}")
        listed = [row["listened_at"] for row in answer.json()["payload"]["listens"]]
        self.assertEqual(listed, sorted((at for at in times if at < bound), reverse=True)[:200])
        self.assertEqual(self.keys("rf2:*:history:segment:*-0:0"), [])


class SlowPostgresql(CacheTest):
    def hold(self, seconds):
        """Lets no read of versions pass for so long."""
        lock = ("begin; lock table cache_epoch in access exclusive mode; "
                f"select pg_sleep({seconds}); commit")

        def hold():
            with contextlib.suppress(RuntimeError):  # PostgreSQL may be stopped meanwhile
                self.instance.psql(lock)

        holder = threading.Thread(target=hold)
        holder.start()
        self.addCleanup(holder.join)
        harness.wait_for(lambda: self.instance.psql(
            "select count(*) from pg_locks where mode = 'AccessExclusiveLock' "
            "and relation = 'cache_epoch'::regclass and granted") == "1", "the lock")

    def read_at_once(self, path, count):
        answers = []

        def read():
            began = time.monotonic()
            answer = self.instance.get(path)
            answers.append((answer, time.monotonic() - began))

        readers = [threading.Thread(target=read) for _ in range(count)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        return answers

    def test_redis_is_not_taken_for_dead(self):
        self.submit()
        path = "/1/stats/user/Ann/artists"
        self.read(path)
        self.assertHitUnderWhateverRelay(path)
        self.hold(0.7)
        for answer, _ in self.read_at_once(path, 80):
            self.assertRegex(answer.headers["Cache-Status"], "^refrain; hit; ")

    def test_nobody_waits_for_a_postgresql_that_has_gone(self):
        self.submit()
        self.hold(3)
        stopper = threading.Timer(0.5, self.instance.stop_part, args=("postgresql",))
        stopper.start()
        try:
            answers = self.read_at_once("/1/user/Ann/listen-count", 80)
        finally:
            stopper.join()
            self.instance.start_part("postgresql")
        for answer, seconds in answers:
            self.assertIn(answer.status, (200, 503))
            self.assertLess(seconds, 8)
        harness.wait_for(lambda: all(self.instance.get("/readyz").status == 200
                                     for _ in range(20)), "all processes to be back")


class Headers(CacheTest):
    def test_etag_and_not_modified(self):
        self.submit()
        for path in VIEWS:
            answer, _ = self.read(path)
            etag = answer.headers["ETag"]
            self.assertRegex(etag, '^W/"[0-9a-f]{16}"$')
            for given in (etag, f'"other", {etag}', "*"):
                again, _ = self.read(path, **{"If-None-Match": given})
                self.assertEqual((again.status, again.body), (304, b""), path)
                self.assertEqual(again.headers["ETag"], etag)
            self.assertEqual(self.read(path, **{"If-None-Match": '"other"'})[0].status, 200)
        self.submit()
        answer, _ = self.read(VIEWS[0], **{"If-None-Match": etag})
        self.assertEqual(answer.status, 200)

    def test_what_shared_caches_are_told(self):
        answer, _ = self.read(VIEWS[0])
        self.assertEqual(answer.headers["Cache-Control"], "public, no-cache")
        self.assertRegex(answer.headers["Server-Timing"],
                         r"^cache;dur=[\d.]+, db;dur=[\d.]+, total;dur=[\d.]+$")
        self.assertHit(VIEWS[0])
        self.assertRegex(self.assertHit(VIEWS[0]).headers["Age"], r"^\d+$")


class WithoutRedis(CacheTest):
    def test_every_endpoint_still_answers_rightly(self):
        self.submit()
        expected = {path: self.read(path)[0].body for path in VIEWS}
        self.instance.stop_redis()
        self.addCleanup(self.instance.start_redis)
        for path in VIEWS:
            answer, status = self.read(path)
            self.assertEqual(answer.body, expected[path], path)
            self.assertEqual(status, "refrain; fwd=bypass; detail=redis-down")
        before = self.count()
        self.submit()
        self.assertEqual(self.count(), before + 1)
        self.assertFalse(self.instance.get("/1/cache/metrics").json()["redis"]["up"])
        self.instance.start_redis()
        harness.wait_for(lambda: "hit" in self.read(VIEWS[0])[1], "Redis to be used again", 10)
        self.assertEqual(self.count(), before + 1)

    def test_a_flush_costs_one_miss(self):
        self.read(VIEWS[0])
        self.assertHit(VIEWS[0])
        self.instance.redis("FLUSHALL")
        _, status = self.read(VIEWS[0])
        self.assertEqual(status, "refrain; fwd=miss; stored; detail=absent")
        self.assertHitUnderWhateverRelay(VIEWS[0])

    def test_a_redis_that_takes_nothing_more(self):
        self.submit()
        self.instance.redis("CONFIG", "SET", "maxmemory-policy", "noeviction")
        self.instance.redis("CONFIG", "SET", "maxmemory", "1")
        try:
            for path in VIEWS:
                answer, status = self.read(path)
                self.assertEqual(status.replace("version", "absent"),
                                 "refrain; fwd=miss; detail=absent")
        finally:
            self.instance.redis("CONFIG", "SET", "maxmemory", "256mb")
            self.instance.redis("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
        self.read(VIEWS[0])
        self.assertHitUnderWhateverRelay(VIEWS[0])
