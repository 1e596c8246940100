"""Imports as jobs: uploads, who works on them, steps and reports."""

import json
import unittest
import uuid

import psql
import world

REPORT = ["id", "state", "file_name", "format", "size_bytes", "created", "started", "ended",
          "rows_total", "rows", "accepted", "duplicate", "skipped", "skipped_because",
          "refused_count", "rows_per_s", "seconds_left", "error", "refused"]


def upload(user, *pieces, name="history.jsonl"):
    job = open_upload(user, name)
    for number, data in enumerate(pieces):
        assert psql.value(psql.call("import_append", user.id, job, number, data)) == "t"
    assert psql.value(psql.call("import_submit", user.id, job)) == "t"
    return job


def open_upload(user, name="history.jsonl"):
    return int(psql.value(psql.call("import_open", user.id, name, None, 30000)))


def report(user, job):
    text = psql.row(psql.call("import_report", user.id, job))[4]
    return text and json.loads(text)


def text(user, job):
    return psql.row(psql.call("import_report_text", user.id, job))[4]


def listing(user, before=None, count=25):
    row = psql.row(psql.call("import_list", user.id, before, count))
    entries = json.loads(row[5])
    assert int(row[4]) == len(entries)
    return [entry["id"] for entry in entries]


def cancel(user, job):
    return psql.row(psql.call("import_cancel", user.id, job))[4]


def progress(rows, skipped=None, refused=(), refused_count=None, feedback=()):
    return json.dumps({"rows": rows, "skipped": skipped or {},
                       "refused_count": len(refused) if refused_count is None else refused_count,
                       "refused": refused, "feedback": feedback})


def step_call(user, job, from_row, told, listens=()):
    """import_step with the columns that listen_add would be given."""
    columns = world.listen_call(user.id, list(listens))
    head = psql.call("import_step", user.id, job, from_row, told)[:-1]
    return head + columns[columns.index(","):]


def step(user, job, from_row, told, listens=(), session=None):
    """How many were new."""
    return int((session or psql.shared()).row(step_call(user, job, from_row, told, listens))[0])


def resume(user, session, digest="d1", name="a.jsonl"):
    return tuple(map(int, session.row(
        psql.call("import_resume", user.id, name, digest, 10, None, 30000))))


class WithListener(unittest.TestCase):
    def setUp(self):
        self.user = world.add_user()
        self.track = world.track()
        world.add_tracks(self.track)

    def listens(self, count, at=1700000000):
        return [world.Listen(at + i, self.track) for i in range(count)]

    def session(self):
        session = psql.Session()
        self.addCleanup(session.close)
        return session

    def assertState(self, state, call):
        with self.assertRaises(psql.SqlError) as caught:
            psql.execute(call)
        self.assertEqual(caught.exception.state, state)


class Uploads(WithListener):
    def test_pieces_come_back_as_they_were_sent(self):
        job = upload(self.user, b"\x00\xff", b"second")
        pieces = [psql.rows(psql.call("import_piece", self.user.id, job, n)) for n in range(3)]
        self.assertEqual(pieces, [[("\\x00ff",)], [("\\x" + b"second".hex(),)], []])
        self.assertEqual(report(self.user, job)["size_bytes"], 8)
        self.assertEqual(report(self.user, job)["state"], "waiting")

    def test_what_was_broken_off_is_forgotten(self):
        job = open_upload(self.user)
        self.assertEqual(psql.value(psql.call("import_abandon", self.user.id, job)), "t")
        self.assertIsNone(report(self.user, job))
        for function in ("import_abandon", "import_submit"):
            self.assertEqual(psql.value(psql.call(function, self.user.id, job)), "f")
        self.assertEqual(
            psql.value(psql.call("import_append", self.user.id, job, 0, b"x")), "f")

    def test_twenty_at_a_time(self):
        jobs = [open_upload(self.user) for _ in range(20)]
        self.assertState("RF005", psql.call("import_open", self.user.id, "x", None, 0))
        self.assertEqual(cancel(self.user, jobs[7]), "cancelled")
        open_upload(self.user)

    def test_others_see_and_change_nothing(self):
        other, job = world.add_user(), upload(self.user, b"x")
        self.assertIsNone(report(other, job))
        self.assertIsNone(text(other, job))
        self.assertEqual(listing(other), [])
        self.assertIsNone(cancel(other, job))
        self.assertEqual(psql.rows(psql.call("import_piece", other.id, job, 0)), [])
        self.assertEqual(report(self.user, job)["state"], "waiting")
        psql.execute(psql.call("import_cancel", self.user.id, job))

    def test_nobody(self):
        self.assertState("RF001", psql.call("import_open", -1, "x", None, 0))
        self.assertState("RF001", psql.call("import_resume", -1, "x", "d", 1, None, 0))
        self.assertEqual(psql.row(psql.call("import_report", -1, 1)), (None,) * 5)

    def test_a_deleted_user_leaves_none(self):
        job = upload(self.user, b"x")
        psql.execute(psql.call("user_delete", self.user.key))
        for table, column in (("import_jobs", "id"), ("import_pieces", "job_id")):
            self.assertEqual(psql.value(
                f"select count(*) from refrain.{table} where {column} = {job}"), "0")

    def test_the_list_goes_from_the_newest_down(self):
        jobs = [open_upload(self.user) for _ in range(5)]
        self.assertEqual(listing(self.user), jobs[::-1])
        self.assertEqual(listing(self.user, jobs[3], 2), [jobs[2], jobs[1]])


