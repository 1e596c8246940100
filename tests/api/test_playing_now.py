"""What is playing now: told by submit-listens, read by GET …/playing-now, ended by
POST /1/playing-now/delete."""

import json

import harness

TRACK = {"artist_name": "Erik Satie", "track_name": "Gymnopédie No. 1"}
QUEUE_TEXT = "Cannot submit listens to queue, please try again later."
PLAYING_TEXT = "Cannot record playing_now at this time."


class PlayingTest(harness.ApiTest):
    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1]
        self.token = self.instance.token(self.name)

    def play(self, query="", metadata=None, token=None, **info):
        track = {**TRACK, **(metadata or {})}
        if info:
            track["additional_info"] = info
        body = {"listen_type": "playing_now", "payload": [{"track_metadata": track}]}
        return self.instance.post("/1/submit-listens" + query, body, token=token or self.token)

    def get(self, name=None, **options):
        options.setdefault("token", self.token)
        return self.instance.get(f"/1/user/{name or self.name}/playing-now", **options)

    def playing(self):
        """track_metadata of what is playing, None for nothing."""
        answer = self.get()
        self.assertEqual(answer.status, 200, answer)
        payload = answer.json()["payload"]
        self.assertEqual((payload["count"], payload["playing_now"], payload["user_id"]),
                         (len(payload["listens"]), True, self.name))
        if not payload["listens"]:
            return None
        (listen,) = payload["listens"]
        self.assertEqual((listen["playing_now"], listen["user_name"]), (True, self.name))
        self.assertEqual(set(listen), {"playing_now", "user_name", "track_metadata"})
        return listen["track_metadata"]

    def clear(self, body=b"", **options):
        options.setdefault("token", self.token)
        return self.instance.post("/1/playing-now/delete", body, **options)

    def assertCleared(self, answer, message):
        self.assertEqual((answer.status, answer.json()),
                         (200, {"status": "ok", "message": f"Playing now {message}"}))


class Playing(PlayingTest):
    def test_nothing_plays_at_first(self):
        self.assertIsNone(self.playing())

    def test_it_is_answered_as_sent(self):
        answer = self.play("?return_msid=true", {"release_name": "Trois", "note": [1]},
                           submission_client="a player", nested={"a": {"b": 1}}, tags=["piano"],
                           mbid_mapping={}, recording_msid="mine")
        msid = answer.json()["recording_msid"]
        self.assertEqual(self.playing(), {
            **TRACK, "release_name": "Trois", "note": [1],
            "additional_info": {"submission_client": "a player", "nested.a.b": 1,
                                "tags": ["piano"], "recording_msid": msid}})

    def test_it_is_seen_at_once_through_every_process(self):
        for number in range(20):
            self.play(metadata={"track_name": f"track {number}"})
            for _ in range(3):
                self.assertEqual(self.playing()["track_name"], f"track {number}")

    def test_a_listen_does_not_end_it(self):
        self.play()
        self.instance.post("/1/submit-listens", {"listen_type": "single", "payload": [
            {"listened_at": 1700000000, "track_metadata": TRACK}]}, token=self.token)
        self.assertIsNotNone(self.playing())

    def lifetime_s(self):
        return round(float(self.instance.psql(
            "select extract(epoch from expires_at - now()) from playing_now p, users u "
            f"where u.id = p.user_id and u.name = '{self.name}'")))

    def test_it_lasts_as_long_as_the_track(self):
        for number, (info, expected_s) in enumerate((
                ({"duration": 301}, 301), ({"duration_ms": 187999}, 188), ({}, 600),
                ({"duration": "250.7"}, 250))):
            with self.subTest(str(info)):
                self.play(metadata={"track_name": f"track {number}"}, **info)
                self.assertAlmostEqual(self.lifetime_s(), expected_s, delta=10)

    def test_it_ends_by_itself(self):
        self.play(duration_ms=300)
        harness.wait_for(lambda: self.playing() is None, "the track to end", 10)

    def test_the_same_track_is_not_refreshed(self):
        self.play(duration=100)
        self.play(duration=500, submission_client="another")
        self.assertAlmostEqual(self.lifetime_s(), 100, delta=10)
        self.assertNotIn("submission_client", self.playing()["additional_info"])
        self.play(metadata={"artist_name": "another"}, duration=500)
        self.assertAlmostEqual(self.lifetime_s(), 500, delta=10)

    def test_no_version_is_raised(self):
        versions = "select live, past, auth from user_version join users on id = user_id " \
                   f"where name = '{self.name}'"
        before = self.instance.psql(versions)
        self.play()
        self.clear()
        self.assertEqual(self.instance.psql(versions), before)

    def test_nothing_keeps_it(self):
        self.play()
        answer = self.get()
        self.assertIn("no-cache", answer.headers["Cache-Control"])
        self.assertIn("bypass", answer.headers["Cache-Status"])
        again = self.get(headers={"If-None-Match": answer.headers["ETag"]})
        self.assertEqual((again.status, again.body), (304, b""))
        self.clear()
        again = self.get(headers={"If-None-Match": answer.headers["ETag"]})
        self.assertEqual(again.status, 200)

    def test_who_may_see_it(self):
        self.play()
        self.assertError(self.get("nobody"), 404, "Cannot find user: nobody")
        for token in (None, self.instance.token("somebody")):
            self.assertError(self.get(token=token), 404, f"Cannot find user: {self.name}")
        self.play(token=self.instance.token("Public", "--public"))
        payload = self.get("PUBLIC", token=None).json()["payload"]
        self.assertEqual((payload["user_id"], payload["listens"][0]["user_name"]),
                         ("PUBLIC", "Public"))

    def test_checks_come_before_anything_is_stored(self):
        self.assertError(self.play(metadata={"track_name": " "}), 400,
                         "field track_metadata.track_name is empty.")
        self.assertError(self.play(token="x"), 401, "Invalid authorization token.")
        self.assertIsNone(self.playing())

    def test_the_worker_removes_what_has_ended(self):
        self.play(duration_ms=1)
        self.instance.stop_part("worker")   # its next look is within a minute, the first at once
        self.instance.start_part("worker")
        harness.wait_for(lambda: self.instance.psql(
            "select count(*) from playing_now p join users u on u.id = p.user_id "
            f"where u.name = '{self.name}'") == "0", "the row to be removed")


