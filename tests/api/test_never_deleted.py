"""A deleted listen that comes back from a cache: some reader has read it before it was deleted, and
is so slow that he keeps it afterwards."""

import collections
import itertools
import json
import os
import shutil
import threading
import time
import unittest

import failpoints
import fastcgi
import harness

NOW = int(time.time())
LAST_YEAR = time.struct_time((time.gmtime(NOW).tm_year - 1, 6, 1, 12, 0, 0, 0, 0, 0))
# Where the slow reader sleeps: with what PostgreSQL has told, before Redis is told that, and before
# what Redis tells is kept in memory.
POINTS = ("after_snapshot", "before_store", "before_keep")
VIEWS = ("/1/user/{}/listens?count=1000", "/1/user/{}/listen-count",
         "/1/stats/user/{}/recordings",
         "/1/stats/user/{}/recordings?range=year")
WATCH_S = 2  # longer than anything unverified is trusted
KEPT = 5

Case = collections.namedtuple("Case", "name token point view loss at msid")


def start(work):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


class Deleted(harness.ApiTest):
    @classmethod
    def setUpClass(cls):
        if not failpoints.are_built_in():
            raise unittest.SkipTest("built without --enable-failpoints")
        cls.folder = harness.temporary_folder()
        cls.folder.chmod(0o777)
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        os.environ["REFRAIN_FAILPOINTS"] = str(cls.folder)
        cls.addClassCleanup(os.environ.pop, "REFRAIN_FAILPOINTS")
        cls.orders = failpoints.Orders(cls.folder)
        super().setUpClass()

    def ask(self, process, path, token, **options):
        socket_path = self.instance.state / "sockets" / f"serve-{process}.sock"
        answer = fastcgi.ask_serve(socket_path, path, token=token, **options)
        self.assertIn(answer.status, (200, 204), answer.body)
        return answer

    def submit(self, token, *listens):
        body = {"listen_type": "import", "payload": [
            {"listened_at": at, "track_metadata": {"artist_name": "a", "track_name": track}}
            for at, track in listens]}
        self.assertEqual(self.instance.post("/1/submit-listens", body, token=token).status, 200)

    def msid_of(self, track, token):
        """Nothing is read for it, and so nothing cached."""
        body = {"listen_type": "playing_now", "payload": [
            {"track_metadata": {"artist_name": "a", "track_name": track}}]}
        answer = self.instance.post("/1/submit-listens?return_msid=true", body, token=token)
        return answer.json()["recording_msid"]

    def prepare(self, number, point, view, loss):
        """A listener whose values are in the memory of all processes, and one listen more."""
        name = f"listener{number}"
        token = self.instance.token(name)
        self.submit(token, *((calendar_s() + i, f"kept {i}") for i in range(KEPT)))
        for path, process in itertools.product(VIEWS, (1, 2)):
            harness.wait_for(lambda path=path.format(name), process=process: self.ask(
                process, path, token).header("Cache-Status").endswith("detail=l1"),
                f"{path} in L1")
        at = calendar_s() + 100
        self.submit(token, (at, "deleted"))
        return Case(name, token, point, view.format(name), loss, at,
                    self.msid_of("deleted", token))

    def has_it(self, answer):
        """Whether the deleted listen is in there."""
        if answer.status == 204:
            return False
        payload = json.loads(answer.body)["payload"]
        if "listens" not in payload and "recordings" not in payload:
            return payload["count"] != KEPT
        return b'"deleted"' in answer.body

    def delete(self, case, process):
        body = json.dumps({"listened_at": case.at, "recording_msid": case.msid}).encode()
        answer = self.ask(process, "/1/delete-listen", case.token, method="POST", body=body)
        self.assertEqual(json.loads(answer.body), {"status": "ok"})

    def assertGone(self, case, process, view):
        answer = self.ask(process, view.format(case.name), case.token)
        self.assertFalse(self.has_it(answer), f"{case} by serve-{process}: {answer.body}")

    def wait_for_hit(self, case, process, view):
        """Until the relay vouches for the listener, and the value is in Redis."""
        harness.wait_for(lambda: self.ask(process, view, case.token).header("Cache-Status")
                         .endswith(("detail=l1", "detail=l2")), f"a hit of {view}")

    def play(self, case):
        """Whether the slow reader had it in his hands."""
        self.wait_for_hit(case, 1, other_than(case.view).format(case.name))
        if case.point == "before_keep":
            self.wait_for_hit(case, 2, case.view)
        slow = []
        self.orders.give(case.point, "block once")
        reader = start(lambda: slow.append(self.ask(1, case.view, case.token)))
        try:
            harness.wait_for(lambda: self.orders.is_hit(case.point), case.point, 5)
            self.delete(case, process=2)
            for view in VIEWS:
                self.assertGone(case, 2, view)
            if case.loss == "flush":
                self.instance.redis("FLUSHALL")
            late = start(lambda: self.assertGoneLater(case))
        finally:
            self.orders.recall(case.point)
        reader.join()
        late.join()
        return self.has_it(slow[0])

    def assertGoneLater(self, case):
        """Who comes after the deletion must not share what the slow reader has read."""
        try:
            self.assertGone(case, 1, case.view)
        except AssertionError as error:
            self.late_errors.append(error)

    def test_it_does_not_come_back(self):
        self.late_errors = []
        combinations = itertools.product(POINTS, VIEWS, ("none", "flush"))
        cases = [self.prepare(number, *combination)
                 for number, combination in enumerate(combinations)]
        held = collections.Counter()
        for case in cases:
            with self.subTest(case.point, view=case.view, loss=case.loss):
                held[case.point] += self.play(case)
        end = time.monotonic() + WATCH_S
        while time.monotonic() < end:
            for case, process, view in itertools.product(cases, (1, 2), VIEWS):
                self.assertGone(case, process, view)
        self.assertEqual(self.late_errors, [])
        for point in POINTS:
            self.assertGreater(held[point], 0, f"nobody slept with it at {point}")


def other_than(view):
    return next(path for path in VIEWS if path.split("/{}")[1] not in view)


def calendar_s():
    """A second of the last complete year."""
    return int(time.mktime(LAST_YEAR)) - time.timezone
