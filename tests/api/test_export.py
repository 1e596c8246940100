"""Exports over HTTP and by command: what is in them, to whom they go, and that half of one is never
taken for a whole."""

import datetime
import gzip
import http.client
import json
import os
import re
import signal
import subprocess
import threading
import urllib.parse

import harness

PATH = "/1/export-listens"
AT_S = 1_500_000_000
MSID = "0b7e1e5c-5a10-4f0a-9d52-0b3f6f3d6f10"
MBID = "3f6f7c1c-8a8e-4f0e-9a52-7d1b1a3d2e11"


def listen(at_s, track="Track", artist="Artist", **info):
    return {"listened_at": at_s, "track_metadata": {
        "track_name": track, "artist_name": artist, "additional_info": info}}


class ExportTest(harness.ApiTest):
    def setUp(self):
        self.name = f"listener {self.id()}"[-64:].strip()
        self.token = self.instance.token(self.name)

    def submit(self, *listens):
        for at in range(0, len(listens), 1000):
            body = {"listen_type": "import", "payload": listens[at:at + 1000]}
            answer = self.instance.post("/1/submit-listens", body, token=self.token)
            self.assertEqual(answer.status, 200, answer)

    def export(self, **options):
        answer = self.instance.get(PATH, token=self.token, **options)
        self.assertEqual(answer.status, 200, answer)
        return answer

    def lines(self):
        body = self.export().body
        self.assertEqual(body[-1:], b"\n" if body else b"")
        return [json.loads(line) for line in body.splitlines()]

    def fill(self, count):
        """So many listens of 10 KB."""
        self.submit(listen(AT_S, filler="".join(map(str, range(2500)))))
        self.instance.psql(
            "insert into listens (user_id, listened_at, recording_id, artist_id, release_id, info)"
            " select user_id, listened_at + i * interval '1 second', recording_id, artist_id,"
            f" release_id, info from listens l, generate_series(1, {count - 1}) i"
            f" where user_id = (select id from users where name = '{self.name}')")

    def begin(self):
        """An export of which nothing is read but the head. What is not read waits in the server."""
        connection = self.instance.connect()
        connection.request("GET", PATH, headers={"Authorization": f"Token {self.token}"})
        return connection, connection.getresponse()


