"""Imported tags: how they come in, whose they are, and which of them are genres."""

import collections
import datetime
import itertools
import random
import unittest
import uuid
import zoneinfo

import psql
import world

ALL = (0, 0, None, 0, 0)


def year(number):
    return world.utc_s(number - 1), world.utc_s(number), world.utc_s(number + 1), number, 2


def stage(rows, session=None):
    """The places of those that were refused; rows are of artist UUID, tag and weight."""
    return [int(place) for place, in (session or psql.shared()).rows(psql.call(
        "tags_stage", *map(list, zip(*rows))))]


def apply(is_whole=False, session=None):
    """(artists, changed, removed)"""
    return tuple(map(int, (session or psql.shared()).row(psql.call("tags_apply", is_whole))))


def tell(*rows):
    """A file of these rows."""
    assert not stage(rows)
    return apply()


def tags_of(artist):
    found = psql.rows("select array_to_string(tags, '|'), array_to_string(weights, '|') "
                      f"from refrain.artist_tags where artist = '{artist}'")
    return list(zip(found[0][0].split("|"), map(float, found[0][1].split("|")))) if found else []


def generation():
    return int(psql.value("select value from refrain.generation where name = 'catalogue'"))


def genres(user, *when):
    answer = world.read("stats_genres", user.id, *(when or ALL), 0, 1000)
    return [(entry["genre"], entry["listen_count"]) for entry in answer.entries]


def artist_genres(artist):
    return {genre for genre, in psql.rows(psql.call("artist_genres", artist.id))}


class Files(unittest.TestCase):
    def test_tags_are_folded_and_the_weights_of_the_same_add_up(self):
        artist = str(uuid.uuid4())
        self.assertEqual((1, 1, 0), tell(
            (artist, " Trip  Hop", 2), (artist, "ＴＲＩＰ HOP", 0.5), (artist, "dub", 3),
            (artist, "ambient", 3), (artist, "trip hop", 1)))
        self.assertEqual([("trip hop", 3.5), ("ambient", 3), ("dub", 3)], tags_of(artist))

    def test_the_order_of_the_rows_makes_no_difference(self):
        artist = str(uuid.uuid4())
        rows = [(artist, f"tag {n % 7}", 0.1 * n) for n in range(1, 40)]
        tell(*rows)
        before = tags_of(artist), generation()
        for seed in range(5):
            random.Random(seed).shuffle(rows)
            self.assertEqual((1, 0, 0), tell(*rows))
        self.assertEqual(before, (tags_of(artist), generation()))

    def test_bad_tags_are_told_by_their_places(self):
        artist = str(uuid.uuid4())
        tags = ["a", "", "b" * 64, "b" * 65, "\u3000 ", "\ufdfa" * 4, "c"]
        self.assertEqual([2, 4, 5, 6], stage([(artist, tag, 1) for tag in tags]))
        apply()
        self.assertEqual(["a", "b" * 64, "c"], [tag for tag, _ in tags_of(artist)])

    def test_the_fifty_strongest_are_kept(self):
        artist = str(uuid.uuid4())
        tell(*((artist, f"tag {n:02}", n) for n in range(60)))
        self.assertEqual([(f"tag {n:02}", n) for n in range(59, 9, -1)], tags_of(artist))

    def test_a_file_replaces_what_it_names_and_a_whole_one_the_rest(self):
        first, second = str(uuid.uuid4()), str(uuid.uuid4())
        tell((first, "a", 1), (second, "b", 1))
        self.assertEqual((1, 1, 0), tell((first, "c", 1)))
        self.assertEqual(([("c", 1)], [("b", 1)]), (tags_of(first), tags_of(second)))
        others = int(psql.value("select count(*) from refrain.artist_tags")) - 1
        self.assertEqual([], stage([(first, "c", 1)]))
        self.assertEqual((1, 0, others), apply(True))
        self.assertEqual([("1", first)], psql.rows(
            "select count(*) over (), artist from refrain.artist_tags"))

    def test_who_breaks_off_leaves_nothing(self):
        artist = str(uuid.uuid4())
        before = generation()
        with psql.Session() as session:
            stage([(artist, "lost", 1)], session)
        self.assertEqual((1, 1, 0), tell((str(uuid.uuid4()), "kept", 1)))
        self.assertEqual(([], before + 1), (tags_of(artist), generation()))

    def test_two_at_a_time(self):
        artists = [str(uuid.uuid4()) for _ in range(40)]
        with psql.Session() as one, psql.Session() as other:
            stage([(artist, "one", 1) for artist in artists], one)
            stage([(artist, "other", 1) for artist in reversed(artists)], other)
            one.rows("begin")
            apply(session=one)
            other.start(psql.call("tags_apply", False))
            self.assertTrue(other.waits())
            one.rows("commit")
            other.finish()
        for artist in artists:
            self.assertEqual([("other", 1)], tags_of(artist))