class Claims(WithListener):
    def setUp(self):
        super().setUp()
        # Nobody else's upload comes first.
        psql.execute("update refrain.import_jobs set state = 'cancelled', ended_at = now() "
                     "where state in ('waiting', 'running')")

    def claim(self, session):
        rows = session.rows(psql.call("import_claim"))
        return int(rows[0][0]) if rows else None

    def test_each_goes_to_one_session(self):
        first, second = upload(self.user, b"1"), upload(self.user, b"2")
        a, b, c = (self.session() for _ in range(3))
        self.assertEqual([self.claim(a), self.claim(b), self.claim(c)], [first, second, None])

    def test_it_goes_on_where_a_session_has_ended(self):
        job = upload(self.user, b"1")
        with psql.Session() as first:
            self.assertEqual(self.claim(first), job)
            step(self.user, job, 0, progress(3), self.listens(3), first)
        second = self.session()
        rows = second.rows(psql.call("import_claim"))
        self.assertEqual((int(rows[0][0]), rows[0][-1]), (job, "3"))

    def claim_and_let_go(self, job, times):
        session = self.session()
        for _ in range(times):
            self.assertEqual(self.claim(session), job)
            session.rows(psql.call("import_release"))
            psql.execute("update refrain.import_jobs set retry_at = now() where attempts > 1")

    def test_what_comes_to_nothing_again_and_again_waits(self):
        job, session = upload(self.user, b"1"), self.session()
        for _ in range(3):
            self.assertEqual(self.claim(session), job)
            session.rows(psql.call("import_release"))
        self.assertIsNone(self.claim(session))
        pause = psql.value(f"select retry_at - run_at from refrain.import_jobs where id = {job}")
        self.assertEqual(pause, "00:01:00")
        step(self.user, job, 0, progress(3), self.listens(3))
        self.assertEqual(self.claim(session), job)

    def test_what_comes_to_nothing_five_times_is_given_up(self):
        job, other = upload(self.user, b"1"), upload(self.user, b"2")
        self.claim_and_let_go(job, 5)
        step(self.user, job, 0, progress(3), self.listens(3))
        self.claim_and_let_go(job, 5)
        self.assertEqual(report(self.user, job)["state"], "running")
        self.assertEqual(self.claim(self.session()), other)
        now = report(self.user, job)
        self.assertEqual((now["state"], now["rows"]), ("failed", 3))
        self.assertIn("given up after 5 tries", now["error"])
        self.assertEqual(psql.rows(psql.call("import_piece", self.user.id, job, 0)), [])

    def test_what_was_cancelled_is_not_taken(self):
        first, second = upload(self.user, b"1"), upload(self.user, b"2")
        cancel(self.user, first)
        self.assertEqual(self.claim(self.session()), second)

    def test_a_file_is_taken_up_again_until_it_is_done(self):
        with psql.Session() as first:
            job, rows = resume(self.user, first)
            self.assertEqual(rows, 0)
            step(self.user, job, 0, progress(2), self.listens(2), first)
            self.assertState("RF005", psql.call(
                "import_resume", self.user.id, "b.jsonl", "d1", 10, None, 30000))
        second = self.session()
        self.assertEqual(resume(self.user, second), (job, 2))
        self.assertNotEqual(resume(self.user, second, digest="d2")[0], job)
        psql.execute(psql.call("import_end", self.user.id, job, "done", None))
        self.assertEqual(second.rows(psql.call("import_take", self.user.id, job)), [])
        self.assertNotEqual(resume(self.user, second)[0], job)


