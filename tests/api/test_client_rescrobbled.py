"""rescrobbled: its types say which members an answer must have; it never tries again."""

import time

import dialogue
from dialogue import Optional

MBID = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"
ERROR = {"code": int, "error": str}
VALIDATED = {"code": int, "message": str, "valid": bool, "user_name": Optional(str)}
SUBMITTED = {"status": str}
METADATA = {"artist_name": str, "track_name": str, "release_name": Optional(str),
            "additional_info": dict}
MAPPING = {"artist_mbids": Optional([str]), "recording_mbid": str, "recording_name": Optional(str),
           "caa_id": Optional(int), "release_mbid": Optional(str)}
LISTENS = {"payload": {
    "count": int, "latest_listen_ts": int, "oldest_listen_ts": int, "user_id": str,
    "listens": [{"user_name": str, "inserted_at": int, "listened_at": int, "recording_msid": str,
                 "track_metadata": {**METADATA, "mbid_mapping": Optional(MAPPING)}}]}}
PLAYING = {"payload": {"count": int, "user_id": str, "playing_now": bool,
                       "listens": [{"track_metadata": METADATA, "playing_now": bool}]}}
COUNT = {"payload": {"count": int}}
WINDOW = {"count": int, "user_id": str, "from_ts": int, "to_ts": int, "last_updated": int,
          "range": str}
OF_ARTIST = {"artist_mbids": Optional([str]), "artist_name": str, "listen_count": int}
CHARTS = {
    "artists": {"payload": {**WINDOW, "total_artist_count": int, "artists": [OF_ARTIST]}},
    "releases": {"payload": {**WINDOW, "total_release_count": int, "releases": [
        {**OF_ARTIST, "release_mbid": Optional(str), "release_name": str}]}},
    "recordings": {"payload": {**WINDOW, "total_recording_count": int, "recordings": [
        {**OF_ARTIST, "recording_mbid": Optional(str), "release_mbid": Optional(str),
         "release_name": Optional(str), "track_name": Optional(str)}]}}}
FOLLOWERS = {"followers": [str], "user": str}
FOLLOWING = {"following": [str], "user": str}
LATEST_IMPORT = {"latest_import": int, "musicbrainz_id": str}
SIMILAR = {"payload": [{"user_name": str, "similarity": float}]}


class ApiError(Exception):
    """An answer from 400 on whose body tells what is wrong, or it could not even say that."""


