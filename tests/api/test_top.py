"""Top genres, artists and tracks for a profile: exact, cut from the charts of the statistics."""

import collections
import random
import shutil
import time

import harness
from test_statistics import DAY, RANGES, window

NOW = int(time.time())
RECORDINGS = 1000  # of which the genres are counted
TOTALS = {"genres": "total_genre_count", "artists": "total_artist_count",
          "tracks": "total_recording_count"}
CHARTS = {"artists": "artists", "tracks": "recordings"}


class TopTest(harness.ApiTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.submitted = 0

    @classmethod
    def listen(cls, at, artist, track, tags=None, release=None):
        metadata = {"artist_name": artist, "track_name": track}
        if release is not None:
            metadata["release_name"] = release
        if tags is not None:
            metadata["additional_info"] = {"tags": tags}
        return {"listened_at": at, "track_metadata": metadata}

    @classmethod
    def submit(cls, name, *listens):
        token = cls.instance.token(name, "--public")
        for start in range(0, len(listens), 1000):
            answer = cls.instance.post(
                "/1/submit-listens",
                {"listen_type": "import", "payload": listens[start:start + 1000]}, token=token)
            assert answer.status == 200, answer

    def answer(self, path):
        answer = self.instance.get(path)
        self.assertEqual(answer.status, 200, answer)
        return answer

    def top(self, kind, query="", name="Ann"):
        return self.answer(f"/1/user/{name}/top/{kind}?{query}").json()["payload"]

    def genres(self, query="", name="Ann"):
        return [(row["genre"], row["listen_count"])
                for row in self.top("genres", query, name)["genres"]]


class Lists(TopTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        random_of = random.Random(8)
        genres = [f"genre {n}" for n in range(130)] + ["Øre", 'a "b"', "c\\d"]
        cls.tags = {}
        for n in range(1300):
            tags = random_of.sample(genres, random_of.randrange(1, 4))
            cls.tags[f"artist {n % 90}", f"track {n}"] = None if n % 7 == 0 else tags
        keys = list(cls.tags)
        cls.heard = {(NOW - n * 40000, *keys[min(1299, int(random_of.expovariate(0.003)))])
                     for n in range(1500)}
        cls.heard |= {(NOW - 400 * DAY - n, *key) for n, key in enumerate(keys)}
        # What is heard again has other tags, which don't count.
        listens, known = [], set()
        for at, *key in sorted(cls.heard):
            tags = random_of.sample(genres, 2) if tuple(key) in known else cls.tags[tuple(key)]
            listens.append(cls.listen(at, *key, tags))
            known.add(tuple(key))
        random_of.shuffle(listens)
        cls.submit("Ann", *listens)

    def counts(self, name):
        bounds = window(name, NOW)
        return collections.Counter((artist, track) for at, artist, track in self.heard
                                   if bounds is None or bounds[0] <= at < bounds[1])

    def test_genres_are_those_of_a_plain_count(self):
        for name in RANGES:
            counts = self.counts(name)
            if len(counts) > RECORDINGS:
                continue  # which of those at the edge count, only the database knows
            with self.subTest(name):
                expected = collections.Counter()
                for key, count in counts.items():
                    for tag in self.tags[key] or ():
                        expected[tag.casefold()] += count
                payload = self.top("genres", f"range={name}&count=1000")
                ordered = sorted(expected.items(), key=lambda item: (-item[1], item[0].encode()))
                self.assertEqual([(row["genre"], row["listen_count"])
                                  for row in payload["genres"]], ordered)
                self.assertEqual(payload["total_genre_count"], len(expected))
                self.assertEqual(payload["count"], len(expected))

    def test_of_very_many_recordings_the_first_thousand_count(self):
        self.assertGreater(len(self.counts("all_time")), RECORDINGS)
        order = [(row["artist_name"], row["track_name"])
                 for row in self.top("tracks", "count=1000")["tracks"]]
        counts, expected = self.counts("all_time"), collections.Counter()
        for key in order:
            for tag in self.tags[key] or ():
                expected[tag.casefold()] += counts[key]
        self.assertEqual(dict(self.genres("count=1000")), dict(expected))

    def test_artists_and_tracks_are_those_of_the_statistics(self):
        for kind, chart in CHARTS.items():
            for query in ("range=all_time&count=130&offset=70", "range=year&count=7",
                          "range=this_month&count=1000"):
                with self.subTest(f"{kind} {query}"):
                    stats = self.answer(f"/1/stats/user/Ann/{chart}?{query}").json()["payload"]
                    stats[kind] = stats.pop(chart)
                    self.assertEqual(self.top(kind, query), stats)

    def test_ten_by_default_and_a_thousand_at_most(self):
        for kind, total in TOTALS.items():
            payload = self.top(kind)
            self.assertEqual((payload["count"], payload["offset"], payload["range"],
                              payload["user_id"], len(payload[kind])),
                             (10, 0, "all_time", "Ann", 10))
            self.assertEqual(payload["from_ts"], 1009843200)
            self.assertGreater(payload[total], 10)
            self.assertEqual(set(payload), {"user_id", kind, "count", "offset", "range", "from_ts",
                                            "to_ts", "last_updated", total})
        self.assertEqual(self.top("tracks", "count=5000")["count"], 1000)
        self.assertEqual(set(self.top("genres")["genres"][0]), {"genre", "listen_count"})

    def test_pages_neither_overlap_nor_skip(self):
        for kind in TOTALS:
            whole = self.top(kind, "count=1000")[kind]
            for size in (7, 100, 130):
                pages = []
                for offset in range(0, len(whole), size):
                    pages += self.top(kind, f"count={size}&offset={offset}")[kind]
                self.assertEqual(pages[:len(whole)], whole)
            self.assertEqual(self.top(kind, "offset=5000")[kind], [])

    def test_wrong_parameters(self):
        for kind in TOTALS:
            for query, text in (
                    ("range=decade", "Invalid range: decade"),
                    ("offset=-1", "'offset' should be a non-negative integer"),
                    ("count=x", "'count' should be a non-negative integer")):
                answer = self.instance.get(f"/1/user/Ann/top/{kind}?{query}")
                self.assertError(answer, 400, text)
            answer = self.instance.get(f"/1/user/nobody/top/{kind}?range=x")
            self.assertError(answer, 404, "Cannot find user: nobody")
        self.assertError(self.instance.get("/1/user/Ann/top/releases"), 404)
        answer = self.instance.post("/1/user/Ann/top/genres", {})
        self.assertError(answer, 405)
        self.assertEqual(answer.headers["Allow"], "GET, HEAD, OPTIONS")

    def test_no_listens_is_204_and_no_tags_an_empty_list(self):
        self.submit("Plain", self.listen(NOW - 400 * DAY, "a", "t"))
        for kind in TOTALS:
            answer = self.instance.get(f"/1/user/Plain/top/{kind}?range=this_week")
            self.assertEqual((answer.status, answer.body), (204, b""))
        payload = self.top("genres", name="Plain")
        self.assertEqual((payload["genres"], payload["count"], payload["total_genre_count"]),
                         ([], 0, 0))
        self.assertEqual(self.top("tracks", name="Plain")["count"], 1)

    def test_names_with_slashes(self):
        for name, artist in (("a", "of a"), ("a/top", "of a/top"), ("a/top/artists", "of all")):
            self.submit(name, self.listen(NOW - 5, artist, "t", [artist]))
        for spelt, artist in (("a", "of a"), ("a/top", "of a/top"), ("a%2Ftop", "of a/top"),
                              ("A/Top/Artists", "of all"), ("a%2ftop%2fartists", "of all")):
            with self.subTest(spelt):
                self.assertEqual(self.genres(name=spelt), [(artist, 1)])
                self.assertEqual(self.top("artists", name=spelt)["artists"][0]["artist_name"],
                                 artist)
                for path in (f"/1/user/{spelt}/listens",
                             f"/apis/listenbrainz/1/user/{spelt}/listens"):
                    listen, = self.answer(path).json()["payload"]["listens"]
                    self.assertEqual(listen["track_metadata"]["artist_name"], artist)
        answer = self.answer("/apis/listenbrainz//1/user/a/top/top/genres/")
        self.assertEqual(answer.json()["payload"]["genres"][0]["genre"], "of a/top")

    def test_only_the_owner_sees_a_private_profile(self):
        token = self.instance.token("Hidden")
        self.submit("Hidden", self.listen(NOW - 5, "a hidden one", "t"))
        for kind in TOTALS:
            path = f"/1/user/Hidden/top/{kind}"
            self.assertError(self.instance.get(path), 404, "Cannot find user: Hidden")
            answer = self.instance.get(path, token=token)
            self.assertEqual((answer.status, answer.headers["Cache-Control"]),
                             (200, "private, no-cache"))


class Tags(TopTest):
    def test_each_once_in_folded_form(self):
        self.submit("Ann", self.listen(NOW - 9, "one", "t", ["Lied", " lied ", "ＬＩＥＤ", "", " "]))
        self.assertEqual(self.genres(), [("lied", 1)])

    def test_those_of_the_first_listen_count(self):
        self.submit("Bea", self.listen(NOW - 7, "two", "t", ["folk"]))
        self.submit("Bea", self.listen(NOW - 6, "Two", "T", ["jazz"]))
        self.assertEqual(self.genres(name="Bea"), [("folk", 2)])
        self.submit("Bea", self.listen(NOW - 8, "two", "t", "polka"))
        self.assertEqual(self.genres(name="Bea"), [("polka", 3)])
        self.submit("Bea", self.listen(NOW - 9, "two", "t", []))
        self.assertEqual(self.genres(name="Bea"), [])

    def test_where_the_first_listen_goes_the_next_one_counts(self):
        self.submit("Eve", self.listen(NOW - 9, "four", "t", ["folk"]),
                    self.listen(NOW - 8, "four", "t", ["jazz"]))
        self.assertEqual(self.genres(name="Eve"), [("folk", 2)])
        listen = self.answer("/1/user/Eve/listens").json()["payload"]["listens"][-1]
        answer = self.instance.post(
            "/1/delete-listen", {"listened_at": listen["listened_at"],
                                 "recording_msid": listen["recording_msid"]},
            token=self.instance.token("Eve"))
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.genres(name="Eve"), [("jazz", 1)])

    def test_those_of_others_never_show(self):
        token = self.instance.token("Quiet")
        for at, track in ((NOW - 9, "t"), (NOW - 3, "u")):
            answer = self.instance.post("/1/submit-listens", {
                "listen_type": "import",
                "payload": [self.listen(at, "five", track, ["a secret"])]}, token=token)
            self.assertEqual(answer.status, 200, answer)
        self.submit("Faye", self.listen(NOW - 8, "five", "t"),
                    self.listen(NOW - 7, "five", "u", ["known"]))
        self.assertEqual(self.genres(name="Faye"), [("known", 1)])
        answer = self.instance.get("/1/user/Quiet/top/genres", token=token)
        self.assertEqual(answer.json()["payload"]["genres"],
                         [{"genre": "a secret", "listen_count": 2}])

    def test_they_come_with_imports(self):
        folder = harness.temporary_folder()
        self.addCleanup(shutil.rmtree, folder)
        path = folder / "listens.jsonl"
        path.write_text('{"listened_at": 1600000000, "track_metadata": {"artist_name": "three", '
                        '"track_name": "t", "additional_info": {"tags": ["Polka"]}}}\n')
        self.instance.token("Dora", "--public")
        self.instance.refrain("import", "--user", "Dora", path)
        self.assertEqual(self.genres(name="Dora"), [("polka", 1)])


class Caching(TopTest):
    def status(self, path):
        return self.answer(path).headers["Cache-Status"]

    def assertHit(self, path):
        self.assertRegex(self.status(path), r"^refrain; hit; ttl=\d+; detail=l[12]$", path)

    def assertMissThenHit(self, path, detail="version"):
        self.assertEqual(self.status(path), f"refrain; fwd=miss; stored; detail={detail}", path)
        self.assertHit(path)

    def test_artists_and_tracks_lie_in_the_cache_once(self):
        self.submit("Ann", self.listen(NOW - 9, "a", "t"))
        for kind, chart in CHARTS.items():
            self.status(f"/1/stats/user/Ann/{chart}")
            self.assertHit(f"/1/user/Ann/top/{kind}")
            self.submit("Ann", self.listen(NOW - len(kind), "a", "t"))
            self.status(f"/1/user/Ann/top/{kind}")
            self.assertHit(f"/1/stats/user/Ann/{chart}")
        keys = self.instance.redis("--scan", "--pattern", "rf2:*:stats:*").split()
        self.assertEqual(len(keys), 2, keys)

    def test_every_change_is_seen(self):
        genres = "/1/user/Bea/top/genres"
        self.submit("Bea", self.listen(NOW - 500 * DAY, "b", "t", ["first"]))
        paths = [f"/1/user/Bea/top/{kind}" for kind in TOTALS]
        for path in paths:
            self.assertMissThenHit(path, "absent")
        for at in (NOW - 5, NOW - 300 * DAY):
            self.submit("Bea", self.listen(at, "b", "u", ["second"]))
            for path in paths:
                self.assertMissThenHit(path)
        self.assertEqual(self.genres(name="Bea"), [("second", 2), ("first", 1)])
        self.instance.psql("delete from listens l using users u, recordings r where "
                           "u.id = l.user_id and u.name = 'Bea' and r.id = l.recording_id "
                           "and r.name = 'u'")
        harness.wait_for(lambda: self.genres(name="Bea") == [("first", 1)], "the relay", 2)
        self.instance.psql("update listens l set info = '{\"tags\": [\"third\"]}' from users u "
                           "where u.id = l.user_id and u.name = 'Bea'")
        harness.wait_for(lambda: self.genres(name="Bea") == [("third", 1)], "the relay", 2)
        self.assertHit(genres)

    def test_tags_of_others_leave_a_page_warm(self):
        tune = NOW - 9, "d", "t"
        self.submit("Dora", self.listen(*tune))
        paths = ["/1/user/Dora/listens", *(f"/1/user/Dora/top/{kind}" for kind in TOTALS)]
        for path in paths:
            self.assertMissThenHit(path, "absent")
        self.submit("Emil", self.listen(*tune, ["new"]))
        self.assertEqual(self.genres(name="Emil"), [("new", 1)])
        for path in paths:
            self.assertHit(path)
        self.assertEqual(self.genres(name="Dora"), [])

    def test_closed_windows_stay_where_only_today_has_changed(self):
        if NOW % DAY < 900:
            self.skipTest("a window that has just closed counts as open for ten minutes")
        last_year = window("year", NOW)[0] + 5 * DAY
        tune = self.listen(last_year, "c", "t", ["old"])
        self.submit("Cleo", tune)
        paths = [f"/1/user/Cleo/top/{kind}?range=year" for kind in TOTALS]
        for path in paths:
            self.assertMissThenHit(path, "absent")
        self.submit("Cleo", self.listen(int(time.time()), "c", "new", ["new"]))
        for path in paths:
            self.assertHit(path)
        self.submit("Cleo", {**tune, "listened_at": last_year + 1})
        for path in paths:
            self.assertMissThenHit(path)
        self.assertEqual(self.genres("range=year", "Cleo"), [("old", 2)])