class Steps(WithListener):
    def setUp(self):
        super().setUp()
        self.worker = self.session()
        self.job = resume(self.user, self.worker)[0]

    def counts(self):
        now = report(self.user, self.job)
        return tuple(now[key] for key in ("rows", "accepted", "duplicate", "skipped",
                                          "refused_count"))

    def test_all_rows_are_accounted_for(self):
        psql.execute(psql.call("import_tell", self.user.id, self.job, "a format", 9))
        refused = [{"row": 4, "file": "a.jsonl", "line": 7, "reason": "no \"time\""}]
        self.assertEqual(step(self.user, self.job, 0,
                              progress(6, {"shorter than 30 s": 2}, refused), self.listens(3)), 3)
        self.assertEqual(step(self.user, self.job, 6, progress(3, {"shorter than 30 s": 1}),
                              self.listens(2)), 0)
        self.assertEqual(self.counts(), (9, 3, 2, 3, 1))
        now = report(self.user, self.job)
        self.assertEqual(list(now), REPORT)
        self.assertEqual(now["skipped_because"], {"shorter than 30 s": 3})
        self.assertEqual(now["refused"], refused)
        self.assertEqual((now["format"], now["rows_total"]), ("a format", 9))
        self.ago(run_at="3 s", changed_at="0 s")
        self.assertEqual(text(self.user, self.job), f"""\
import {self.job}: running
file: a.jsonl
format: a format
rows: 9 of 9
accepted: 3
duplicate: 2
skipped: 3 (3 shorter than 30 s)
refused: 1
rate: 3.0 rows a second
time left: 0 s
a.jsonl:7: no "time"
""")
        self.assertEqual(world.differences(self.user), [])

    def test_a_step_stands_once(self):
        step(self.user, self.job, 0, progress(3), self.listens(3))
        for from_row in (0, 2, 4):
            self.assertState("RF006", step_call(self.user, self.job, from_row, progress(1),
                                                self.listens(1, at=1600000000)))
        self.assertEqual(self.counts(), (3, 3, 0, 0, 0))
        self.assertEqual(world.differences(self.user), [])

    def test_two_at_once_are_one(self):
        call = step_call(self.user, self.job, 0, progress(3, refused=[
            {"row": 3, "file": "f", "line": 3, "reason": "r"}]), self.listens(2))
        first, second = self.session(), self.session()
        first.rows("begin")
        first.rows(call)
        second.start(call)
        self.assertTrue(second.waits())
        first.rows("commit")
        with self.assertRaises(psql.SqlError) as caught:
            second.finish()
        self.assertEqual(caught.exception.state, "RF006")
        self.assertEqual(self.counts(), (3, 2, 0, 0, 1))

    def test_cancelled_meanwhile_it_comes_to_nothing(self):
        first = self.session()
        first.rows("begin")
        first.rows("select refrain.versions_lock(array[%d])" % self.user.id)
        second = self.session()
        second.start(step_call(self.user, self.job, 0, progress(3), self.listens(3)))
        self.assertTrue(second.waits())
        self.assertEqual(cancel(self.user, self.job), "cancelled")
        first.rows("commit")
        with self.assertRaises(psql.SqlError) as caught:
            second.finish()
        self.assertEqual(caught.exception.state, "RF006")
        self.assertEqual(self.counts(), (0, 0, 0, 0, 0))
        self.assertEqual(cancel(self.user, self.job), "cancelled")
        self.assertEqual(psql.value(
            psql.call("import_end", self.user.id, self.job, "done", None)), "f")

    def test_cancelling_does_not_wait_for_a_step(self):
        first = self.session()
        first.rows("begin")
        first.rows("select from refrain.users where id = %d for key share" % self.user.id)
        first.rows("select refrain.versions_lock(array[%d])" % self.user.id)
        self.assertEqual(cancel(self.user, self.job), "cancelled")
        first.rows("rollback")

    def test_deleted_meanwhile(self):
        first, second = self.session(), self.session()
        first.rows("begin")
        first.rows(step_call(self.user, self.job, 0, progress(3), self.listens(3)))
        second.start(psql.call("user_delete", self.user.key))
        self.assertTrue(second.waits())
        first.rows("commit")
        second.finish()
        self.assertState("RF001", step_call(self.user, self.job, 3, progress(1)))

    def test_ten_thousand_refusals_are_kept_and_all_counted(self):
        at = 0
        for rows in (9990, 30, 5):
            step(self.user, self.job, at, progress(rows, refused=[
                {"row": at + i + 1, "file": "f", "line": at + i + 1, "reason": "r"}
                for i in range(rows)]))
            at += rows
        self.assertEqual(self.counts(), (10025, 0, 0, 0, 10025))
        self.assertEqual([r["line"] for r in report(self.user, self.job)["refused"]],
                         list(range(1, 10001)))
        self.assertTrue(text(self.user, self.job).endswith(
            "\nf:10000: r\nrefused rows that are not named: 25\n"))

    def test_a_report_says_how_it_ended(self):
        psql.execute(psql.call("import_end", self.user.id, self.job, "failed", "cut\nshort"))
        now = report(self.user, self.job)
        self.assertEqual((now["state"], now["error"]), ("failed", "cut\nshort"))
        self.assertIsNotNone(now["ended"])
        self.assertIn("\nerror: cut?short\n", text(self.user, self.job))

    def ago(self, **columns):
        psql.execute("update refrain.import_jobs set " + ", ".join(
            f"{name} = now() - interval '{text}'" for name, text in columns.items())
                     + f" where id = {self.job}")

    def pace(self):
        now = report(self.user, self.job)
        return now["rows_per_s"], now["seconds_left"]

    def test_the_pace_is_that_of_who_is_at_it(self):
        psql.execute(psql.call("import_tell", self.user.id, self.job, "a format", 100))
        step(self.user, self.job, 0, progress(30))
        self.ago(run_at="10 s", changed_at="0 s")
        self.assertEqual(self.pace(), (3.0, 24))
        psql.execute(psql.call("import_end", self.user.id, self.job, "done", None))
        self.assertEqual(self.pace(), (3.0, None))

    def test_what_was_broken_off_has_no_pace(self):
        psql.execute(psql.call("import_tell", self.user.id, self.job, "a format", 100))
        step(self.user, self.job, 0, progress(30))
        self.ago(run_at="70 s", changed_at="60 s")
        self.worker.rows(psql.call("import_release"))
        self.assertEqual(self.pace(), (None, None))
        cancel(self.user, self.job)
        self.assertEqual(self.pace(), (3.0, None))

    def test_old_ones_are_purged(self):
        old, open_one = self.job, open_upload(self.user)
        kept = upload(self.user, b"x")
        psql.execute(psql.call("import_end", self.user.id, old, "done", None))
        psql.execute("update refrain.import_jobs set ended_at = now() - interval '91 days' "
                     f"where id = {old}")
        psql.execute("update refrain.import_jobs set changed_at = now() - interval '2 hours' "
                     f"where id in ({open_one}, {kept})")
        while int(psql.value(psql.call("import_purge"))) == 100:
            pass
        self.assertEqual(listing(self.user), [kept])


