"""Charts: shapes, order, pages, windows."""

import collections
import random
import unicodedata
import unittest
import uuid

import psql
import world

FUNCTIONS = ("stats_artists", "stats_releases", "stats_recordings")
ALL = world.ALL_TIME
window, year = world.window, world.year


class Shapes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mbid = [str(uuid.uuid4()) for _ in range(4)]
        cls.user = world.add_user()
        cls.known = world.track('The "Known"', "Album\\", "Tünë", artist_mbid=cls.mbid[0],
                                release_mbid=cls.mbid[1], mbid=cls.mbid[2])
        cls.duo = world.track("This & That " + world.fresh("duo"), None, "Duet",
                              artist_mbid=f"{cls.mbid[0]},{cls.mbid[3]}")
        cls.plain = world.track(world.fresh("Plain"), "Album", "Tune")
        world.add_tracks(cls.known, cls.duo, cls.plain)
        at_s = world.utc_s(2020, 6, 1)
        world.add_listens(cls.user, *((at_s + n, cls.known) for n in range(3)),
                          *((at_s + n, cls.duo) for n in range(2)), (at_s, cls.plain))

    def entries(self, function):
        answers = [world.read(function, self.user.id, *when, 0, 10)
                   for when in (ALL, year(2020), window(world.utc_s(2020), world.utc_s(2021)))]
        self.assertEqual(answers[0].entries, answers[1].entries)
        self.assertEqual(answers[0].entries, answers[2].entries)
        self.assertEqual([entry["listen_count"] for entry in answers[0].entries], answers[0].keys)
        return answers[0].entries

    def test_artists(self):
        self.assertEqual([
            {"artist_mbid": self.mbid[0], "artist_name": 'The "Known"', "listen_count": 3},
            {"artist_mbid": None, "artist_name": self.duo.artist.name, "listen_count": 2},
            {"artist_mbid": None, "artist_name": self.plain.artist.name, "listen_count": 1},
        ], self.entries("stats_artists"))

    def test_releases(self):
        self.assertEqual([
            {"artist_mbids": [self.mbid[0]], "artist_name": 'The "Known"',
             "artists": [{"artist_mbid": self.mbid[0], "artist_credit_name": 'The "Known"',
                          "join_phrase": ""}],
             "caa_id": None, "caa_release_mbid": None, "listen_count": 3,
             "release_mbid": self.mbid[1], "release_name": "Album\\"},
            {"artist_mbids": [], "artist_name": self.plain.artist.name, "artists": [],
             "caa_id": None, "caa_release_mbid": None, "listen_count": 1,
             "release_mbid": None, "release_name": "Album"},
        ], self.entries("stats_releases"))

    def test_recordings(self):
        entries = self.entries("stats_recordings")
        self.assertEqual({
            "artist_mbids": [self.mbid[0]], "artist_name": 'The "Known"',
            "artists": [{"artist_mbid": self.mbid[0], "artist_credit_name": 'The "Known"',
                         "join_phrase": ""}],
            "caa_id": None, "caa_release_mbid": None, "listen_count": 3,
            "recording_mbid": self.mbid[2], "release_mbid": self.mbid[1],
            "release_name": "Album\\", "track_name": "Tünë"}, entries[0])
        self.assertEqual({
            "artist_mbids": [self.mbid[0], self.mbid[3]], "artist_name": self.duo.artist.name,
            "artists": [], "caa_id": None, "caa_release_mbid": None, "listen_count": 2,
            "recording_mbid": None, "release_mbid": None, "release_name": None,
            "track_name": "Duet"}, entries[1])
        self.assertEqual(3, len(entries))

    def test_entries_are_compact(self):
        for function in FUNCTIONS:
            text = psql.rows(psql.call(function, self.user.id, *ALL, 0, 1))[0][-1]
            self.assertNotIn('": ', text)

    def test_envelope(self):
        changed_s = int(psql.value("select floor(extract(epoch from changed_at)) "
                                   f"from refrain.user_version where user_id = {self.user.id}"))
        whole = (1009843200, changed_s)
        year_2020 = world.utc_s(2020), world.utc_s(2021)
        for when, bounds in ((ALL, whole), (year(2020), year_2020),
                             (window(*year_2020), year_2020)):
            for function, name, total in (("stats_artists", "total_artist_count", 3),
                                          ("stats_releases", "total_release_count", 2),
                                          ("stats_recordings", "total_recording_count", 3)):
                with self.subTest(f"{function} {when}"):
                    answer = world.read(function, self.user.id, *when, 0, 1)
                    self.assertEqual(total, answer.total)
                    self.assertEqual({"from_ts": bounds[0], "to_ts": bounds[1],
                                      "last_updated": changed_s, name: total}, answer.meta)
                    self.assertEqual(self.user.versions(), answer.versions[1:4])
                    self.assertLess(abs(answer.as_of_us / 1e6 - world.now_s()), 60)


