"""What is computed ahead: after changes, after losses, at the start; and for whom."""

import re
import threading
import time
import urllib.request

import harness

NOW = int(time.time())
PAGES = ("/1/stats/user/Ann/artists?range=this_week", "/1/stats/user/Ann/releases",
         "/1/stats/user/Ann/recordings?range=this_year", "/1/user/Ann/listens",
         "/1/user/Ann/listen-count", "/1/user/Ann/top/genres?range=this_week")
SAMPLE = re.compile(r"^(refrain_cache_(?:warm_)?\w+_total(?:\{[^}]*\})?) (\d+)$", re.M)


class WarmTest(harness.ApiTest):
    options = {"settings": {"warm.loads": 1, "warm.delay_ms": 100, "cache.l1_bytes": 0}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.submitted = 0
        for name in ("Ann", "Bob"):
            cls.submit(name)

    @classmethod
    def submit(cls, name):
        cls.submitted += 1
        body = {"listen_type": "single", "payload": [{
            "listened_at": NOW - 3000 + cls.submitted,
            "track_metadata": {"artist_name": "someone", "track_name": f"track {cls.submitted}",
                               "release_name": "r"}}]}
        answer = cls.instance.post("/1/submit-listens", body,
                                   token=cls.instance.token(name, "--public"))
        assert answer.status == 200, answer

    def read(self, path):
        """With a token, so that no cache on the way answers."""
        answer = self.instance.get(path, token=self.instance.token("Ann"))
        self.assertEqual(answer.status, 200, answer)
        return answer

    def read_pages(self):
        """Reads, and waits until the database knows that."""
        for path in PAGES:
            self.read(path)
        harness.wait_for(
            lambda: self.instance.psql(
                "select count(*) from reading join users on users.id = user_id "
                f"where name = 'Ann' and cardinality(views) = {len(PAGES)}") == "1", "the note", 20)

    def samples(self):
        with urllib.request.urlopen(self.instance.env["REFRAIN_METRICS_URL"], timeout=30) as answer:
            text = answer.read().decode()
        return {name: int(value) for name, value in SAMPLE.findall(text)}

    def warmed(self, outcome="filled"):
        return self.samples()[f'refrain_cache_warm_requests_total{{outcome="{outcome}"}}']

    def await_rise(self, before, outcome="filled"):
        harness.wait_for(lambda: self.warmed(outcome) > before, f"{outcome} pages", 30)

    def assertHits(self):
        for path in PAGES:
            with self.subTest(path):
                self.assertRegex(self.read(path).headers["Cache-Status"], r"^refrain; hit; ")

    def values_of(self, name):
        subject = self.instance.psql("select encode(subject, 'hex') from user_version v "
                                     f"join users u on u.id = v.user_id where u.name = '{name}'")
        return self.instance.redis("KEYS", f"*d:{subject}:*").split()


class Changes(WarmTest):
    def test_what_is_read_is_computed_anew_after_a_change(self):
        self.read_pages()
        for _ in range(3):
            before = self.warmed()
            self.submit("Ann")
            self.await_rise(before)
            self.assertHits()

    def test_so_it_is_after_a_change_by_hand(self):
        self.read_pages()
        before = self.warmed()
        self.instance.psql("update listens set client = gen_random_uuid()::text where user_id = "
                           "(select id from users where name = 'Ann')")
        self.await_rise(before)
        self.assertHits()

    def test_who_is_not_read_is_left_alone(self):
        self.read_pages()
        before = self.warmed()
        self.submit("Bob")
        self.submit("Ann")
        self.await_rise(before)
        self.assertEqual(self.values_of("Bob"), [])
        self.assertNotEqual(self.values_of("Ann"), [])

    def test_it_is_counted_apart(self):
        self.read_pages()
        before = self.samples()
        self.submit("Ann")
        self.await_rise(before['refrain_cache_warm_requests_total{outcome="filled"}'])
        after = self.samples()
        for name in before:
            if name.startswith("refrain_cache_requests_total"):
                self.assertEqual(before[name], after[name], name)


class ManyPages(WarmTest):
    """More than one fetch takes."""

    LISTS = ("artists", "releases", "release-groups", "recordings", "listening-activity",
             "daily-activity", "artist-activity", "artist-evolution-activity", "genre-activity")
    RANGES = ("this_week", "this_month", "this_year", "week", "month", "quarter", "half_yearly",
              "year", "all_time")

    def test_all_are_computed_anew(self):
        paths = [f"/1/stats/user/Ann/{name}?range={window}" for name in self.LISTS
                 for window in self.RANGES]

        def status(path):
            answer = self.instance.get(path, token=self.instance.token("Ann"))
            self.assertIn(answer.status, (200, 204), answer)
            return answer.headers["Cache-Status"]
        for path in paths:
            status(path)
        harness.wait_for(
            lambda: self.instance.psql(
                "select count(*) from reading join users on users.id = user_id "
                f"where name = 'Ann' and cardinality(views) >= {len(paths)}") == "1",
            "the note", 20)
        before = self.warmed()
        self.submit("Ann")
        self.await_rise(before)
        self.assertEqual(self.warmed(), before + 1)
        for path in paths:
            self.assertRegex(status(path), "^refrain; hit; ", path)


class Losses(WarmTest):
    def test_after_redis_was_emptied(self):
        self.read_pages()
        before = self.warmed()
        self.instance.redis("FLUSHALL")
        self.await_rise(before)
        self.assertHits()

    def test_at_the_start(self):
        self.read_pages()
        self.instance.stop_part("worker")
        self.instance.redis("DEL", *self.values_of("Ann"))
        before = self.warmed()
        self.instance.start_part("worker")
        self.await_rise(before)
        self.assertHits()

    def test_what_is_there_is_a_hit(self):
        self.read_pages()
        self.instance.stop_part("worker")
        before = self.warmed("hit")
        self.instance.start_part("worker")
        self.await_rise(before, "hit")


class Pauses(WarmTest):
    HELD = ("exists (select from pg_locks where not granted "
            "and relation = 'refrain.artists'::regclass)")

    def hold(self):
        """Holds the artists until somebody wants them, and then for longer than his pages may take."""
        self.instance.psql(f"""do $$ begin
            lock table artists in access exclusive mode;
            while not {self.HELD} loop perform pg_sleep(0.01); end loop;
            perform pg_sleep(2); end $$""")

    def test_a_slow_database_is_given_way_to(self):
        self.read_pages()
        before = self.samples()
        holder = threading.Thread(target=self.hold)
        holder.start()
        harness.wait_for(lambda: self.instance.psql(
            "select exists (select from pg_locks where relation = 'refrain.artists'::regclass "
            "and mode = 'AccessExclusiveLock')") == "t", "the lock", 20)
        self.instance.psql("update user_version set live = live + 1 where user_id = "
                           "(select id from users where name = 'Ann')")
        holder.join()
        name = "refrain_cache_warm_pauses_total"
        harness.wait_for(lambda: self.samples()[name] > before[name], "a pause", 20)

    def test_a_database_that_was_away_is_used_again(self):
        self.read_pages()
        self.instance.stop_part("postgresql")
        self.instance.start_part("postgresql")
        before = self.warmed()
        harness.wait_for(lambda: self.instance.get("/readyz").status == 200, "an answer", 30)
        self.submit("Ann")
        self.await_rise(before)
        self.assertHits()
