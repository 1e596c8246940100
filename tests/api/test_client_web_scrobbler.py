"""web-scrobbler: a browser's extension, so CORS; the address that is typed is posted to as it is."""

import json

import dialogue
from dialogue import AGAIN, DONE, LOST, NOW

ORIGINS = ("chrome-extension://hhinaapppaileiechjoiifaancjggfjm",
           "moz-extension://7c5a1f0e-2f0b-4a63-9a51-0d0c2b1e4a77", "null")
# Many type less than the whole address of submit-listens, or more.
ADDRESSES = ("/1/submit-listens", "/1/submit-listens/", "//1/submit-listens",
             "/1/1/submit-listens", "/1", "/1/", "/", "/apis/listenbrainz/1/submit-listens",
             "/apis/listenbrainz/1", "/apis/listenbrainz")


def listen(track="Pärt: Spiegel im Spiegel", at=None):
    metadata = {
        "artist_name": "Arvo Pärt", "track_name": track,
        "additional_info": {
            "submission_client": "Web Scrobbler", "submission_client_version": "3.18.0",
            "music_service_name": "Spotify", "origin_url": "https://open.spotify.com/track/x1",
            "release_artist_name": "Arvo Pärt", "spotify_id": "https://open.spotify.com/track/x1",
            "duration": 484.8733},
        "release_name": "Alina"}
    return {"track_metadata": metadata} if at is None else {"listened_at": at,
                                                            "track_metadata": metadata}


def outcome(answer):
    """400 and 401 sign the user out; with other errors the songs stay in the queue."""
    try:
        told = json.loads(answer.body)
    except ValueError:
        return AGAIN
    if answer.status in (400, 401):
        return LOST
    return DONE if isinstance(told, dict) and told.get("status") == "ok" else AGAIN


class WebScrobbler(dialogue.ClientTest):
    def browser_headers(self, origin):
        return [("Connection", "keep-alive"), ("Accept", "*/*"), ("Origin", origin),
                ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like "
                 "Gecko) Chrome/126.0.0.0 Safari/537.36"),
                ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "cors"),
                ("Sec-Fetch-Dest", "empty"), ("Accept-Encoding", "gzip, deflate, br, zstd"),
                ("Accept-Language", "de-DE,de;q=0.9,en-US;q=0.8")]

    def preflight(self, origin, target):
        """What the browser asks before it sends, and what it needs to hear."""
        answer = self.ask("OPTIONS", target, [
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization,content-type"),
            *self.browser_headers(origin)])
        self.assertTrue(200 <= answer.status < 300, answer)
        self.assertIn(answer.headers["Access-Control-Allow-Origin"], ("*", origin))
        names = answer.headers["Access-Control-Allow-Headers"].lower().replace(" ", "").split(",")
        self.assertLessEqual({"authorization", "content-type"}, set(names))
        methods = answer.headers["Access-Control-Allow-Methods"].replace(" ", "").split(",")
        self.assertIn("POST", methods)
        self.assertEqual(answer.body, b"")

    def send(self, body, *, target=ADDRESSES[0], origin=ORIGINS[0], token=None):
        headers = [("Authorization", f"Token {token or self.token}"),
                   ("Content-Type", "application/json; charset=UTF-8"),
                   *self.browser_headers(origin)]
        answer = self.ask("POST", target, headers, dialogue.compact(body))
        self.assertIn(answer.headers["Access-Control-Allow-Origin"], ("*", origin), answer)
        self.assertIsInstance(json.loads(answer.body), dict)
        return answer

    def test_any_address_that_people_type(self):
        """The browser would not follow a redirect of the preflight."""
        for number, target in enumerate(ADDRESSES):
            with self.subTest(target):
                self.preflight(ORIGINS[number % 3], target)
                answer = self.send({"listen_type": "single", "payload": [listen(at=NOW - number)]},
                                   target=target, origin=ORIGINS[number % 3])
                self.assertEqual(outcome(answer), DONE, answer)
        self.assertEqual(self.counted(), len(ADDRESSES))

    def test_a_song_is_played(self):
        """The duration that a page tells is seldom whole."""
        answer = self.send({"listen_type": "playing_now", "payload": [listen()]})
        self.assertEqual(outcome(answer), DONE)
        self.assertEqual(self.playing(), ["Pärt: Spiegel im Spiegel"])
        answer = self.send({"listen_type": "single", "payload": [listen(at=NOW - 100)]})
        self.assertEqual(outcome(answer), DONE)
        page = self.instance.get(f"{self.path}/listens", token=self.token).json()["payload"]
        (stored,) = page["listens"]
        self.assertEqual(stored["track_metadata"]["release_name"], "Alina")
        info = stored["track_metadata"]["additional_info"]
        self.assertEqual((info["duration"], info["origin_url"]),
                         (484, "https://open.spotify.com/track/x1"))

    def test_the_queue_goes_in_batches_of_fifty(self):
        songs = [listen(f"song {number}", NOW - 5000 + number) for number in range(50)]
        for _ in range(2):
            self.assertEqual(outcome(self.send({"listen_type": "import", "payload": songs})), DONE)
        self.assertEqual(len(self.stored()), 50)

    def test_errors_can_be_read_by_the_page(self):
        """Without CORS headers the script would not see even the status."""
        for body, token in (({}, None), ({"listen_type": "single", "payload": [listen()]}, "x")):
            self.assertEqual(outcome(self.send(body, token=token)), LOST)

    def test_nothing_is_lost(self):
        body = {"listen_type": "import", "payload": [listen(at=NOW - 9), listen("b", NOW - 8)]}
        self.assertLosesNothing(lambda: self.send(body), outcome,
                                [(NOW - 8, "b"), (NOW - 9, "Pärt: Spiegel im Spiegel")])