class Export(ExportTest):
    def test_a_line_is_what_the_history_answers(self):
        self.submit(listen(AT_S + 5, "Later", tags=["a", "ö\n"], deep={"a": {"b": 1.50}}),
                    listen(AT_S, "One", release_mbid=MBID), listen(AT_S, "Other"))
        path = f"/1/user/{urllib.parse.quote(self.name)}/listens"
        told = self.instance.get(path, token=self.token).json()["payload"]["listens"]
        for entry in told:
            del entry["user_name"]
        lines = self.lines()
        self.assertEqual(lines, told[::-1])
        self.assertEqual([line["listened_at"] for line in lines], [AT_S, AT_S, AT_S + 5])

    def test_feedback_follows(self):
        self.submit(listen(AT_S))
        for body in ({"recording_msid": MSID, "score": 1}, {"recording_mbid": MBID, "score": -1}):
            self.instance.post("/1/feedback/recording-feedback", body, token=self.token)
        first, *rest = self.lines()
        self.assertIn("track_metadata", first)
        now_s = datetime.datetime.now().timestamp()
        for line in rest:
            self.assertLess(abs(line.pop("created") - now_s), 60)
        self.assertEqual(rest, [
            {"recording_msid": MSID, "recording_mbid": None, "score": 1},
            {"recording_msid": None, "recording_mbid": MBID, "score": -1}])

    def test_many_pages(self):
        self.submit(*(listen(AT_S + i // 3, f"Track {i}") for i in range(5000)))
        lines = self.lines()
        self.assertEqual(len({line["recording_msid"] for line in lines}), 5000)
        self.assertEqual([line["listened_at"] for line in lines],
                         [AT_S + i // 3 for i in range(5000)])

    def test_of_nothing(self):
        answer = self.export()
        self.assertEqual(answer.body, b"")
        self.assertEqual(answer.headers.get_content_type(), "application/x-ndjson")

    def test_headers(self):
        day = datetime.datetime.now(datetime.timezone.utc).date()
        headers = self.export().headers
        self.assertEqual(headers["Cache-Control"], "no-store")
        self.assertEqual(headers["Access-Control-Allow-Origin"], "*")
        self.assertRegex(headers["Content-Disposition"],
                         rf'^attachment; filename="refrain-listener_[^"]*-{day}\.jsonl"; '
                         rf"filename\*=UTF-8''refrain-listener_.*-{day}\.jsonl$")

    def test_any_name_makes_a_file_name(self):
        for name, plain, told in (
                ("Zoë Ü", "Zo___", "Zoë_Ü"), ('..\\"; a=b;', "..____a_b_", "..____a_b_"),
                ("a/b?c%2f*:<>|'", "a_b_c_2f______", "a_b_c_2f______"),
                ("𝄞" * 64, "_" * 50, "𝄞" * 50)):
            with self.subTest(name):
                token = self.instance.token(name)
                header = self.instance.get(PATH, token=token).headers["Content-Disposition"]
                match = re.fullmatch(
                    r'attachment; filename="refrain-([A-Za-z0-9._-]+)-\d{4}-\d\d-\d\d\.jsonl"; '
                    r"filename\*=UTF-8''([A-Za-z0-9._%-]+)", header)
                self.assertTrue(match, header)
                self.assertEqual(match[1], plain)
                file_name = urllib.parse.unquote(match[2], errors="strict")
                self.assertRegex(file_name, r"-\d{4}-\d\d-\d\d\.jsonl$")
                self.assertEqual(file_name[len("refrain-"):-len("-2026-11-23.jsonl")], told)
                self.assertLessEqual(len(file_name.encode()), 255)

    def test_whose_it_is(self):
        get = self.instance.get
        self.assertError(get(PATH), 401, "You need to provide an Authorization header.")
        self.assertError(get(PATH, token="nobody's"), 401, "Invalid authorization token.")
        self.instance.psql("update tokens set scopes = 5 where user_id ="
                           f" (select id from users where name = '{self.name}')")
        self.assertError(get(PATH, token=self.token), 401, "Insufficient scope.")

    def test_head(self):
        self.submit(listen(AT_S))
        answer = self.instance.request("HEAD", PATH, token=self.token)
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(answer.headers.get_content_type(), "application/x-ndjson")
        self.assertEqual(self.instance.request("HEAD", PATH).status, 401)

    def test_other_paths(self):
        self.submit(listen(AT_S))
        body = self.export().body
        for path in (PATH + "/", "/1" + PATH, "/apis/listenbrainz" + PATH, "/1//export-listens"):
            with self.subTest(path):
                self.assertEqual(self.instance.get(path, token=self.token).body, body)
        self.assertError(self.instance.post(PATH, {}, token=self.token), 405)

    def test_compressed(self):
        self.submit(*(listen(AT_S + i, f"Track {i}") for i in range(2000)))
        answer = self.export(headers={"Accept-Encoding": "gzip"})
        self.assertEqual(answer.headers["Content-Encoding"], "gzip")
        self.assertEqual(gzip.decompress(answer.body), self.export().body)

    def test_what_is_there_all_the_time_is_in_it_once(self):
        self.submit(*(listen(AT_S + 10 * i, f"Track {i}", filler="x" * 300)
                      for i in range(3000)))
        ended = threading.Event()

        def come_and_go():
            number = 0
            while not ended.is_set():
                number += 1
                passing = listen(AT_S + number * 7919 % 30000 // 10 * 10 + 5, "Passing")
                self.submit(passing)
                self.instance.psql("delete from listens where listened_at = "
                                   f"to_timestamp({passing['listened_at']})")

        thread = threading.Thread(target=come_and_go)
        thread.start()
        try:
            for _ in range(5):
                times = [line["listened_at"] for line in self.lines()]
                self.assertEqual(times, sorted(times))
                self.assertEqual([at for at in times if at % 10 == 0],
                                 [AT_S + 10 * i for i in range(3000)])
        finally:
            ended.set()
            thread.join()


class Broken(ExportTest):
    """Exports of 60 MB, so that most of them waits for the client."""

    options = {"serve": 1, "settings": {"http.stall_max_ms": 4500, "http.transfers": 2,
                                        "database.pool": 2}}
    count = 6000

    def setUp(self):
        super().setUp()
        self.fill(self.count)

    def assertCut(self, answer):
        with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
            answer.read()

    def test_whole(self):
        connection, answer = self.begin()
        self.assertEqual(answer.read().count(b"\n"), self.count)
        connection.close()

    def test_the_database_goes(self):
        connection, answer = self.begin()
        self.instance.stop_part("postgresql")
        try:
            self.assertCut(answer)
            connection.close()
            self.assertError(self.instance.get(PATH, token=self.token), 503)
        finally:
            self.instance.start_part("postgresql")
        harness.wait_for(lambda: self.instance.get("/readyz").status == 200, "the database")
        self.export()

    def test_the_process_dies(self):
        connection, answer = self.begin()
        os.kill(self.instance.part_pid("serve-1"), signal.SIGKILL)
        self.assertCut(answer)
        connection.close()
        self.instance.stop_part("serve-1")
        self.instance.start_part("serve-1")
        harness.wait_for(lambda: self.instance.get("/readyz").status == 200, "serve")

    def test_the_account_goes(self):
        connection, answer = self.begin()
        self.instance.refrain("user", "delete", self.name)
        self.assertCut(answer)
        connection.close()
        del self.instance.tokens[self.name]

    def test_curl_sees_it(self):
        command = ["curl", "-sS", "--compressed", "--limit-rate", "1M", "-H",
                   f"Authorization: Token {self.token}", "-o", "/dev/null",
                   self.instance.url + PATH]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as curl:
            harness.wait_for(lambda: self.instance.psql(
                "select count(*) from pg_stat_activity where query like '%export_listens%'") != "0",
                "the first page")
            self.instance.refrain("user", "delete", self.name)
            message = curl.communicate(timeout=harness.DEADLINE_S)[1]
            self.assertIn(curl.returncode, (18, 56), message)
        del self.instance.tokens[self.name]

    def test_a_server_that_stops_ends_what_is_under_way(self):
        connection, answer = self.begin()
        stop = threading.Thread(target=self.instance.stop_part, args=("serve-1",))
        stop.start()
        try:
            self.assertEqual(answer.read().count(b"\n"), self.count)
        finally:
            stop.join()
            connection.close()
            self.instance.start_part("serve-1")

    def test_who_stalls_holds_nothing_and_is_cut(self):
        begun = [self.begin() for _ in range(2)]
        try:
            harness.wait_for(lambda: self.instance.psql(
                "select count(*) from pg_stat_activity"
                " where application_name = 'refrain' and state <> 'idle'"
                " and query not like '%pg_stat%'") == "0", "no statement to run")
            # Both connections to the database are free, but both places for transfers are taken.
            for _ in range(20):
                path = f"/1/user/{urllib.parse.quote(self.name)}/listens?max_ts={AT_S + 5}"
                self.assertEqual(self.instance.get(path, token=self.token).status, 200)
            answer = self.instance.get(PATH, token=self.token)
            self.assertError(answer, 503)
            self.assertTrue(answer.headers["Retry-After"])
            # Their places are free again, both of them, without anybody having read on.
            for what in ("one place", "the other place"):
                harness.wait_for(lambda: self.instance.request(
                    "HEAD", PATH, token=self.token).status == 200, what)
                begun.append(self.begin())
            for _, answer in begun[:2]:
                self.assertCut(answer)
        finally:
            for connection, _ in begun:
                connection.close()


class Command(ExportTest):
    def setUp(self):
        super().setUp()
        self.folder = harness.temporary_folder()
        self.addCleanup(harness.shutil.rmtree, self.folder)

    def run_export(self, *arguments):
        return self.instance.refrain("export", "--user", self.name, *arguments, check=False)

    def test_the_same_as_over_http(self):
        self.submit(*(listen(AT_S + i, f"Träck {i}") for i in range(1500)))
        expected = self.export().body
        self.assertEqual(self.run_export().stdout.encode(), expected)
        path = self.folder / "out.jsonl"
        for _ in range(2):
            done = self.run_export("--output", path)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
            self.assertEqual(path.read_bytes(), expected)
            self.assertEqual(list(self.folder.iterdir()), [path])

    def test_of_nothing(self):
        path = self.folder / "out.jsonl"
        self.assertEqual(self.run_export("--output", path).returncode, 0)
        self.assertEqual(path.read_bytes(), b"")

    def test_a_file_is_never_half_an_export(self):
        self.fill(500)
        path = self.folder / "out.jsonl"
        path.write_text("before")
        command = ["sh", "-c", 'ulimit -f 1000; trap "" XFSZ; exec "$0" "$@"',
                   self.instance.state / "bin" / "refrain", "--config",
                   self.instance.env["REFRAIN_CONFIG"], "export", "--user", self.name,
                   "--output", path]
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=harness.DEADLINE_S)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, f"refrain: cannot write {path}: File too large\n")
        self.assertEqual(path.read_text(), "before")
        self.assertEqual(list(self.folder.iterdir()), [path])

    def test_standard_output_breaks(self):
        self.fill(500)
        command = [self.instance.state / "bin" / "refrain", "--config",
                   self.instance.env["REFRAIN_CONFIG"], "export", "--user", self.name]
        for shell, text in ((' | head -c 10 >/dev/null; exit ${PIPESTATUS[0]}', "Broken pipe"),
                            (' > /dev/full', "No space left on device")):
            with self.subTest(text):
                done = subprocess.run(["bash", "-c", '"$0" "$@"' + shell, *command],
                                      capture_output=True, text=True, timeout=harness.DEADLINE_S)
                self.assertEqual(done.returncode, 1)
                self.assertEqual(done.stderr,
                                 f"refrain: cannot write to standard output: {text}\n")

    def test_what_cannot_be(self):
        for arguments, status, text in (
                (("--user", "nobody"), 1, "there is no user 'nobody'"),
                (("--user", self.name, "--output", "/dev/null"), 1, "/dev/null is no regular file"),
                (("--user", self.name, "--output", "/nowhere/a"), 1, "No such file or directory"),
                (("--user", self.name, "--output"), 2, "--output needs a file"),
                (("--user", self.name, "file"), 2, "what is 'file'?"), ((), 2, "--user NAME")):
            with self.subTest(arguments):
                done = self.instance.refrain("export", *arguments, check=False)
                self.assertEqual(done.returncode, status, done)
                self.assertIn(text, done.stderr)
