"""History: pages by time, entries as sent, the index of stable segments."""

import random
import unittest
import uuid

import psql
import world

AT_S = 1_500_000_000


class Entries(unittest.TestCase):
    def setUp(self):
        self.user = world.add_user()

    def entry(self, **listen):
        world.add_listens(self.user, world.Listen(AT_S, **listen))
        answer = world.read("history_page", self.user.id, None, None, False, None)
        self.assertEqual([AT_S], answer.keys)
        return answer.entries[0]

    def test_plain(self):
        tune, = world.add_tracks(world.track())
        entry = self.entry(track=tune)
        self.assertLess(abs(entry.pop("inserted_at") - world.now_s()), 60)
        self.assertEqual({
            "listened_at": AT_S, "recording_msid": tune.recording.msid,
            "track_metadata": {
                "artist_name": tune.artist.name, "track_name": tune.recording.name,
                "additional_info": {"recording_msid": tune.recording.msid}}}, entry)

    def test_as_sent(self):
        tune, = world.add_tracks(world.track(release="Album"))
        info = {"tags": ["a", "ö\n"], "a.b": 1, "duration": 3.50, "nothing": None, "": {}}
        entry = self.entry(
            track=tune, artist_name='A "b"', track_name="T\\", release_name="ALBUM",
            client="scrobbler", info=info, metadata={"extra": [1, {"x": None}]})["track_metadata"]
        self.assertEqual({
            "artist_name": 'A "b"', "track_name": "T\\", "release_name": "ALBUM",
            "extra": [1, {"x": None}],
            "additional_info": {**info, "submission_client": "scrobbler",
                                "recording_msid": tune.recording.msid}}, entry)

    def test_no_key_comes_twice(self):
        tune, = world.add_tracks(world.track(release="Album", mbid=str(uuid.uuid4())))
        world.add_listens(self.user, world.Listen(
            AT_S, tune, client="real", info={"recording_msid": "x", "submission_client": "x"},
            metadata={"artist_name": "x", "mbid_mapping": "x", "additional_info": "x"}))
        text = psql.rows(psql.call("history_page", self.user.id, None, None, False, 1))[0][-1]
        self.assertNotIn('"x"', text)
        for key in ("artist_name", "additional_info", "mbid_mapping", "submission_client"):
            self.assertEqual(1, text.count(f'"{key}"'), key)

    def test_mapping(self):
        mbids = [str(uuid.uuid4()) for _ in range(3)]
        artist = world.fresh("Artist")
        tune, = world.add_tracks(world.track(
            artist, "Album", "Tune", artist_mbid=mbids[0], release_mbid=mbids[1], mbid=mbids[2]))
        self.assertEqual({
            "recording_mbid": mbids[2], "recording_name": "Tune", "release_mbid": mbids[1],
            "artist_mbids": [mbids[0]],
            "artists": [{"artist_credit_name": artist, "artist_mbid": mbids[0],
                         "join_phrase": ""}]},
            self.entry(track=tune, track_name="TUNE")["track_metadata"]["mbid_mapping"])

    def test_mapping_of_a_recording_alone(self):
        mbid = str(uuid.uuid4())
        tune, = world.add_tracks(world.track(name="Tune", mbid=mbid))
        self.assertEqual(
            {"recording_mbid": mbid, "recording_name": "Tune", "artist_mbids": [], "artists": []},
            self.entry(track=tune)["track_metadata"]["mbid_mapping"])


