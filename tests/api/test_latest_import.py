"""GET and POST /1/latest-import."""

import time

import harness

SERVICES = ("spotify", "critiquebrainz", "musicbrainz", "lastfm", "librefm", "soundcloud", "apple",
            "funkwhale", "navidrome", "musicbrainz_prod", "musicbrainz_beta", "musicbrainz_test")


class LatestImport(harness.ApiTest):
    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1].title()
        self.token = self.instance.token(self.name, "--public")

    def get(self, query="", name=None, **options):
        return self.instance.get(f"/1/latest-import?user_name={name or self.name}{query}",
                                 **options)

    def post(self, body, **options):
        options.setdefault("token", self.token)
        return self.instance.post("/1/latest-import", body, **options)

    def assertLatest(self, ts, query="", **options):
        answer = self.get(query, **options)
        self.assertEqual((answer.status, answer.json()),
                         (200, {"musicbrainz_id": self.name, "latest_import": ts, "status": None,
                                "error": None}))

    def assertTaken(self, body, **options):
        answer = self.post(body, **options)
        self.assertEqual((answer.status, answer.json()), (200, {"status": "ok"}))

    def test_it_only_goes_up(self):
        self.assertLatest(0)
        for body, expected in (({"ts": 100}, 100), ({"ts": 50}, 100), ({"ts": "0"}, 100),
                               ({"ts": "1700000000"}, 1700000000), ({}, 1700000000),
                               ({"ts": 1700000001.9}, 1700000001)):
            with self.subTest(str(body)):
                self.assertTaken(body)
                self.assertLatest(expected)

    def test_services_are_apart(self):
        for number, service in enumerate(SERVICES, 1):
            self.assertTaken({"ts": number, "service": service})
        for number, service in enumerate(SERVICES, 1):
            self.assertLatest(number, f"&service={service.upper()}")
        self.assertLatest(SERVICES.index("lastfm") + 1)

    def test_an_unknown_service_comes_before_an_unknown_user(self):
        for service in ("deezer", "", "lastfmx", "lastf"):
            self.assertError(self.get(f"&service={service}", name="nobody"), 404,
                             f"Service does not exist: {service}")

    def test_unknown_users(self):
        self.assertError(self.get(name="nobody"), 404, "Cannot find user: nobody")
        # Whoever asks is not meant where no name is given.
        for query in ("", "?user_name=", "?user_name=%20"):
            answer = self.instance.get("/1/latest-import" + query, token=self.token)
            self.assertError(answer, 404)
        self.assertError(self.get("%00x"), 404)
        self.assertError(self.instance.get("/1/latest-import?user_name=%00x"), 404,
                         "Cannot find user: \\u0000x")
        self.assertError(self.get("%ff"), 404)

    def test_the_name_is_as_stored(self):
        self.assertTaken({"ts": 5})
        self.assertLatest(5, name=self.name.upper())

    def test_a_private_user_is_unknown_to_others(self):
        token = self.instance.token("Hidden")
        self.assertTaken({"ts": 5}, token=token)
        self.assertError(self.get(name="hidden"), 404, "Cannot find user: hidden")
        self.assertError(self.get(name="hidden", token=self.token), 404)
        answer = self.get(name="hidden", token=token)
        self.assertEqual((answer.json()["musicbrainz_id"], answer.json()["latest_import"]),
                         ("Hidden", 5))

    def test_wrong_bodies(self):
        for body in (b"", b"{", b"[]", {"ts": "soon"}, {"ts": None}, {"ts": [1]},
                     {"ts": 1, "service": "deezer"}, {"ts": 1, "service": None},
                     {"ts": 1, "service": 5}, {"ts": 1, "service": "lastfm\0x"}):
            with self.subTest(str(body)):
                self.assertError(self.post(body), 400, "Invalid data sent")
        self.assertLatest(0)

    def test_what_lies_in_the_future(self):
        """Accepted, it would be there for ever."""
        hour_on = int(time.time()) + 3600
        for ts in (hour_on + 60, 2**63 - 1, 2**63, 10**40, str(2**62)):
            with self.subTest(ts=ts):
                self.assertError(self.post({"ts": ts}), 400, "Invalid data sent")
        self.assertLatest(0)
        self.assertTaken({"ts": hour_on - 60})
        self.assertLatest(hour_on - 60)

    def test_authorisation(self):
        self.assertError(self.post({"ts": 1}, token=None), 401,
                         "You need to provide an Authorization header.")
        self.assertError(self.post({"ts": 1}, token="x"), 401, "Invalid authorization token.")

    def test_without_postgresql(self):
        for _ in range(2):  # so that the token is known
            self.assertTrue(self.instance.get("/1/validate-token", token=self.token).json()["valid"])
        self.instance.stop_part("postgresql")
        try:
            self.assertError(self.post({"ts": 1}), 503,
                             "Could not update latest_import, try again")
        finally:
            self.instance.start_part("postgresql")
            harness.wait_for(lambda: all(self.instance.get("/readyz").status == 200
                                         for _ in range(20)), "all processes to be back")
        self.assertLatest(0)
