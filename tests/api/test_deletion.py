"""POST /1/delete-listen: gone at once from list, count and statistics, through every process, and
never back from a cache."""

import collections
import json
import pathlib
import random
import threading
import time

import fastcgi
import harness
import test_statistics

NOW = int(time.time())
DAY = 86400
LISTENS = 300
MSID = "d23f4719-9212-49f0-ad08-ddbfbfc50d6f"
OFFLINE = "We couldn't delete the listen. Please try again later."
TOTALS = {"artists": "total_artist_count", "releases": "total_release_count",
          "recordings": "total_recording_count"}


class DeletionTest(harness.ApiTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sockets = [pathlib.Path(cls.instance.state) / "sockets" / f"serve-{number}.sock"
                       for number in (1, 2)]

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1]
        self.token = self.instance.token(self.name)
        self.processes = [self.connect(path) for path in self.sockets]

    def connect(self, path):
        connection = fastcgi.Connection(path)
        self.addCleanup(connection.close)
        return connection

    def submit(self, listens):
        payload = [{"listened_at": at, "track_metadata": {
            "artist_name": artist, "track_name": track, "release_name": release}}
            for at, artist, track, release in listens]
        answer = self.instance.post("/1/submit-listens", {"listen_type": "import",
                                                          "payload": payload}, token=self.token)
        self.assertEqual(answer.status, 200, answer)

    def delete(self, at, msid, process=None):
        body = json.dumps({"listened_at": at, "recording_msid": msid}).encode()
        if process is None:
            answer = self.instance.post("/1/delete-listen", body, token=self.token)
        else:
            answer = process.ask("/1/delete-listen", method="POST", token=self.token, body=body)
        self.assertEqual((answer.status, json.loads(answer.body)), (200, {"status": "ok"}))

    def payload(self, process, path):
        """None for 204."""
        answer = process.ask(path, token=self.token)
        self.assertIn(answer.status, (200, 204), answer.body)
        return json.loads(answer.body)["payload"] if answer.status == 200 else None

    def listed(self, process):
        """{(second, msid): (second, artist, track, release)}"""
        rows = self.payload(process, f"/1/user/{self.name}/listens?count=1000")["listens"]
        return {(row["listened_at"], row["recording_msid"]): (
            row["listened_at"], *(row["track_metadata"][field] for field in
                                  ("artist_name", "track_name", "release_name"))) for row in rows}


