"""The ListenBrainz contract, tests/contract/: Refrain keeps it, and what keeps it honest works.

With $WRITE_PAGE set, docs/listenbrainz-compatibility.md is made anew instead of compared.
"""

import http.server
import json
import os
import re
import subprocess
import sys
import threading
import unittest

import harness

CONTRACT = harness.TOP / "tests/contract"
PAGE = harness.TOP / "docs/listenbrainz-compatibility.md"
ROUTES = harness.TOP / "fcgi/service/routes.c"
# What Refrain adds, and no contract tells of.
ADDED = ("/1/cache/", "/1/export-listens", "/1/stats/release/{mbid}/listeners",
         "/1/stats/sitewide/daily-activity", "/1/stats/sitewide/genre-activity",
         "/1/stats/user/{name}/changes", "/1/stats/user/{name}/discoveries",
         "/1/stats/user/{name}/on-this-day", "/1/stats/user/{name}/sessions",
         "/1/stats/user/{name}/streaks", "/1/stats/user/{name}/summary", "/1/user/{name}/top/")
sys.path.insert(0, str(CONTRACT))

import cases
import client
import matching
import running


def run_contract(*arguments):
    return subprocess.run([CONTRACT / "run", *map(str, arguments)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=harness.DEADLINE_S * 5)


class Contract(harness.ApiTest):
    """One run of all cases, and what it has shown and left."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = harness.temporary_folder()
        instance = cls.instance
        tokens = [("--token", instance.token("Ann", "--public")),
                  ("--other-token", instance.token("Bob", "--public")),
                  ("--private-token", instance.token("Eve"))]
        cls.arguments = ["--url", instance.url, *(word for option in tokens for word in option)]
        cls.done = run_contract(*cls.arguments, "--server", "refrain", "--patience", 0, "--quiet",
                                "--json", cls.folder / "result.json",
                                "--write-page", cls.folder / "page.md")

    @classmethod
    def tearDownClass(cls):
        harness.shutil.rmtree(cls.folder)
        super().tearDownClass()

    def result(self):
        return json.loads((self.folder / "result.json").read_text())

    def test_every_case_passes(self):
        self.assertEqual(self.done.returncode, 0, self.done.stdout + self.done.stderr)
        result = self.result()
        self.assertEqual(result["passed"], len(list(cases.Tables().cases())))

    def test_nothing_is_left(self):
        self.assertEqual(self.result()["left_behind"], 0)
        for table in ("listens", "feedback", "follows", "playing_now"):
            with self.subTest(table):
                self.assertEqual(self.instance.psql(f"select count(*) from {table}"), "0")

    def test_the_page_is_what_the_cases_show(self):
        page = self.folder / "page.md"
        self.assertTrue(page.exists(), self.done.stdout[-2000:] + self.done.stderr)
        if "WRITE_PAGE" in os.environ:
            PAGE.write_text(page.read_text())
        self.assertEqual(PAGE.read_text(), page.read_text(),
                         "make it anew: WRITE_PAGE=yes tests/api/run test_contract.Contract")

    def test_by_the_contract_alone_the_differences_fail(self):
        result = self.result()
        differing = [case["name"] for case in result["cases"]
                     if case["family"] == "everywhere" and not case["meets_contract"]
                     and "private one" not in case["name"]]
        done = run_contract(*self.arguments, "--patience", 0, "everywhere")
        failed = [line[5:] for line in done.stdout.splitlines() if line.startswith("FAIL ")]
        self.assertEqual((failed, done.returncode), (differing, 1), done.stdout)

    def test_a_wrong_token_is_told(self):
        done = run_contract("--url", self.instance.url, "--token", "nobody's")
        self.assertEqual(done.returncode, 2)
        self.assertIn("does not know a token", done.stderr)


class Liar(http.server.BaseHTTPRequestHandler):
    """Says that every token is valid, with the wrong words, and to all else what is no JSON."""

    def do_GET(self):
        body = b'{"code": 200, "message": "Fine.", "valid": true, "user_name": "Ann"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body if "validate-token" in self.path else b"<html>")

    do_POST = do_GET

    def log_message(self, *_):
        pass


class Runner(unittest.TestCase):
    def test_what_is_wrong_fails(self):
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            url = f"http://127.0.0.1:{server.server_port}"
            done = run_contract("--url", url, "--token", "secret", "--patience", 0,
                                "validate-token: a valid token",
                                "validate-token: the stored name", "listen-count: a number")
            server.shutdown()
            thread.join()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("1 passed, 2 failed, 0 skipped", done.stdout)
        self.assertIn('body.message: "Fine." instead of "Token valid."', done.stdout)
        self.assertIn("the body is no JSON", done.stdout)
        self.assertIn("curl -i -H 'Authorization: Token '\"$TOKEN\"", done.stdout)
        self.assertNotIn("secret", done.stdout)

    def test_cases_are_listed(self):
        done = run_contract("--list", "validate-token: no token")
        self.assertEqual(done.stdout, "authorization: GET /1/validate-token: no token\n")


FITTING = (
    (1, 1), ("a", "a"), (None, None), (True, True), ("Cannot…", "Cannot do"), ([], []),
    ({"a": 1}, {"a": 1, "b": 2}), ({"a": {"b": [1, "$int"]}}, {"a": {"b": [1, 2]}}),
    ("$any", None), ("$int", 3), ("$number", 0.5), ("$text", ""), ("$list", []),
    ("$uuid", "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"), ({"$each": {"a": 1}}, [{"a": 1}]),
    ({"$has": 2}, [1, 2]), ({"$lacks": 3}, [1, 2]), ({"$length": 2}, [1, 2]),
    ({"$length": {"$max": 3}}, [1]), ({"$descends": "a"}, [{"a": 2}, {"a": 2}, {"a": 1}]),
    ({"$min": 1, "$max": 3}, 2), ({"$or": [None, "$int"]}, None), ({"$not": 1}, 2),
    ({"a": 1, "$absent": ["b"]}, {"a": 1}), ({"a": 1, "$only": ["b"]}, {"a": 1, "b": 2}),
    ({"$words": ["GET", "HEAD"]}, "HEAD, GET, OPTIONS"),
)
WRONG = (
    (1, 2), (1, True), (True, 1), (0, False), ("a", "ab"), ("Cannot…", "can"), ("…", ""),
    (None, 0),
    ([], [1]), ([1, 2], [2, 1]), ([1], {"0": 1}), ({"a": 1}, {}), ({"a": 1}, {"a": None}),
    ({"a": 1}, [1]), ("$int", True), ("$int", 1.0), ("$int", "1"), ("$number", "1"),
    ("$text", None), ("$uuid", "8F3471B5-7E6A-48DA-86A9-C1C07A0F47AE"), ("$object", []),
    ({"$each": "$int"}, [1, "a"]),
    ({"$each": 1}, {}), ({"$has": 3}, [1, 2]), ({"$lacks": 2}, [1, 2]), ({"$lacks": 2}, None),
    ({"$length": 1}, []), ({"$descends": "a"}, [{"a": 1}, {"a": 2}]), ({"$min": 3}, 2),
    ({"$max": 1}, 2), ({"$min": 1}, "2"), ({"$or": [None, 1]}, 2), ({"$not": "$int"}, 2),
    ({"$absent": ["b"]}, {"b": None}), ({"a": 1, "$only": []}, {"a": 1, "b": 2}),
    ({"$words": ["GET", "HEAD"]}, "GET, OPTIONS"),
)


class Tables(unittest.TestCase):
    def test_every_route_has_cases(self):
        told = {endpoint.title.rstrip("/") for family in cases.Tables().families
                for endpoint in family.endpoints}
        routes = re.findall(r'\{(HTTP_[A-Z_| ]+), "(/1/[^"]+)"', ROUTES.read_text())
        self.assertTrue(routes)
        for methods, path in routes:
            if not path.startswith(ADDED):
                for method in set(re.findall("HTTP_([A-Z]+)", methods)) - {"UPLOAD"}:
                    self.assertIn(f"{method} {path}", told)

    def test_every_difference_that_is_named_is_told(self):
        tables = cases.Tables()
        for difference in tables.differences.values():
            self.assertEqual(set(difference), {"what", "there", "here", "why"}, difference)


def answered(status, body, **headers):
    return client.Answer(status, {"Content-Type": "application/json", **headers}, body)


class Matching(unittest.TestCase):
    def test_patterns(self):
        for pattern, value in FITTING:
            with self.subTest(pattern=pattern, value=value):
                self.assertEqual(matching.match(pattern, value), [])
        for pattern, value in WRONG:
            with self.subTest(pattern=pattern, value=value):
                self.assertNotEqual(matching.match(pattern, value), [])

    def test_answers(self):
        good = answered(400, b'{"code": 400, "error": "No."}', Allow="GET")
        expected = {"status": [400, 500], "error": "No.", "headers": {"Allow": "GET", "ETag": None}}
        self.assertEqual(matching.check(expected, good), [])
        for wrong in (answered(404, good.body, Allow="GET"), answered(500, good.body, Allow="GET"),
                      answered(400, b'{"error": "No."}', Allow="GET"),
                      answered(400, b"", Allow="GET"), answered(400, good.body),
                      answered(400, good.body, Allow="GET", ETag='"1"'),
                      answered(400, good.body, **{"Allow": "GET", "Content-Type": "text/html"})):
            with self.subTest(vars(wrong)):
                self.assertNotEqual(matching.check(expected, wrong), [])

    def test_no_body(self):
        for expected, answer in (({"status": [200, 204], "json": {"a": 1}}, answered(204, b"")),
                                 ({"status": 200, "empty": True}, answered(200, b""))):
            self.assertEqual(matching.check(expected, answer), [])
        for expected, answer in (({"status": 200, "json": "$any"}, answered(200, b"")),
                                 ({"status": 200, "empty": True}, answered(200, b"{}"))):
            self.assertNotEqual(matching.check(expected, answer), [])


class Filling(unittest.TestCase):
    VALUES = {"listen": {"listened_at": "${t}",
                         "track_metadata": {"artist_name": "a", "track_name": "b"}},
              "single": {"listen_type": "single", "payload": [{"$like": "listen"}]}}

    def fill(self, table, **known):
        return cases.Filler(self.VALUES, {"t": 100, "user": "An/n", **known}).fill(table)

    def test_holes(self):
        self.assertEqual(self.fill(["${t}", "${t+5}", "${t-1}s", "${user}"]),
                         [100, 105, "99s", "An/n"])
        filler = cases.Filler({}, {"user": "An/n é"})
        self.assertEqual(filler.fill_path("GET /1/user/${user}/listens"),
                         "GET /1/user/An%2Fn%20%C3%A9/listens")
        with self.assertRaises(cases.Mistake):
            self.fill("${nothing}")

    def test_likeness(self):
        changed = {"track_metadata": {"$without": ["track_name"], "x": None}}
        self.assertEqual(
            self.fill({"$like": "single", "payload": [changed]}),
            {"listen_type": "single",
             "payload": [{"listened_at": 100, "track_metadata": {"artist_name": "a", "x": None}}]})
        self.assertEqual(self.fill({"$like": "single", "payload": []})["payload"], [])
        two = self.fill({"$like": "single", "payload": [{}, {"$like": "listen"}]})["payload"]
        self.assertEqual(two[0], two[1])

    def test_many(self):
        self.assertEqual(self.fill({"$times": 3, "text": "ab"}), "ababab")
        self.assertEqual(self.fill({"$times": 2, "item": ["${i}", "${t_i}"]}), [[0, 100], [1, 101]])

    def test_mistakes_in_tables_are_told(self):
        endpoint = cases.Endpoint("family", {}, {"endpoint": "GET /1/x", "cases": []})
        for table in ({"name": "no status"}, {"name": "a typo", "status": 200, "jsom": {}},
                      {"name": "no pattern", "status": 200, "json": {"a": ["$integer"]}},
                      {"name": "no condition", "status": 200, "json": {"a": {"$has-not": 1}}},
                      {"name": "no reason", "status": 200, "refrain": {"status": 404}},
                      {"name": "a step without one", "steps": [{"request": "GET /"}]}):
            with self.subTest(table["name"]), self.assertRaises(cases.Mistake):
                cases.Case(endpoint, table)


class Slow:
    """Stands for a server: gives the answers in turn, the last one for ever."""

    url = "http://slow"

    def __init__(self, *answers):
        self.answers = list(answers)

    def send(self, _request):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Waiting(unittest.TestCase):
    def run_case(self, patience_s, **step):
        tables = cases.Tables()
        case = next(tables.cases())
        case.steps = [{"request": "GET /1/x", "status": 200, "json": {"count": 1}, **step}]
        server = Slow(answered(200, b'{"count": 0}'), answered(200, b'{"count": 1}'))
        runner = running.Runner(tables, server, {"own": running.Account("Ann", "token")},
                                patience_s=patience_s, mark="test")
        return runner.run(case).word

    def test_what_is_written_may_be_seen_later(self):
        self.assertEqual(self.run_case(10, wait=True), "passed")
        self.assertEqual(self.run_case(0, wait=True), "failed")
        self.assertEqual(self.run_case(10), "failed")
        self.assertEqual(self.run_case(0, within=10), "passed")

    def test_a_server_that_is_asked_too_often_is_asked_again(self):
        server = client.Client("http://limited")
        answers = [answered(429, b"{}", **{"X-RateLimit-Reset-In": "0"}), answered(200, b"{}")]
        server.send_once = lambda _request: answers.pop(0)
        self.assertEqual(server.send(client.Request("GET", "/", {}, None)).status, 200)
