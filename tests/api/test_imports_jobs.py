"""Imports as jobs: whatever happens to those who do them, each row is dealt with once."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import failpoints
import harness

STEP_ROWS = 40
ROWS = 600
PIECE_BYTES = 40000
SETTINGS = {"import.step_rows": STEP_ROWS}


def line(number):
    """Of ten rows one is bad, one is to be skipped, and one is the same as the one before."""
    if number % 10 == 7:
        return "{"
    at = 1600000000 + (number - 1 if number % 10 == 5 else number) * 40000
    row = {"listened_at": at, "track_metadata": {
        "artist_name": f"artist {at % 7}", "track_name": f"track {at % 31}",
        "release_name": f"release {at % 11}"}}
    return json.dumps({**row, "playing_now": True} if number % 10 == 8 else row)


def history(rows=ROWS):
    return "".join(line(number) + "\n" for number in range(rows)).encode()


def exact(rows=ROWS):
    """What a report says at the end."""
    tenth = rows // 10
    return {"rows": rows, "rows_total": rows, "accepted": rows - 3 * tenth, "duplicate": tenth,
            "skipped": tenth, "refused_count": tenth}


class Jobs(harness.ApiTest):
    options = {"settings": SETTINGS}

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

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1]
        self.token = self.instance.token(self.name)
        self.user = int(self.sql(f"select id from users where name = '{self.name}'"))
        self.addCleanup(self.orders.recall_all)

    def sql(self, statement):
        return self.instance.psql(statement)

    def upload(self, content=None, name="history.jsonl"):
        content = history() if content is None else content
        job = int(self.sql(f"select import_open({self.user}, '{name}', null, 30000)"))
        for number, at in enumerate(range(0, len(content), PIECE_BYTES)):
            piece = content[at:at + PIECE_BYTES].hex()
            self.sql(f"select import_append({self.user}, {job}, {number}, '\\x{piece}')")
        self.assertEqual(self.sql(f"select import_submit({self.user}, {job})"), "t")
        return job

    def report(self, job):
        text = self.sql(f"select report from import_report({self.user}, {job})")
        return json.loads(text) if text else None

    def cancel(self, job):
        return self.sql(f"select state from import_cancel({self.user}, {job})")

    def ended(self, job):
        """The report, once the import has ended."""
        def look():
            try:
                report = self.report(job)
            except RuntimeError:
                return None     # PostgreSQL is not back yet
            return report if report["ended"] is not None else None
        return harness.wait_for(look, f"import {job} to end")

    def worker_log(self):
        return "".join(path.read_text() for path in
                       sorted((self.instance.state / "log").glob("worker*.log*")))

    def kill_worker(self):
        os.kill(self.instance.part_pid("worker"), signal.SIGKILL)

    def hit(self, point):
        harness.wait_for(lambda: self.orders.is_hit(point), f"the failpoint {point}")

    def held_step(self):
        """A session of psql that keeps the listener's versions, and a step that waits for them."""
        self.orders.give("import_stepped", "block once")
        job = self.upload()
        self.hit("import_stepped")
        environment = {**os.environ, "PGOPTIONS": "-c search_path=refrain,public"}
        session = subprocess.Popen(["psql", "-qXAt", self.instance.env["DATABASE_URL"]],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True, env=environment)
        session.stdin.write(f"begin; select versions_lock(array[{self.user}]);\n")
        session.stdin.flush()
        session.stdout.readline()
        self.orders.recall("import_stepped")
        harness.wait_for(self.waiting_step, "a step that waits")
        return job, session

    def waiting_step(self):
        return self.sql("select pid from pg_stat_activity where wait_event_type = 'Lock' "
                        "and query like '%import_step%' and pid <> pg_backend_pid()")

    def shown_count(self):
        answer = self.instance.get(f"/1/user/{self.name}/listen-count", token=self.token)
        return answer.json()["payload"]["count"]

    def assertListens(self, count):
        self.assertEqual(int(self.sql(f"select count(*) from listens where user_id = {self.user}")),
                         count)
        self.assertEqual(self.sql(f"select * from verify_user({self.user})"), "")
        harness.wait_for(lambda: self.shown_count() == count, f"{count} listens to be shown")

    def assertExact(self, job):
        report = self.ended(job)
        self.assertEqual(report["state"], "done", report)
        self.assertEqual({key: report[key] for key in exact()}, exact())
        self.assertEqual([refused["line"] for refused in report["refused"]],
                         [n + 1 for n in range(ROWS) if n % 10 == 7])
        self.assertListens(report["accepted"])
        self.assertEqual(self.sql(f"select count(*) from import_pieces where job_id = {job}"), "0")