class Feedback(WithListener):
    def setUp(self):
        super().setUp()
        self.worker = self.session()
        self.job = resume(self.user, self.worker)[0]
        self.row = 0

    def tell(self, *feedback):
        count = step(self.user, self.job, self.row, progress(len(feedback), feedback=[
            dict(zip(("msid", "mbid", "score", "created"), f)) for f in feedback]))
        self.row += len(feedback)
        return count

    def known(self):
        return psql.rows("select recording_msid, recording_mbid, score, refrain.time_s(created_at) "
                         f"from refrain.feedback where user_id = {self.user.id} "
                         "order by created_at")

    def test_it_is_stored_with_its_time(self):
        before = self.user.versions()
        a, b, c = (str(uuid.uuid4()) for _ in range(3))
        self.assertEqual(self.tell((a, None, 1, 1000), (None, b, -1, 2000), (c, a, 1, 3000)), 3)
        self.assertEqual(self.known(), [(a, None, "1", "1000"), (None, b, "-1", "2000"),
                                        (c, a, "1", "3000")])
        self.assertGreater(self.user.versions()[0], before[0])
        self.assertEqual(self.tell((a, None, 1, 1000), (None, b, -1, 2000)), 0)
        now = report(self.user, self.job)
        self.assertEqual((now["rows"], now["accepted"], now["duplicate"]), (5, 3, 2))

    def test_the_newest_stands(self):
        a, b = str(uuid.uuid4()), str(uuid.uuid4())
        self.assertEqual(self.tell((a, None, 1, 1000), (a, None, -1, 3000), (a, None, 1, 2000)), 1)
        self.assertEqual(self.known(), [(a, None, "-1", "3000")])
        self.assertEqual(self.tell((a, None, 1, 2500)), 0)
        self.assertEqual(self.tell((a, b, 1, 4000)), 1)
        self.assertEqual(self.known(), [(a, b, "1", "4000")])
        self.assertEqual(self.tell((None, b, -1, 5000), (a, None, 1, 4500)), 1)
        self.assertEqual(self.known(), [(a, b, "-1", "5000")])

    def test_two_that_are_one(self):
        a, b = str(uuid.uuid4()), str(uuid.uuid4())
        self.tell((a, None, 1, 1000), (None, b, 1, 1000))
        self.assertEqual(self.tell((a, b, -1, 2000)), 1)
        self.assertEqual(self.known(), [(a, b, "-1", "2000")])

    def test_what_was_told_here_is_newer(self):
        a = str(uuid.uuid4())
        psql.execute(psql.call("feedback_set", self.user.id, a, None, 1))
        self.assertEqual(self.tell((a, None, -1, 1000)), 0)
        self.assertEqual(self.known()[0][2], "1")
