"""/1/feedback/…: what listeners love and hate."""

import json
import time
import uuid

import harness

NOBODY = "Cannot find user: "
MISSING = ("JSON document must contain either recording_msid or recording_mbid, and score top level "
           "keys")
EXTRA = "JSON document may only contain recording_msid, recording_mbid and score top level keys"
WRONG = "Invalid JSON document submitted: "


def fresh():
    return str(uuid.uuid4())


class FeedbackTest(harness.ApiTest):
    """With Ann, who is public, and Paul, who is private."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ann = cls.instance.token("Ann", "--public")
        cls.paul = cls.instance.token("Paul")

    def tell(self, token=None, **feedback):
        answer = self.instance.post("/1/feedback/recording-feedback", feedback,
                                    token=token or self.ann)
        self.assertEqual((answer.status, answer.json()), (200, {"status": "ok"}), answer)

    def read(self, path, **options):
        answer = self.instance.get(f"/1/feedback/{path}", **options)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def listed(self, query="", name="Ann", **options):
        return self.read(f"user/{name}/get-feedback{query}", **options)

    def clear(self):
        """Nobody has told anything."""
        self.instance.psql("delete from feedback")

    def setUp(self):
        self.clear()


class Telling(FeedbackTest):
    def scores(self):
        """What is listed, as ids and scores."""
        return [(entry["recording_msid"], entry["recording_mbid"], entry["score"])
                for entry in self.listed()["feedback"]]

    def test_love_by_msid(self):
        msid = fresh()
        before = int(time.time())
        self.tell(recording_msid=msid, score=1)
        answer = self.listed()
        entry, = answer.pop("feedback")
        self.assertEqual(answer, {"count": 1, "total_count": 1, "offset": 0})
        self.assertIn(entry.pop("created"), range(before, int(time.time()) + 1))
        self.assertEqual(entry, {"user_id": "Ann", "recording_msid": msid, "recording_mbid": None,
                                 "score": 1, "track_metadata": None})

    def test_hate_by_mbid(self):
        mbid = fresh()
        self.tell(recording_mbid=mbid, score=-1)
        self.assertEqual(self.scores(), [(None, mbid, -1)])

    def test_second_thoughts(self):
        msid = fresh()
        self.tell(recording_msid=msid, score=1)
        self.tell(recording_msid=msid, score=-1)
        self.assertEqual(self.scores(), [(msid, None, -1)])

    def test_zero_takes_it_back(self):
        msid, mbid, other = fresh(), fresh(), fresh()
        self.tell(recording_msid=msid, score=1)
        self.tell(recording_mbid=mbid, score=1)
        self.tell(recording_msid=other, score=1)
        self.tell(recording_msid=msid, score=0)
        self.tell(recording_mbid=mbid, score=0)
        self.assertEqual(self.scores(), [(other, None, 1)])
        self.tell(recording_msid=fresh(), score=0)
        self.assertEqual(self.scores(), [(other, None, 1)])

    def test_both_ids_join_what_was_told_by_either(self):
        msid, mbid = fresh(), fresh()
        self.tell(recording_msid=msid, score=1)
        self.tell(recording_mbid=mbid, score=-1)
        self.tell(recording_msid=msid, recording_mbid=mbid, score=1)
        self.assertEqual(self.scores(), [(msid, mbid, 1)])

    def test_an_id_is_not_forgotten(self):
        msid, mbid = fresh(), fresh()
        self.tell(recording_msid=msid, recording_mbid=mbid, score=1)
        self.tell(recording_msid=msid, score=-1)
        self.assertEqual(self.scores(), [(msid, mbid, -1)])
        self.tell(recording_mbid=mbid, score=0)
        self.assertEqual(self.scores(), [])

    def test_told_again_it_stays_where_it_was(self):
        first, second = fresh(), fresh()
        for msid in (first, second, first):
            self.tell(recording_msid=msid, score=1)
        self.assertEqual(self.scores(), [(second, None, 1), (first, None, 1)])
        self.tell(recording_msid=first, score=-1)
        self.assertEqual(self.scores(), [(first, None, -1), (second, None, 1)])

    def test_everybody_has_his_own(self):
        msid = fresh()
        self.tell(recording_msid=msid, score=1)
        self.tell(self.paul, recording_msid=msid, score=-1)
        self.assertEqual(self.scores(), [(msid, None, 1)])
        self.assertEqual(self.listed(name="Paul", token=self.paul)["feedback"][0]["score"], -1)

    def test_forms_that_are_taken(self):
        """As Python's UUID and int take them; whatever the body is labelled as."""
        msid = fresh()
        for score in (1, "1", 1.0, True):
            for form in (msid, msid.upper(), msid.replace("-", ""), f"{{{msid}}}",
                         f"urn:uuid:{msid}"):
                with self.subTest(form=form, score=score):
                    self.clear()
                    self.tell(recording_msid=form, recording_mbid=None, score=score)
                    self.assertEqual(self.scores(), [(msid, None, 1)])
        self.clear()
        answer = self.instance.post(
            "/1/feedback/recording-feedback", json.dumps({"recording_msid": msid, "score": 1}),
            token=self.ann, headers={"Content-Type": "text/plain"})
        self.assertEqual(answer.status, 200, answer)

    def test_wrong_bodies(self):
        msid = fresh()
        for body, text in (
                ({}, MISSING),
                ({"recording_msid": msid}, MISSING),
                ({"score": 1}, MISSING),
                ({"score": 1, "more": 2}, MISSING),
                ({"recording_msid": msid, "score": 1, "more": 2}, EXTRA),
                ({"recording_msid": msid, "recording_mbid": msid, "score": 1, "x": 1}, EXTRA),
                ({"recording_msid": "x", "score": 1},
                 WRONG + "recording_msid 'x' must be a valid UUID."),
                ({"recording_mbid": 5, "score": 1},
                 WRONG + "recording_mbid '5' must be a valid UUID."),
                ({"recording_msid": msid, "recording_mbid": "", "score": 1},
                 WRONG + "recording_mbid '' must be a valid UUID."),
                ({"recording_msid": None, "score": 1},
                 WRONG + "at least one of recording_msid or recording_mbid should be specified"),
                ([], "Invalid JSON document submitted. Top level of JSON document should be a json "
                     "object.")):
            with self.subTest(body):
                answer = self.instance.post("/1/feedback/recording-feedback", body,
                                            token=self.ann)
                self.assertError(answer, 400, text)
        for score in (2, -2, "love", None, [], 2**70):
            with self.subTest(score):
                answer = self.instance.post("/1/feedback/recording-feedback",
                                            {"recording_msid": msid, "score": score},
                                            token=self.ann)
                self.assertError(answer, 400, WRONG + "Score can have a value of 1, 0 or -1.")
        answer = self.instance.post("/1/feedback/recording-feedback", "{", token=self.ann)
        self.assertError(answer, 400)
        self.assertTrue(answer.json()["error"].startswith("Cannot parse JSON document: "), answer)
        self.assertEqual(self.scores(), [])

    def test_who_may(self):
        body = {"recording_msid": fresh(), "score": 1}
        path = "/1/feedback/recording-feedback"
        self.assertError(self.instance.post(path, body), 401,
                         "You need to provide an Authorization header.")
        self.assertError(self.instance.post(path, body, token="x"), 401,
                         "Invalid authorization token.")
        # The token comes before the body.
        self.assertError(self.instance.post(path, "{"), 401)
        token = self.instance.token("Tim", "--public")
        for scopes, status in ((2 | 4, 401), (1, 200)):
            self.instance.psql(f"update tokens set scopes = {scopes} where user_id = "
                               "(select id from users where name = 'Tim')")
            answer = harness.wait_for(
                lambda: (a := self.instance.post(path, body, token=token)).status == status and a,
                "the scopes to be known")
            if status == 401:
                self.assertError(answer, 401, "Insufficient scope.")
        self.assertError(self.instance.get(path), 405)