class Killed(Jobs):
    def killed_at(self, point, times):
        """The import comes to its end although the worker is killed there so often."""
        self.orders.give(point, "kill once")
        job = self.upload()
        self.hit(point)
        for _ in range(times - 1):
            self.orders.give(point, "kill once")
            self.hit(point)
        self.assertExact(job)

    def test_before_the_first_step(self):
        self.killed_at("import_claimed", 2)

    def test_between_reading_and_storing(self):
        self.killed_at("import_step", 2)

    def test_after_each_commit_before_its_answer_is_heeded(self):
        self.killed_at("after_commit", 5)

    def test_between_steps(self):
        self.killed_at("import_stepped", 3)

    def test_before_the_end_is_told(self):
        self.killed_at("import_end", 2)

    def test_after_the_end(self):
        self.killed_at("import_ended", 1)

    def test_inside_a_step(self):
        job, session = self.held_step()
        self.kill_worker()
        session.communicate("rollback;\n")
        self.assertExact(job)

    def test_the_servers_side_of_a_step(self):
        job, session = self.held_step()
        self.sql(f"select pg_terminate_backend({self.waiting_step()})")
        session.communicate("rollback;\n")
        self.assertExact(job)

    def test_a_crash_of_postgresql(self):
        job, session = self.held_step()
        os.kill(int(self.waiting_step()), signal.SIGKILL)
        session.communicate()
        self.assertExact(job)

    def test_postgresql_restarted(self):
        self.orders.give("import_stepped", "delay 50")
        job = self.upload()
        self.hit("import_stepped")
        self.instance.stop_part("postgresql")
        self.instance.start_part("postgresql")
        self.orders.recall("import_stepped")
        self.assertExact(job)


class Ended(Jobs):
    def test_a_worker_that_is_told_to_stop(self):
        self.orders.give("import_step", "delay 200")
        job = self.upload()
        self.hit("import_step")
        began = time.monotonic()
        self.instance.stop_part("worker")
        self.assertLess(time.monotonic() - began, 5)
        report = self.report(job)
        self.assertEqual(report["state"], "running")
        self.assertLess(report["rows"], ROWS)
        self.orders.recall("import_step")
        self.instance.start_part("worker")
        self.assertExact(job)

    def test_cancelled_before_it_began(self):
        self.instance.stop_part("worker")
        job = self.upload()
        self.assertEqual(self.cancel(job), "cancelled")
        self.instance.start_part("worker")
        other = self.upload(history(10), name="other.jsonl")
        self.ended(other)
        self.assertEqual(self.report(job)["state"], "cancelled")
        self.assertListens(exact(10)["accepted"])

    def test_cancelled_meanwhile(self):
        self.orders.give("import_stepped", "block once")
        job = self.upload()
        self.hit("import_stepped")
        self.assertEqual(self.cancel(job), "cancelled")
        self.orders.recall("import_stepped")
        harness.wait_for(lambda: f"event=import-ended job={job} result=not-found"
                         in self.worker_log(), "the worker to notice")
        report = self.report(job)
        self.assertEqual((report["state"], report["rows"]), ("cancelled", STEP_ROWS))
        self.assertListens(report["accepted"])

    def test_cancelled_after_it_was_done(self):
        job = self.upload()
        self.assertExact(job)
        self.assertEqual(self.cancel(job), "done")
        self.assertExact(job)

    def test_a_user_who_goes(self):
        self.orders.give("import_stepped", "block once")
        job = self.upload()
        self.hit("import_stepped")
        self.instance.refrain("user", "delete", self.name)
        self.orders.recall("import_stepped")
        for table, column, value in (("import_jobs", "id", job), ("import_pieces", "job_id", job),
                                     ("listens", "user_id", self.user)):
            harness.wait_for(lambda: self.sql(
                f"select count(*) from {table} where {column} = {value}") == "0", table)
        harness.wait_for(lambda: f"event=import-ended job={job} result=not-found"
                         in self.worker_log(), "the worker to notice")

    def test_what_is_no_history(self):
        for content, reason in ((b"just some words\n", "does not look like"),
                                (b"PK\3\4 and no more", "history.zip"),
                                (b"", "history.zip: the file is empty")):
            with self.subTest(content):
                report = self.ended(self.upload(content, name="history.zip"))
                self.assertEqual(report["state"], "failed")
                self.assertIn(reason, report["error"])
                self.assertNotRegex(report["error"], r"/(proc|tmp|var)\b")
        self.assertListens(0)

    def test_a_file_that_breaks_off_leaves_nothing(self):
        rows = "[" + ",".join(line(n) for n in range(ROWS) if n % 10 != 7)
        report = self.ended(self.upload(rows.encode(), name="cut.json"))
        self.assertEqual((report["state"], report["rows"], report["accepted"]), ("failed", 0, 0))
        self.assertIn("cut.json", report["error"])
        self.assertListens(0)

    def test_at_every_moment_in_between(self):
        query = """
            select (select count(*) from listens where user_id = {user}),
                   (select coalesce(sum(listens), 0) from totals
                    where user_id = {user} and period = 0),
                   (select accepted from import_jobs where id = {job}),
                   (select max(total) from history_count({user})),
                   (select count(*) from verify_user({user}))"""
        self.orders.give("import_stepped", "block once")
        job = self.upload()
        seen = set()
        for _ in range(5):
            self.hit("import_stepped")
            listens, counted, accepted, answered, wrong = map(
                int, self.sql(query.format(user=self.user, job=job)).split("|"))
            self.assertEqual((counted, accepted, answered, wrong), (listens, listens, listens, 0))
            harness.wait_for(lambda: self.shown_count() == listens, f"{listens} to be shown")
            seen.add(listens)
            self.orders.give("import_stepped", "block once")
        self.orders.recall("import_stepped")
        self.assertEqual(len(seen), 5)
        self.assertExact(job)


