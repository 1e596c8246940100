"""The plugin for Jellyfin: it looks for the listen that it has just sent, to love it."""

import base64
import urllib.parse

import dialogue
from dialogue import AGAIN, DONE, LOST, NOW, Optional

MBID = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"
MAYBE_TEXT = Optional(str)
# Its converter makes text of the number, not a number of a fraction or a list of a text.
VALIDATED = {"code": Optional(int), "message": str, "valid": bool, "user_name": MAYBE_TEXT}
LISTENS = {"payload": {"count": int, "user_id": str, "listens": [{
    "listened_at": Optional(int), "recording_msid": MAYBE_TEXT,
    "track_metadata": {
        "artist_name": str, "track_name": str, "release_name": MAYBE_TEXT,
        "additional_info": Optional({
            "artist_mbids": Optional([str]), "recording_mbid": MAYBE_TEXT,
            "tags": Optional([str]), "tracknumber": Optional(int),
            "duration_ms": Optional(int)})}}]}}
FEEDBACK = {"count": int, "offset": int, "total_count": int,
            "feedback": [{"recording_mbid": MAYBE_TEXT}]}
RETRIES = (500, 502, 503, 504, 507)  # six times, after 3, 9, 27, … seconds
PAGE = 1000


def listen(track="Le cygne", at=None, **info):
    """As it makes it of an item; null members are left out, empty lists are not."""
    return dialogue.without_nulls({"listened_at": at, "track_metadata": {
        "artist_name": "Camille Saint-Saëns", "track_name": track, "release_name": "Le Carnaval",
        "additional_info": {
            "artist_mbids": [MBID], "release_mbid": MBID, "tracknumber": 13, "tags": [],
            "media_player": "Jellyfin", "submission_client": "ListenBrainz plugin for Jellyfin",
            "submission_client_version": "5.2.0.0", "duration_ms": 183_000, **info}}})


def outcome(answer):
    """429 needs a header of exactly this name with a whole number; an empty body breaks it."""
    if answer.status == 429:
        reset_in = answer.headers["X-RateLimit-Reset-In"]
        is_read = dialogue.has_header(answer, "X-RateLimit-Reset-In") and reset_in.isdecimal()
        return AGAIN if is_read else LOST
    if answer.status in RETRIES:
        return AGAIN
    dialogue.parse(answer, {})
    return DONE if 200 <= answer.status < 300 else LOST