class Reading(FeedbackTest):
    def test_pages_newest_first(self):
        msids = [fresh() for _ in range(7)]
        for i, msid in enumerate(msids):
            self.tell(recording_msid=msid, score=-1 if i == 3 else 1)
        msids.reverse()
        for query, expected, total in (
                ("", msids, 7), ("?count=2", msids[:2], 7), ("?count=2&offset=2", msids[2:4], 7),
                ("?offset=6", msids[6:], 7), ("?offset=7", [], 7), ("?count=0", [], 7),
                ("?count=5000", msids, 7), ("?score=", msids, 7),
                (f"?offset={2**63 - 1}", [], 7),
                ("?score=-1", msids[3:4], 1), ("?score=1", msids[:3] + msids[4:], 6),
                ("?score=1&count=1&offset=3", msids[4:5], 6)):
            with self.subTest(query):
                answer = self.listed(query)
                self.assertEqual([entry["recording_msid"] for entry in answer["feedback"]],
                                 expected)
                self.assertEqual(answer["count"], len(expected))
                self.assertEqual(answer["total_count"], total)

    def test_25_by_default_and_1000_at_most(self):
        self.instance.psql(
            "insert into feedback (user_id, recording_msid, score) "
            "select id, gen_random_uuid(), 1 from users, generate_series(1, 1010) "
            "where name = 'Ann'")
        self.assertEqual(self.listed()["count"], 25)
        self.assertEqual(self.listed("?count=1000000")["count"], 1000)
        # Pages of those that were told at the same time neither overlap nor skip.
        seen = {entry["recording_msid"] for offset in range(0, 1010, 100)
                for entry in self.listed(f"?count=100&offset={offset}")["feedback"]}
        self.assertEqual(len(seen), 1010)

    def test_the_name_is_as_stored(self):
        self.tell(recording_msid=fresh(), score=1)
        self.assertEqual(self.listed(name="aNN")["feedback"][0]["user_id"], "Ann")

    def test_metadata(self):
        mbid, artist_mbid = fresh(), fresh()
        answer = self.instance.post("/1/submit-listens", {"listen_type": "import", "payload": [
            {"listened_at": 1_700_000_000 + i, "track_metadata": metadata}
            for i, metadata in enumerate((
                {"artist_name": "Clara Schumann", "track_name": "Romanze"},
                {"artist_name": "Mel Bonis", "track_name": "Omphale", "release_name": "Œuvres",
                 "additional_info": {"recording_mbid": mbid, "artist_mbids": [artist_mbid]}}))]},
            token=self.ann)
        self.assertEqual(answer.status, 200, answer)
        answer = self.instance.get("/1/user/Ann/listens?count=2").json()
        bonis, schumann = (listen["recording_msid"] for listen in answer["payload"]["listens"])
        unknown = fresh()
        self.tell(recording_msid=unknown, score=1)
        self.tell(recording_msid=schumann, score=1)
        self.tell(recording_mbid=mbid, score=1)
        self.tell(recording_mbid=unknown, score=1)
        self.tell(recording_msid=bonis, recording_mbid=unknown, score=-1)

        known = {"artist_name": "Mel Bonis", "track_name": "Omphale", "release_name": "Œuvres",
                 "additional_info": {"recording_msid": bonis},
                 "mbid_mapping": {"recording_mbid": mbid, "recording_name": "Omphale",
                                  "artist_mbids": [artist_mbid],
                                  "artists": [{"artist_credit_name": "Mel Bonis",
                                               "artist_mbid": artist_mbid, "join_phrase": ""}]}}
        for value in ("true", "True"):
            entries = self.listed(f"?metadata={value}")["feedback"]
            self.assertEqual([entry["track_metadata"] for entry in entries], [
                known, known,
                {"artist_name": "Clara Schumann", "track_name": "Romanze",
                 "additional_info": {"recording_msid": schumann}},
                None])
        # Paul has heard none of it.
        self.tell(self.paul, recording_msid=schumann, score=1)
        self.tell(self.paul, recording_mbid=mbid, score=1)
        entries = self.listed("?metadata=true", name="Paul", token=self.paul)["feedback"]
        self.assertEqual([entry["track_metadata"] for entry in entries], [None, None])
        for query in ("?metadata=false", "?metadata=FALSE", "?metadata=", ""):
            self.assertEqual({entry["track_metadata"]
                              for entry in self.listed(query)["feedback"]}, {None})

    def test_wrong_parameters(self):
        for path in ("user/Ann/get-feedback", f"recording/{fresh()}/get-feedback",
                     f"recording/{fresh()}/get-feedback-mbid"):
            for query, text in (
                    ("score=invalid", "Invalid score argument: invalid"),
                    ("score=1%00", "Invalid score argument: 1\\u0000"),
                    ("score=2", "Score can have a value of 1 or -1."),
                    ("score=0", "Score can have a value of 1 or -1."),
                    ("count=many", "'count' should be a non-negative integer"),
                    ("count=-1", "'count' should be a non-negative integer"),
                    ("offset=far", "'offset' should be a non-negative integer"),
                    ("offset=-1", "'offset' should be a non-negative integer"),
                    ("score=x&offset=x&count=x", "Invalid score argument: x"),
                    ("score=2&count=x&offset=x", "'offset' should be a non-negative integer")):
                with self.subTest(path=path, query=query):
                    self.assertError(self.instance.get(f"/1/feedback/{path}?{query}"), 400, text)
        self.assertError(self.instance.get("/1/feedback/user/Ann/get-feedback?metadata=yes"), 400,
                         "Invalid metadata argument: yes. Must be 'true' or 'false'")

    def test_wrong_ids(self):
        for kind, path in (("msid", "get-feedback"), ("mbid", "get-feedback-mbid")):
            for value in ("x", fresh()[1:]):
                self.assertError(self.instance.get(f"/1/feedback/recording/{value}/{path}"), 400,
                                 f"{value} {kind} format invalid.")

    def test_of_a_recording(self):
        msid, mbid = fresh(), fresh()
        others = [self.instance.token(name, "--public") for name in ("Bea", "Cleo")]
        self.tell(recording_msid=msid, score=1)
        self.tell(others[0], recording_msid=msid, recording_mbid=mbid, score=-1)
        self.tell(others[1], recording_mbid=mbid, score=1)
        for path, query, expected, total in (
                (f"{msid}/get-feedback", "", [("Bea", -1), ("Ann", 1)], 2),
                (f"{msid.upper()}/get-feedback", "", [("Bea", -1), ("Ann", 1)], 2),
                (f"{msid}/get-feedback", "?count=1&offset=1", [("Ann", 1)], 2),
                # How many there are is told whatever their score, as ListenBrainz does.
                (f"{msid}/get-feedback", "?score=1", [("Ann", 1)], 2),
                (f"{mbid}/get-feedback-mbid", "", [("Cleo", 1), ("Bea", -1)], 2),
                (f"{mbid}/get-feedback-mbid", "?score=-1", [("Bea", -1)], 2),
                (f"{mbid}/get-feedback", "", [], 0)):
            with self.subTest(path=path, query=query):
                answer = self.read(f"recording/{path}{query}")
                self.assertEqual([(entry["user_id"], entry["score"])
                                  for entry in answer["feedback"]], expected)
                self.assertEqual((answer["count"], answer["total_count"]), (len(expected), total))

    def test_for_recordings(self):
        msid, mbid, joined = fresh(), fresh(), (fresh(), fresh())
        nothing = [fresh(), fresh()]
        self.tell(recording_msid=msid, score=1)
        self.tell(recording_mbid=mbid, score=-1)
        self.tell(recording_msid=joined[0], recording_mbid=joined[1], score=1)
        expected = [(msid, None, 1), (nothing[0], None, 0), (joined[0], joined[1], 1),
                    (None, nothing[1], 0), (None, mbid, -1), (joined[0], joined[1], 1)]
        msids, mbids = [msid, nothing[0], joined[0]], [nothing[1], mbid, joined[1]]
        path = "/1/feedback/user/aNN/get-feedback-for-recordings"
        by_query = (f"{path}?recording_msids={','.join(msids)}"
                    f"&recording_mbids={',%20,'.join(mbids)}")
        for answer in (self.instance.get(by_query),
                       self.instance.get(by_query.replace("recording_msids", "recordings")),
                       self.instance.post(path, {"recording_msids": msids,
                                                 "recording_mbids": mbids})):
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(list(answer.json()), ["feedback"])
            self.assertEqual(
                [(entry["recording_msid"], entry["recording_mbid"], entry["score"])
                 for entry in answer.json()["feedback"]], expected)
            for entry in answer.json()["feedback"]:
                self.assertEqual((entry["user_id"], entry["created"], entry["track_metadata"]),
                                 ("aNN", None, None))
        # One kind alone.
        for body in ({"recording_msids": msids}, {"recording_mbids": mbids}):
            self.assertEqual(len(self.instance.post(path, body).json()["feedback"]), 3)

    def test_for_very_many_recordings(self):
        msids = [fresh() for _ in range(5000)]
        self.tell(recording_msid=msids[4321], score=1)
        answer = self.instance.post("/1/feedback/user/Ann/get-feedback-for-recordings",
                                    {"recording_msids": msids})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual([entry["recording_msid"] for entry in answer.json()["feedback"]], msids)
        self.assertEqual([i for i, entry in enumerate(answer.json()["feedback"])
                          if entry["score"] == 1], [4321])
        answer = self.instance.post("/1/feedback/user/Ann/get-feedback-for-recordings",
                                    {"recording_msids": msids + msids})
        self.assertError(answer, 413)

    def test_for_no_recordings(self):
        path = "/1/feedback/user/Ann/get-feedback-for-recordings"
        text = "No valid recording msid or recording mbid found."
        for query in ("", "?recording_msids=", "?recording_mbids=,%20,", "?recordings="):
            self.assertError(self.instance.get(path + query), 400, text)
        for body in ({}, {"recording_msids": []}, {"recording_mbids": []}):
            self.assertError(self.instance.post(path, body), 400, text)
        for query, key in (("recording_msids=x", "recording_msids"),
                           (f"recording_mbids={fresh()},x", "recording_mbids"),
                           (f"recording_msids={fresh()}&recordings=y&recording_mbids=x",
                            "recording_mbids")):
            self.assertError(self.instance.get(f"{path}?{query}"), 400,
                             f"{WRONG}{key} 'x' must be a valid UUID.")
        self.assertError(self.instance.post(path, {"recording_msids": ["x"]}), 400,
                         f"{WRONG}recording_msids 'x' must be a valid UUID.")
        self.assertError(self.instance.post(path, {"recording_msids": [None]}), 400,
                         f"{WRONG}recording_msids 'null' must be a valid UUID.")
        self.assertError(self.instance.post(path, {"recording_mbids": fresh()}), 400,
                         f"{WRONG}recording_mbids must be a list of UUIDs.")


