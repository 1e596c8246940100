"""What is counted, and how it is told: to Prometheus, and to the dashboard."""

import http.client
import os
import re
import shutil
import signal
import subprocess
import threading
import time
import urllib.parse

import harness

NOW = int(time.time())
VIEWS = {
    "history_listens": "/1/user/Ann/listens",
    "history_count": "/1/user/Ann/listen-count",
    "stats_artists": "/1/stats/user/Ann/artists",
    "stats_releases": "/1/stats/user/Ann/releases",
    "stats_recordings": "/1/stats/user/Ann/recordings?range=this_year",
    "stats_release_groups": "/1/stats/user/Ann/release-groups",
    "stats_listening_activity": "/1/stats/user/Ann/listening-activity",
    "stats_daily_activity": "/1/stats/user/Ann/daily-activity?range=this_week",
    "stats_artist_activity": "/1/stats/user/Ann/artist-activity",
    "stats_artist_evolution": "/1/stats/user/Ann/artist-evolution-activity",
    "stats_genre_activity": "/1/stats/user/Ann/genre-activity",
    "stats_summary": "/1/stats/user/Ann/summary",
    "top_genres": "/1/user/Ann/top/genres",
    "top_artists": "/1/user/Ann/top/artists",
    "top_tracks": "/1/user/Ann/top/tracks",
}
HITS = ("hit_l1", "hit", "hit_validated", "hit_304", "unverified")
MISSES = ("miss_absent", "miss_version", "miss_lease")
OUTCOMES = (*HITS, *MISSES, "bypass_breaker", "error")
REQUESTS = "refrain_cache_requests_total"
OF_REDIS = ("refrain_redis_memory_used_bytes", "refrain_redis_memory_max_bytes",
            "refrain_redis_memory_fragmentation_bytes", "refrain_redis_evicted_keys_total",
            "refrain_redis_policy_fits")
SAMPLE = re.compile(r'([a-z_0-9]+)(?:\{((?:[a-z]+="[^"]*",?)+)\})? ([0-9.]+)')


def parse(text):
    """{(metric, label, …): value}, a label being 'name="value"'."""
    samples = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            metric, labels, value = SAMPLE.fullmatch(line).groups()
            key = (metric, *(labels or "").split(",")) if labels else (metric,)
            assert key not in samples, line
            samples[key] = float(value)
    return samples


def requests_of(samples, view, outcomes=OUTCOMES):
    return sum(samples[REQUESTS, f'view="{view}"', f'outcome="{outcome}"'] for outcome in outcomes)


