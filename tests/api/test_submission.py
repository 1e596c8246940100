"""POST /1/submit-listens and GET /1/validate-token: what comes in, and what is refused."""

import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import time
from unittest import mock

import harness

NOW = int(time.time())


def listen(track="Gymnopédie No. 1", artist="Erik Satie", at=NOW - 1000, release=None, **info):
    metadata = {"artist_name": artist, "track_name": track}
    if release is not None:
        metadata["release_name"] = release
    if info:
        metadata["additional_info"] = info
    return {"listened_at": at, "track_metadata": metadata}


def single(**fields):
    return {"listen_type": "single", "payload": [listen(**fields)]}


class Submission(harness.ApiTest):
    def submit(self, body, token=None, **options):
        return self.instance.post("/1/submit-listens", body, token=token or self.token, **options)

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1]
        self.token = self.instance.token(self.name)

    def listens(self, count=100):
        answer = self.instance.get(f"/1/user/{self.name}/listens?count={count}", token=self.token)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()["payload"]["listens"]

    def assertRefused(self, body, text, **options):
        """The contract's text (or its beginning, with …), and nothing stored."""
        answer = self.submit(body, **options)
        self.assertError(answer, 400)
        if text.endswith("…"):
            self.assertTrue(answer.json()["error"].startswith(text[:-1]), answer)
        else:
            self.assertEqual(answer.json()["error"], text, answer)
        self.assertEqual(self.listens(), [])

    def test_a_single_listen_comes_out_as_sent(self):
        sent = listen(release="Trois Gymnopédies", submission_client="a client", tracknumber=1,
                      nested={"a": {"b": 1}}, tags=["piano"], big=123456789012345678901234567890)
        answer = self.submit({"listen_type": "single", "payload": [sent]})
        self.assertEqual((answer.status, answer.json()), (200, {"status": "ok"}))
        (stored,) = self.listens()
        self.assertEqual(stored["listened_at"], sent["listened_at"])
        self.assertEqual(stored["user_name"], self.name)
        self.assertIsInstance(stored["inserted_at"], int)
        metadata = stored["track_metadata"]
        self.assertEqual(metadata["track_name"], "Gymnopédie No. 1")
        self.assertEqual(metadata["release_name"], "Trois Gymnopédies")
        info = metadata["additional_info"]
        self.assertEqual(info.pop("recording_msid"), stored["recording_msid"])
        self.assertEqual(info, {"submission_client": "a client", "tracknumber": 1,
                                "nested.a.b": 1, "tags": ["piano"],
                                "big": 123456789012345678901234567890})

    def test_a_client_that_is_no_text_is_kept_too(self):
        for client in (5, "", {"a": 1}):
            self.submit(single(submission_client=client))
            (stored,) = self.listens()
            info = stored["track_metadata"]["additional_info"]
            self.assertIn(client if client != {"a": 1} else 1, info.values())
            self.instance.psql("delete from listens")

    def test_a_repeat_changes_nothing(self):
        for _ in range(3):
            self.assertEqual(self.submit(single()).status, 200)
        self.assertEqual(len(self.listens()), 1)

    def test_names_are_compared_folded_and_kept_as_sent(self):
        self.submit(single(track="Für Elise", artist="Beethoven"))
        self.submit(single(track="FÜR  ELISE", artist=" beethoven ", at=NOW - 500))
        self.submit(single(track="für elise", artist="BEETHOVEN"))
        newer, older = self.listens()
        self.assertEqual(newer["recording_msid"], older["recording_msid"])
        self.assertEqual(newer["track_metadata"]["track_name"], "FÜR  ELISE")
        self.assertEqual(older["track_metadata"]["track_name"], "Für Elise")

    def test_two_tracks_in_one_second_are_both_kept(self):
        body = {"listen_type": "import", "payload": [listen("a"), listen("b"), listen("a")]}
        self.assertEqual(self.submit(body).status, 200)
        self.assertEqual(len(self.listens()), 2)

    def test_a_batch_is_all_or_nothing(self):
        payload = [listen(str(i)) for i in range(50)] + [listen(track=" ")]
        self.assertRefused({"listen_type": "import", "payload": payload},
                           "field track_metadata.track_name is empty.")

    def test_a_thousand_listens_at_once(self):
        payload = [listen(str(i), at=NOW - 5000 + i) for i in range(1000)]
        self.assertEqual(self.submit({"listen_type": "import", "payload": payload}).status, 200)
        self.assertEqual(len(self.listens(1000)), 1000)

    def test_what_somebody_removed_from_the_catalogue(self):
        """Each serve process has added it by then, and remembers that."""
        for at in range(NOW - 100, NOW - 80):
            self.assertEqual(self.submit(single(artist="Gone", track="Gone", at=at)).status, 200)
        self.instance.psql("delete from listens where artist_id in "
                           "(select id from artists where name = 'Gone')")
        self.instance.psql("delete from recordings where name = 'Gone'")
        self.instance.psql("delete from artists where name = 'Gone'")
        answer = self.submit(single(artist="Gone", track="Gone", at=NOW - 50))
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual([item["listened_at"] for item in self.listens()], [NOW - 50])

    def test_playing_now_is_no_listen(self):
        now = {"listen_type": "playing_now",
               "payload": [{"track_metadata": listen()["track_metadata"]}]}
        answer = self.submit(now)
        self.assertEqual((answer.status, answer.json()), (200, {"status": "ok"}))
        self.assertEqual(self.listens(), [])
        answer = self.instance.post("/1/submit-listens?return_msid=true", now, token=self.token)
        msid = answer.json()["recording_msid"]
        self.submit(single())
        self.assertEqual(self.listens()[0]["recording_msid"], msid)

    def test_any_content_type_and_scheme(self):
        types = (None, "", "text/plain", "application/x-www-form-urlencoded", "nonsense",
                 "multipart/form-data; boundary=x", "application/json; charset=latin-1")
        for number, (kind, scheme) in enumerate(itertools.product(types, ("Bearer", "token", "x"))):
            headers = {"Authorization": f"{scheme} {self.token}"}
            if kind is not None:
                headers["Content-Type"] = kind
            body = single(track="Für Elise", at=NOW - 1000 + number)
            answer = self.instance.post("/1/submit-listens", body, headers=headers)
            self.assertEqual(answer.status, 200, f"{kind} {scheme}: {answer}")
        self.assertEqual({row["track_metadata"]["track_name"] for row in self.listens()},
                         {"Für Elise"})
        self.assertEqual(len(self.listens()), number + 1)

    def test_ways_to_send_a_body(self):
        """In chunks, announced, by HTTP/1.0; none with a User-Agent."""
        head = f"Authorization: Token {self.token}\r\nHost: a\r\nConnection: close\r\n"
        for number, (version, header) in enumerate((
                ("1.1", "Transfer-Encoding: chunked"), ("1.1", "Expect: 100-continue"),
                ("1.0", "X-Nothing: at all"))):
            body = json.dumps(single(at=NOW - 1000 + number)).encode()
            if "chunked" in header:
                body = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (10, body[:10], len(body) - 10,
                                                            body[10:])
            else:
                header += f"\r\nContent-Length: {len(body)}"
            request = f"POST /1/submit-listens HTTP/{version}\r\n{head}{header}\r\n\r\n"
            answer = self.instance.raw(request.encode() + body)
            with self.subTest(header):
                self.assertIn(b" 200 OK\r\n", answer)
                self.assertTrue(answer.endswith(b'\r\n\r\n{"status":"ok"}\n'), answer)
        self.assertEqual(len(self.listens()), 3)

    def test_authorisation(self):
        for headers, text in (
                ({}, "You need to provide an Authorization header."),
                ({"Authorization": self.token}, "Provided Authorization header is invalid."),
                ({"Authorization": f"Token  {self.token}"}, "Invalid authorization token."),
                ({"Authorization": f"Token {self.token[:-1]}x"}, "Invalid authorization token."),
                ({"Authorization": f"Token {self.token.upper()}"},
                 "Invalid authorization token.")):
            with self.subTest(text):
                answer = self.instance.post("/1/submit-listens", single(), headers=headers)
                self.assertError(answer, 401, text)
        self.assertEqual(self.listens(), [])

    def test_wrong_documents(self):
        for body, text in (
                (b"", "Cannot parse JSON document: …"),
                (b"{", "Cannot parse JSON document: …"),
                (b"\xff\xfe", "Cannot parse JSON document: …"),
                (b'{"a": NaN}', "Cannot parse JSON document: …"),
                (b'{"a": "\\ud800"}', "Cannot parse JSON document: …"),
                (b"[" * 100000, "Cannot parse JSON document: …"),
                ([], "Invalid JSON document submitted. Top level of JSON document should be a "
                     "json object."),
                ({}, "Invalid JSON document submitted."),
                ({"payload": [listen()]}, "Invalid JSON document submitted."),
                ({"listen_type": "single", "payload": {}},
                 "The payload in the JSON document should be a list of listens."),
                ({"listen_type": "single", "payload": []},
                 "JSON document does not contain any listens"),
                ({"listen_type": "import", "payload": [listen()] * 1001},
                 "Too many listens. You may not submit more than 1000 listens at once."),
                ({"listen_type": "Single", "payload": [listen()]},
                 "JSON document requires a valid listen_type key."),
                ({"listen_type": "single", "payload": [listen(), listen("b")]},
                 "JSON document contains more than listen for a single/playing_now. It should "
                 "contain only one."),
                (single(note="x" * 11000),
                 "JSON document is too large. Each listens may not be larger than 10240 bytes.")):
            with self.subTest(str(body)[:60]):
                self.assertRefused(body, text)

    def test_a_body_over_the_limit_of_the_contract(self):
        body = single()
        body["ballast"] = "x" * 10_240_000
        self.assertRefused(body,
                           "Payload too large. Payload cannot exceed 10240000 bytes")

    def test_wrong_listens(self):
        no_track = listen()
        del no_track["track_metadata"]["track_name"]
        for changed, text in (
                (None, "Listen is empty and cannot be validated."),
                ({"track_metadata": {}},
                 "JSON document must contain the key listened_at at the top level."),
                (listen(at="soon"),
                 "JSON document must contain an int value for listened_at."),
                (listen(at=NOW + 86400), "Value for key listened_at is too high."),
                (listen(at=NOW * 1000), "Value for key listened_at is too high."),
                (listen(at=1033430399), "Value for key listened_at is too low. listened_at "
                 "timestamp should be greater than 1033410600 (2002-10-01 00:00:00 UTC)."),
                ({**listen(), "extra": 1}, "JSON document may only contain listened_at and "
                 "track_metadata top level keys"),
                (no_track, "JSON document does not contain required field "
                 "track_metadata.track_name."),
                (listen(artist=["a"]), "track_metadata.artist_name must be a single string."),
                (listen(recording_mbid="xyz"), "recording_mbid MBID format invalid."),
                (listen(duration_ms=-1),
                 "Value for duration_ms is invalid, should be a positive integer."),
                (listen(tags=["x" * 65]), "JSON document may not contain "
                 "track_metadata.additional_info.tags longer than 64 characters."),
                (listen(track="a\0b"), "a\\u0000b contains a unicode null")):
            with self.subTest(text):
                self.assertRefused({"listen_type": "single", "payload": [changed]}, text)

    def test_nul_in_keys_and_objects_of_arrays(self):
        for info in ({"a\0": 1}, {"list": [{"k": "v\0"}]}, {"list": [{"k\0": 1}]}):
            with self.subTest(str(info)):
                answer = self.submit(single(**info))
                self.assertError(answer, 400)
        self.assertEqual(self.listens(), [])

    def test_numbers_that_no_database_can_hold(self):
        body = json.dumps(single(huge=1)).replace('"huge": 1', '"huge": 1e999999')
        self.assertError(self.submit(body), 400)
        self.assertEqual(self.listens(), [])

    def test_without_postgresql_nothing_is_acknowledged(self):
        self.instance.stop_part("postgresql")
        try:
            answer = self.submit(single())
            self.assertError(answer, 503)
            self.assertTrue(answer.headers["Retry-After"])
        finally:
            self.instance.start_part("postgresql")
            harness.wait_for(lambda: all(self.instance.get("/readyz").status == 200
                                         for _ in range(20)), "all processes to be back")
        self.assertEqual(self.listens(), [])
        self.assertEqual(self.submit(single()).status, 200)
        self.assertEqual(len(self.listens()), 1)