class Shared(Jobs):
    options = {"settings": SETTINGS, "workers": 2}

    def test_ten_jobs_are_done_once_each(self):
        self.orders.give("import_step", "delay 20")
        jobs = [self.upload(history(100), name=f"{n}.jsonl") for n in range(10)]
        reports = [self.ended(job) for job in jobs]
        self.assertEqual({report["state"] for report in reports}, {"done"})
        self.assertEqual(sum(report["accepted"] for report in reports), exact(100)["accepted"])
        self.assertEqual({report["rows"] for report in reports}, {100})
        self.assertListens(exact(100)["accepted"])
        log = self.worker_log()
        for job in jobs:
            self.assertEqual(len(re.findall(rf"import-started job={job}\b", log)), 1, job)
        logs = [path.read_text() for path in (self.instance.state / "log").glob("worker*.log")]
        self.assertTrue(all("event=import-started" in text for text in logs), logs)


    def test_two_that_both_believe_it_theirs(self):
        self.orders.give("import_stepped", "block once")
        job = self.upload()
        self.hit("import_stepped")
        holder = self.sql(f"select pid from pg_locks where locktype = 'advisory' and objid = {job}")
        self.sql(f"select pg_terminate_backend({holder})")
        harness.wait_for(lambda: len(re.findall(rf"import-started job={job}\b",
                                                self.worker_log())) == 2, "the other worker")
        self.orders.recall("import_stepped")
        self.assertExact(job)