class Pages(unittest.TestCase):
    """Many ties: 40 recordings of 20 artists, of which most have one or two listens."""

    @classmethod
    def setUpClass(cls):
        cls.user = world.add_user()
        artists = [world.fresh("Artist") for _ in range(20)]
        tunes = world.add_tracks(*(world.track(artists[n % 20], f"Album {n % 25}", f"Tune {n}")
                                   for n in range(40)))
        at_s = world.utc_s(2021, 3, 1)
        world.add_listens(cls.user, *((at_s + n, tunes[n % 40]) for n in range(50)),
                          *((at_s + n, tunes[7]) for n in range(50, 55)))
        cls.expected = {
            function: [(int(row[0]), int(row[1])) for row in psql.rows(
                f"select {column}, count(*) from refrain.listens where user_id = {cls.user.id} "
                "group by 1 order by 2 desc, 1")]
            for function, column in zip(FUNCTIONS, ("artist_id", "release_id", "recording_id"))}

    def test_pages_are_the_chart_in_pieces(self):
        for when in (ALL, year(2021), window(*year(2021)[1:3])):
            for function in FUNCTIONS:
                whole = world.read(function, self.user.id, *when, 0, 1000)
                self.assertEqual([count for _, count in self.expected[function]], whole.keys)
                for size in (1, 3, 10, 39):
                    with self.subTest(f"{function} {when} by {size}"):
                        pages = []
                        for first in range(0, len(whole.entries), size):
                            page = world.read(function, self.user.id, *when, first, size)
                            self.assertEqual(whole.total, page.total)
                            self.assertLessEqual(len(page.entries), size)
                            pages += page.entries
                        self.assertEqual(whole.entries, pages)

    def test_ties_go_by_entity(self):
        for period in (0, 2021, -1):
            ranked = psql.rows(psql.call("chart_page", self.user.id, 3, *year(2021)[1:3], period,
                                         0, 1000) + " order by listens desc, entity_id")
            self.assertEqual(self.expected["stats_recordings"],
                             [(int(row[1]), int(row[2])) for row in ranked])
            for first in range(0, 40, 8):
                page = psql.rows(psql.call("chart_page", self.user.id, 3, *year(2021)[1:3], period,
                                           first, 8))
                self.assertEqual(
                    {entity for entity, _ in self.expected["stats_recordings"][first:first + 8]},
                    {int(row[1]) for row in page})

    def test_past_the_end_and_nothing(self):
        for when in (ALL, year(2021), window(*year(2021)[1:3])):
            for first, count in ((40, 10), (1000, 10), (0, 0)):
                with self.subTest(f"{when} {first} {count}"):
                    answer = world.read("stats_recordings", self.user.id, *when, first, count)
                    self.assertEqual(([], 40), (answer.entries, answer.total))

    def test_no_listens(self):
        for user, when in ((self.user, year(1999)), (self.user, window(0, 1)),
                           (world.add_user(), ALL)):
            answer = world.read("stats_artists", user.id, *when, 0, 10)
            self.assertEqual(([], 0), (answer.entries, answer.total))
            self.assertEqual(0, answer.meta["total_artist_count"])

    def test_nobody(self):
        for function in FUNCTIONS:
            self.assertIsNone(world.read(function, 2_000_000_000, *ALL, 0, 10))


