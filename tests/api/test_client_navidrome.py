"""Navidrome: one listen a request, judged by `code` in the body and not by the status."""

import json

import dialogue
from dialogue import AGAIN, DONE, LOST, NOW

MBID = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"
# A member of another type fails to parse; what is missing or null stays empty.
ANSWER = {name: dialogue.Optional(shape) for name, shape in (
    ("code", int), ("message", str), ("error", str), ("status", str), ("valid", bool),
    ("user_name", str))}


def listen(track="Clair de lune", at=None, **info):
    """As Navidrome makes it of a media file; what is empty is left out."""
    metadata = {
        "artist_name": "Claude Debussy • Ōe Test", "track_name": track,
        "release_name": "Suite bergamasque",
        "additional_info": {
            "submission_client": "navidrome", "submission_client_version": "0.58.0 (a1b2c3d4)",
            "tracknumber": 3, "artist_names": ["Claude Debussy", "Ōe Test"],
            "artist_mbids": [MBID, ""], "recording_mbid": MBID, "duration_ms": 301_040, **info}}
    return {"track_metadata": metadata} if at is None else {"listened_at": at,
                                                            "track_metadata": metadata}


def outcome(answer):
    """What becomes of the listen in Navidrome's buffer."""
    try:
        told = dialogue.parse(answer, ANSWER)
    except dialogue.Misfit:
        return AGAIN
    code = told.get("code") or 0
    return DONE if code in (0, 200) else AGAIN if code in (500, 503) else LOST


class Navidrome(dialogue.ClientTest):
    options = {"limits": True}

    def send(self, method, endpoint, body, base="/1/", token=None):
        """Go's client names itself, and takes gzip; the base is joined by path.Join."""
        headers = [("User-Agent", "Go-http-client/1.1"),
                   ("Authorization", f"Token {token or self.token}"),
                   ("Content-Type", "application/json; charset=UTF-8"),
                   ("Accept-Encoding", "gzip")]
        return self.ask(method, f"{base.rstrip('/')}/{endpoint}", headers, dialogue.compact(body))

    def submit(self, kind, item, **options):
        return self.send("POST", "submit-listens", {"listen_type": kind, "payload": [item]},
                         **options)

    def test_linking_an_account(self):
        """A GET with a body; what it needs of the answer are `valid` and `user_name`."""
        for base in ("/1/", "/1", "/apis/listenbrainz/1/"):
            answer = self.send("GET", "validate-token", {}, base)
            told = dialogue.parse(answer, ANSWER)
            self.assertEqual((told["valid"], told["user_name"]), (True, self.name))
            answer = self.send("GET", "validate-token", {}, base, token="mistyped")
            told = dialogue.parse(answer, ANSWER)
            self.assertEqual((outcome(answer), told["valid"]), (DONE, False))

    def test_a_track_is_played(self):
        self.assertEqual(outcome(self.submit("playing_now", listen())), DONE)
        self.assertEqual(self.playing(), ["Clair de lune"])
        answer = self.submit("single", listen(at=NOW - 9))
        self.assertEqual((outcome(answer), answer.json()["status"]), (DONE, "ok"))
        page = self.instance.get(f"{self.path}/listens", token=self.token).json()["payload"]
        (stored,) = page["listens"]
        self.assertEqual(stored["listened_at"], NOW - 9)
        info = stored["track_metadata"]["additional_info"]
        self.assertEqual((info["tracknumber"], info["duration_ms"], info["artist_mbids"],
                          info["artist_names"]),
                         (3, 301_040, [MBID], ["Claude Debussy", "Ōe Test"]))

    def test_a_track_without_any_id(self):
        """All that Navidrome knows of the artists are empty texts."""
        item = listen(at=NOW - 9, artist_mbids=["", ""])
        del item["track_metadata"]["additional_info"]["recording_mbid"]
        self.assertEqual(outcome(self.submit("single", item)), DONE)
        self.assertEqual(self.stored(), [(NOW - 9, "Clair de lune")])

    def test_what_is_refused_is_not_sent_for_ever(self):
        self.assertEqual(outcome(self.submit("single", listen(at=NOW * 1000))), LOST)
        self.assertEqual(outcome(self.submit("single", listen(at=NOW), token="revoked")), LOST)

    def test_nothing_is_lost(self):
        self.assertLosesNothing(lambda: self.submit("single", listen(at=NOW - 9)), outcome,
                                [(NOW - 9, "Clair de lune")])

    def test_nothing_is_lost_by_a_crowd(self):
        """It would drop the listen on 429."""
        with dialogue.crowd(self.instance):
            answer = self.submit("single", listen(at=NOW - 9))
            self.assertEqual((answer.status, outcome(answer)), (503, AGAIN), answer)
        self.assertEqual(outcome(self.submit("single", listen(at=NOW - 9))), DONE)
        self.assertEqual(self.stored(), [(NOW - 9, "Clair de lune")])

    def test_an_error_always_has_its_code(self):
        """Without `code` any JSON is a success to it."""
        for method, target, body in (("POST", "/1/submit-listens", b"{"),
                                     ("POST", "/1/submit-listen", b"{}"),
                                     ("PUT", "/1/submit-listens", b"{}"),
                                     ("POST", "/1/validate-token", b"{}"),
                                     ("POST", "/1/submit-listens", b"x" * 10_300_001)):
            with self.subTest(f"{method} {target} {len(body)}"):
                answer = self.ask(method, target, [("Authorization", f"Token {self.token}")], body)
                self.assertEqual(json.loads(answer.body)["code"], answer.status, answer)
                self.assertGreaterEqual(answer.status, 400)
