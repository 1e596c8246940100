"""What a serve process keeps in its own memory: that it is used, and never for anything old."""

import json
import pathlib
import time
import urllib.request

import fastcgi
import harness

NOW = int(time.time())
COUNT = "/1/user/Ann/listen-count"
CHART = "/1/stats/user/Ann/artists"
PATHS = (COUNT, CHART, "/1/user/Ann/listens", "/1/stats/user/Ann/recordings?range=year")
FOLLOWS_S = 2  # what was changed otherwise than through the API
WRITES = 150


class Process:
    """A serve process. It ends a connection on which nothing comes."""

    def __init__(self, socket_path):
        self.socket_path = socket_path
        self.connection = None

    def ask(self, uri, **options):
        if self.connection is None:
            self.connection = fastcgi.Connection(self.socket_path)
        return self.connection.ask(uri, **options)

    def close(self):
        if self.connection is not None:
            self.connection.close()


class L1Test(harness.ApiTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.token = cls.instance.token("Ann", "--public")
        cls.submitted = 0
        cls.sockets = [pathlib.Path(cls.instance.state) / "sockets" / f"serve-{number}.sock"
                       for number in (1, 2)]

    def setUp(self):
        self.processes = [Process(path) for path in self.sockets]
        for process in self.processes:
            self.addCleanup(process.close)
        if self.submitted == 0:
            self.submit(self.processes[0])

    @classmethod
    def listen(cls):
        cls.submitted += 1
        return {"listen_type": "single", "payload": [{
            "listened_at": NOW - 5000 + cls.submitted,
            "track_metadata": {"artist_name": f"artist {cls.submitted % 7}",
                               "track_name": f"track {cls.submitted}"}}]}

    def submit(self, process):
        body = json.dumps(self.listen()).encode()
        answer = process.ask("/1/submit-listens", method="POST", token=self.token, body=body)
        self.assertEqual(answer.status, 200, answer.body)

    @staticmethod
    def detail(process, path, **options):
        return process.ask(path, **options).header("Cache-Status")

    def count(self, process):
        return json.loads(process.ask(COUNT).body)["payload"]["count"]

    def wait_for_l1(self, process, path, **options):
        seen = []

        def is_near():
            seen.append(self.detail(process, path, **options))
            return seen[-1].endswith("detail=l1")
        try:
            harness.wait_for(is_near, f"{path} in L1")
        except TimeoutError as error:
            self.fail(f"{error}; {', '.join(seen[-5:])}")


class Used(L1Test):
    def test_the_third_read_is_served_from_memory(self):
        for process in self.processes:
            for path in PATHS:
                with self.subTest(path):
                    self.wait_for_l1(process, path)
                    near = process.ask(path)
                    self.assertRegex(near.header("Cache-Status"),
                                     r"^refrain; hit; ttl=\d+; detail=l1$")
                    self.assertRegex(near.header("Age"), r"^\d+$")
                    far = self.instance.get(path)
                    self.assertEqual(near.body, far.body)
                    self.assertEqual(near.header("ETag"), far.headers["ETag"])

    def test_every_slice_is_cut_from_it(self):
        process = self.processes[0]
        whole = json.loads(process.ask(f"{CHART}?count=100").body)["payload"]["artists"]
        self.wait_for_l1(process, CHART)
        for offset in range(len(whole) + 2):
            answer = process.ask(f"{CHART}?count=2&offset={offset}")
            self.assertRegex(answer.header("Cache-Status"), "detail=l[12]$")
            self.assertEqual(json.loads(answer.body)["payload"]["artists"],
                             whole[offset:offset + 2])

    def test_it_is_counted(self):
        def scrape(name):
            with urllib.request.urlopen(self.instance.env["REFRAIN_METRICS_URL"]) as answer:
                lines = answer.read().decode().splitlines()
            return sum(float(line.split()[-1]) for line in lines if line.startswith(name))
        hits = 'refrain_cache_requests_total{view="history_count",outcome="hit_l1"}'
        before, counted = scrape(hits), 0
        while counted < 10:
            counted += self.detail(self.processes[0], COUNT).endswith("detail=l1")
        self.assertGreaterEqual(scrape(hits) - before, 10)
        self.assertGreater(scrape("refrain_cache_l1_entries"), 0)
        self.assertGreater(scrape("refrain_cache_l1_bytes"), 0)
        self.assertEqual(scrape("refrain_cache_l1_trusted_buckets"), 2 * 256)

    def test_who_may_not_see_it_does_not(self):
        owner = self.instance.token("Eve")
        stranger = self.instance.token("Mallory")
        process = self.processes[0]
        path = "/1/user/Eve/listen-count"
        self.wait_for_l1(process, path, token=owner)
        self.assertEqual(process.ask(path).status, 404)
        self.assertEqual(process.ask(path, token=stranger).status, 404)
        self.assertEqual(process.ask(path, token=owner).status, 200)
        self.instance.psql("update users set public = true where name = 'Eve'")
        harness.wait_for(lambda: process.ask(path).status == 200, "Eve to be seen", FOLLOWS_S)
        self.wait_for_l1(process, path)
        self.instance.psql("update users set public = false where name = 'Eve'")
        harness.wait_for(lambda: process.ask(path).status == 404, "Eve to be hidden", FOLLOWS_S)
        new = self.instance.refrain("user", "token", "Eve").stdout.split("token=")[1].strip()
        harness.wait_for(lambda: process.ask(path, token=owner).status == 404,
                         "the old token to be of no use", FOLLOWS_S)
        self.assertEqual(process.ask(path, token=new).status, 200)


class Fresh(L1Test):
    def test_a_write_is_seen_through_every_process_at_once(self):
        for number in range(WRITES):
            for process in self.processes:
                self.detail(process, COUNT)
                self.detail(process, COUNT)
            before = self.count(self.processes[0])
            self.submit(self.processes[number % 2])
            self.assertEqual(self.count(self.processes[(number + 1) % 2]), before + 1)
            self.assertEqual(self.count(self.processes[number % 2]), before + 1)

    def test_a_change_by_psql_is_seen(self):
        for process in self.processes:
            self.wait_for_l1(process, COUNT)
        before = self.count(self.processes[0])
        self.instance.psql("delete from listens where listened_at = (select max(listened_at) "
                           "from listens)")
        for process in self.processes:
            harness.wait_for(lambda process=process: self.count(process) == before - 1,
                             "the deletion", FOLLOWS_S)

    def test_listening_leaves_what_is_closed(self):
        process = self.processes[0]
        path = "/1/stats/user/Ann/artists?range=week"
        self.wait_for_l1(process, path)
        self.submit(process)
        self.assertRegex(self.detail(process, path), r"detail=l[12]$")
        self.wait_for_l1(process, path)


    def test_what_another_process_has_computed_is_a_hit(self):
        """Also of a closed window that a backdated listen has changed."""
        path = "/1/stats/user/Ann/artists?range=year"
        for process in self.processes:
            self.wait_for_l1(process, path)
        for number in range(4):
            listen = self.listen()
            listen["payload"][0]["listened_at"] = NOW - 370 * 86400 - number
            answer = self.processes[0].ask("/1/submit-listens", method="POST", token=self.token,
                                           body=json.dumps(listen).encode())
            self.assertEqual(answer.status, 200, answer.body)
            harness.wait_for(lambda: "hit" in self.detail(self.processes[0], path), "the chart")
            self.assertRegex(self.detail(self.processes[1], path), "detail=l2$")

    def test_versions_that_the_database_does_not_know_are_removed(self):
        """Even if they have come into L1 by a read that does not look at the wrong one."""
        process = self.processes[0]
        self.wait_for_l1(process, COUNT)
        key = self.instance.redis("--scan", "--pattern", "rf1v:*")
        epoch, live, past, auth = self.instance.redis("GET", key).split()
        self.instance.redis("SET", key, f"{epoch} {int(live) + 10 ** 7} {past} {auth}")
        self.wait_for_l1(process, "/1/stats/user/Ann/artists?range=year")
        harness.wait_for(lambda: "hit" in self.detail(process, COUNT), "a hit", FOLLOWS_S)


class Untrusted(L1Test):
    """Without what keeps it honest it is off."""

    def lose(self, part):
        for process in self.processes:
            self.wait_for_l1(process, COUNT)
        self.instance.stop_part(part)
        self.addCleanup(self.instance.start_part, part)

    def test_without_redis(self):
        self.lose("redis")
        before = self.count(self.processes[0])
        self.submit(self.processes[0])
        for process in self.processes:
            self.assertEqual(self.count(process), before + 1)
            self.assertEqual(self.detail(process, COUNT), "refrain; fwd=bypass; detail=redis-down")

    def test_without_a_worker(self):
        self.lose("worker")
        for process in self.processes:
            harness.wait_for(lambda process=process: "l1" not in self.detail(process, COUNT),
                             "L1 to be off", FOLLOWS_S)

    def test_a_flush(self):
        for process in self.processes:
            self.wait_for_l1(process, COUNT)
        before = self.count(self.processes[0])
        self.instance.redis("FLUSHALL")
        self.instance.psql("delete from listens where listened_at = (select max(listened_at) "
                           "from listens)")
        for process in self.processes:
            harness.wait_for(lambda process=process: self.count(process) == before - 1,
                             "the deletion", FOLLOWS_S)
            self.wait_for_l1(process, COUNT)

    def test_it_comes_back(self):
        self.lose("redis")
        self.instance.start_part("redis")
        for process in self.processes:
            self.wait_for_l1(process, COUNT)
            self.submit(process)
        self.assertEqual(self.count(self.processes[0]), self.count(self.processes[1]))


class Off(L1Test):
    options = {"settings": {"cache.l1_bytes": 0}}

    def test_nothing_is_kept(self):
        process = self.processes[0]
        harness.wait_for(lambda: self.detail(process, COUNT).endswith("detail=l2"), "a hit")
        for _ in range(20):
            self.assertRegex(self.detail(process, COUNT), "detail=l2$")
