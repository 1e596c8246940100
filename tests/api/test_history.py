"""GET /1/user/{name}/listens and /listen-count."""

import datetime
import random
import time

import harness

DAY = 86400
NOW = int(time.time())


def listens_of_years(seed, count):
    """Times of listens over two years, some days crowded, some seconds shared, up to now."""
    random_of = random.Random(seed)
    times = [NOW - int(random_of.random() ** 2 * 700 * DAY) - 10 for _ in range(count - 150)]
    crowded = NOW - 100 * DAY
    times += [crowded + random_of.randrange(40) for _ in range(150)]
    return sorted(times)


def midnight(year):
    return int(datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc).timestamp())


def listens_of_decades(seed):
    """Times of listens over twenty years, many empty or nearly so, on both sides of new year."""
    random_of = random.Random(seed)
    times = [midnight(2003), midnight(2004) - 1, midnight(2010), midnight(2010) - 1,
             midnight(2016) - 1, midnight(2016), midnight(2016), midnight(2016) + DAY - 1]
    for year, count in ((2005, 3), (2009, 40), (2010, 30), (2015, 700), (2016, 250), (2021, 1),
                        (2022, 130), (2024, 90)):
        times += [midnight(year) + random_of.randrange(365 * DAY) for _ in range(count)]
    return sorted(times)


class History(harness.ApiTest):
    make_times = staticmethod(lambda: listens_of_years(7, 1500))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.token = cls.instance.token("Ann", "--public")
        cls.times = cls.make_times()
        for start in range(0, len(cls.times), 500):
            cls.submit(cls.times[start:start + 500], start)

    @classmethod
    def submit(cls, times, first=0):
        payload = [{"listened_at": at, "track_metadata": {
            "artist_name": f"artist {(first + i) % 40}", "track_name": f"track {first + i}"}}
            for i, at in enumerate(times)]
        answer = cls.instance.post("/1/submit-listens",
                                   {"listen_type": "import", "payload": payload}, token=cls.token)
        assert answer.status == 200, answer

    def page(self, query="", name="Ann"):
        answer = self.instance.get(f"/1/user/{name}/listens{query}")
        self.assertEqual(answer.status, 200, answer)
        return answer.json()["payload"]

    def times_of(self, query):
        page = self.page(query)
        times = [listen["listened_at"] for listen in page["listens"]]
        self.assertEqual(page["count"], len(times))
        self.assertEqual(page["latest_listen_ts"], self.times[-1])
        self.assertEqual(page["oldest_listen_ts"], self.times[0])
        return times

    def test_newest_first_and_25_by_default(self):
        self.assertEqual(self.times_of(""), self.times[:-26:-1])

    def test_the_name_is_that_of_the_url(self):
        page = self.page("?count=1", name="aNN")
        self.assertEqual(page["user_id"], "aNN")
        self.assertEqual(page["listens"][0]["user_name"], "Ann")

    def test_counts(self):
        for count in (0, 1, 99, 100, 101, 1000):
            self.assertEqual(self.times_of(f"?count={count}"), self.times[::-1][:count])
        self.assertEqual(len(self.times_of("?count=5000")), 1000)
        self.assertEqual(len(self.times_of("?count=")), 25)

    def test_walk_back_by_max_ts(self):
        """Every listen once, though seconds are shared: the walk steps to the last whole second."""
        seen, bound = [], NOW + 1
        while page := [at for at in self.times_of(f"?max_ts={bound}&count=100")]:
            seen += page
            bound = page[-1]
        missing = set(self.times) - set(seen)
        self.assertEqual(missing, set())
        self.assertEqual(seen, sorted(seen, reverse=True))

    def test_walk_forward_by_min_ts(self):
        seen, bound = [], 0
        while page := self.times_of(f"?min_ts={bound}&count=1000"):
            seen = page + seen
            bound = page[0]
        self.assertEqual(sorted(set(seen)), sorted(set(self.times)))

    def test_any_bounds_equal_the_plain_rule(self):
        random_of = random.Random(11)
        edges = self.times + [0, NOW + 9999, NOW - NOW % DAY]
        for _ in range(120):
            low, high = sorted(random_of.sample(edges, 2))
            count = random_of.choice([1, 3, 25, 100, 250, 1000])
            low += random_of.choice([-1, 0, 1])
            with self.subTest(low=low, high=high, count=count):
                below = [at for at in self.times if at < high]
                self.assertEqual(self.times_of(f"?max_ts={high}&count={count}"),
                                 below[::-1][:count])
                above = [at for at in self.times if at > low]
                self.assertEqual(self.times_of(f"?min_ts={low}&count={count}"),
                                 above[:count][::-1])
                if low < high:
                    between = [at for at in above if at < high]
                    self.assertEqual(
                        self.times_of(f"?min_ts={low}&max_ts={high}&count={count}"),
                        between[:count][::-1])

    def test_wrong_parameters(self):
        for query, text in (
                ("max_ts=soon", "Incorrect max_ts timestamp argument: soon"),
                ("max_ts=", "Incorrect max_ts timestamp argument: "),
                ("max_ts=1%00", "Incorrect max_ts timestamp argument: 1\\u0000"),
                ("min_ts=1.5", "Incorrect min_ts timestamp argument: 1.5"),
                ("max_ts=5&min_ts=5", "max_ts should be greater than min_ts"),
                ("count=many", "Invalid count argument: many"),
                ("count=-1", "Number of items requested should be positive")):
            with self.subTest(query):
                self.assertError(self.instance.get(f"/1/user/Ann/listens?{query}"), 400, text)

    def test_far_bounds(self):
        for bound in (2**63 - 1, -2**63, 10**14):
            self.instance.get(f"/1/user/Ann/listens?max_ts={bound}")
            answer = self.instance.get(f"/1/user/Ann/listens?min_ts={bound}")
            self.assertEqual(answer.status, 200, answer)

    def test_unknown_parameters_are_ignored(self):
        self.assertEqual(self.page("?user=x&count=1")["count"], 1)

    def test_unknown_user_comes_first(self):
        for path in ("/1/user/nobody/listens", "/1/user/nobody/listens?count=x",
                     "/1/user/nobody/listen-count"):
            self.assertError(self.instance.get(path), 404, "Cannot find user: nobody")

    def test_names_with_slashes_and_escapes(self):
        self.instance.token("a/b ü", "--public")
        for name in ("a/b%20%C3%BC", "A%2Fb%20%C3%9C"):
            self.assertEqual(self.page(name=name)["count"], 0)

    def test_names_that_cannot_be(self):
        for name in ("%00", "a%00b", "%ff%fe", "%zz"):
            with self.subTest(name):
                answer = self.instance.get(f"/1/user/{name}/listens")
                self.assertIn(answer.status, (400, 404))  # nginx itself refuses broken escapes
                self.assertError(answer, answer.status)

    def test_count_of_all(self):
        answer = self.instance.get("/1/user/Ann/listen-count")
        self.assertEqual(answer.json(), {"payload": {"count": len(self.times)}})

    def test_nothing_yet(self):
        self.instance.token("Empty", "--public")
        page = self.page(name="Empty")
        self.assertEqual((page["count"], page["listens"], page["latest_listen_ts"],
                          page["oldest_listen_ts"]), (0, [], 0, 0))

    def test_head(self):
        answer = self.instance.request("HEAD", "/1/user/Ann/listens")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(answer.headers["Content-Length"],
                         str(len(self.instance.get("/1/user/Ann/listens").body)))