class Storm(harness.ApiTest):
    """Submissions of the largest size leave nothing behind."""
    options = {"serve": 1}
    GROWTH_MAX_KIB = 60 * 1024

    @classmethod
    def setUpClass(cls):
        # What a sanitizer has freed shall go back to the system too.
        options = f"{os.environ.get('ASAN_OPTIONS', '')}:quarantine_size_mb=1"
        cls.enterClassContext(mock.patch.dict(os.environ, ASAN_OPTIONS=options.lstrip(":")))
        super().setUpClass()

    def resident_kib(self):
        status = pathlib.Path(f"/proc/{self.instance.part_pid('serve-1')}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.M).group(1))

    def test_memory_stays_flat(self):
        payload = [listen(track=f"Track {at % 50}", at=NOW - 2000 + at, comment="x" * 9800)
                   for at in range(1000)]
        body = json.dumps({"listen_type": "import", "payload": payload}).encode()
        token = self.instance.token()

        def submit():
            return self.instance.post("/1/submit-listens", body, token=token).status

        self.assertEqual(submit(), 200)
        before = self.resident_kib()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = [pool.submit(submit) for _ in range(12)]
            self.assertEqual({answer.result() for answer in answers}, {200})
        self.assertLess(self.resident_kib() - before, self.GROWTH_MAX_KIB)


class ValidateToken(harness.ApiTest):
    def get(self, query="", **headers):
        return self.instance.get("/1/validate-token" + query, headers=headers)

    def test_valid_in_header_and_query(self):
        token = self.instance.token("Alice")
        expected = {"code": 200, "message": "Token valid.", "valid": True, "user_name": "Alice"}
        for answer in (self.get(Authorization=f"Token {token}"),
                       self.get(Authorization=f"token {token}"),
                       self.get(f"?token={token}"),
                       self.get(f"?token={token}", Authorization="Bearer other")):
            self.assertEqual((answer.status, answer.json()), (200, expected))

    def test_a_get_with_a_body(self):
        answer = self.instance.request("GET", "/1/validate-token", {},
                                       token=self.instance.token("Alice"))
        self.assertEqual(answer.status, 200)

    def test_unknown(self):
        answer = self.get(Authorization="Token 00000000-0000-4000-8000-000000000000")
        self.assertEqual((answer.status, answer.json()),
                         (200, {"code": 200, "message": "Token invalid.", "valid": False}))

    def test_none(self):
        for answer in (self.get(), self.get("?token="), self.get(Authorization="Bearer x")):
            self.assertError(answer, 400, "You need to provide an Authorization token.")