class Privacy(FeedbackTest):
    def test_who_sees_a_private_user(self):
        msid = fresh()
        self.tell(self.paul, recording_msid=msid, score=1)
        paths = ("/1/feedback/user/Paul/get-feedback",
                 f"/1/feedback/user/Paul/get-feedback-for-recordings?recording_msids={msid}")
        for path in paths:
            answer = self.instance.get(path, token=self.paul)
            self.assertEqual(answer.json()["feedback"][0]["score"], 1)
            self.assertEqual(answer.headers["Cache-Control"], "private, no-cache")
            for token in (None, self.ann, "x"):
                self.assertError(self.instance.get(path, token=token), 404, NOBODY + "Paul")
        body = {"recording_msids": [msid]}
        path = "/1/feedback/user/Paul/get-feedback-for-recordings"
        self.assertError(self.instance.post(path, body, token=self.ann), 404, NOBODY + "Paul")
        self.assertEqual(self.instance.post(path, body, token=self.paul).status, 200)

    def test_unknown_users(self):
        for path in ("get-feedback", "get-feedback?count=x",
                     f"get-feedback-for-recordings?recordings={fresh()}"):
            self.assertError(self.instance.get(f"/1/feedback/user/nobody/{path}"), 404,
                             NOBODY + "nobody")

    def test_lists_of_a_recording_name_public_users_only(self):
        msid = fresh()
        token = self.instance.token("Hide", "--public")
        for teller in (self.ann, self.paul, token):
            self.tell(teller, recording_msid=msid, score=1)

        def names(**options):
            answer = self.read(f"recording/{msid}/get-feedback", **options)
            self.assertEqual(answer["total_count"], len(answer["feedback"]))
            return [entry["user_id"] for entry in answer["feedback"]]

        for options in ({}, {"token": self.paul}, {"token": self.ann}):
            self.assertEqual(names(**options), ["Hide", "Ann"])
        self.instance.psql("update users set public = false where name = 'Hide'")
        self.assertEqual(names(), ["Ann"])
        self.instance.psql("update users set public = true where name = 'Hide'")
        self.assertEqual(names(), ["Hide", "Ann"])
        self.instance.refrain("user", "delete", "Hide")
        self.assertEqual(names(), ["Ann"])
        self.assertEqual(self.instance.psql("select count(*) from feedback"), "2")