class Generation(unittest.TestCase):
    """Everybody's values depend on imported tags: a real change raises the catalogue, once."""

    def raised(self, statement):
        before = generation()
        psql.execute(statement)
        return generation() - before

    def test_what_raises_it(self):
        table = "refrain.artist_tags"
        artist = str(uuid.uuid4())
        insert = f"insert into {table} values ('{artist}', '{{a}}', '{{1}}')"
        for statement, times in (
                (insert, 1), (f"{insert} on conflict do nothing", 0),
                (f"update {table} set tags = tags", 0),
                (f"update {table} set weights = '{{2}}' where artist = '{artist}'", 1),
                (f"delete from {table} where artist = '{artist}'", 1),
                (f"delete from {table} where artist = '{artist}'", 0),
                (f"truncate {table}", 1)):
            with self.subTest(statement):
                self.assertEqual(times, self.raised(statement))

    def test_a_file_raises_it_once(self):
        artists = [str(uuid.uuid4()) for _ in range(3)]
        tell(*((artist, "a", 1) for artist in artists[:2]))
        before = generation()
        self.assertEqual([], stage([(artists[0], "b", 1), (artists[2], "c", 1)]))
        apply(True)
        self.assertEqual(before + 1, generation())


class ArtistGenres(unittest.TestCase):
    def test_the_five_strongest_and_none_below_half_of_the_strongest(self):
        artist = world.add_tracks(world.track())[0].artist
        self.assertEqual(set(), artist_genres(artist))
        tell(*((artist.msid, tag, weight) for tag, weight in
               (("a", 10), ("b", 9.5), ("c", 5), ("d", 4.9))))
        self.assertEqual({"a", "b", "c"}, artist_genres(artist))
        tell(*((artist.msid, tag, 2) for tag in "gfedcba"))
        self.assertEqual(set("abcde"), artist_genres(artist))

    def test_by_name_and_by_each_mbid(self):
        mbids = [str(uuid.uuid4()) for _ in range(2)]
        tunes = world.add_tracks(world.track(artist_mbid=",".join(mbids)),
                                 world.track(artist_mbid=mbids[0]))
        both, first = tunes[0].artist, tunes[1].artist
        tell((mbids[0], "a", 10), (mbids[1], "b", 1), (both.msid, "c", 1), (both.msid, "a", 1))
        self.assertEqual({"a", "b", "c"}, artist_genres(both))
        self.assertEqual({"a"}, artist_genres(first))

    def test_artists_that_come_later(self):
        tune = world.track()
        tell((tune.artist.msid, "known before", 1))
        user = world.add_user()
        world.add_tracks(tune)
        world.add_listens(user, (world.utc_s(2020), tune))
        self.assertEqual([("known before", 1)], genres(user))


class Genres(unittest.TestCase):
    def test_own_tags_go_first(self):
        user = world.add_user()
        artist = world.fresh("Artist")
        own, blank, none = world.add_tracks(*(
            world.track(artist, None, name) for name in ("own", "blank", "none")))
        at_s = world.utc_s(2020)
        world.add_listens(user, world.Listen(at_s, own, info={"tags": ["mine", "Mine "]}),
                          world.Listen(at_s, blank, info={"tags": [" ", 5, "x" * 65]}),
                          world.Listen(at_s, none), world.Listen(at_s + 1, none))
        tell((own.artist.msid, "theirs", 2), (own.artist.msid, "others", 1))
        self.assertEqual([("others", 3), ("theirs", 3), ("mine", 1)], genres(user))
        self.assertEqual([("others", 3), ("theirs", 3), ("mine", 1)], genres(user, *year(2020)))
        self.assertEqual([], genres(user, *year(2021)))

    def test_what_is_submitted_is_seen_by_nobody_else(self):
        hidden, user = world.add_user(), world.add_user(public=True)
        tune, = world.add_tracks(world.track(artist_mbid=str(uuid.uuid4())))
        tell((tune.artist.msid, "imported", 1))
        for number, who in itertools.product(range(3), (hidden, user)):
            tags = {"tags": ["a secret"]} if who is hidden else None
            world.add_listens(who, world.Listen(world.utc_s(2020) + number, tune, info=tags))
        self.assertEqual([("imported", 3)], genres(user))
        self.assertEqual([("a secret", 3)], genres(hidden))
        self.assertEqual({"imported"}, artist_genres(tune.artist))


