"""A deleted listen that comes back from a cache: some reader has read it before it was deleted, and
is so slow that he keeps it afterwards."""

import collections
import hashlib
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
# What Redis loses: nothing, the listener's versions beforehand, or everything afterwards.
LOSSES = ("none", "evicted", "flush")
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
        """A listener whose values are in the memory of all processes."""
        name = f"listener{number}"
        token = self.instance.token(name)
        self.submit(token, *((calendar_s() + i, f"kept {i}") for i in range(KEPT)))
        for path, process in itertools.product(VIEWS, (1, 2)):
            harness.wait_for(lambda path=path.format(name), process=process: self.ask(
                process, path, token).header("Cache-Status").endswith("detail=l1"),
                f"{path} in L1")
        return Case(name, token, point, view.format(name), loss, calendar_s() + 100,
                    self.msid_of("deleted", token))

    def has_it(self, answer):
        """Whether the deleted listen is in there."""
        if answer.status == 204:
            return False
        payload = json.loads(answer.body)["payload"]
        if "listens" not in payload and "recordings" not in payload:
            return payload["count"] != KEPT
        return b'"deleted"' in answer.body

    def delete(self, case):
        """By another process. Where Redis lacks versions that would bring them back; so there it
        is done by hand, and the relay tells Redis."""
        if case.loss == "evicted" and case.point != "before_keep":
            self.instance.psql("delete from listens using users where users.id = user_id and "
                               f"name = '{case.name}' and listened_at = to_timestamp({case.at})")
            harness.wait_for(lambda: self.instance.redis("EXISTS", self.key_of(case)) == "0",
                             "the relay to end the lease")
            return
        body = json.dumps({"listened_at": case.at, "recording_msid": case.msid}).encode()
        answer = self.ask(2, "/1/delete-listen", case.token, method="POST", body=body)
        self.assertEqual(json.loads(answer.body), {"status": "ok"})

    def assertGone(self, case, process, view):
        answer = self.ask(process, view.format(case.name), case.token)
        self.assertFalse(self.has_it(answer), f"{case} by serve-{process}: {answer.body}")

    def key_of(self, case):
        """Where Redis holds the listener's versions."""
        digest = hashlib.sha256(case.name.encode()).digest()
        return f"rf1v:{{{digest[0]}}}{digest[:16].hex()}"

    def wait_for_hit(self, case, process, view):
        """Until the relay vouches for the listener, and the value is in Redis."""
        harness.wait_for(lambda: self.ask(process, view, case.token).header("Cache-Status")
                         .endswith(("detail=l1", "detail=l2")), f"a hit of {view}")

    def play(self, case):
        """Whether the slow reader had it in his hands."""
        self.wait_for_hit(case, 1, case.view)
        self.submit(case.token, (case.at, "deleted"))
        if case.loss == "evicted" or case.point == "before_keep":
            self.wait_for_hit(case, 2, case.view)
        if case.loss == "evicted":
            self.assertEqual(self.instance.redis("DEL", self.key_of(case)), "1")
        slow, sleeps = [], threading.Event()
        self.orders.give(case.point, "block once")
        reader = start(lambda: slow.append(self.read_until(sleeps, case)))
        try:
            harness.wait_for(lambda: self.orders.is_hit(case.point), case.point, 5)
            sleeps.set()
            self.delete(case)
            if case.loss == "none":  # else a reader would mend what Redis has lost
                for view in VIEWS:
                    self.assertGone(case, 2, view)
                late = start(lambda: self.assertGoneLater(case))
            elif case.loss == "flush":
                self.instance.redis("FLUSHALL")
        finally:
            sleeps.set()
            self.orders.recall(case.point)
        reader.join()
        if case.loss == "none":
            late.join()
        for process, view in itertools.product((1, 2), VIEWS):
            self.assertGone(case, process, view)
        return self.has_it(slow[0])

    def read_until(self, sleeps, case):
        """The answer of the read that the failpoint has held up; memory may still serve others."""
        while True:
            answer = self.ask(1, case.view, case.token)
            if sleeps.is_set():
                return answer

    def assertGoneLater(self, case):
        """Who comes after the deletion must not share what the slow reader has read."""
        try:
            self.assertGone(case, 1, case.view)
        except AssertionError as error:
            self.late_errors.append(error)

    def test_it_does_not_come_back(self):
        self.late_errors = []
        combinations = itertools.product(POINTS, VIEWS, LOSSES)
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


def calendar_s():
    """A second of the last complete year."""
    return int(time.mktime(LAST_YEAR)) - time.timezone