class Pages(unittest.TestCase):
    """300 listens, several in some seconds."""

    @classmethod
    def setUpClass(cls):
        cls.user = world.add_user()
        tunes = world.add_tracks(*(world.track() for _ in range(5)))
        generator = random.Random(11)
        listens = {(AT_S + generator.randrange(400) * 60, generator.choice(tunes))
                   for _ in range(300)}
        world.add_listens(cls.user, *listens)
        # Newest first; in one second, the greater id first.
        cls.listens = sorted(((at_s, tune.recording.id, tune.recording.msid)
                              for at_s, tune in listens), reverse=True)

    def page(self, after_s, before_s, ascending, count):
        answer = world.read("history_page", self.user.id, after_s, before_s, ascending, count)
        self.assertEqual(len(self.listens), answer.total)
        self.assertEqual({"latest_listen_ts": self.listens[0][0],
                          "oldest_listen_ts": self.listens[-1][0]}, answer.meta)
        self.assertEqual([entry["listened_at"] for entry in answer.entries], answer.keys)
        return [(entry["listened_at"], entry["recording_msid"]) for entry in answer.entries]

    def expected(self, after_s, before_s, ascending, count):
        found = [(at_s, msid) for at_s, _, msid in self.listens
                 if (after_s is None or at_s > after_s) and (before_s is None or at_s < before_s)]
        if count is None:
            return found
        return found[max(0, len(found) - count):] if ascending else found[:count]

    def test_every_bound(self):
        times = [at_s for at_s, _, _ in self.listens]
        bounds = (None, times[0], times[0] + 1, times[140], times[150] + 1, times[-1],
                  times[-1] - 1)
        for after_s in bounds:
            for before_s in bounds:
                for ascending in (False, True):
                    for count in (None, 0, 1, 7, 1000):
                        arguments = after_s, before_s, ascending, count
                        with self.subTest(arguments):
                            self.assertEqual(self.expected(*arguments), self.page(*arguments))

    def test_counts(self):
        answer = world.read("history_count", self.user.id)
        self.assertEqual((len(self.listens), [], {}), (answer.total, answer.entries, answer.meta))

    def test_nothing(self):
        user = world.add_user()
        answer = world.read("history_page", user.id, None, None, False, 10)
        self.assertEqual(
            (0, [], {"latest_listen_ts": 0, "oldest_listen_ts": 0}),
            (answer.total, answer.entries, answer.meta))
        self.assertEqual(0, world.read("history_count", user.id).total)
        self.assertEqual((0, []), (
            world.read("history_index", user.id, 0, world.midnight_s()).total,
            world.read("history_index", user.id, 0, world.midnight_s()).entries))
        self.assertEqual((0, []), (
            world.read("history_years", user.id, 2030).total,
            world.read("history_years", user.id, 2030).entries))

    def test_nobody(self):
        for function, *arguments in (("history_page", None, None, False, 10),
                                     ("history_count",), ("history_index", 0, 0),
                                     ("history_years", 2030)):
            self.assertIsNone(world.read(function, 2_000_000_000, *arguments))


class Index(unittest.TestCase):
    def segments(self, user, until_s, from_s=0):
        answer = world.read("history_index", user.id, from_s, until_s)
        self.assertEqual(answer.total, len(answer.entries))
        self.assertEqual({}, answer.meta)
        return list(zip(answer.keys, answer.entries))

    def test_segments(self):
        """Days are never cut; a hundred is where the next segment begins."""
        user = world.add_user()
        tune, = world.add_tracks(world.track())
        first_s = world.utc_s(2019)
        counts = {0: 60, 1: 39, 2: 1, 3: 250, 10: 1, 11: 99, 500: 3}
        world.add_listens(user, *((first_s + day * world.DAY_S + n, tune)
                                  for day, count in counts.items() for n in range(count)))
        # Listens before the day: 0 60 99 | 100 | 350 351 | 450
        days = [(0, 100), (3, 250), (10, 100), (500, 3)]
        self.assertEqual([(first_s + day * world.DAY_S, count) for day, count in days],
                         self.segments(user, first_s + 501 * world.DAY_S))
        self.assertEqual([(first_s + day * world.DAY_S, count) for day, count in days[:3]],
                         self.segments(user, first_s + 500 * world.DAY_S))
        self.assertEqual([(first_s, 99)], self.segments(user, first_s + 2 * world.DAY_S))
        self.assertEqual([], self.segments(user, first_s))
        before = self.segments(user, first_s + 500 * world.DAY_S)
        world.add_listens(user, *((first_s + 500 * world.DAY_S + n, tune) for n in range(3, 300)))
        self.assertEqual(before, self.segments(user, first_s + 500 * world.DAY_S))
        self.assertEqual([(first_s + 3 * world.DAY_S, 250), (first_s + 10 * world.DAY_S, 100)],
                         self.segments(user, first_s + 12 * world.DAY_S, first_s + 3 * world.DAY_S))

    def test_years(self):
        """Each year with its listens; neither the running one nor what lies between."""
        user = world.add_user()
        tune, = world.add_tracks(world.track())
        times = [world.utc_s(2015), world.utc_s(2018) - 1, world.utc_s(2018), world.utc_s(2019) - 1,
                 world.utc_s(2019)]
        world.add_listens(user, *((at_s, tune) for at_s in times))
        answer = world.read("history_years", user.id, 2019)
        self.assertEqual([(2015, 1), (2017, 1), (2018, 2)], list(zip(answer.keys, answer.entries)))
        self.assertEqual((3, {}), (answer.total, answer.meta))
        self.assertEqual(4, world.read("history_years", user.id, 2020).total)
