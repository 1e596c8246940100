"""A server is away, hangs or talks nonsense: what is still answered, and how fast."""

import contextlib
import os
import pathlib
import signal
import socket
import statistics
import tempfile
import threading
import time

import harness

NOW = int(time.time())
BOUND_S = 2  # for what Redis could not be told of
PATHS = ("/1/user/Ann/listen-count", "/1/stats/user/Ann/artists", "/1/user/Ann/listens")


class OutageTest(harness.ApiTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.token = cls.instance.token("Ann", "--public")
        cls.listens = 0
        assert cls.submit().status == 200

    @classmethod
    def submit(cls):
        body = {"listen_type": "single", "payload": [{
            "listened_at": NOW - 5000 + cls.listens,
            "track_metadata": {"artist_name": "a", "track_name": f"t{cls.listens}"}}]}
        answer = cls.instance.post("/1/submit-listens", body, token=cls.token)
        cls.listens += answer.status == 200
        return answer

    def status(self, path, token=None):
        return self.instance.get(path, token=token).headers["Cache-Status"] or ""

    def warm(self, path, token=None):
        harness.wait_for(lambda: "; hit; " in self.status(path, token), f"{path} to be cached")
        return self.instance.get(path, token=token)

    def count(self):
        return self.instance.get("/1/user/Ann/listen-count").json()["payload"]["count"]

    def assertCounted(self):
        self.assertEqual(self.count(), self.listens)


class WithoutPostgresql(OutageTest):
    def setUp(self):
        self.private = self.instance.token(f"Hidden{self.id()[-9:]}")
        self.hidden = f"/1/user/Hidden{self.id()[-9:]}/listen-count"
        self.warm(self.hidden, self.private)
        self.expected = {path: self.warm(path).body for path in PATHS}
        self.assertTrue(self.instance.get("/1/validate-token", token=self.token).json()["valid"])
        self.assertTrue(self.instance.get("/1/validate-token", token=self.token).json()["valid"])
        self.instance.stop_part("postgresql")
        self.addCleanup(self.come_back)

    def come_back(self):
        self.instance.start_part("postgresql")
        harness.wait_for(lambda: self.submit().status == 200, "PostgreSQL to be used again", 10)
        for path in PATHS * 4:  # each process finds out by itself
            harness.wait_for(lambda path=path: "; hit; ttl" in self.status(path)
                             and "unverified" not in self.status(path), path, 10)
        self.assertCounted()

    def wait_for_label(self):
        """Each process finds out by itself."""
        harness.wait_for(lambda: all("detail=unverified" in self.status(PATHS[0])
                                     for _ in range(8)), "the outage", 10)

    def test_what_is_cached_is_served_with_a_label(self):
        self.wait_for_label()
        for path in PATHS:
            answer = self.instance.get(path)
            self.assertEqual((answer.status, answer.body), (200, self.expected[path]))
            self.assertRegex(answer.headers["Cache-Status"],
                             r"^refrain; hit; ttl=-?\d+; detail=unverified$")
            self.assertEqual(answer.headers["Cache-Control"], "no-store")
            self.assertIsNotNone(answer.headers["Age"])
            self.assertIsNone(answer.headers["ETag"])

    def test_who_may_see_what(self):
        self.wait_for_label()
        self.assertEqual(self.instance.get(self.hidden, token=self.private).status, 200)
        self.assertTrue(self.instance.get("/1/validate-token", token=self.token).json()["valid"])

    def test_private_users_are_as_unknown(self):
        """Whatever is asked about them."""
        self.wait_for_label()
        hidden = self.hidden.split("/")[3]
        for path in ("/1/user/{}/listen-count", "/1/user/{}/listens", "/1/user/{}/similar-users",
                     "/1/user/{}/playing-now", "/1/stats/user/{}/artists?range=x"):
            with self.subTest(path):
                told = []
                for name in (hidden, "x" * len(hidden)):
                    answer = self.instance.get(path.format(name))
                    self.assertError(answer, 503)
                    told.append((answer.body, {key: value for key, value in answer.headers.items()
                                               if key not in ("Date", "X-Request-Id")}))
                self.assertEqual(*told)

    def test_what_is_not_cached_needs_it(self):
        """Not even a list that is always empty is told of a profile that nobody verifies."""
        self.wait_for_label()
        answer = self.instance.get("/1/user/Ann/similar-users")
        self.assertError(answer, 503)
        self.assertIsNone(answer.headers["ETag"])

    def test_the_rest_is_refused_and_comes_again(self):
        self.wait_for_label()
        for answer in (self.submit(), self.instance.get("/1/stats/user/Ann/releases?range=week"),
                       self.instance.get("/1/user/nobody/listens")):
            self.assertError(answer, 503)
            self.assertTrue(answer.headers["Retry-After"])


class HangingRedis(OutageTest):
    def measure(self, count=300):
        """The 99th percentile of reads, in ms."""
        times = []
        for number in range(count):
            began = time.monotonic()
            self.assertEqual(self.instance.get(PATHS[number % len(PATHS)]).status, 200)
            times.append((time.monotonic() - began) * 1000)
        return statistics.quantiles(times, n=100)[98]

    def test_costs_no_more_than_one_time_out(self):
        """Side by side: without Redis, then with one that hangs."""
        self.instance.stop_redis()
        without = self.measure()
        self.instance.start_redis()
        self.warm(PATHS[0])
        pid = self.instance.part_pid("redis")
        os.kill(pid, signal.SIGSTOP)
        try:
            hanging = self.measure()
            self.assertEqual(self.submit().status, 200)
            self.assertCounted()
        finally:
            os.kill(pid, signal.SIGCONT)
        print(f"     p99 {without:.1f} ms without Redis, {hanging:.1f} ms with one that hangs")
        self.assertLess(hanging, without + 60)
        harness.wait_for(lambda: "; hit; " in self.status(PATHS[0]), "Redis to be used again", 10)
        # It could not be told of the submission. Continued within a second it is believed until its
        # heartbeat ends, or the relay has told it.
        harness.wait_for(lambda: self.count() == self.listens, "Redis to know of it", BOUND_S)


class Babbler:
    """Takes connections and answers whatever it is told with nonsense."""

    def __init__(self, words):
        self.folder = tempfile.TemporaryDirectory(prefix="refrain-")
        os.chmod(self.folder.name, 0o711)
        self.path = pathlib.Path(self.folder.name) / "redis.sock"
        self.words = words
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(self.path))
        os.chmod(self.path, 0o777)
        self.server.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.server.accept()
                threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        with contextlib.suppress(OSError):
            while connection.recv(65536):
                connection.sendall(self.words)

    def close(self):
        self.server.close()
        self.folder.cleanup()


class BabblingRedis(harness.ApiTest):
    @classmethod
    def setUpClass(cls):
        cls.babbler = Babbler(b"HTTP/1.1 400 Bad Request\r\n\r\n*3\r\n$-9\r\n:x\r\n")
        cls.addClassCleanup(cls.babbler.close)
        cls.options = {"redis": f"unix://{cls.babbler.path}"}
        super().setUpClass()

    def test_is_no_redis(self):
        token = self.instance.token("Ann", "--public")
        body = {"listen_type": "single", "payload": [{
            "listened_at": NOW, "track_metadata": {"artist_name": "a", "track_name": "t"}}]}
        self.assertEqual(self.instance.post("/1/submit-listens", body, token=token).status, 200)
        for path in PATHS:
            answer = self.instance.get(path)
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.headers["Cache-Status"], "refrain; fwd=bypass; detail=redis-down")
        log = (self.instance.state / "log" / "serve-1.log").read_text()
        self.assertIn("redis-away", log)
