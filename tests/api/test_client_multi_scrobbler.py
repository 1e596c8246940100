"""multi-scrobbler: it looks whether this is another server, submits one by one, and reads forward."""

import json
import urllib.parse

import dialogue
import harness
from dialogue import AGAIN, DONE, LOST, NOW

MBIDS = ("8f3471b5-7e6a-48da-86a9-c1c07a0f47ae", "5b11f4ce-a62d-471e-81fc-a69a8278c7da")
# What its code reaches into without asking: a null there would stop it, being absent does not.
LISTENS = {"count": int, "listens": [{
    "listened_at": int, "recording_msid": str,
    "track_metadata": {"artist_name": str, "track_name": str,
                       "release_name": dialogue.Optional(str), "additional_info": dict}}]}


def listen(track="Gnossienne No. 1", at=None, **info):
    """As it makes it of a play; undefined members are left out."""
    metadata = {
        "artist_name": "Erik Satie, Someone Else", "track_name": track,
        "release_name": "Gnossiennes",
        "additional_info": {
            "duration": 213, "recording_mbid": MBIDS[0], "artist_mbids": [MBIDS[1]],
            "submission_client": "multi-scrobbler", "submission_client_version": "0.10.5",
            "artist_names": ["Erik Satie", "Someone Else"], "release_artist_name": "Erik Satie",
            "release_artist_names": ["Erik Satie"], "media_player": "Jellyfin Web",
            "music_service": "spotify.com", "music_service_name": "Spotify",
            "spotify_artist_ids": ["https://open.spotify.com/artist/a1"],
            "isrc": "FRZ196800650", "tracknumber": 1, **info}}
    return {"listened_at": at, "track_metadata": metadata} if at is not None else {
        "track_metadata": metadata}


def outcome(answer):
    """It tries twice more, and then keeps the scrobble for later, unless it was at fault itself."""
    if 200 <= answer.status < 300:
        return DONE
    return LOST if answer.status in (400, 401, 403) else AGAIN