class MonitoringTest(harness.ApiTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.token = cls.instance.token("Ann", "--public")
        cls.admin = cls.instance.token("Root", "--admin")
        cls.submitted = 0

    @classmethod
    def submit(cls):
        cls.submitted += 1
        body = {"listen_type": "single", "payload": [{
            "listened_at": NOW - 3000 + cls.submitted,
            "track_metadata": {"artist_name": "someone", "track_name": f"track {cls.submitted}",
                               "release_name": "r"}}]}
        answer = cls.instance.post("/1/submit-listens", body, token=cls.token)
        assert answer.status == 200, answer

    def read(self, path, **headers):
        """With a token, so that no cache on the way answers."""
        return self.instance.get(path, token=self.token, headers=headers)

    def scrape_text(self):
        url = urllib.parse.urlsplit(self.instance.env["REFRAIN_METRICS_URL"])
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
        try:
            connection.request("GET", url.path)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        self.assertEqual(answer.status, 200, text)
        self.assertEqual(answer.headers["Content-Type"],
                         "text/plain; version=0.0.4; charset=utf-8")
        return text

    def scrape(self):
        return parse(self.scrape_text())

    def metrics(self):
        answer = self.instance.get("/1/cache/metrics", token=self.admin)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def assertFits(self, text):
        """promtool has neither an error nor a warning."""
        promtool = shutil.which("promtool")
        self.assertIsNotNone(promtool, "promtool (package prometheus) is not installed")
        done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True,
                              text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


class Counting(MonitoringTest):
    def rise(self, before, after):
        """By view and outcome, where anything rose."""
        return {key[1:]: after[key] - before[key]
                for key in before if key[0] == REQUESTS and after[key] != before[key]}

    def test_each_request_counts_once(self):
        self.submit()
        for view, path in VIEWS.items():
            with self.subTest(view):
                self.submit()
                before = self.scrape()
                etag = self.read(path).headers["ETag"]
                for _ in range(6):
                    self.assertEqual(self.read(path).status, 200)
                for _ in range(4):
                    self.assertEqual(self.read(path, **{"If-None-Match": etag}).status, 304)
                after = self.scrape()
                rise = self.rise(before, after)
                self.assertEqual(sum(rise.values()), 11, rise)
                self.assertEqual({labels[0] for labels in rise}, {f'view="{view}"'})
                self.assertEqual(rise.get((f'view="{view}"', 'outcome="hit_304"')), 4, rise)
                for outcomes, count in ((MISSES, 1), (HITS, 10)):
                    self.assertEqual(requests_of(after, view, outcomes)
                                     - requests_of(before, view, outcomes), count, rise)

    def test_requests_at_once_count_once_each(self):
        """Through two processes and many threads, while every answer becomes old."""
        paths = list(VIEWS.values())
        before = self.scrape()

        def read_on():
            for path in 8 * paths:
                self.read(path)

        readers = [threading.Thread(target=read_on) for _ in range(6)]
        for reader in readers:
            reader.start()
        for _ in range(10):
            self.submit()
        for reader in readers:
            reader.join()
        after = self.scrape()
        for view in VIEWS:
            self.assertEqual(requests_of(after, view) - requests_of(before, view), 48, view)

    def test_a_304_of_a_value_that_was_computed_is_a_miss(self):
        self.submit()
        path = VIEWS["stats_artists"]
        etag = self.read(path).headers["ETag"]
        self.instance.redis("FLUSHALL")
        before = self.scrape()
        self.assertEqual(self.read(path, **{"If-None-Match": etag}).status, 304)
        after = self.scrape()
        self.assertEqual(requests_of(after, "stats_artists", MISSES)
                         - requests_of(before, "stats_artists", MISSES), 1)
        self.assertEqual(sum(self.rise(before, after).values()), 1)

    def test_what_is_wrong_does_not_count(self):
        before = self.scrape()
        for path, status in (("/1/user/Nobody/listen-count", 404),
                             ("/1/stats/user/Nobody/artists", 404),
                             ("/1/stats/user/Ann/artists?range=never", 400),
                             ("/1/user/Ann/listens?count=x", 400)):
            self.assertError(self.read(path), status)
        self.assertEqual(self.rise(before, self.scrape()), {})

    def test_the_dashboard_reads_the_same_numbers(self):
        self.submit()
        for _ in range(5):
            self.read(VIEWS["stats_artists"])
        told, samples = self.metrics(), self.scrape()
        for view in VIEWS:
            figures = told["views"][view]
            self.assertEqual(figures["hits"], requests_of(samples, view, HITS))
            self.assertEqual(figures["misses"], requests_of(samples, view, MISSES))
            self.assertEqual(figures["bypasses"], requests_of(samples, view, ["bypass_breaker"]))
        for outcome in OUTCOMES:
            self.assertEqual(told["outcomes"][outcome],
                             sum(requests_of(samples, view, [outcome]) for view in VIEWS))
        for kind in ("hits", "misses", "bypasses"):
            self.assertEqual(told[kind], sum(view[kind] for view in told["views"].values()))
        lookups = told["hits"] + told["misses"] + told["bypasses"]
        self.assertAlmostEqual(told["hit_rate"], told["hits"] / lookups, 5)
        for result, count in told["fills"].items():
            self.assertEqual(samples["refrain_cache_fills_total", f'result="{result}"'], count)
        self.assertEqual(samples["refrain_cache_sql_saved_total",], told["sql_saved"])

    def test_what_is_saved_and_filled_is_told(self):
        before = self.metrics()
        self.submit()
        for _ in range(10):
            self.read(VIEWS["stats_artists"])
        after = self.metrics()
        self.assertGreaterEqual(after["sql_saved"] - before["sql_saved"], 9)
        self.assertGreaterEqual(after["fills"]["stored"] - before["fills"]["stored"], 1)
        asked = [sum(told["identity"]["profile"].values()) for told in (before, after)]
        self.assertEqual(asked[1] - asked[0], 10)
        for name in ("redis_read", "fill"):
            latency = after["latency"][name]
            self.assertGreater(latency["count"], before["latency"][name]["count"])
            self.assertGreater(latency["p50_seconds"], 0)
            self.assertGreaterEqual(latency["p99_seconds"], latency["p50_seconds"])

    def test_a_killed_process_takes_no_count_with_it(self):
        self.read(VIEWS["history_count"])
        before = self.scrape()
        for part in ("serve-1", "serve-2"):
            old = self.instance.part_pid(part)
            os.kill(old, signal.SIGKILL)
            harness.wait_for(lambda: self.is_replaced(part, old), "another process")
        harness.wait_for(lambda: self.instance.get("/healthz").status == 200, "an answer")
        after = self.scrape()
        for key, value in before.items():
            if key[0].endswith("_total") or key[0].endswith("_count"):
                self.assertGreaterEqual(after[key], value, key)

        def processes():
            return sum(value for key, value in self.scrape().items()
                       if key[0] == "refrain_server_breaker_processes"
                       and key[1] == 'server="redis"')

        harness.wait_for(lambda: processes() == 3, "two serve processes and a worker", 20)

    def is_replaced(self, part, old):
        try:
            return self.instance.part_pid(part) != old
        except (OSError, IndexError):  # between the two there is none
            return False


class Exposition(MonitoringTest):
    def test_everything_is_told_from_the_start(self):
        text = self.scrape_text()
        self.assertFits(text)
        samples = parse(text)
        for view in VIEWS:
            self.assertEqual(requests_of(samples, view), 0)
        for server in ("redis", "postgresql"):
            for state in ("closed", "half_open", "open"):
                self.assertIn(("refrain_server_breaker_processes", f'server="{server}"',
                               f'state="{state}"'), samples)
        for name in OF_REDIS:
            self.assertIn((name,), samples)
        self.assertEqual(samples["refrain_redis_up",], 1)
        self.assertEqual(samples["refrain_redis_policy_fits",], 1)
        self.assertEqual(samples["refrain_redis_memory_max_bytes",], 256 * 1024 * 1024)
        self.assertGreater(samples["refrain_redis_memory_used_bytes",], 0)

    def test_help_and_type_come_once_and_first(self):
        seen = []
        for line in self.scrape_text().splitlines():
            words = line.split(" ")
            if words[:2] == ["#", "HELP"]:
                self.assertNotIn(words[2], seen)
                seen.append(words[2])
            elif words[:2] != ["#", "TYPE"]:
                name = re.split("[ {]", line)[0]
                self.assertEqual(re.sub("_(bucket|sum|count)$", "", name), seen[-1])

    def test_everything_told_is_documented(self):
        documentation = (harness.TOP / "docs/metrics.md").read_text()
        text = self.scrape_text()
        told = set(re.findall("^# HELP ([^ ]+)", text, re.M))
        for labels in re.findall(r"\{(.*)\}", text):
            for name, value in re.findall('([a-z]+)="([^"]*)"', labels):
                if name != "le":
                    told |= {name, value}
        for word in sorted(told):
            self.assertIn(f"`{word}`", documentation)
        for word in re.findall("`(refrain_[a-z_0-9]+)`", documentation):
            self.assertIn(f"# HELP {word} ", text)

    def test_histograms_add_up(self):
        self.submit()
        self.read(VIEWS["stats_artists"])
        text = self.scrape_text()
        samples = parse(text)
        for name in re.findall("^# TYPE ([^ ]+) histogram", text, re.M):
            ladders = {}
            for (metric, *labels), value in samples.items():
                if metric == f"{name}_bucket":
                    ladders.setdefault(tuple(labels[:-1]), []).append((labels[-1], value))
            self.assertTrue(ladders)
            for labels, steps in ladders.items():
                values = [value for _, value in steps]
                self.assertEqual(values, sorted(values))
                self.assertEqual(steps[-1][0], 'le="+Inf"')
                self.assertEqual(values[-1], samples[(f"{name}_count", *labels)])
        self.assertGreater(samples["refrain_cache_fill_duration_seconds_count",], 0)
        self.assertGreater(samples["refrain_cache_fill_duration_seconds_sum",], 0)

    def test_every_bucket_is_vouched_for(self):
        harness.wait_for(lambda: self.metrics()["relay"]["live_buckets"] == 256, "the relay", 20)
        samples = self.scrape()
        self.assertEqual(samples["refrain_cache_buckets",], 256)
        self.assertEqual(samples["refrain_cache_heartbeat_live_buckets",], 256)
        self.assertEqual(samples["refrain_cache_relay_buckets",], 256)
        rounds = self.metrics()["relay"]["rounds"]["ok"]
        harness.wait_for(lambda: self.metrics()["relay"]["rounds"]["ok"] > rounds, "a round", 20)
        self.assertGreater(self.metrics()["latency"]["round"]["p99_seconds"], 0)

    def test_heartbeats_end_with_the_worker(self):
        self.instance.stop_part("worker")
        try:
            harness.wait_for(lambda: self.metrics()["relay"]["live_buckets"] == 0, "an end", 20)
            self.assertEqual(self.scrape()["refrain_cache_relay_buckets",], 0)
        finally:
            self.instance.start_part("worker")
        harness.wait_for(lambda: self.metrics()["relay"]["live_buckets"] == 256, "the relay", 20)


class ServersAway(MonitoringTest):
    def breakers(self, server, state="open"):
        return self.metrics()["servers"][server]["breaker"][state]

    def test_redis(self):
        self.submit()
        self.instance.stop_redis()
        try:
            def reads_until_the_breaker_opens():
                self.assertEqual(self.read(VIEWS["stats_artists"]).status, 200)
                return self.breakers("redis") + self.breakers("redis", "half_open") > 0

            harness.wait_for(reads_until_the_breaker_opens, "the breaker to open", 20)
            text = self.scrape_text()
            self.assertFits(text)
            samples = parse(text)
            self.assertEqual(samples["refrain_redis_up",], 0)
            self.assertEqual(samples["refrain_cache_heartbeat_live_buckets",], 0)
            for name in OF_REDIS:
                self.assertNotIn((name,), samples)
            self.assertGreater(
                samples["refrain_server_breaker_opened_total", 'server="redis"'], 0)
            self.assertGreater(requests_of(samples, "stats_artists", ["bypass_breaker"]), 0)
            self.assertFalse(self.metrics()["redis"]["up"])
        finally:
            self.instance.start_redis()
        harness.wait_for(lambda: self.metrics()["redis"]["up"], "Redis to be used again", 20)

    def test_postgresql(self):
        self.submit()
        before = self.scrape()
        self.instance.stop_part("postgresql")
        try:
            harness.wait_for(lambda: self.instance.get("/readyz").status == 503, "it to be gone")
            answer = self.read(VIEWS["stats_releases"])
            self.assertEqual(answer.status, 503, answer)
            began = time.monotonic()
            text = self.scrape_text()
            self.assertLess(time.monotonic() - began, 2)
            self.assertFits(text)
            samples = parse(text)
            self.assertEqual(samples["refrain_redis_up",], 1)
            self.assertEqual(requests_of(samples, "stats_releases", ["error"])
                             - requests_of(before, "stats_releases", ["error"]), 1)
            self.assertEqual(self.instance.get("/1/cache/metrics").status, 200)
        finally:
            self.instance.start_part("postgresql")
        harness.wait_for(lambda: all(self.instance.get("/readyz").status == 200
                                     for _ in range(20)), "all processes to be back")


class Closed(harness.ApiTest):
    options = {"settings": {"monitoring.open_on_loopback": "no"}}

    def test_nobody_else_sees_the_figures(self):
        user = self.instance.token("Ann")
        admin = self.instance.token("Root", "--admin")
        self.assertError(self.instance.get("/1/cache/metrics"), 401)
        self.assertError(self.instance.get("/1/cache/metrics", token=user), 403)
        self.assertEqual(self.instance.get("/1/cache/metrics", token=admin).status, 200)
