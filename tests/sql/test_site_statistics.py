"""The statistics of user 0 are those of all public users, as a plain count in Python has them."""

import collections
import datetime
import json
import random
import unittest
import uuid

import psql
import world
from test_site import set_public, settle, windows

SEED = 40
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def utc(at_s):
    return datetime.datetime.fromtimestamp(at_s, datetime.timezone.utc)


def ask(function, window, first=0, count=1000):
    from_s, to_s = window
    period = 0 if to_s is None else -1
    if to_s and to_s - from_s > 364 * world.DAY_S:
        period = utc(from_s).year
    step = 3 if to_s is None else 1 if to_s - from_s < 93 * world.DAY_S else 2
    before_s = from_s if to_s is None else 2 * from_s - to_s
    return world.read(function, 0, before_s, from_s, to_s, period, step, first, count)


def listeners(function, identity, window):
    rows = psql.rows(psql.call(function, identity, *window))
    return json.loads("{" + rows[0][0] + "}") if rows else None


class Statistics(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        """Whatever other tests have left is made private: then it does not count."""
        psql.execute("update refrain.users set public = false where id > 0")
        rng = random.Random(SEED)
        now_s = world.now_s()
        cls.tracks = world.add_tracks(*(
            world.track(f"Artist {rng.randrange(30)} {SEED}", rng.choice((None, "One", "Two")),
                        f"Tune {n}") for n in range(200)))
        cls.users = [world.add_user(public=n < 3) for n in range(4)]
        cls.listens = []
        for user in cls.users:
            heard = {(now_s - int(rng.random() ** 3 * 900 * world.DAY_S), rng.choice(cls.tracks))
                     for _ in range(1500)}
            world.add_listens(user, *heard)
            cls.listens += [(user, at_s, tune) for at_s, tune in heard if user in cls.users[:3]]
        settle()

    def heard(self, window):
        from_s, to_s = window
        return [(user, at_s, tune) for user, at_s, tune in self.listens
                if from_s <= at_s and (to_s is None or at_s < to_s)]

    def test_lists(self):
        for window in windows():
            for function, kind in (("stats_artists", "artist"), ("stats_releases", "release"),
                                   ("stats_recordings", "recording"),
                                   ("stats_release_groups", "release")):
                counts = collections.Counter(
                    getattr(tune, kind) for _, _, tune in self.heard(window)
                    if getattr(tune, kind))
                expected = sorted(counts.items(), key=lambda c: (-c[1], c[0].id))
                answer = ask(function, window)
                name = {"stats_artists": "artist_name", "stats_releases": "release_name",
                        "stats_recordings": "track_name",
                        "stats_release_groups": "release_group_name"}[function]
                self.assertEqual([(entity.name, n) for entity, n in expected],
                                 [(entry[name], entry["listen_count"])
                                  for entry in answer.entries], (function, window))
                self.assertEqual(len(expected), answer.total)
                page = ask(function, window, 7, 5)
                self.assertEqual(answer.entries[7:12], page.entries)

    def test_listening_activity(self):
        for window in windows():
            answer = ask("stats_listening_activity", window)
            for entry in answer.entries:
                self.assertEqual(
                    len([1 for _, at_s, _ in self.listens
                         if entry["from_ts"] <= at_s <= entry["to_ts"]]), entry["listen_count"])
            self.assertGreater(len(answer.entries), 1)

    def test_daily_activity(self):
        for window in windows():
            counts = collections.Counter(
                (utc(at_s).weekday(), utc(at_s).hour) for _, at_s, _ in self.heard(window))
            rows = psql.rows(psql.call("stats_daily_activity", 0, 0, window[0], window[1],
                                       0 if window[1] is None else -1, 1, 0, 0))
            week = json.loads("{" + ",".join(row[11] for row in rows) + "}")
            self.assertEqual(
                {day: [{"hour": hour, "listen_count": counts[number, hour]} for hour in range(24)]
                 for number, day in enumerate(DAYS)}, week)

    def test_artist_activity(self):
        for window in windows():
            counts = collections.Counter(tune.artist for _, _, tune in self.heard(window))
            albums = collections.Counter(
                (tune.artist, tune.release) for _, _, tune in self.heard(window) if tune.release)
            expected = sorted(counts.items(), key=lambda c: (-c[1], c[0].id))[:15]
            answer = ask("stats_artist_activity", window)
            self.assertEqual([(artist.name, n) for artist, n in expected],
                             [(entry["name"], entry["listen_count"]) for entry in answer.entries])
            for (artist, _), entry in zip(expected, answer.entries):
                self.assertEqual(
                    {release.name: n for (of, release), n in albums.items() if of == artist},
                    {album["name"]: album["listen_count"] for album in entry["albums"]})

    def test_artist_evolution(self):
        for window in windows():
            days = (window[1] - window[0]) // world.DAY_S if window[1] else 0

            def unit(at_s):
                time = utc(at_s)
                return (str(time.year) if days == 0 else DAYS[time.weekday()] if days == 7
                        else str(time.day) if days < 32 else MONTHS[time.month - 1])
            counts = collections.Counter(tune.artist for _, _, tune in self.heard(window))
            top = sorted(counts, key=lambda artist: (-counts[artist], artist.id))[:20]
            expected = collections.Counter(
                (unit(at_s), tune.artist.name) for _, at_s, tune in self.heard(window)
                if tune.artist in top)
            answer = ask("stats_artist_evolution", window)
            self.assertEqual(dict(expected), {
                (entry["time_unit"], entry["artist_name"]): entry["listen_count"]
                for entry in answer.entries}, window)
            self.assertEqual(len(expected), len(answer.entries))

    def test_genre_activity(self):
        """By imported tags of artists: the ten of each hour that were listened to most."""
        genres = {}
        for tune in self.tracks:
            if tune.artist.id % 3:
                genres[tune.artist] = {f"genre {tune.artist.id % 15}", f"genre {tune.artist.id % 4}"}
                psql.execute(
                    f"insert into refrain.artist_tags values ('{tune.artist.msid}', "
                    f"array{sorted(genres[tune.artist])}, "
                    f"array_fill(1::float8, array[{len(genres[tune.artist])}])) "
                    "on conflict do nothing")
        for window in windows():
            hours = collections.defaultdict(collections.Counter)
            for _, at_s, tune in self.heard(window):
                for genre in genres.get(tune.artist, ()):
                    hours[utc(at_s).hour][genre] += 1
            expected = {(genre, hour): n for hour, counts in hours.items()
                        for genre, n in sorted(counts.items(), key=lambda c: (-c[1], c[0]))[:10]}
            answer = ask("stats_genre_activity", window)
            self.assertEqual(expected, {(entry["genre"], entry["hour"]): entry["listen_count"]
                                        for entry in answer.entries})

    def test_nobody_listens(self):
        """Of a year in which there is nothing."""
        for function in ("stats_artists", "stats_release_groups", "stats_artist_activity",
                         "stats_artist_evolution"):
            answer = ask(function, (world.utc_s(2003), world.utc_s(2004)))
            self.assertEqual((0, []), (answer.total, answer.entries), function)

    def test_listeners(self):
        for window in windows():
            counts = collections.Counter(tune.artist for _, _, tune in self.heard(window))
            for artist, total in counts.most_common(3):
                names = collections.Counter(
                    user.name for user, _, tune in self.heard(window) if tune.artist == artist)
                answer = listeners("artist_listeners", artist.msid, window)
                self.assertEqual((artist.name, total, len(names)),
                                 (answer["artist_name"], answer["total_listen_count"],
                                  answer["total_user_count"]))
                self.assertEqual(dict(names), {one["user_name"]: one["listen_count"]
                                               for one in answer["listeners"]})
                order = [one["listen_count"] for one in answer["listeners"]]
                self.assertEqual(sorted(order, reverse=True), order)


class Listeners(unittest.TestCase):
    def setUp(self):
        artist = world.fresh("Artist")
        self.mbids = [str(uuid.uuid4()) for _ in range(3)]
        self.tracks = world.add_tracks(
            world.track(artist, "Album", artist_mbid=self.mbids[0], release_mbid=self.mbids[1]),
            world.track(artist, "Album (bonus)", artist_mbid=self.mbids[0]))
        psql.execute(
            f"update refrain.releases set group_mbid = '{self.mbids[2]}' "
            f"where id in ({self.tracks[0].release.id}, {self.tracks[1].release.id})")
        self.users = [world.add_user(public=True) for _ in range(12)]
        for number, user in enumerate(self.users):
            world.add_listens(user, *((1_500_000_000 + n, self.tracks[n % 3 == 0])
                                      for n in range(number + 1)))
        settle()

    def ask(self, function, identity):
        return listeners(function, identity, (0, None))

    def test_by_mbid_and_msid(self):
        first, other = self.tracks
        for function, identity, total, people in (
                ("artist_listeners", self.mbids[0], 78, 12),
                ("artist_listeners", first.artist.msid, 78, 12),
                ("release_listeners", self.mbids[1], 48, 11),
                ("release_listeners", other.release.msid, 30, 12),
                ("release_group_listeners", self.mbids[2], 78, 12)):
            answer = self.ask(function, identity)
            self.assertEqual((total, people, 10), (
                answer["total_listen_count"], answer["total_user_count"],
                len(answer["listeners"])), function)
        for function in ("artist_listeners", "release_listeners", "release_group_listeners"):
            self.assertIsNone(self.ask(function, str(uuid.uuid4())))
        # A release that is known to be of a group is none of its own.
        self.assertIsNone(self.ask("release_group_listeners", first.release.msid))
        alone, = world.add_tracks(world.track(release="Alone"))
        world.add_listens(self.users[0], (1_500_000_000, alone))
        settle()
        self.assertEqual(1, self.ask("release_group_listeners",
                                     alone.release.msid)["total_listen_count"])

    def test_who_is_private_is_not_named(self):
        """At once; what he counted for goes a moment later."""
        last = self.users[-1]
        set_public(last, False)
        answer = self.ask("artist_listeners", self.mbids[0])
        self.assertNotIn(last.name, [one["user_name"] for one in answer["listeners"]])
        self.assertEqual(78, answer["total_listen_count"])
        settle()
        answer = self.ask("artist_listeners", self.mbids[0])
        self.assertEqual((66, 11), (answer["total_listen_count"], answer["total_user_count"]))
        self.assertEqual({user.name for user in self.users[1:11]},
                         {one["user_name"] for one in answer["listeners"]})
        set_public(last, True)
        settle()
        self.assertEqual(78, self.ask("artist_listeners", self.mbids[0])["total_listen_count"])
