"""Files over HTTP: uploading them, and what is told of them. The worker is stopped, so that uploads
stay as they are; what one does is done by calls of its SQL functions."""

import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import urllib.parse

import harness

PATH = "/1/import-listens"
PIECE = 256 * 1024
MOST = 256 * 1024 * 1024
GONE = "Cannot find import: "
TRANSFERS = 4


class Importing(harness.ApiTest):
    options = {"serve": 1, "settings": {"http.transfers": TRANSFERS}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.instance.stop_part("worker")

    def setUp(self):
        self.token = self.instance.token("listener")
        self.instance.psql("delete from refrain.import_jobs")

    def upload(self, body=b"some bytes", query="", **options):
        return self.instance.post(PATH + query, body, token=self.token, **options)

    def submit(self, body=b"some bytes", query="", **options):
        answer = self.upload(body, query, **options)
        self.assertEqual(answer.status, 202, answer)
        return answer.json()["id"]

    def stored(self, job):
        """Size and digest of the pieces of an upload, as PostgreSQL has them."""
        return self.instance.psql(
            "select count(*), sum(length(data)), min(number), max(number), "
            "md5(string_agg(data, '' order by number)) "
            f"from refrain.import_pieces where job_id = {job}").split("|")

    def states(self):
        return self.instance.psql("select state from refrain.import_jobs order by id").split()

    def wait_for_nothing(self):
        harness.wait_for(lambda: self.states() == [] and self.instance.psql(
            "select count(*) from refrain.import_pieces") == "0", "the upload to be forgotten")


class Uploads(Importing):
    def test_pieces_are_the_file(self):
        for size in (1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 12345):
            body = os.urandom(size)
            job = self.submit(body)
            pieces = -(-size // PIECE)
            self.assertEqual(self.stored(job), [str(pieces), str(size), "0", str(pieces - 1),
                                                hashlib.md5(body).hexdigest()])

    def test_chunked(self):
        parts = [os.urandom(size) for size in (1, 70000, 300000, 5)]
        connection = self.instance.connect()
        connection.request("POST", PATH, body=iter(parts), encode_chunked=True,
                           headers={"Authorization": f"Token {self.token}",
                                    "Transfer-Encoding": "chunked"})
        job = json.loads(connection.getresponse().read())["id"]
        connection.close()
        self.assertEqual(self.stored(job)[4], hashlib.md5(b"".join(parts)).hexdigest())

    def test_what_is_told_of_the_file(self):
        job = self.submit(query="?file_name=m%C3%BC.json&source_user=clara&min_play=45")
        row = self.instance.psql("select state, file_name, source_user, play_min_ms, size_bytes "
                                 f"from refrain.import_jobs where id = {job}")
        self.assertEqual(row, "waiting|mü.json|clara|45000|10")
        job = self.submit(query="?file_name=&min_play=0")
        row = self.instance.psql("select file_name, source_user is null, play_min_ms "
                                 f"from refrain.import_jobs where id = {job}")
        self.assertEqual(row, "upload|t|0")
        job = self.submit()
        self.assertEqual(self.instance.psql(
            f"select play_min_ms from refrain.import_jobs where id = {job}"), "30000")

    def test_wrong_parameters(self):
        for query, text in (
                ("?min_play=x", "'min_play' should be a whole number of seconds from 0 to 86400."),
                ("?min_play=-1", None), ("?min_play=86401", None), ("?min_play=1.5", None),
                ("?file_name=a%0Ab", "'file_name' should be UTF-8 of 255 bytes at most, without "
                                     "control characters."),
                ("?file_name=%00", None), ("?file_name=%7F", None), ("?file_name=%FF", None),
                ("?file_name=" + 256 * "a", None),
                ("?source_user=" + 128 * "%C3%BC", None)):
            self.assertError(self.upload(query=query), 400, text)
        self.submit(query="?file_name=" + 255 * "a")
        self.submit(query="?min_play=86400")

    def test_no_token_no_scope(self):
        self.assertError(self.instance.post(PATH, b"x"), 401,
                         "You need to provide an Authorization header.")
        self.assertError(self.instance.post(PATH, b"x", token="00000000-0000-0000-0000-000000000000"),
                         401, "Invalid authorization token.")

    def test_content_types(self):
        for kind in ("multipart/form-data; boundary=x", "Multipart/mixed"):
            self.assertError(
                self.upload(headers={"Content-Type": kind}), 415,
                "The body should be the file itself, one a request, and no form: "
                "curl --data-binary @FILE, or curl -X POST -T FILE, sends it like that.")
        for kind in ("application/x-www-form-urlencoded", "application/zip", "text/csv", ""):
            self.submit(headers={"Content-Type": kind})

    def test_empty(self):
        self.assertError(self.upload(b""), 400, "The body is empty, but should be the file.")
        self.assertEqual(self.states(), [])

    def test_addresses(self):
        for path in ("/apis/listenbrainz/1/import-listens", "/1/import-listens/",
                     "//1//1/import-listens"):
            answer = self.instance.post(path, 3 * PIECE * b"x", token=self.token)
            self.assertEqual(answer.status, 202, answer)
        self.assertEqual(self.states(), 3 * ["waiting"])

    def test_limit_of_unfinished_imports(self):
        for _ in range(20):
            self.submit()
        answer = self.upload()
        self.assertError(answer, 409)
        self.assertIn("20", answer.json()["error"])
        first = self.instance.psql("select min(id) from refrain.import_jobs")
        self.assertEqual(self.instance.post(f"{PATH}/cancel/{first}", b"", token=self.token).status,
                         200)
        self.submit()

    def test_two_at_once(self):
        bodies = [os.urandom(5 * PIECE), os.urandom(7 * PIECE)]
        jobs = {}
        threads = [threading.Thread(
            target=lambda i=i: jobs.setdefault(i, self.submit(bodies[i]))) for i in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for i, body in enumerate(bodies):
            self.assertEqual(self.stored(jobs[i])[1], str(len(body)))


class Limits(Importing):
    def begin(self, headers):
        """A connection on which the head of an upload has been sent."""
        address = urllib.parse.urlsplit(self.instance.url)
        connection = socket.create_connection((address.hostname, address.port), harness.DEADLINE_S)
        lines = [f"POST {PATH} HTTP/1.1", "Host: localhost", f"Authorization: Token {self.token}",
                 *headers, "", ""]
        connection.sendall("\r\n".join(lines).encode())
        return connection

    def answer(self, connection):
        response = http.client.HTTPResponse(connection)
        response.begin()
        answer = harness.Response(response.status, response.headers, response.read())
        connection.close()
        return answer

    def test_too_large_by_its_length(self):
        answer = self.answer(self.begin([f"Content-Length: {MOST + 1}"]))
        self.assertError(answer, 413, f"The body has {MOST + 1} bytes, but may have {MOST} at most.")

    def test_too_large_for_nginx(self):
        answer = self.answer(self.begin([f"Content-Length: {2 * MOST}"]))
        self.assertError(answer, 413, f"The request body is too large, allowed are {MOST} bytes.")
        answer = self.instance.post("/1/submit-listens", 10400000 * b" ", token=self.token)
        self.assertError(answer, 413, "The request body is too large, allowed are 10240000 bytes.")

    def test_too_large_without_a_length(self):
        connection = self.begin(["Transfer-Encoding: chunked"])
        chunk = b"100000\r\n" + (1 << 20) * b"\0" + b"\r\n"
        for _ in range(256):
            connection.sendall(chunk)
        connection.sendall(b"1\r\nx\r\n0\r\n\r\n")
        self.assertError(self.answer(connection), 413,
                         f"The body has more than {MOST} bytes, which it may have at most.")
        self.wait_for_nothing()

    def test_cut_off(self):
        for sent in (0, 1, PIECE - 1, PIECE, 3 * PIECE + 7):
            connection = self.begin([f"Content-Length: {4 * PIECE}"])
            connection.sendall(sent * b"x")
            if sent > PIECE:
                harness.wait_for(lambda: self.states() == ["uploading"], "the upload to begin")
            connection.close()
            self.wait_for_nothing()
        connection = self.begin(["Transfer-Encoding: chunked"])
        connection.sendall(b"80000\r\n" + 2 * PIECE * b"x" + b"\r\n")
        harness.wait_for(lambda: self.states() == ["uploading"], "the upload to begin")
        connection.close()
        self.wait_for_nothing()

    def test_cancelled_meanwhile(self):
        connection = self.begin([f"Content-Length: {3 * PIECE}"])
        connection.sendall(PIECE * b"x")
        harness.wait_for(lambda: self.states() == ["uploading"], "the upload to begin")
        job = self.instance.psql("select id from refrain.import_jobs")
        self.instance.post(f"{PATH}/cancel/{job}", b"", token=self.token)
        connection.sendall(2 * PIECE * b"x")
        self.assertError(self.answer(connection), 409,
                         "The import was cancelled while its file was being uploaded.")
        self.assertEqual(self.states(), ["cancelled"])

    def test_all_places_are_taken(self):
        uploads = [self.begin([f"Content-Length: {2 * PIECE}"]) for _ in range(TRANSFERS)]
        for connection in uploads:
            connection.sendall(PIECE * b"x")
        harness.wait_for(lambda: len(self.states()) == TRANSFERS, "the uploads to begin")
        answer = self.upload()
        self.assertError(answer, 503, "As many uploads and downloads as this server takes at a "
                                      "time are under way. Please try again in a moment.")
        self.assertTrue(answer.headers["Retry-After"])
        for _ in range(50):
            answer = self.instance.get("/1/user/listener/listen-count", token=self.token)
            self.assertEqual(answer.status, 200)
        for connection in uploads:
            connection.sendall(PIECE * b"x")
            self.assertEqual(self.answer(connection).status, 202)
        harness.wait_for(lambda: self.upload().status == 202, "a place")

    def test_early_answers_reach_clients(self):
        with tempfile.NamedTemporaryFile() as file:
            file.truncate(50_000_000)
            for headers, status in ((["Authorization: Token nobody's"], 401),
                                    ([f"Authorization: Token {self.token}",
                                      "Content-Type: multipart/form-data"], 415)):
                for expect in ("Expect: 100-continue", "Expect:"):
                    self.assertEqual(self.curl(file.name, [*headers, expect]), status)
                self.assertEqual(self.python(file.name, headers), status)
            file.truncate(MOST + 1)
            for expect in ("Expect: 100-continue", "Expect:"):
                self.assertEqual(
                    self.curl(file.name, [f"Authorization: Token {self.token}", expect]), 413)

    def curl(self, path, headers):
        arguments = [word for header in headers for word in ("-H", header)]
        done = subprocess.run(["curl", "-sS", "-o", os.devnull, "-w", "%{http_code}", *arguments,
                               "-X", "POST", "-T", path, self.instance.url + PATH],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return int(done.stdout)

    def python(self, path, headers):
        """It sends all, and looks for an answer then."""
        connection = self.instance.connect()
        with open(path, "rb") as file:
            connection.request("POST", PATH, body=file,
                               headers=dict(header.split(": ", 1) for header in headers))
            status = connection.getresponse().status
        connection.close()
        return status

    def test_curl_takes_a_file(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(os.urandom(3 * PIECE + 1))
            file.flush()
            for arguments in (["--data-binary", f"@{file.name}"], ["-X", "POST", "-T", file.name],
                              ["-X", "POST", "-H", "Transfer-Encoding: chunked", "-T", file.name]):
                done = subprocess.run(
                    ["curl", "-sS", "-H", f"Authorization: Token {self.token}", *arguments,
                     self.instance.url + PATH], capture_output=True, text=True, check=True)
                self.assertEqual(self.stored(json.loads(done.stdout)["id"])[1], str(3 * PIECE + 1))

    def test_memory_is_constant(self):
        self.submit(8 * PIECE * b"x")
        before = self.peak()
        with tempfile.NamedTemporaryFile() as file:
            file.truncate(200_000_000)
            self.assertEqual(self.curl(file.name, [f"Authorization: Token {self.token}"]), 202)
        grown = self.peak() - before
        self.assertLess(grown, 20 * 1024, "KiB more at the peak of 200 MB")

    def peak(self):
        status = open(f"/proc/{self.instance.part_pid('serve-1')}/status").read()
        return int(status.split("VmHWM:")[1].split()[0])


class Outages(Importing):
    def test_serve_is_killed(self):
        limits = Limits("begin")
        limits.instance, limits.token = self.instance, self.token
        connection = limits.begin([f"Content-Length: {4 * PIECE}"])
        connection.sendall(2 * PIECE * b"x")
        harness.wait_for(lambda: self.states() == ["uploading"], "the upload to begin")
        os.kill(self.instance.part_pid("serve-1"), signal.SIGKILL)
        self.assertError(limits.answer(connection), 503)
        self.instance.stop_part("serve-1")
        self.instance.start_part("serve-1")
        self.assertEqual(self.states(), ["uploading"])
        self.instance.psql("update refrain.import_jobs set changed_at = now() - interval '61 min'")
        self.instance.psql("select refrain.import_purge()")
        self.wait_for_nothing()
        self.submit()

    def test_serve_stops(self):
        limits = Limits("begin")
        limits.instance, limits.token = self.instance, self.token
        connection = limits.begin([f"Content-Length: {40 * PIECE}"])
        connection.sendall(2 * PIECE * b"x")
        harness.wait_for(lambda: self.states() == ["uploading"], "the upload to begin")
        os.kill(self.instance.part_pid("serve-1"), signal.SIGTERM)
        try:
            connection.sendall(38 * PIECE * b"x")
        except OSError:
            pass
        self.assertError(limits.answer(connection), 503)
        self.wait_for_nothing()
        self.instance.stop_part("serve-1")
        self.instance.start_part("serve-1")

    def test_database_is_away(self):
        limits = Limits("begin")
        limits.instance, limits.token = self.instance, self.token
        connection = limits.begin([f"Content-Length: {3 * PIECE}"])
        connection.sendall(PIECE * b"x")
        harness.wait_for(lambda: self.states() == ["uploading"], "the upload to begin")
        self.instance.stop_part("postgresql")
        connection.sendall(2 * PIECE * b"x")
        answer = limits.answer(connection)
        self.assertError(answer, 503)
        self.assertTrue(answer.headers["Retry-After"])
        answer = self.upload()
        self.assertError(answer, 503)
        self.instance.start_part("postgresql")
        self.assertEqual(self.states(), ["uploading"])
        harness.wait_for(lambda: self.upload().status == 202, "PostgreSQL to be believed again")


class Reports(Importing):
    options = {**Importing.options, "serve": 2}

    def report(self, job, query="", token=None):
        return self.instance.get(f"{PATH}/{job}{query}", token=token or self.token)

    def test_report(self):
        job = self.submit(query="?file_name=x.json")
        report = self.report(job).json()
        self.assertEqual((report["id"], report["state"], report["file_name"], report["size_bytes"],
                          report["rows"], report["refused"]),
                         (job, "waiting", "x.json", 10, 0, []))
        self.assertEqual(self.report(job).headers["Cache-Control"], "no-store")
        self.assertEqual(self.report(job, "?format=json").json(), report)
        text = self.report(job, "?format=text")
        self.assertEqual(text.headers["Content-Type"], "text/plain; charset=utf-8")
        self.assertIn(b"x.json", text.body)
        self.assertError(self.report(job, "?format=xml"), 400,
                         "'format' should be 'json' or 'text'.")

    def test_nobody_elses(self):
        other = self.instance.token("other")
        job = self.submit()
        for id in (job + 1000, "x", "-1", "99999999999999", f"{job}/x"):
            self.assertError(self.report(id), 404, f"{GONE}{id}")
            self.assertError(self.instance.post(f"{PATH}/cancel/{id}", b"", token=self.token), 404,
                             f"{GONE}{id}")
        self.assertError(self.report(job, token=other), 404, f"{GONE}{job}")
        self.assertError(self.report(job, "?format=text", token=other), 404, f"{GONE}{job}")
        self.assertError(self.instance.post(f"{PATH}/cancel/{job}", b"", token=other), 404,
                         f"{GONE}{job}")
        self.assertEqual(self.instance.get(PATH, token=other).json(), {"count": 0, "imports": []})
        self.assertEqual(self.states(), ["waiting"])

    def test_list(self):
        jobs = [self.submit() for _ in range(5)][::-1]
        for path in (PATH, f"{PATH}/list", f"{PATH}/list/"):
            listed = self.instance.get(path, token=self.token).json()
            self.assertEqual(listed["count"], 5)
            self.assertEqual([entry["id"] for entry in listed["imports"]], jobs)
        for query, expected in (("?count=2", jobs[:2]), (f"?before={jobs[1]}", jobs[2:]),
                                (f"?count=1&before={jobs[3]}", jobs[4:]), ("?count=0", []),
                                ("?before=0", []), ("?before=99999999999", jobs)):
            listed = self.instance.get(PATH + query, token=self.token).json()
            self.assertEqual([entry["id"] for entry in listed["imports"]], expected, query)
        self.assertError(self.instance.get(PATH + "?count=x", token=self.token), 400,
                         "'count' should be a non-negative integer")
        self.assertError(self.instance.get(PATH + "?before=-1", token=self.token), 400,
                         "'before' should be the id of an import")

    def test_cancel(self):
        job = self.submit()
        for _ in range(2):
            answer = self.instance.post(f"{PATH}/cancel/{job}", b"", token=self.token)
            self.assertEqual((answer.status, answer.json()), (200, {"status": "ok"}))
        self.assertEqual(self.report(job).json()["state"], "cancelled")
        self.assertEqual(self.stored(job)[0], "0")
        job = self.submit()
        self.instance.psql(f"update refrain.import_jobs set state = 'done' where id = {job}")
        self.assertError(self.instance.post(f"{PATH}/cancel/{job}", b"", token=self.token), 409,
                         "The import has ended already: it is done.")

    def test_scopes(self):
        job = self.submit()
        account = self.instance.psql("select id from refrain.users where name = 'listener'")
        scopes = {1: (202, 200, 200), 2: (401, 200, 401), 4: (401, 401, 401)}
        for bits, expected in scopes.items():
            self.instance.psql(f"update refrain.tokens set scopes = {bits} "
                               f"where user_id = {account}")
            try:
                harness.wait_for(lambda: self.upload().status == expected[0], f"scopes {bits}")
                got = (self.report(job).status,
                       self.instance.post(f"{PATH}/cancel/{job}", b"", token=self.token).status)
                self.assertEqual(got, expected[1:], f"scopes {bits}")
            finally:
                self.instance.psql(f"update refrain.tokens set scopes = 7 "
                                   f"where user_id = {account}")
        harness.wait_for(lambda: self.upload().status == 202, "all scopes")


class Shown(harness.ApiTest):
    """What a report counts is what reads count, through every process."""

    def test_what_a_report_counts_is_read_next(self):
        token = self.instance.token("listener")
        self.instance.post("/1/submit-listens", {"listen_type": "single", "payload": [{
            "listened_at": 1600000000,
            "track_metadata": {"artist_name": "Lili Boulanger", "track_name": "Nocturne"}}]},
            token=token)
        job = self.instance.psql(
            "insert into refrain.import_jobs (user_id, state, is_upload, file_name, play_min_ms) "
            "select id, 'running', false, 'x', 0 from refrain.users where name = 'listener' "
            "returning id")
        for row in range(20):
            for _ in range(8):  # both processes have it in memory
                self.assertEqual(self.count(token), 1 + row)
            self.instance.psql(self.step(job, row))
            report = self.instance.get(f"{PATH}/{job}", token=token).json()
            self.assertEqual(report["accepted"], row + 1)
            for _ in range(4):
                self.assertEqual(self.count(token), 2 + row)

    def count(self, token):
        answer = self.instance.get("/1/user/listener/listen-count", token=token)
        return answer.json()["payload"]["count"]

    def step(self, job, row):
        """The listen once more, later, as one of an import."""
        return (
            f"select refrain.import_step(user_id, {job}, {row}, "
            "'{\"rows\": 1, \"skipped\": {}, \"refused_count\": 0, \"refused\": [], \"feedback\": []}', "
            f"array[{1700000000 + row}]::bigint[], array[recording_id], array[artist_id], "
            "array[release_id], array[null]::text[], array[null]::text[], array[null]::text[], "
            "array[null]::bigint[], array[null]::text[], array[null]::text[], array[null]::text[]) "
            "from refrain.listens order by listened_at limit 1")