class MultiScrobbler(dialogue.ClientTest):
    def send(self, method, path, body=None, base="", token=None, **query):
        """By superagent, which does not name itself."""
        headers = [("Authorization", f"Token {token or self.token}"),
                   ("Accept-Encoding", "gzip, deflate"), ("Connection", "close")]
        if body is not None:
            headers.insert(0, ("Content-Type", "application/json"))
            body = dialogue.compact(body)
        if query:
            path += "?" + urllib.parse.urlencode(query)
        return self.ask(method, base + path, headers, body)

    def submit(self, item, kind="single", **options):
        return self.send("POST", "/1/submit-listens", {"listen_type": kind, "payload": [item]},
                         **options)

    def read(self, what, **options):
        answer = self.send("GET", f"{self.path}/{what}", **options)
        self.assertEqual(answer.status, 200, answer)
        payload = json.loads(answer.body)["payload"]
        for item in payload["listens"]:
            metadata = item["track_metadata"]
            self.assertIsNotNone(metadata.get("mbid_mapping", {}))
            for value in metadata["additional_info"].values():
                self.assertIsNotNone(value)
        return payload

    def test_it_is_no_other_server(self):
        """Whatever prefix was typed, it asks the root; and it follows redirects."""
        for method in ("GET", "HEAD"):
            answer = self.send(method, "/apis/web/v1/stats")
            self.assertEqual(answer.status, 404, answer)

    def test_setting_up(self):
        for base in ("", "/apis/listenbrainz"):
            answer = self.send("GET", "/1/validate-token", base=base)
            self.assertEqual((answer.status, answer.json()["valid"]), (200, True))
            self.assertEqual(outcome(self.submit(listen(at=NOW - 99), base=base)), DONE)
        self.assertEqual(self.stored(), [(NOW - 99, "Gnossienne No. 1")])

    def test_as_a_client(self):
        self.assertEqual(outcome(self.submit(listen(), "playing_now")), DONE)
        self.assertEqual(self.playing(), ["Gnossienne No. 1"])
        self.assertEqual(outcome(self.submit(listen(at=NOW - 9))), DONE)
        page = dialogue.fit(self.read("listens", count=25, user=self.name), LISTENS)
        (stored,) = page["listens"]
        info = stored["track_metadata"]["additional_info"]
        for name, value in listen()["track_metadata"]["additional_info"].items():
            self.assertEqual(info[name], value)

    def test_what_is_refused_is_no_reason_to_try_again(self):
        answer = self.submit(listen(" ", at=NOW))
        self.assertEqual(outcome(answer), LOST)
        self.assertEqual(answer.json()["code"], 400)
        self.assertIsInstance(answer.json()["error"], str)

    def test_as_a_source_it_polls(self):
        """What is playing, then the latest listens, of which it knows some already."""
        page = self.read("playing-now")
        self.assertEqual((page["count"], page["listens"]), (0, []))
        seen = set()
        for number in range(5):
            self.submit(listen(f"now {number}"), "playing_now")
            (now,) = self.read("playing-now")["listens"]
            self.assertEqual(now["track_metadata"]["track_name"], f"now {number}")
            self.assertEqual(now["track_metadata"]["additional_info"]["submission_client"],
                             "multi-scrobbler")
            self.submit(listen(f"now {number}", at=NOW - 500 + 9 * number))
            page = dialogue.fit(self.read("listens", count=20), LISTENS)
            new = {item["listened_at"] for item in page["listens"]} - seen
            self.assertEqual(new, {NOW - 500 + 9 * number})
            seen |= new

    def read_range(self, first, last, count):
        """All between, a page at a time: the newest of a page and one second are the next bound."""
        plays, after = [], first
        while True:
            page = dialogue.fit(self.read("listens", count=count, min_ts=after, max_ts=last),
                                LISTENS)
            self.assertEqual(page["count"], len(page["listens"]))
            plays += [item["listened_at"] for item in page["listens"]]
            if page["count"] != count:
                return plays
            after = max(item["listened_at"] for item in page["listens"]) + 1

    def test_as_a_source_it_reads_forward(self):
        times = [NOW - 9000 + 7 * number for number in range(1100)]
        body = {"listen_type": "import", "payload": [
            {"listened_at": at, "track_metadata": {"artist_name": "a", "track_name": f"t{at}"}}
            for at in times[:-100]]}
        self.assertEqual(self.send("POST", "/1/submit-listens", body).status, 200)
        for at in times[-100:]:
            self.assertEqual(self.submit(listen(at=at)).status, 200)
        for count in (20, 100, 1000):
            for first, last in ((times[0] - 1, NOW), (times[150], times[-1])):
                with self.subTest(f"{count} from {first} to {last}"):
                    self.assertEqual(sorted(self.read_range(first, last, count)),
                                     [at for at in times if first < at < last])

    def test_nothing_is_lost(self):
        self.assertLosesNothing(lambda: self.submit(listen(at=NOW - 9)), outcome,
                                [(NOW - 9, "Gnossienne No. 1")])

    def test_nothing_is_lost_by_a_cut_connection(self):
        """The answer does not arrive, so that it is sent again."""
        for _ in range(3):
            self.cut_off(listen(at=NOW - 9))
        self.assertEqual(outcome(self.submit(listen(at=NOW - 9))), DONE)
        self.assertEqual(self.stored(), [(NOW - 9, "Gnossienne No. 1")])
        self.assertEqual(self.counted(), 1)

    def cut_off(self, item):
        connection = self.instance.connect()
        connection.request("POST", "/1/submit-listens",
                           dialogue.compact({"listen_type": "single", "payload": [item]}),
                           {"Authorization": f"Token {self.token}"})
        harness.wait_for(lambda: self.counted() > 0, "the listen to be stored")
        connection.close()