class Command(Jobs):
    def setUp(self):
        super().setUp()
        self.path = self.folder / f"{self.name}.jsonl"
        self.path.write_bytes(history())

    def command(self, *arguments):
        return [self.instance.state / "bin" / "refrain", "--config",
                self.instance.env["REFRAIN_CONFIG"], "import", "--user", self.name,
                *(arguments or (self.path,))]

    def start(self, *arguments):
        return subprocess.Popen(self.command(*arguments), stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run_json(self, *files, status=0):
        done = subprocess.run(self.command("--json", *(files or (self.path,))),
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, status, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(document["count"], len(document["imports"]))
        return document["imports"], done.stderr

    def assertDone(self, report):
        self.assertEqual(report["state"], "done", report)
        self.assertEqual({key: report[key] for key in exact()}, exact())
        self.assertListens(exact()["accepted"])

    def test_killed_it_goes_on(self):
        for point in ("import_step", "after_commit", "import_stepped"):
            self.orders.give(point, "kill once")
            process = self.start()
            process.communicate()
            self.assertEqual(process.returncode, -signal.SIGKILL)
            self.orders.recall(point)
        (report,), said = self.run_json()
        self.assertIn(f"goes on after row {2 * STEP_ROWS}\n", said)
        self.assertDone(report)
        (again,), said = self.run_json()
        self.assertNotIn("goes on", said)
        self.assertEqual((again["accepted"], again["duplicate"]), (0, 8 * ROWS // 10))
        self.assertNotEqual(again["id"], report["id"])

    def test_interrupted_it_goes_on(self):
        self.orders.give("import_stepped", "block once")
        process = self.start()
        self.hit("import_stepped")
        process.send_signal(signal.SIGINT)
        self.orders.recall("import_stepped")
        _, said = process.communicate()
        self.assertEqual(process.returncode, 1)
        self.assertIn(f"broken off after row {STEP_ROWS}; the same command goes on from there",
                      said)
        (report,), _ = self.run_json()
        self.assertDone(report)

    def test_it_waits_for_postgresql(self):
        self.orders.give("import_stepped", "delay 50")
        process = self.start("--json", self.path)
        self.hit("import_stepped")
        self.instance.stop_part("postgresql")
        self.instance.start_part("postgresql")
        self.orders.recall("import_stepped")
        output, said = process.communicate()
        self.assertEqual(process.returncode, 0, said)
        self.assertIn("PostgreSQL does not answer", said)
        self.assertDone(json.loads(output)["imports"][0])

    def test_cancelled_it_ends(self):
        self.orders.give("import_stepped", "block once")
        process = self.start("--json", self.path)
        self.hit("import_stepped")
        job = self.sql(f"select max(id) from import_jobs where user_id = {self.user}")
        self.assertEqual(self.cancel(job), "cancelled")
        self.orders.recall("import_stepped")
        output, said = process.communicate()
        self.assertEqual(process.returncode, 1)
        self.assertIn("the import has ended meanwhile", said)
        report = json.loads(output)["imports"][0]
        self.assertEqual((report["state"], report["rows"]), ("cancelled", STEP_ROWS))
        self.assertListens(report["accepted"])

    def test_one_at_a_time(self):
        self.orders.give("import_stepped", "block once")
        process = self.start("--json", self.path)
        self.hit("import_stepped")
        (report,), said = self.run_json(status=1)
        self.assertIn("another process is importing this file", said)
        self.assertEqual(report["state"], "failed")
        self.orders.recall("import_stepped")
        output, said = process.communicate()
        self.assertEqual(process.returncode, 0, said)
        self.assertDone(json.loads(output)["imports"][0])

    def test_one_bad_file_among_good_ones(self):
        other, bad = self.folder / "other.jsonl", self.folder / "bad.txt"
        other.write_text(line(0))
        bad.write_text("words\n")
        reports, said = self.run_json(self.path, bad, self.folder / "missing", other, status=1)
        self.assertEqual([report["state"] for report in reports],
                         ["done", "failed", "failed", "done"])
        self.assertIn("bad.txt does not look like", reports[1]["error"])
        self.assertIn("No such file", reports[2]["error"])
        self.assertEqual(list(reports[2]), list(reports[0]))
        self.assertEqual((reports[2]["id"], reports[2]["file_name"], reports[2]["rows"],
                          reports[2]["refused"]), (None, "missing", 0, []))
        self.assertEqual(len(re.findall(r"^refrain: ", said, re.M)), 2)
        self.assertDone(reports[0])

    def test_love_and_hate_come_in_once_with_their_time(self):
        told = [{"recording_msid": f"{n:08x}-0000-8000-8000-000000000000", "recording_mbid": None,
                 "score": 1 - n % 2 * 2, "created": 1600000000 + n} for n in range(2 * STEP_ROWS)]
        self.path.write_text("".join(json.dumps(row) + "\n" for row in [json.loads(line(0)), *told]))
        self.orders.give("after_commit", "kill once")
        self.start().communicate()
        self.orders.recall("after_commit")
        for expected in ((2 * STEP_ROWS + 1, 0), (0, 2 * STEP_ROWS + 1)):
            (report,), _ = self.run_json()
            self.assertEqual((report["accepted"], report["duplicate"]), expected)
        self.assertEqual(
            self.sql("select recording_msid, score, time_s(created_at) from feedback "
                     f"where user_id = {self.user} order by created_at").splitlines(),
            [f"{row['recording_msid']}|{row['score']}|{row['created']}" for row in told])
        self.assertListens(1)

    def test_the_report_names_all_that_was_refused(self):
        report = self.folder / "report.txt"
        done = subprocess.run(self.command("--report", report, self.path), capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        named = re.findall(rf"^{self.name}\.jsonl:\d+: refused: .+$", done.stderr, re.M)
        self.assertEqual(len(named), 20)
        self.assertIn("--report FILE names the first 10,000\n", done.stderr)
        text = report.read_text()
        self.assertIn("\nrefused: 60\n", text)
        self.assertEqual(len(re.findall(rf"^{self.name}\.jsonl:\d+: .+$", text, re.M)), 60)
        self.assertRegex(done.stdout, rf"(?m)^{self.path}: skipped: 60 \(60 [^)]+\)$")
        self.assertRegex(done.stdout, r"(?m)^rows=600 accepted=420 duplicate=60 skipped=60 "
                                      r"refused=60 seconds=\S+ rate=\d+$")

    def test_a_report_that_cannot_be_written(self):
        done = subprocess.run(self.command("--report", self.folder / "no" / "such", self.path),
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No such file", done.stderr)
        self.assertListens(0)

    def test_what_cannot_be_read_twice(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        writer = subprocess.Popen(["sh", "-c", f"echo x > {pipe}"])
        (report,), _ = self.run_json(pipe, status=1)
        writer.wait()
        self.assertIn("can't be read more than once", report["error"])