class Clearing(PlayingTest):
    def test_whoever_told_it(self):
        for body in (b"", {}, {"client": None}, {"client": ""}, {"other": 1}):
            with self.subTest(str(body)):
                self.play(submission_client="a player")
                self.assertCleared(self.clear(body), "cleared successfully")
                self.assertIsNone(self.playing())

    def test_of_one_client(self):
        self.play(submission_client="a player")
        self.assertError(self.clear({"client": "another"}), 404,
                         "No playing now listen found for the specified client.")
        self.assertIsNotNone(self.playing())
        self.assertCleared(self.clear({"client": "a player"}), "cleared successfully")
        self.assertIsNone(self.playing())

    def test_of_an_unnamed_client(self):
        self.play()
        self.assertCleared(self.clear({"client": "another"}), "cleared successfully")

    def test_nothing_is_playing(self):
        for body in (b"", {"client": "a player"}, b"{", b"[]", {"client": 5}):
            with self.subTest(str(body)):
                self.assertCleared(self.clear(body), "was already cleared")

    def test_wrong_bodies(self):
        self.play()
        for body, text in (
                (b"{", "Cannot parse JSON document: …"),
                (b"\xff", "Cannot parse JSON document: …"),
                (b"[]", "Invalid JSON document submitted. Top level of JSON document should be a "
                        "json object."),
                ({"client": 5}, "The 'client' field must be a string."),
                ({"client": ["a"]}, "The 'client' field must be a string."),
                ({"client": "a\0b"}, "The 'client' field contains a unicode null.")):
            with self.subTest(str(body)):
                answer = self.clear(body)
                self.assertError(answer, 400)
                self.assertTrue(answer.json()["error"].startswith(text.rstrip("…")), answer)
        self.assertIsNotNone(self.playing())

    def test_authorisation(self):
        self.assertError(self.clear(token=None, headers={}), 401,
                         "You need to provide an Authorization header.")
        self.assertError(self.clear(token="x"), 401, "Invalid authorization token.")

    def test_a_token_that_may_submit_is_enough(self):
        for scopes, status in ((1, 200), (6, 401)):
            self.instance.psql("update tokens set scopes = %d where user_id = (select id "
                               "from users where name = '%s')" % (scopes, self.name))
            self.assertEqual(self.clear().status, status)


class Outage(PlayingTest):
    def test_without_postgresql(self):
        self.play()
        for _ in range(2):  # so that the token is known
            self.assertTrue(self.instance.get("/1/validate-token", token=self.token).json()["valid"])
        self.instance.stop_part("postgresql")
        try:
            self.assertError(self.play(metadata={"track_name": "another"}), 503, PLAYING_TEXT)
            single = {"listen_type": "single",
                      "payload": [{"listened_at": 1700000000, "track_metadata": TRACK}]}
            answer = self.instance.post("/1/submit-listens", json.dumps(single), token=self.token)
            self.assertError(answer, 503, QUEUE_TEXT)
            self.assertTrue(answer.headers["Retry-After"])
            for answer in (self.get(), self.clear()):
                self.assertError(answer, 503)
        finally:
            self.instance.start_part("postgresql")
            harness.wait_for(lambda: all(self.instance.get("/readyz").status == 200
                                         for _ in range(20)), "all processes to be back")
        self.assertNotEqual((self.playing() or TRACK)["track_name"], "another")
