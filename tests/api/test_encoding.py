"""Compressed answers: nginx makes them, Refrain gives each encoding an entity tag of its own."""

import gzip
import re
import socket
import time
import urllib.parse

import harness

PATH = "/1/stats/user/listener/artists?count=1000"
SMALLEST = 1024  # gzip_min_length in nginx/refrain.conf.in
TAG = re.compile(r'W/"[0-9a-f]{16}(-gzip)?"')

ACCEPTED = ("gzip", "gzip, deflate, br", "br, gzip", "GZIP", "deflate,gzip;q=1.0", "gzip; q=0.5, br",
            "gzip;q=0.001", "br;q=0.5, gzip ;q=0.4", "gzip;")
NOT_ACCEPTED = ("", "br", "identity", "gzip;q=0", "gzip;q=0.000, br", "gzip;q=0, gzip", "*", "x-gzip",
                "gzipped", "gzip;q=2", "gzip;q=0.0001", "gzip;level=9", "xgzip")


class Encoding(harness.ApiTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.token = cls.instance.token("listener", "--public")
        cls.submit(40)

    @classmethod
    def submit(cls, artists):
        now = int(time.time()) - 1000
        listens = [{"listened_at": now + number,
                    "track_metadata": {"artist_name": f"artist {number}", "track_name": "track"}}
                   for number in range(artists)]
        answer = cls.instance.post("/1/submit-listens", {"listen_type": "import", "payload": listens},
                                   token=cls.token)
        assert answer.status == 200, answer

    def ask(self, accepted, path=PATH, method="GET", tag=None):
        headers = {"Accept-Encoding": accepted}
        if tag is not None:
            headers["If-None-Match"] = tag
        return self.instance.request(method, path, headers=headers)

    def check(self, answer):
        """Whether it is compressed; tag and headers must say the same."""
        compressed = answer.headers["Content-Encoding"] == "gzip"
        self.assertTrue(compressed or answer.headers["Content-Encoding"] is None, answer)
        self.assertRegex(answer.headers["ETag"], TAG)
        self.assertEqual(answer.headers["ETag"].endswith('-gzip"'), compressed, answer)
        return compressed

    def test_tag_tells_encoding(self):
        plain = self.ask("identity").body
        self.assertGreater(len(plain), SMALLEST)
        for accepted in ACCEPTED + NOT_ACCEPTED:
            with self.subTest(accepted):
                answer = self.ask(accepted)
                self.assertEqual(self.check(answer), accepted in ACCEPTED)
                self.assertEqual(gzip.decompress(answer.body) if accepted in ACCEPTED else answer.body, plain)
                self.assertIn("Accept-Encoding", answer.headers["Vary"])

    def test_head_is_like_get(self):
        for accepted in ("gzip", "br"):
            get, head = self.ask(accepted), self.ask(accepted, method="HEAD")
            self.assertEqual(head.headers["ETag"], get.headers["ETag"])
            self.assertEqual(self.check(head), self.check(get))
            self.assertEqual(head.body, b"")

    def test_not_modified_for_each_encoding(self):
        tags = {accepted: self.ask(accepted).headers["ETag"] for accepted in ("gzip", "br")}
        self.assertNotEqual(tags["gzip"], tags["br"])
        for accepted, tag in tags.items():
            other = tags["br" if accepted == "gzip" else "gzip"]
            answer = self.ask(accepted, tag=tag)
            self.assertEqual((answer.status, answer.body), (304, b""))
            self.assertEqual(answer.headers["ETag"], tag)
            self.assertIn("Accept-Encoding", answer.headers["Vary"])
            self.assertIsNone(answer.headers["Content-Encoding"])
            self.assertEqual(self.ask(accepted, tag=f"{other}, {tag}").status, 304)
            answer = self.ask(accepted, tag=other)
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.headers["ETag"], tag)

    def test_tag_follows_what_is_asked_for(self):
        tags = [self.ask("br", path).headers["ETag"] for path in (
            PATH, PATH + "&offset=1", PATH.replace("listener", "Listener"), PATH.replace("=1000", "=39"),
            PATH.replace("artists", "releases"))]
        self.assertEqual(len(set(tags)), len(tags))
        self.assertEqual(self.ask("br").headers["ETag"], tags[0])

    def test_tag_changes_with_the_data(self):
        self.instance.token("changing", "--public")
        listen = {"track_metadata": {"artist_name": "a", "track_name": "t"}}
        path = "/1/stats/user/changing/artists"
        tags = []
        for listened_at in (1600000000, 1600000001):
            answer = self.instance.post("/1/submit-listens", {
                "listen_type": "single", "payload": [{**listen, "listened_at": listened_at}]},
                token=self.instance.tokens["changing"])
            self.assertEqual(answer.status, 200)
            tags.append(self.ask("br", path).headers["ETag"])
        self.assertNotEqual(*tags)
        self.assertEqual(self.ask("br", path, tag=tags[1]).status, 304)
        self.assertEqual(self.ask("br", path, tag=tags[0]).status, 200)

    def test_both_agree_on_the_smallest_size(self):
        """Blanks before a name don't count, but come back in the answer: so it gets any size."""
        path = PATH.replace("listener", "{}listener").replace("=1000", "={}")
        count = max(count for count in range(1, 20)
                    if len(self.ask("br", path.format("", count)).body) < SMALLEST - 10)
        short = len(self.ask("br", path.format("", count)).body)
        sizes = {}
        for size in range(SMALLEST - 3, SMALLEST + 4):
            path_of_size = path.format("%20" * (size - short), count)
            self.assertEqual(len(self.ask("br", path_of_size).body), size)
            sizes[size] = self.check(self.ask("gzip", path_of_size))
        self.assertEqual(sizes, {size: size >= SMALLEST for size in sizes})

    def test_http_1_0_gets_nothing_compressed(self):
        address = urllib.parse.urlsplit(self.instance.url)
        with socket.create_connection((address.hostname, address.port), harness.DEADLINE_S) as connection:
            connection.sendall(f"GET {PATH} HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n".encode())
            head, body = connection.makefile("rb").read().split(b"\r\n\r\n", 1)
        self.assertEqual(body, self.ask("identity").body)
        self.assertNotIn(b"Content-Encoding", head)
        self.assertNotIn(b"-gzip", head)

    def test_answers_without_a_body(self):
        self.instance.token("silent", "--public")
        answer = self.ask("gzip", "/1/stats/user/silent/artists")
        self.assertEqual(answer.status, 204)
        self.assertFalse(self.check(answer))