class Activity(unittest.TestCase):
    """Against a count in Python, in time zones far and odd, over changes of the clocks."""

    ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Kiritimati", "Australia/Lord_Howe",
             "America/St_Johns")
    DAY = datetime.timedelta(days=1)

    @classmethod
    def setUpClass(cls):
        cls.user = world.add_user()
        cls.random = random.Random(7)
        artists = [world.fresh("Artist") for _ in range(12)]
        cls.tunes = world.add_tracks(*(
            world.track(cls.random.choice(artists), None, f"Tune {n}") for n in range(60)))
        by_id = {tune.artist.id: tune.artist for tune in cls.tunes}
        cls.imported = {artist: {f"genre {n}" for n in cls.random.sample(range(30), 4)}
                        for artist in list(by_id.values())[:9]}
        tell(*((artist.msid, genre, 1) for artist, genres in cls.imported.items()
               for genre in genres))
        cls.own = {tune: {f"own {number % 7}"} for number, tune in enumerate(cls.tunes[:10])}
        edges = [world.utc_s(2020, *when) for when in
                 ((1, 1), (2, 29), (3, 29), (4, 5), (10, 4), (10, 25), (11, 1), (12, 31))]
        times = {cls.random.choice(edges) + cls.random.randrange(-90000, 90000)
                 for _ in range(2500)}
        cls.listens = [(at_s, cls.random.choice(cls.tunes)) for at_s in sorted(times)]
        world.add_listens(cls.user, *(
            world.Listen(at_s, tune, info={"tags": list(cls.own[tune])} if tune in cls.own else None)
            for at_s, tune in cls.listens))

    def expected(self, zone, first=datetime.date.min, end=datetime.date.max):
        counts = collections.Counter()
        for at_s, tune in self.listens:
            at = datetime.datetime.fromtimestamp(at_s, zone)
            if first <= at.date() < end:
                genres = self.own.get(tune) or self.imported.get(tune.artist) or ()
                counts.update((genre, at.hour) for genre in genres)
        rows = []
        for hour in range(24):
            of_hour = sorted((-count, genre) for (genre, at), count in counts.items() if at == hour)
            rows += [{"genre": genre, "hour": hour, "listen_count": -count}
                     for count, genre in of_hour[:10]]
        return sorted(rows, key=lambda row: (row["genre"].encode(), row["hour"]))

    def activity(self, *when):
        return world.read("stats_genre_activity", self.user.id, *when, 0, 1)

    def test_it_is_that_of_a_plain_count(self):
        for name in self.ZONES:
            zone = zoneinfo.ZoneInfo(name)
            psql.execute(f"update refrain.users set time_zone = '{name}' where id = {self.user.id}")
            answer = self.activity(*ALL)
            self.assertEqual(self.expected(zone), answer.entries, name)
            self.assertGreater(len(answer.entries), 200)
            self.assertEqual(60, answer.total)
            for first, end, period in (
                    ((2020, 1, 1), (2021, 1, 1), 2020), ((2020, 1, 1), (2021, 1, 1), -1),
                    ((2020, 2, 29), (2020, 3, 1), -1), ((2020, 3, 23), (2020, 3, 30), -1),
                    ((2020, 10, 25), (2020, 10, 26), -1), ((2020, 11, 1), (2020, 12, 1), -1)):
                with self.subTest((name, first, end, period)):
                    from_s, to_s = world.utc_s(*first), world.utc_s(*end)
                    answer = self.activity(2 * from_s - to_s, from_s, to_s, period, 1)
                    self.assertEqual(
                        self.expected(zone, datetime.date(*first), datetime.date(*end)),
                        answer.entries)
                    midnights = [int(datetime.datetime(*day, tzinfo=zone).timestamp())
                                 for day in (first, end)]
                    self.assertEqual(midnights, [answer.meta["from_ts"], answer.meta["to_ts"]])

    def test_no_genres_and_no_listens(self):
        user = world.add_user()
        self.assertEqual((0, []), (lambda a: (a.total, a.entries))(
            world.read("stats_genre_activity", user.id, *ALL, 0, 1)))
        tune, = world.add_tracks(world.track())
        world.add_listens(user, (world.utc_s(2020), tune))
        for when in (ALL, year(2020)):
            answer = world.read("stats_genre_activity", user.id, *when, 0, 1)
            self.assertEqual((1, []), (answer.total, answer.entries))
            self.assertEqual({"from_ts", "to_ts", "last_updated"}, set(answer.meta))
        self.assertIsNone(world.read("stats_genre_activity", 2_000_000_000, *ALL, 0, 1))
