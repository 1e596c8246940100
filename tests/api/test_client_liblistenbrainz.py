"""liblistenbrainz: token in the query, no Content-Type on submissions, and POSTs sent again."""

import json
import urllib.parse

import dialogue
from dialogue import AGAIN, DONE, LOST, NOW

MBID = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"
RETRIES = (429, 500, 502, 503, 504)  # five times each, POST too
JSON = ("Content-Type", "application/json")
# Members that it takes without asking whether they are there
LISTENS = {"payload": {"listens": [{"track_metadata": {
    "track_name": str, "artist_name": str, "additional_info": dict}}]}}


class LibraryError(Exception):
    def __init__(self, status, message=None):
        super().__init__(f"{status} {message}")
        self.status = status


def listen(track="Lascia ch'io pianga – ü", at=None):
    info = {"recording_mbid": MBID, "artist_mbids": [MBID], "release_mbid": MBID,
            "tags": ["baroque"], "work_mbids": [MBID], "tracknumber": 4, "listening_from": "vlc",
            "isrc": "GBAYC9601190"}
    metadata = {"track_name": track, "artist_name": "Händel", "release_name": "Rinaldo",
                "additional_info": info}
    return {"track_metadata": metadata} if at is None else {"track_metadata": metadata,
                                                            "listened_at": at}


def outcome(answer):
    if answer.status in RETRIES:
        return AGAIN
    return DONE if answer.status == 200 else LOST


class Liblistenbrainz(dialogue.ClientTest):
    def send(self, method, path, headers=(), body=None, *, is_known=True, **query):
        """By requests, which writes JSON in ASCII and percent-encodes what is in the path."""
        if query:
            path += "?" + urllib.parse.urlencode(query)
        headers = [("User-Agent", "python-requests/2.31.0"), ("Accept-Encoding", "gzip, deflate"),
                   ("Accept", "*/*"), ("Connection", "keep-alive"), *headers]
        if is_known:
            headers.append(("Authorization", f"Token {self.token}"))
        return self.ask(method, path, headers, None if body is None else json.dumps(body).encode())

    def call(self, method, path, headers=(), body=None, **options):
        """What the library returns, or raises."""
        answer = self.send(method, path, headers, body, **options)
        if answer.status >= 400:
            raise LibraryError(answer.status, json.loads(answer.body).get("error", ""))
        if answer.status == 204:
            raise LibraryError(204)
        return json.loads(answer.body)

    def submit(self, kind, *listens):
        return self.send("POST", "/1/submit-listens",
                         body={"listen_type": kind, "payload": list(listens)})

    def get_listens(self, **query):
        told = self.call("GET", f"{self.path}/listens", **query)
        return dialogue.fit(told, LISTENS)["payload"]["listens"]

    def test_the_token_is_asked_for_first(self):
        told = self.call("GET", "/1/validate-token", is_known=False, token=self.token)
        self.assertIs(told["valid"], True)
        told = self.call("GET", "/1/validate-token", is_known=False, token="mistyped")
        self.assertIs(told["valid"], False)

    def test_listens_come_back(self):
        self.assertEqual(self.submit("single", listen(at=NOW - 9)).json(), {"status": "ok"})
        self.submit("import", *(listen(f"aria {number}", NOW - 500 + number)
                                for number in range(150)))
        self.assertEqual(len(self.get_listens()), 25)
        self.assertEqual(len(self.get_listens(count=100, max_ts=NOW - 400)), 100)
        self.assertEqual(len(self.get_listens(count=100, min_ts=NOW - 400)), 50)
        (newest,) = self.get_listens(count=1)
        metadata = newest["track_metadata"]
        self.assertEqual((metadata["track_name"], newest["listened_at"]),
                         ("Lascia ch'io pianga – ü", NOW - 9))
        info = metadata["additional_info"]
        for name, value in listen()["track_metadata"]["additional_info"].items():
            self.assertEqual(info[name], value)
        told = self.call("GET", f"{self.path}/listen-count")
        self.assertEqual(told["payload"]["count"], 151)

    def test_what_is_playing(self):
        told = self.call("GET", f"{self.path}/playing-now")
        self.assertEqual(told["payload"]["listens"], [])
        self.submit("playing_now", listen())
        (now,) = dialogue.fit(self.call("GET", f"{self.path}/playing-now"),
                              LISTENS)["payload"]["listens"]
        self.assertEqual(now["track_metadata"]["track_name"], "Lascia ch'io pianga – ü")
        self.assertEqual(now["track_metadata"]["additional_info"]["tags"], ["baroque"])
        self.assertNotIn("listened_at", now)

    def test_deleting(self):
        self.submit("import", listen("a", NOW - 9), listen("b", NOW - 9), listen("a", NOW - 8))
        (wanted,) = [item for item in self.get_listens()
                     if (item["listened_at"], item["track_metadata"]["track_name"])
                     == (NOW - 9, "a")]
        body = {"listened_at": wanted["listened_at"], "recording_msid": wanted["recording_msid"]}
        for _ in range(2):  # the second is a POST that is sent again
            told = self.call("POST", "/1/delete-listen", [JSON], body)
            self.assertEqual(told, {"status": "ok"})
            self.assertEqual(self.stored(), [(NOW - 8, "a"), (NOW - 9, "b")])
            self.assertEqual(self.counted(), 2)

    def test_feedback(self):
        for score, loved in ((1, [1]), (1, [1]), (-1, [-1]), (0, [])):
            told = self.call("POST", "/1/feedback/recording-feedback", [JSON],
                             {"score": score, "recording_mbid": MBID})
            self.assertEqual(told, {"status": "ok"})
            path = f"/1/feedback/user/{urllib.parse.quote(self.name)}/get-feedback"
            found = []
            for wanted in (1, -1):
                for metadata in (True, False):
                    told = self.call("GET", path, count=100, offset=0, score=wanted,
                                     metadata=metadata)
                    self.assertEqual(told["total_count"], len(told["feedback"]))
                found += [item["score"] for item in told["feedback"]]
            self.assertEqual(found, loved)

    def test_charts(self):
        path = "/1/stats" + self.path.removeprefix("/1")
        for entity in ("artists", "recordings", "releases"):
            with self.assertRaisesRegex(LibraryError, "204"):
                self.call("GET", f"{path}/{entity}", count=25, offset=0, range="all_time")
        self.submit("import", listen("a", NOW - 9), listen("b", NOW - 8))
        for entity in ("artists", "recordings", "releases"):
            told = self.call("GET", f"{path}/{entity}", count=25, offset=0, range="this_year")
            self.assertEqual(sum(item["listen_count"] for item in told["payload"][entity]), 2)

    def test_errors_tell_why(self):
        self.token = "mistyped"
        with self.assertRaisesRegex(LibraryError, "401 Invalid authorization token."):
            self.call("POST", "/1/submit-listens", body={"listen_type": "single",
                                                         "payload": [listen(at=NOW)]})

    def test_nothing_is_lost(self):
        self.assertLosesNothing(
            lambda: self.submit("import", listen("a", NOW - 9), listen("b", NOW - 9)), outcome,
            [(NOW - 9, "b"), (NOW - 9, "a")])