class Exact(DeletionTest):
    def expected(self, kind, name, listens):
        fields = test_statistics.KINDS[kind]
        bounds = test_statistics.window(name, NOW)
        counts = collections.Counter()
        for at, artist, track, release in listens:
            if bounds is None or bounds[0] <= at < bounds[1]:
                row = {"artist_name": artist, "track_name": track, "release_name": release}
                counts[tuple(row[field] for field in fields)] += 1
        return counts

    def assertExact(self, listens):
        """List, count and all charts, through both processes, are what a plain count says."""
        for process in self.processes:
            self.assertEqual(sorted(self.listed(process).values()), sorted(listens))
            count = self.payload(process, f"/1/user/{self.name}/listen-count")["count"]
            self.assertEqual(count, len(listens))
            for kind, fields in test_statistics.KINDS.items():
                for name in test_statistics.RANGES:
                    counts = self.expected(kind, name, listens)
                    payload = self.payload(
                        process, f"/1/stats/user/{self.name}/{kind}?range={name}&count=1000")
                    found = {} if payload is None else {
                        tuple(row[field] for field in fields): row["listen_count"]
                        for row in payload[kind]}
                    self.assertEqual(found, dict(counts), f"{kind} of {name}")
                    if payload is not None:
                        self.assertEqual(payload[TOTALS[kind]], len(counts))

    def test_everything_after_each_deletion(self):
        random_of = random.Random(7)
        edges = [edge - 1 for name in test_statistics.RANGES
                 if (bounds := test_statistics.window(name, NOW)) for edge in bounds]
        times = [edge for edge in edges if edge < NOW]
        times += [NOW - random_of.randrange(800 * DAY) for _ in range(LISTENS)]
        listens = sorted({(at, f"artist {random_of.randrange(9)}", f"track {random_of.randrange(5)}",
                           f"release {random_of.randrange(2)}") for at in times})
        self.submit(listens)
        keys = {listen: key for key, listen in self.listed(self.processes[0]).items()}
        for _ in range(3):  # so that everything is cached, in Redis and in both processes
            self.assertExact(listens)
        for number, gone in enumerate(random_of.sample(listens, 16)):
            listens.remove(gone)
            self.delete(*keys[gone], self.processes[number % 2])
            self.assertExact(listens)
        self.submit([gone])
        self.assertExact([*listens, gone])

    def test_the_last_listen_of_all(self):
        listen = (NOW - 60, "artist", "track", "release")
        self.submit([listen])
        self.assertExact([listen])
        ((at, msid),) = self.listed(self.processes[1])
        self.delete(at, msid, self.processes[0])
        self.assertExact([])
        page = self.payload(self.processes[1], f"/1/user/{self.name}/listens")
        self.assertEqual((page["latest_listen_ts"], page["oldest_listen_ts"]), (0, 0))
        self.submit([listen])
        self.assertExact([listen])

    def test_another_track_of_the_same_second_stays(self):
        listens = [(NOW - 60, "artist", "track", "release"), (NOW - 60, "artist", "b", "release")]
        self.submit(listens)
        keys = {listen: key for key, listen in self.listed(self.processes[0]).items()}
        self.delete(*keys[listens[0]])
        self.assertExact(listens[1:])

    def test_what_is_not_there(self):
        listen = (NOW - 60, "artist", "track", "release")
        self.submit([listen])
        ((at, msid),) = self.listed(self.processes[0])
        for wrong in ((at + 1, msid), (at, MSID), (10 ** 30, msid), (-10 ** 30, msid)):
            self.delete(*wrong)
        other = self.instance.token("Somebody")
        answer = self.instance.post("/1/delete-listen",
                                    {"listened_at": at, "recording_msid": msid}, token=other)
        self.assertEqual(answer.status, 200, answer)
        self.assertExact([listen])

    def test_forms_of_the_body(self):
        for change in (lambda at, msid: {"listened_at": str(at), "recording_msid": msid},
                       lambda at, msid: {"listened_at": at + 0.9, "recording_msid": msid.upper()},
                       lambda at, msid: {"listened_at": at, "recording_msid": "{%s}" % msid,
                                         "other": None}):
            self.submit([(NOW - 60, "artist", "track", "release")])
            ((at, msid),) = self.listed(self.processes[0])
            answer = self.instance.post("/1/delete-listen", change(at, msid), token=self.token,
                                        headers={"Content-Type": "text/plain"})
            self.assertEqual((answer.status, answer.json()), (200, {"status": "ok"}))
            self.assertExact([])


class Reader(threading.Thread):
    """Reads pages through one process, and holds each against what had been deleted before."""

    def __init__(self, test, process):
        super().__init__()
        self.test = test
        self.process = process
        self.told = set()       # what has been deleted and answered: of all readers the same
        self.pages = 0
        self.failure = None
        self.is_over = threading.Event()

    def check(self):
        name = self.test.name
        gone = self.test.gone
        told = len(gone)        # before asking
        before = set(gone[:told])
        listed = set(self.test.listed(self.process))
        assert not listed & before, f"{listed & before} came back to the list"
        told = len(gone)
        before = {track for _, _, track in self.test.tracks[:told]}
        for query in ("range=all_time", "range=this_year", "range=year"):
            payload = self.test.payload(
                self.process, f"/1/stats/user/{name}/recordings?count=1000&{query}")
            seen = {row["track_name"] for row in payload["recordings"]} if payload else set()
            assert not seen & before, f"{seen & before} came back to the chart"
        told = len(gone)
        count = self.test.payload(self.process, f"/1/user/{name}/listen-count")["count"]
        most, least = LISTENS - told, LISTENS - self.test.begun
        assert least <= count <= most, f"{count} listens, not {least} to {most}"
        self.pages += 5

    def run(self):
        try:
            while not self.is_over.is_set():
                self.check()
        except Exception as failure:    # whatever it is, it belongs to the test's thread
            self.failure = failure