class Caching(FeedbackTest):
    def test_headers(self):
        self.tell(recording_msid=fresh(), score=1)
        answer = self.instance.get("/1/feedback/user/Ann/get-feedback")
        self.assertEqual(answer.headers["Cache-Status"],
                         "refrain; fwd=bypass; detail=not-cached")
        self.assertEqual(answer.headers["Cache-Control"], "public, no-cache")
        again = {"If-None-Match": answer.headers["ETag"]}
        path = "/1/feedback/user/Ann/get-feedback"
        self.assertEqual(self.instance.get(path, headers=again).status, 304)
        self.tell(recording_msid=fresh(), score=1)
        self.assertEqual(self.instance.get(path, headers=again).status, 200)
        post = self.instance.post("/1/feedback/recording-feedback",
                                  {"recording_msid": fresh(), "score": 1}, token=self.ann)
        self.assertEqual(post.headers["Cache-Control"], "no-store")

    def test_it_reaches_cached_statistics_at_once(self):
        """Feedback is among the data of a listener: what is cached of him is computed again."""
        self.instance.post("/1/submit-listens", {"listen_type": "single", "payload": [{
            "listened_at": 1_700_000_000,
            "track_metadata": {"artist_name": "a", "track_name": "b"}}]}, token=self.ann)
        path = "/1/stats/user/Ann/artists"

        def status():
            return self.instance.get(path).headers["Cache-Status"]

        msid = fresh()
        status()
        self.assertIn("; hit;", status())
        self.tell(recording_msid=msid, score=1)
        self.assertIn("detail=version", status())
        self.assertIn("; hit;", status())
        # Told again it is no change.
        self.tell(recording_msid=msid, score=1)
        self.assertIn("; hit;", status())
        self.tell(recording_msid=msid, score=-1)
        self.assertIn("detail=version", status())