class HistoryOfDecades(History):
    """The same with listens far apart, and none today."""
    make_times = staticmethod(lambda: listens_of_decades(8))


class Privacy(harness.ApiTest):
    def test_only_the_owner_sees_a_private_history(self):
        owner = self.instance.token("owner")
        other = self.instance.token("other")
        for path in ("listens", "listen-count"):
            path = f"/1/user/owner/{path}"
            self.assertEqual(self.instance.get(path, token=owner).status, 200)
            for token in (None, other, "wrong"):
                answer = self.instance.get(path, token=token)
                self.assertError(answer, 404, "Cannot find user: owner")
        answer = self.instance.get("/1/user/owner/listens", token=owner)
        self.assertIn("private", answer.headers["Cache-Control"])

    def test_a_new_token_ends_the_old_one_at_once(self):
        old = self.instance.token("changing")
        self.assertEqual(self.instance.get("/1/user/changing/listens", token=old).status, 200)
        new = self.instance.refrain("user", "token", "changing").stdout.strip()
        new = new.removeprefix("token=")
        self.assertEqual(self.instance.get("/1/user/changing/listens", token=old).status, 404)
        self.assertEqual(self.instance.get("/1/user/changing/listens", token=new).status, 200)

    def test_a_deleted_user_is_gone_at_once_and_the_name_is_free(self):
        token = self.instance.token("leaving", "--public")
        body = {"listen_type": "single", "payload": [{
            "listened_at": NOW - 5, "track_metadata": {"artist_name": "a", "track_name": "t"}}]}
        self.instance.post("/1/submit-listens", body, token=token)
        self.assertEqual(self.instance.get("/1/user/leaving/listens").json()["payload"]["count"],
                         1)
        self.instance.refrain("user", "delete", "leaving")
        self.assertError(self.instance.get("/1/user/leaving/listens"), 404)
        self.assertError(self.instance.post("/1/submit-listens", body, token=token), 401)
        self.instance.refrain("user", "add", "--public", "leaving")
        page = self.instance.get("/1/user/leaving/listens").json()["payload"]
        self.assertEqual(page["count"], 0)
        harness.wait_for(lambda: self.instance.psql("select count(*) from listens") == "0",
                         "the worker to remove what was left behind")
