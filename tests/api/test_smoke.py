"""What every answer has in common, whoever makes it: serve or nginx."""

import concurrent.futures
import os
import socket
import unittest
import urllib.parse
from unittest import mock

import harness


class Smoke(harness.ApiTest):
    def test_healthz(self):
        answer = self.instance.get("/healthz")
        self.assertEqual(answer.status, 200, answer)

    def test_readyz(self):
        answer = self.instance.get("/readyz")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers.get_content_type(), "application/json")

    def test_readyz_without_redis(self):
        self.instance.stop_redis()
        self.addCleanup(self.instance.start_redis)
        self.assertEqual(self.instance.get("/readyz").status, 200)

    def test_home_page(self):
        answer = self.instance.get("/")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers.get_content_type(), "text/html")
        self.assertIn("frame-ancestors 'none'", answer.headers["Content-Security-Policy"])
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")

    def test_dashboard(self):
        self.assertEqual(self.instance.get("/dashboard/").status, 200)

    def test_unknown_path_of_the_api(self):
        for path in ("/1/no-such-thing", "/1", "/1/", "/apis/listenbrainz/1/no-such-thing",
                     "/apis/listenbrainz", "/apis/listenbrainz/apis/web/v1/stats",
                     "/1/apis/web/v1/stats", "/1/user//listens"):
            with self.subTest(path):
                self.assertError(self.instance.get(path), 404)

    def test_unknown_path_elsewhere(self):
        for path in ("/no-such-thing", "/apis/web/v1/stats", "/apis/", "/metrics"):
            with self.subTest(path):
                self.assertError(self.instance.get(path), 404)

    def test_wrong_method(self):
        answer = self.instance.request("DELETE", "/1/submit-listens")
        self.assertError(answer, 405)
        self.assertIn("POST", answer.headers["Allow"])

    def test_wrong_methods_everywhere(self):
        for path in ("/1/submit-listens", "/1/user/nobody/listens", "/1/playing-now/delete", "/",
                     "/style.css"):
            for method in ("PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "NONSENSE"):
                with self.subTest(f"{method} {path}"):
                    self.assertError(self.instance.request(method, path), 405)

    def test_head_is_get_without_the_body(self):
        token = self.instance.token()
        for path in ("/1/validate-token", "/1/user/listener/listens",
                     "/1/user/listener/playing-now", "/1/user/nobody/listens", "/healthz"):
            with self.subTest(path):
                get = self.instance.get(path, token=token)
                head = self.instance.request("HEAD", path, token=token)
                self.assertEqual((head.status, head.body), (get.status, b""))
                for name in ("Content-Length", "Content-Type", "Access-Control-Allow-Origin"):
                    self.assertEqual(head.headers[name], get.headers[name])

    def test_a_get_with_a_body(self):
        for path in ("/1/validate-token", "/1/user/listener/listens",
                     "/1/user/listener/playing-now", "/1/stats/user/listener/artists"):
            with self.subTest(path):
                answer = self.instance.request("GET", path, b"{}", token=self.instance.token(),
                                               headers={"Content-Type": "text/plain"})
                self.assertIn(answer.status, (200, 204))

    def test_a_range_beyond_the_end(self):
        answer = self.instance.get("/style.css", headers={"Range": "bytes=999999999-"})
        self.assertError(answer, 416)

    def test_wrong_method_of_a_page(self):
        answer = self.instance.post("/style.css", b"{}")
        self.assertError(answer, 405)
        self.assertEqual(answer.headers["Allow"], "GET, HEAD")

    def test_options(self):
        for path in ("/1/submit-listens", "/1/validate-token", "/1/user/nobody/listens",
                     "/1/user/nobody/playing-now", "/1/delete-listen", "/1/latest-import", "/1",
                     "/", "/apis/listenbrainz/1/submit-listens/"):
            with self.subTest(path):
                answer = self.instance.request("OPTIONS", path)
                self.assertEqual(answer.status, 200, answer)
                self.assertEqual(answer.body, b"")
                self.assertIn("OPTIONS", answer.headers["Allow"])
                self.assertEqual(answer.headers.get_all("Access-Control-Allow-Origin"), ["*"])
                self.assertEqual(answer.headers["Access-Control-Allow-Methods"],
                                 answer.headers["Allow"])
                self.assertEqual(answer.headers["Access-Control-Allow-Headers"],
                                 "Authorization, Content-Type")
                self.assertEqual(answer.headers["Access-Control-Max-Age"], "21600")

    def test_prefix_and_slashes(self):
        for path in ("/apis/listenbrainz/1/validate-token", "//1//validate-token",
                     "/1/validate-token/", "/1/1/validate-token"):
            with self.subTest(path):
                answer = self.instance.get(path, token=self.instance.token())
                self.assertEqual(answer.status, 200, answer)
                self.assertTrue(answer.json()["valid"])

    def test_aliases_of_submission(self):
        token = self.instance.token("Aliases")
        paths = ("/", "//", "/?from=somewhere", "/1", "/1/", "/1/1", "//1//", "/apis/listenbrainz",
                 "/apis/listenbrainz/", "/apis/listenbrainz/1", "/apis/listenbrainz/1/",
                 "/1/submit-listens", "/1/submit-listens/", "//1//submit-listens",
                 "/1/1/submit-listens", "/apis/listenbrainz//1/1/submit-listens/")
        for number, path in enumerate(paths):
            with self.subTest(path):
                body = {"listen_type": "single", "payload": [{
                    "listened_at": 1700000000 + number,
                    "track_metadata": {"artist_name": "a", "track_name": "b"}}]}
                self.assertError(self.instance.post(path, body), 401,
                                 "You need to provide an Authorization header.")
                answer = self.instance.post(path, body, token=token)
                self.assertEqual((answer.status, answer.json()), (200, {"status": "ok"}))
        answer = self.instance.get("/1/user/Aliases/listen-count", token=token)
        self.assertEqual(answer.json()["payload"]["count"], len(paths))

    def test_request_id_is_made(self):
        ids = [self.instance.get(path).headers.get_all("X-Request-Id")
               for path in ("/healthz", "/1/no-such-thing", "/no-such-thing")]
        for values in ids:
            self.assertEqual(len(values), 1)
            self.assertRegex(values[0], "^[0-9a-f]{32}$")

    def test_request_id_is_taken_over_if_sane(self):
        for given, taken in (("scrobbler-42", True), ("no spaces please", False), ("x" * 65, False)):
            with self.subTest(given):
                answer = self.instance.get("/healthz", headers={"X-Request-Id": given})
                self.assertEqual(answer.headers["X-Request-Id"] == given, taken)

    def test_body_over_the_limit(self):
        body = b" " * 10_300_001
        self.assertError(self.instance.post("/1/submit-listens", body, token="x"), 413)

    def test_a_small_body_over_its_limit(self):
        answer = self.instance.post("/1/delete-listen", b" " * 262_145,
                                    token=self.instance.token())
        self.assertError(answer, 413)

    def test_no_valid_http(self):
        for data in (b"GARBAGE\r\n\r\n", b"GET /%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 40000 + b"\r\n\r\n"):
            with self.subTest(data[:20]):
                answer = self.instance.raw(data)
                self.assertIn(b'{"code":400,"error":"', answer)

    def test_only_one_serve_process_is_needed(self):
        self.instance.stop_part("serve-1")
        self.addCleanup(self.instance.start_part, "serve-1")
        for _ in range(10):
            self.assertEqual(self.instance.get("/healthz").status, 200)

    def test_no_serve_process(self):
        for name in ("serve-1", "serve-2"):
            self.instance.stop_part(name)
            self.addCleanup(self.instance.start_part, name)
        answer = self.instance.get("/1/validate-token")
        self.assertError(answer, 503)
        self.assertEqual(answer.headers["Retry-After"], "1")

    def test_metrics_are_on_the_second_listener_only(self):
        self.assertNotEqual(self.instance.env["REFRAIN_METRICS_URL"],
                            self.instance.url + "/metrics")
        self.assertError(self.instance.get("/metrics"), 404)

    def test_more_connections_than_nginx_keeps(self):
        # Idle connections pin threads of serve; the next request must still find one.
        with concurrent.futures.ThreadPoolExecutor(150) as pool:
            answers = list(pool.map(lambda _: self.instance.get("/readyz").status, range(600)))
        self.assertEqual(set(answers), {200})
        self.assertEqual(self.instance.get("/readyz").status, 200)


class Limits(harness.ApiTest):
    """nginx with the limits that an installation has."""

    options = {"limits": True}
    CONNECTIONS = 540       # nginx lets in 512 of one address; one may be refused ahead of that

    def setUp(self):
        # Each is a request whose body never comes.
        head = (b"POST /1/delete-listen HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
        address = urllib.parse.urlsplit(self.instance.url)
        for _ in range(self.CONNECTIONS):
            connection = socket.create_connection((address.hostname, address.port))
            self.addCleanup(connection.close)
            connection.sendall(head)
        harness.wait_for(lambda: self.instance.get("/healthz").status == 429, "the limit", 10)

    def test_too_much_at_a_time(self):
        answer = self.instance.get("/1/validate-token")
        self.assertError(answer, 429)
        self.assertEqual(answer.headers["Retry-After"], "1")
        # A client looks for it by this case, and by no other.
        self.assertIn(("X-RateLimit-Reset-In", "1"), answer.headers.items())
        self.assertIn("X-RateLimit-Reset-In", answer.headers["Access-Control-Expose-Headers"])

        for path in ("/1/submit-listens", "/apis/listenbrainz/1/submit-listens"):
            answer = self.instance.post(path, b"{}", token="x")
            self.assertError(answer, 503)
            self.assertEqual(answer.headers["Retry-After"], "1")
            self.assertNotIn("X-RateLimit-Reset-In", answer.headers)


class Stopping(unittest.TestCase):
    def test_servers_end_by_themselves(self):
        """Also where root alone may make temporary files, as with ./check."""
        folder = harness.temporary_folder()
        self.addCleanup(folder.rmdir)
        with mock.patch.dict(os.environ, TMPDIR=str(folder)):
            with harness.Instance("stopping", serve=1) as instance:
                logs = instance.state / "log"
                instance.stop()
                self.assertIn("database system is shut down", (logs / "postgresql.log").read_text())
                for name in ("serve-1", "worker"):
                    self.assertIn("event=stopped", (logs / f"{name}.log").read_text())