class Hammered(DeletionTest):
    DELETIONS = 120

    def test_what_is_deleted_is_never_seen_again(self):
        random_of = random.Random(11)
        listens = [(NOW - 60 - number * 2 * DAY, f"artist {number % 9}", f"track {number}",
                    "release") for number in range(LISTENS)]
        self.submit(listens)
        keys = {listen: key for key, listen in self.listed(self.processes[0]).items()}
        doomed = random_of.sample(listens, self.DELETIONS)
        self.tracks = [listen[:3] for listen in doomed]
        self.gone = []          # keys of what has been deleted and answered, in order
        self.begun = 0
        readers = [Reader(self, self.connect(path)) for path in self.sockets * 2]
        for reader in readers:
            reader.start()
        try:
            for number, listen in enumerate(doomed):
                self.begun += 1
                self.delete(*keys[listen], self.processes[number % 2])
                self.gone.append(keys[listen])
        finally:
            for reader in readers:
                reader.is_over.set()
            for reader in readers:
                reader.join()
        for reader in readers:
            if reader.failure is not None:
                raise reader.failure
            self.assertGreater(reader.pages, 20)
        for process in self.processes:
            self.assertEqual(len(self.listed(process)), LISTENS - self.DELETIONS)


class Refused(DeletionTest):
    def post(self, body, **options):
        options.setdefault("token", self.token)
        return self.instance.post("/1/delete-listen", body, **options)

    def test_wrong_bodies(self):
        for body, text in (
                (b"", "Cannot parse JSON document: …"),
                (b"{", "Cannot parse JSON document: …"),
                (b"[]", "Invalid JSON document submitted. Top level of JSON document should be a "
                        "json object."),
                ({}, "Listen timestamp missing."),
                ({"recording_msid": MSID}, "Listen timestamp missing."),
                ({"listened_at": "soon"}, "soon: Listen timestamp invalid."),
                ({"listened_at": None}, "null: Listen timestamp invalid."),
                ({"listened_at": [1], "recording_msid": "x"}, "[1]: Listen timestamp invalid."),
                ({"listened_at": 1}, "Recording MSID missing."),
                ({"listened_at": 1, "recording_msid": "xyz"},
                 "xyz: Recording MSID format invalid."),
                ({"listened_at": 1, "recording_msid": MSID[:-1]},
                 f"{MSID[:-1]}: Recording MSID format invalid."),
                ({"listened_at": 1, "recording_msid": None},
                 "null: Recording MSID format invalid.")):
            with self.subTest(str(body)):
                answer = self.post(body)
                self.assertError(answer, 400)
                self.assertTrue(answer.json()["error"].startswith(text.rstrip("…")), answer)
                if not text.endswith("…"):
                    self.assertEqual(answer.json()["error"], text)

    def test_a_long_value_is_cut(self):
        answer = self.post({"listened_at": "ü" * 1000})
        self.assertError(answer, 400)
        self.assertRegex(answer.json()["error"], "^ü{80}: Listen timestamp invalid.$")

    def test_authorisation_comes_first(self):
        for options, text in (
                ({"token": None}, "You need to provide an Authorization header."),
                ({"token": "x"}, "Invalid authorization token.")):
            self.assertError(self.post(b"{", **options), 401, text)

    def test_a_token_that_may_only_submit_and_read(self):
        self.instance.psql("update tokens set scopes = 3 where user_id = (select id from users "
                           f"where name = '{self.name}')")
        self.assertError(self.post({"listened_at": 1, "recording_msid": MSID}), 401,
                         "Insufficient scope.")

    def test_other_methods(self):
        self.assertError(self.instance.get("/1/delete-listen"), 405)

    def test_without_postgresql(self):
        listen = (NOW - 60, "artist", "track", "release")
        self.submit([listen])
        ((at, msid),) = self.listed(self.processes[0])
        self.instance.stop_part("postgresql")
        try:
            answer = self.post({"listened_at": at, "recording_msid": msid})
            self.assertError(answer, 503, OFFLINE)
        finally:
            self.instance.start_part("postgresql")
            harness.wait_for(lambda: all(self.instance.get("/readyz").status == 200
                                         for _ in range(20)), "all processes to be back")
        self.assertEqual(list(self.listed(self.connect(self.sockets[0])).values()), [listen])
        self.delete(at, msid)
        self.assertEqual(self.listed(self.connect(self.sockets[0])), {})