class Genres(unittest.TestCase):
    """1100 recordings, so that the least heard don't count. Every listen has tags of its own, or
    none: those of the first listen of a recording count."""

    CONSIDERED = 1000

    @classmethod
    def setUpClass(cls):
        cls.user = world.add_user()
        random_of = random.Random(5)
        genres = [f"genre {n}" for n in range(150)] + [f" Genre  {n}" for n in range(30)] + [
            'the "new" wave', "a\\b", "Über", "ü\u0308ber", "z", "\u3000", "", "\ufdfa" * 4]
        tunes = world.add_tracks(*(
            world.track("Artist " + world.fresh("g"), None, f"Tune {n}") for n in range(1100)))

        def listen(at_s, tune):
            tags = random_of.sample(genres, random_of.randrange(5))
            return world.Listen(at_s, tune, info={"tags": tags} if tags else None)
        cls.listens = [listen(world.utc_s(2019 + n % 3, 2, 3) + n,
                              tunes[min(1099, int(random_of.expovariate(0.004)))])
                       for n in range(6000)]
        cls.listens += [listen(world.utc_s(2020, 9, 1) + n, tune) for n, tune in enumerate(tunes)]
        random_of.shuffle(cls.listens)
        world.add_listens(cls.user, *cls.listens)

    @staticmethod
    def fold(tag):
        folded = " ".join(unicodedata.normalize("NFKC", tag).lower().split())
        return folded if len(folded) <= 64 else ""

    def expected(self, first_s, end_s):
        counts = collections.Counter(
            n.track for n in self.listens if first_s <= n.at_s < end_s)
        first = {n.track: n for n in sorted(self.listens, key=lambda n: -n.at_s)}
        top = sorted(counts, key=lambda t: (-counts[t], t.recording.id))[:self.CONSIDERED]
        genres = collections.Counter()
        for tune in top:
            for tag in {self.fold(tag) for tag in (first[tune].info or {"tags": ()})["tags"]}:
                genres[tag] += counts[tune]
        del genres[""]
        return [{"genre": tag, "listen_count": count} for tag, count in
                sorted(genres.items(), key=lambda item: (-item[1], item[0].encode()))], len(counts)

    def test_they_are_those_of_a_plain_count(self):
        year_2020 = world.utc_s(2020), world.utc_s(2021)
        for when, bounds in ((ALL, (0, 1 << 40)), (year(2020), year_2020),
                             (window(*year_2020), year_2020)):
            with self.subTest(when):
                entries, recordings = self.expected(*bounds)
                answer = world.read("stats_genres", self.user.id, *when, 0, 1000)
                self.assertEqual(entries, answer.entries)
                self.assertEqual([entry["listen_count"] for entry in entries], answer.keys)
                self.assertEqual(len(entries), answer.meta["total_genre_count"])
                self.assertEqual(recordings, answer.total)
                self.assertEqual({"from_ts", "to_ts", "last_updated", "total_genre_count"},
                                 set(answer.meta))
                self.assertEqual(self.user.versions(), answer.versions[1:4])
        self.assertGreater(self.expected(0, 1 << 40)[1], self.CONSIDERED)

    def test_pages_are_the_list_in_pieces(self):
        whole = world.read("stats_genres", self.user.id, *ALL, 0, 1000)
        self.assertGreater(len(whole.entries), 100)
        for size in (1, 7, 100):
            pages = []
            for first in range(0, len(whole.entries) + size, size):
                page = world.read("stats_genres", self.user.id, *ALL, first, size)
                self.assertEqual((whole.total, whole.meta), (page.total, page.meta))
                pages += page.entries
            self.assertEqual(whole.entries, pages)

    def test_no_tags_and_no_listens(self):
        user = world.add_user()
        for when in (ALL, year(2020), window(0, 1)):
            answer = world.read("stats_genres", user.id, *when, 0, 10)
            self.assertEqual(([], 0, 0), (answer.entries, answer.total,
                                          answer.meta["total_genre_count"]))
        tune, = world.add_tracks(world.track())
        world.add_listens(user, (world.utc_s(2020), tune))
        for when in (ALL, year(2020)):
            answer = world.read("stats_genres", user.id, *when, 0, 10)
            self.assertEqual(([], 1, 0), (answer.entries, answer.total,
                                          answer.meta["total_genre_count"]))
        self.assertIsNone(world.read("stats_genres", 2_000_000_000, *ALL, 0, 10))

    def of(self, user, *when):
        answer = world.read("stats_genres", user.id, *(when or ALL), 0, 1000)
        return [(entry["genre"], entry["listen_count"]) for entry in answer.entries]

    def test_those_of_others_never_show(self):
        hidden, user = world.add_user(), world.add_user(public=True)
        tune, = world.add_tracks(world.track(mbid=str(uuid.uuid4())))
        at_s = world.utc_s(2020)
        world.add_listens(hidden, world.Listen(at_s, tune, info={"tags": ["a secret"]}))
        world.add_listens(user, world.Listen(at_s + 1, tune))
        self.assertEqual([], self.of(user))
        self.assertEqual([("a secret", 1)], self.of(hidden))
        world.add_listens(user, world.Listen(at_s, tune, info={"tags": ["own"]}))
        self.assertEqual([("own", 2)], self.of(user))

    def test_the_first_listen_decides(self):
        """In a window too in which it does not lie; where it goes, the next one does."""
        user = world.add_user()
        tune, = world.add_tracks(world.track())
        times = [world.utc_s(number, 5) for number in (2018, 2019, 2020)]
        for at_s, tags in zip(times, (["first"], ["second"], None)):
            world.add_listens(user, world.Listen(at_s, tune, info=tags and {"tags": tags}))
        for when in (year(2020), window(times[2], times[2] + 1)):
            self.assertEqual([("first", 1)], self.of(user, *when))
        self.assertEqual([("first", 3)], self.of(user))
        for at_s, left in ((times[0], [("second", 2)]), (times[1], [])):
            past = user.versions()[1]
            psql.execute(psql.call("listen_delete", user.id, at_s, tune.recording.msid))
            self.assertEqual(left, self.of(user))
            self.assertLess(past, user.versions()[1])

    def test_whatever_stands_there(self):
        user = world.add_user()
        kinds = (None, {}, [], 5, {"tags": None}, {"tags": 5}, {"tags": {"a": "b"}}, {"tags": []},
                 {"tags": "alone"}, {"tags": [None, 5, {"tags": "a"}, "a", "A ", "b" * 64, "b" * 65]})
        tunes = world.add_tracks(*(world.track() for _ in kinds))
        world.add_listens(user, *(world.Listen(world.utc_s(2020), tune, info=info)
                                  for tune, info in zip(tunes, kinds)))
        for when in (ALL, year(2020), window(*year(2020)[1:3])):
            self.assertEqual([("a", 1), ("alone", 1), ("b" * 64, 1)], self.of(user, *when))


class Windows(unittest.TestCase):
    def test_bounds(self):
        """From the first second to before the last; years are UTC's, whatever the session's."""
        user = world.add_user()
        tune, = world.add_tracks(world.track())
        end_s = world.utc_s(2022)
        world.add_listens(user, (end_s - 1, tune), (end_s, tune), (end_s + 1, tune))
        with psql.Session() as session:
            session.rows("set time zone 'Pacific/Auckland'")
            session.rows(world.listen_call(user.id, [world.Listen(end_s - 2, tune)]))

            def listens(*when):
                return world.read("stats_artists", user.id, *when, 0, 1, session=session).keys
            self.assertEqual([2], listens(*year(2021)))
            self.assertEqual([2], listens(*year(2022)))
            self.assertEqual([2], listens(*window(end_s - 1, end_s + 1)))
            self.assertEqual([1], listens(*window(end_s + 1, end_s + 2)))
            self.assertEqual([], listens(*window(end_s + 2, end_s + 3)))
            self.assertEqual([4], listens(*ALL))
        self.assertEqual([], world.differences(user))