class Rescrobbled(dialogue.ClientTest):
    def send(self, method, endpoint, shape, body=None, base="/1/", token=None):
        """By attohttpc. The base is what was typed, and the endpoint is put behind it."""
        headers = [("Accept", "*/*"), ("Accept-Encoding", "gzip, deflate"),
                   ("Connection", "close"), ("User-Agent", "attohttpc/0.30.1")]
        if token is not None:
            headers.append(("Authorization", f"Token {token}"))
        if body is not None:
            headers.append(("Content-Type", "application/json; charset=utf-8"))
            body = dialogue.compact(body)
        answer = self.ask(method, base + endpoint, headers, body)
        if answer.status >= 400:
            raise ApiError(dialogue.parse(answer, ERROR)["code"])
        return None if answer.status == 204 else dialogue.parse(answer, shape)

    def submit(self, kind, track, at=None, release=None, **options):
        metadata = {"track_name": track, "artist_name": "Nina Simone"}
        if release is not None:
            metadata["release_name"] = release
        item = {"track_metadata": metadata} if at is None else {"listened_at": at,
                                                                "track_metadata": metadata}
        return self.send("POST", "submit-listens", SUBMITTED,
                         {"listen_type": kind, "payload": [item]}, token=self.token, **options)

    def test_it_starts(self):
        """Newer releases name the token in the header, older ones in the query."""
        for base in ("/1/", "/apis/listenbrainz/1/", "/1//"):
            for endpoint, token in (("validate-token", self.token),
                                    (f"validate-token?token={self.token}", None)):
                told = self.send("GET", endpoint, VALIDATED, base=base, token=token)
                self.assertEqual((told["code"], told["valid"], told["user_name"]),
                                 (200, True, self.name))
        told = self.send("GET", "validate-token", VALIDATED, token="mistyped")
        self.assertEqual((told["code"], told["valid"]), (200, False))

    def test_a_track_is_played(self):
        """It sends nothing but names, and the time at which it sends them."""
        self.assertEqual(self.submit("playing_now", "Feeling Good")["status"], "ok")
        self.assertEqual(self.playing(), ["Feeling Good"])
        at = int(time.time())
        self.assertEqual(self.submit("single", "Feeling Good", at)["status"], "ok")
        self.submit("single", "Sinnerman", at, "Pastel Blues")
        self.assertEqual(sorted(self.stored()), [(at, "Feeling Good"), (at, "Sinnerman")])

    def test_errors_can_be_told(self):
        for body, token, code in (({}, self.token, 400), ({}, "mistyped", 401), ({}, None, 401)):
            with self.assertRaisesRegex(ApiError, str(code)):
                self.send("POST", "submit-listens", SUBMITTED, body, token=token)
        with self.assertRaisesRegex(ApiError, "404"):
            self.send("GET", "user/nobody/listens", LISTENS)
        with self.assertRaisesRegex(ApiError, "404"):
            self.send("GET", "validate-tokn", VALIDATED)
        with self.without("postgresql"), self.assertRaisesRegex(ApiError, "503"):
            self.submit("single", "Feeling Good", int(time.time()))
        with self.without("serve-1", "serve-2"), self.assertRaisesRegex(ApiError, "503"):
            self.submit("single", "Feeling Good", int(time.time()))

    def test_what_the_crate_reads(self):
        """With no token, so of a public profile."""
        for name in ("Listener of the crate", "Friend of the crate"):
            self.instance.token(name, "--public")
        self.token = self.instance.token("Listener of the crate")
        user = "Listener%20of%20the%20crate"
        for kind, shape in CHARTS.items():
            self.assertIsNone(self.send("GET", f"stats/user/{user}/{kind}", shape))
        self.submit("playing_now", "Sinnerman")
        at = int(time.time()) - 60
        for number in range(3):
            self.submit("single", f"song {number}", at + number, "Pastel Blues" if number else None)
        payload = self.send("GET", f"user/{user}/listens?min_ts={at}&count=9", LISTENS)["payload"]
        self.assertEqual((payload["count"], payload["oldest_listen_ts"]), (2, at))
        self.assertEqual(self.send("GET", f"user/{user}/listen-count", COUNT)["payload"]["count"], 3)
        payload = self.send("GET", f"user/{user}/playing-now", PLAYING)["payload"]
        self.assertEqual((payload["count"], payload["playing_now"]), (1, True))
        for kind, shape in CHARTS.items():
            payload = self.send("GET", f"stats/user/{user}/{kind}?count=2&offset=0&range=all_time",
                                shape)["payload"]
            self.assertEqual(payload["count"], len(payload[kind]))
        found = self.send("GET", f"user/{user}/listens", LISTENS)["payload"]["listens"][0]
        deleted = {"listened_at": found["listened_at"], "recording_msid": found["recording_msid"]}
        told = self.send("POST", "delete-listen", SUBMITTED, deleted, token=self.token)
        self.assertEqual(told["status"], "ok")
        self.assertEqual(self.send("GET", f"user/{user}/listen-count", COUNT)["payload"]["count"], 2)

    def test_the_crate_reads_what_others_know_of_tracks(self):
        """A mapping must have the recording's id, so there is none without it."""
        self.token = self.instance.token("Listener with ids", "--public")
        known = ({"recording_mbid": MBID}, {"artist_mbids": [MBID]}, {"release_mbid": MBID},
                 {"recording_mbid": MBID, "artist_mbids": [MBID], "release_mbid": MBID})
        body = {"listen_type": "import", "payload": [
            {"listened_at": 1_600_000_000 + number, "track_metadata": {
                "artist_name": f"artist {number}", "track_name": "t", "release_name": "r",
                "additional_info": info}} for number, info in enumerate(known)]}
        self.send("POST", "submit-listens", SUBMITTED, body, token=self.token)
        payload = self.send("GET", "user/Listener%20with%20ids/listens", LISTENS)["payload"]
        self.assertEqual(payload["count"], len(known))

    def test_what_the_crate_knows_of_others(self):
        self.token = self.instance.token("Follower of the crate", "--public")
        self.instance.token("Followed of the crate", "--public")
        user, other = "Follower%20of%20the%20crate", "Followed%20of%20the%20crate"
        told = self.send("POST", f"user/{other}/follow", SUBMITTED, token=self.token)
        self.assertEqual(told["status"], "ok")
        self.assertEqual(self.send("GET", f"user/{user}/following", FOLLOWING)["following"],
                         ["Followed of the crate"])
        self.assertEqual(self.send("GET", f"user/{other}/followers", FOLLOWERS)["followers"],
                         ["Follower of the crate"])
        self.send("POST", f"user/{other}/unfollow", SUBMITTED, token=self.token)
        self.assertEqual(self.send("GET", f"user/{user}/following", FOLLOWING)["following"], [])
        self.assertEqual(self.send("GET", f"user/{user}/similar-users", SIMILAR)["payload"], [])
        told = self.send("GET", f"latest-import?user_name={user}", LATEST_IMPORT)
        self.assertEqual((told["latest_import"], told["musicbrainz_id"]),
                         (0, "Follower of the crate"))
        self.send("POST", "latest-import", SUBMITTED, {"ts": 1_600_000_000}, token=self.token)
        told = self.send("GET", f"latest-import?user_name={user}", LATEST_IMPORT)
        self.assertEqual(told["latest_import"], 1_600_000_000)