class Jellyfin(dialogue.ClientTest):
    options = {"limits": True}

    def send(self, method, endpoint, body=None, base="", token=None):
        """.NET does not name itself. A base that ends in a slash makes two of them."""
        headers = [("Authorization", f"token {token or self.token}")]
        if body is not None:
            headers.append(("Content-Type", "application/json; charset=utf-8"))
            body = dialogue.compact(body)
        return self.ask(method, f"{base}/1/{endpoint}", headers, body)

    def submit(self, kind, *listens, **options):
        return self.send("POST", "submit-listens", {"listen_type": kind, "payload": list(listens)},
                         **options)

    def user(self, what):
        return f"user/{urllib.parse.quote(self.name)}/{what}"

    def read(self, endpoint, shape):
        """For reads it sends the token as it keeps it, in base64."""
        kept = base64.b64encode(self.token.encode()).decode()
        answer = self.send("GET", endpoint, token=kept)
        self.assertEqual(outcome(answer), DONE, answer)
        return dialogue.parse(answer, shape)

    def msid_of(self, at):
        page = self.read(f"{self.user('listens')}?count=10", LISTENS)["payload"]
        return next((item["recording_msid"] for item in page["listens"]
                     if item["listened_at"] == at), None)

    def love(self, score, **identity):
        answer = self.send("POST", "feedback/recording-feedback", {**identity, "score": score})
        self.assertEqual(outcome(answer), DONE, answer)

    def loved(self):
        """The ids of all that is loved, a thousand at a time."""
        found, offset = [], 0
        while True:
            page = self.read(f"feedback/{self.user('get-feedback')}?count={PAGE}&offset={offset}"
                             "&score=1", FEEDBACK)
            self.assertEqual(page["count"], len(page["feedback"]))
            found += [item["recording_mbid"] for item in page["feedback"]
                      if item.get("recording_mbid") is not None]
            offset += page["count"]
            if offset >= page["total_count"]:
                return found
            self.assertGreater(page["count"], 0, "it would ask for ever")

    def test_setting_up(self):
        for base in ("", "/", "/apis/listenbrainz"):
            answer = self.send("GET", "validate-token", base=base)
            told = dialogue.parse(answer, VALIDATED)
            self.assertEqual((told["valid"], told["user_name"]), (True, self.name))
        told = dialogue.parse(self.send("GET", "validate-token", token="mistyped"), VALIDATED)
        self.assertEqual((told["valid"], told["message"]), (False, "Token invalid."))

    def test_a_favourite_is_loved_right_after_it_was_played(self):
        """It waits for half a second before it looks; here it does not."""
        self.assertEqual(outcome(self.submit("playing_now", listen())), DONE)
        for number in range(30):
            at = NOW - 900 + number
            self.assertEqual(outcome(self.submit("single", listen(f"part {number}", at))), DONE)
            msid = self.msid_of(at)
            self.assertIsNotNone(msid, f"listen {number} cannot be seen yet")
            self.love(1, recording_msid=msid)
        told = self.instance.get(f"/1/feedback/{self.user('get-feedback')}?count=100",
                                 token=self.token).json()
        self.assertEqual(told["total_count"], 30)

    def test_only_the_owner_reads_a_private_profile(self):
        self.assertEqual(outcome(self.submit("single", listen(at=NOW - 9))), DONE)
        self.assertIsNotNone(self.msid_of(NOW - 9))
        for token in (self.instance.token("another"), self.token[:-1] + "x"):
            kept = base64.b64encode(token.encode()).decode()
            answer = self.send("GET", f"{self.user('listens')}?count=10", token=kept)
            self.assertError(answer, 404)

    def test_favourites_are_taken_over(self):
        """Also more than fit into one answer; some are known by their msid only."""
        self.love(1, recording_mbid=MBID)
        self.submit("single", listen(at=NOW - 9))
        self.love(1, recording_msid=self.msid_of(NOW - 9))
        self.assertEqual(self.loved(), [MBID])
        self.love(0, recording_mbid=MBID)
        self.assertEqual(self.loved(), [])
        self.instance.psql(
            "insert into feedback (user_id, recording_mbid, score) select id, gen_random_uuid(), 1 "
            f"from users, generate_series(1, {2 * PAGE + 17}) where name = '{self.name}'")
        self.assertEqual(len(set(self.loved())), 2 * PAGE + 17)

    def test_the_backlog_goes_in_hundreds(self):
        listens = [listen(f"part {number}", NOW - 5000 + number, recording_mbid=MBID)
                   for number in range(250)]
        for start in (0, 100, 0, 200):
            self.assertEqual(outcome(self.submit("import", *listens[start:start + 100])), DONE)
        self.assertEqual(len(self.stored()), 250)

    def test_playlists_are_not_served_but_answered(self):
        answer = self.send("GET", f"{self.user('playlists/createdfor')}?count=25&offset=0")
        self.assertEqual(outcome(answer), LOST)

    def test_nothing_is_lost(self):
        self.assertLosesNothing(lambda: self.submit("single", listen(at=NOW - 9)), outcome,
                                [(NOW - 9, "Le cygne")])

    def test_a_crowd(self):
        """It waits as long as it is told, and sends the same again."""
        self.submit("single", listen(at=NOW - 9))
        with dialogue.crowd(self.instance):
            answer = self.send("GET", f"{self.user('listens')}?count=10")
            self.assertEqual((answer.status, outcome(answer)), (429, AGAIN), answer)
            answer = self.submit("single", listen("again", at=NOW - 8))
            self.assertEqual((answer.status, outcome(answer)), (503, AGAIN), answer)
        self.assertIsNotNone(self.msid_of(NOW - 9))
