"""Sessions, streaks, discoveries, changes, this day in other years: against a count in Python."""

import collections
import datetime
import os
import random
import unittest
import zoneinfo

import psql
import world

SEED = int(os.environ.get("SEED", 70))
ALL_TIME_S = world.utc_s(2002)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Kiritimati", "America/St_Johns",
         "America/Havana", "Pacific/Pago_Pago", "America/Sao_Paulo", "Australia/Lord_Howe")
GAP_S = 1800


class Window:
    def __init__(self, from_s, to_s, period=-1, before_s=None):
        self.from_s, self.to_s, self.period = from_s, to_s, period
        self.before_s = from_s if before_s is None else before_s

    def read(self, function, user, first=0, count=1000):
        return world.read(function, user.id, self.before_s, self.from_s, self.to_s, self.period, 1,
                          first, count)

    def has(self, at_s):
        return self.from_s <= at_s and (self.to_s is None or at_s < self.to_s)

    def ends_s(self, user):
        return self.to_s if self.to_s is not None else changed_s(user)

    def __repr__(self):
        return f"[{self.from_s}, {self.to_s}) period {self.period}"


ALL_TIME = Window(ALL_TIME_S, None, 0)


def days(first, until, before=None):
    first_s, until_s = (world.utc_s(*date) for date in (first, until))
    return Window(first_s, until_s, before_s=world.utc_s(*before) if before else None)


def year(number):
    return Window(world.utc_s(number), world.utc_s(number + 1), number, world.utc_s(number - 1))


def changed_s(user):
    return int(psql.value("select floor(extract(epoch from changed_at)) "
                          f"from refrain.user_version where user_id = {user.id}"))


class Case(unittest.TestCase):
    """Subclasses give LISTENS (of self.tunes) and ask about WINDOWS."""

    @classmethod
    def setUpClass(cls):
        print(f"     seed {SEED}")
        cls.random = random.Random(SEED)
        cls.user = world.add_user()

    def assert_envelope(self, answer, user, window, **counts):
        expected = {"from_ts": window.from_s, "to_ts": window.ends_s(user),
                    "last_updated": changed_s(user), **counts}
        self.assertEqual(expected, {name: answer.meta.get(name) for name in expected})
        self.assertEqual(user.versions(), answer.versions[1:4])

    def assert_pages(self, function, user, window):
        whole = window.read(function, user)
        for size in (3, 17, 50):
            pages = []
            for first in range(0, len(whole.entries) + size, size):
                page = window.read(function, user, first, size)
                self.assertEqual((whole.total, whole.meta), (page.total, page.meta))
                pages += page.entries
            self.assertEqual(whole.entries, pages)


class Sessions(Case):
    WINDOWS = (ALL_TIME, year(2020), days((2020, 1, 1), (2020, 1, 8)),
               days((2019, 12, 25), (2020, 1, 2)), days((2020, 1, 20), (2020, 2, 20)))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        tunes = world.add_tracks(*(world.track(name=f"Tune {n}") for n in range(9)))
        at_s, listens = world.utc_s(2019, 12, 20), {}
        for _ in range(1500):
            tune = cls.random.choice(tunes)
            listens[at_s, tune.recording.id] = world.Listen(
                at_s, tune, duration_ms=cls.random.choice((None, 1, 120_000, 200_500, 3_600_000)))
            # The bounds themselves among them: half of it heard, half an hour between.
            at_s += cls.random.choice((0, 59, 60, 100, 101, 180, 240, 1799, 1800, 1801, 1919, 1920,
                                       1799 + 3600, 1800 + 3600, 40_000))
        cls.listens = [listens[key] for key in sorted(listens)]
        world.add_listens(cls.user, *cls.listens)

    def expected(self, window):
        sessions, last = [], None
        for listen in (n for n in self.listens if window.has(n.at_s)):
            if last and 2000 * (listen.at_s - last.at_s) < (last.duration_ms or 0):
                sessions[-1]["skip_count"] += 1
            if not last or 1000 * (listen.at_s - last.at_s - GAP_S) >= (last.duration_ms or 0):
                sessions.append({"from_ts": listen.at_s, "listen_count": 0, "skip_count": 0})
            session, last = sessions[-1], listen
            session["listen_count"] += 1
            session["to_ts"] = listen.at_s + (listen.duration_ms or 0) // 1000
            if window.to_s is not None:
                session["to_ts"] = min(session["to_ts"], window.to_s)
            session["length_s"] = session["to_ts"] - session["from_ts"]
        return sessions[::-1]

    def test_they_are_those_of_a_plain_count(self):
        for window in self.WINDOWS:
            with self.subTest(window):
                sessions = self.expected(window)
                answer = window.read("stats_sessions", self.user)
                self.assertEqual(sessions, answer.entries)
                self.assertEqual([session["from_ts"] for session in sessions], answer.keys)
                self.assertEqual(len(sessions), answer.total)
                self.assert_envelope(
                    answer, self.user, window, total_session_count=len(sessions),
                    longest_session=max(
                        sessions, key=lambda session: (session["length_s"], session["from_ts"])),
                    complete=True,
                    total_listen_count=sum(session["listen_count"] for session in sessions),
                    total_skip_count=sum(session["skip_count"] for session in sessions),
                    total_length_s=sum(session["length_s"] for session in sessions))
        self.assertGreater(len(self.expected(ALL_TIME)), 100)

    def test_pages(self):
        for window in self.WINDOWS[2:4]:
            self.assert_pages("stats_sessions", self.user, window)

    def test_nothing(self):
        for user, window in ((self.user, year(2010)), (world.add_user(), ALL_TIME)):
            answer = window.read("stats_sessions", user)
            self.assertEqual(([], 0), (answer.entries, answer.total))
            self.assert_envelope(answer, user, window, total_session_count=0, longest_session=None,
                                 total_listen_count=0, total_skip_count=0, total_length_s=0,
                                 complete=True)

    def test_the_end_of_the_window_cuts(self):
        """However long the last listen says that it is."""
        user = world.add_user()
        tune, = world.add_tracks(world.track())
        at_s = world.utc_s(2021, 5, 4) - 60
        world.add_listens(user, world.Listen(at_s, tune, duration_ms=2_000_000_000))
        for window, length_s in ((days((2021, 5, 3), (2021, 5, 4)), 60), (ALL_TIME, 2_000_000)):
            with self.subTest(window):
                answer = window.read("stats_sessions", user)
                self.assertEqual([(at_s, at_s + length_s, length_s)],
                                 [(session["from_ts"], session["to_ts"], session["length_s"])
                                  for session in answer.entries])
                self.assertEqual((length_s, length_s),
                                 (answer.meta["total_length_s"],
                                  answer.meta["longest_session"]["length_s"]))

    def test_of_very_many_listens_the_last_days(self):
        """40,000, then 30,000, then 20,000: the last two days are what may be looked at."""
        user = world.add_user()
        tune, = world.add_tracks(world.track())
        first_s = world.utc_s(2021, 3, 3)
        for day, count in enumerate((40_000, 30_000, 20_000)):
            psql.execute(f"""
                insert into refrain.listens (user_id, listened_at, recording_id, artist_id)
                select {user.id}, to_timestamp({first_s + day * world.DAY_S} + n * 2),
                       {tune.recording.id}, {tune.artist.id}
                from generate_series(0, {count} - 1) n""")
        for window, start_s, listens in (
                (ALL_TIME, first_s + world.DAY_S, 50_000),
                (year(2021), first_s + world.DAY_S, 50_000),
                (days((2021, 3, 1), (2021, 3, 5)), first_s + world.DAY_S, 30_000),
                (days((2021, 3, 3), (2021, 3, 4)), first_s, 40_000),
                (days((2021, 3, 4), (2021, 3, 6)), first_s + world.DAY_S, 50_000),
                (days((2021, 3, 5), (2021, 4, 5)), world.utc_s(2021, 3, 5), 20_000)):
            with self.subTest(window):
                answer = window.read("stats_sessions", user)
                self.assertEqual(listens, answer.meta["total_listen_count"])
                self.assertEqual(start_s, answer.meta["from_ts"])
                self.assertEqual(window.from_s == start_s, answer.meta["complete"])
        psql.execute(f"""
            insert into refrain.listens (user_id, listened_at, recording_id, artist_id)
            select {user.id}, to_timestamp({first_s + 9 * world.DAY_S} + n),
                   {tune.recording.id}, {tune.artist.id}
            from generate_series(1, 50001) n""")
        answer = ALL_TIME.read("stats_sessions", user)
        self.assertEqual((50_001, first_s + 9 * world.DAY_S, False),
                         (answer.meta["total_listen_count"], answer.meta["from_ts"],
                          answer.meta["complete"]))


class LocalCase(Case):
    """Days in many time zones, about the ends of days, of years and of daylight saving time."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        artists = [world.fresh("Artist") for _ in range(8)]
        tunes = world.add_tracks(*(world.track(cls.random.choice(artists), name=f"Tune {n}")
                                   for n in range(20)))
        listens = set()
        for number in (2004, 2007, 2010, 2011, 2012, 2016, 2020, 2021):
            for month, day in ((1, 1), (2, 28), (3, 8), (3, 26), (6, 1), (10, 20), (10, 29),
                               (11, 3), (12, 30)):
                for _ in range(9):
                    listens.add((world.utc_s(number, month, day) + cls.random.randrange(-6, 12)
                                 * world.DAY_S // 4 + cls.random.choice((-1, 0, 1, 899, 900, 5555)),
                                 cls.random.choice(tunes)))
        cls.listens = sorted(listens, key=lambda listen: listen[0])
        world.add_listens(cls.user, *cls.listens)

    def set_zone(self, zone):
        psql.execute(f"update refrain.users set time_zone = '{zone}' where id = {self.user.id}")
        self.zone = zoneinfo.ZoneInfo(zone)

    def midnight_s(self, day):
        """Of a midnight that comes twice the first one."""
        return int(datetime.datetime.combine(day, datetime.time(), self.zone).timestamp())

    def local(self, window):
        """The window between the same midnights in the user's time zone."""
        if window.period == 0:
            return window
        return Window(*(self.midnight_s(datetime.datetime.fromtimestamp(
            at_s, datetime.timezone.utc).date()) for at_s in (window.from_s, window.to_s)))

    def day_of(self, at_s):
        day = datetime.datetime.fromtimestamp(at_s, datetime.timezone.utc).date()
        day += datetime.timedelta(2)
        while self.midnight_s(day) > at_s:
            day -= datetime.timedelta(1)
        return day


class Streaks(LocalCase):
    WINDOWS = (ALL_TIME, year(2020), year(2011), days((2020, 2, 20), (2020, 3, 10)),
               days((2016, 12, 30), (2017, 1, 1)))

    def expected(self, window):
        counts = collections.Counter(self.day_of(at_s) for at_s, _ in self.listens)
        streaks, last = [], None
        for day in sorted(counts):
            if not window.has(world.utc_s(day.year, day.month, day.day)):
                continue
            if not last or (day - last).days > 1:
                streaks.append({"first_day": str(day), "day_count": 0, "listen_count": 0})
            last = day
            streaks[-1]["last_day"] = str(day)
            streaks[-1]["day_count"] += 1
            streaks[-1]["listen_count"] += counts[day]
        return streaks

    def test_they_are_those_of_a_plain_count(self):
        for zone in ZONES:
            self.set_zone(zone)
            for window in self.WINDOWS:
                with self.subTest(f"{zone} {window}"):
                    streaks = self.expected(window)
                    ranked = sorted(streaks, key=lambda s: (s["day_count"], s["last_day"]),
                                    reverse=True)
                    answer = window.read("stats_streaks", self.user)
                    self.assertEqual(ranked, answer.entries)
                    self.assertEqual([streak["day_count"] for streak in ranked], answer.keys)
                    self.assertEqual(len(streaks), answer.total)
                    self.assert_envelope(
                        answer, self.user, self.local(window), total_streak_count=len(streaks),
                        time_zone=zone,
                        longest_streak=ranked[0], latest_streak=streaks[-1],
                        total_day_count=sum(streak["day_count"] for streak in streaks))

    def test_pages(self):
        self.set_zone("Europe/Berlin")
        for window in self.WINDOWS[:2]:
            self.assert_pages("stats_streaks", self.user, window)

    def test_nothing(self):
        self.set_zone("UTC")
        for user, window in ((self.user, year(2014)), (world.add_user(), ALL_TIME)):
            answer = window.read("stats_streaks", user)
            self.assertEqual(([], 0), (answer.entries, answer.total))
            self.assert_envelope(answer, user, window, total_streak_count=0, total_day_count=0,
                                 longest_streak=None, latest_streak=None)


class OnThisDay(LocalCase):
    SHOWN = 5

    def expected(self, month, day, until_year):
        years = []
        for number in range(2002, until_year):
            try:
                date = datetime.date(number, month, day)
            except ValueError:
                continue
            bounds = [self.midnight_s(date + datetime.timedelta(n)) for n in (0, 1)]
            heard = [tune for at_s, tune in self.listens if bounds[0] <= at_s < bounds[1]]
            if heard:
                years.append({
                    "year": number, "listen_count": len(heard),
                    "artists": self.top(tune.artist for tune in heard),
                    "recordings": self.top(tune.recording for tune in heard)})
        return years[::-1]

    def top(self, heard):
        counts = collections.Counter(heard)
        ranked = sorted(counts, key=lambda entity: (-counts[entity], entity.id))
        return [(entity.name, counts[entity]) for entity in ranked[:self.SHOWN]]

    def read(self, user, at_year, month, day):
        from_s = world.utc_s(2024, month, day)
        return world.read("stats_on_this_day", user.id, from_s, from_s, world.utc_s(at_year), -1, 1,
                          0, 100)

    def test_they_are_those_of_a_plain_count(self):
        for zone in ZONES:
            self.set_zone(zone)
            for at_year, month, day in (
                    (2022, 1, 1), (2022, 12, 31), (2021, 2, 29), (2030, 2, 29), (2022, 2, 28), (2012, 3, 9),
                    (2022, 10, 29), (2022, 11, 3), (2022, 3, 27), (2017, 6, 1)):
                with self.subTest(f"{zone} {month}-{day} {at_year}"):
                    years = self.expected(month, day, at_year)
                    answer = self.read(self.user, at_year, month, day)
                    self.assertEqual([entry["year"] for entry in years], answer.keys)
                    self.assertEqual(years, [{
                        **entry,
                        "artists": [(n["artist_name"], n["listen_count"])
                                    for n in entry["artists"]],
                        "recordings": [(n["track_name"], n["listen_count"])
                                       for n in entry["recordings"]],
                    } for entry in answer.entries])
                    self.assertEqual(len(years), answer.total)
                    self.assertEqual({
                        "date": f"{month:02}-{day:02}", "time_zone": zone,
                        "last_updated": changed_s(self.user), "total_year_count": len(years),
                        "total_listen_count": sum(entry["listen_count"] for entry in years),
                    }, answer.meta)

    def test_nothing(self):
        answer = self.read(world.add_user(), 2022, 5, 5)
        self.assertEqual(([], 0, 0), (answer.entries, answer.total,
                                      answer.meta["total_listen_count"]))


class Charts(Case):
    """Discoveries and changes, after random additions and deletions."""

    WINDOWS = (year(2020), year(2021), ALL_TIME,
               days((2020, 1, 1), (2021, 1, 1), (2019, 1, 1)),
               days((2020, 7, 1), (2020, 10, 1), (2020, 4, 1)),
               days((2020, 12, 28), (2021, 1, 4), (2020, 12, 21)),
               days((2020, 12, 28), (2020, 12, 29), (2020, 12, 27)),
               days((2019, 1, 1), (2022, 1, 1), (2002, 1, 1)))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        artists = [world.fresh("Artist") for _ in range(90)]
        tunes = world.add_tracks(*(
            world.track(artists[n % 90], cls.random.choice((None, "Album A", "Album B")),
                        f"Tune {n}")
            for n in range(400)))
        cls.listens = {}
        for _ in range(3000):
            # What there is to hear grows with the years.
            share = cls.random.random()
            tune = tunes[int(len(tunes) * share * cls.random.random() ** 2)]
            at_s = world.utc_s(2019) + int(3 * 365.25 * world.DAY_S * share)
            cls.listens[at_s, tune.recording.id] = tune
        # Several for the first time in one second, and some as a window begins.
        for at_s, new in ((world.utc_s(2020, 12, 31, 23), tunes[-9:]),
                          (world.utc_s(2020, 12, 28), tunes[-12:-9]),
                          (world.utc_s(2020, 7, 1), tunes[-15:-12])):
            cls.listens = {key: tune for key, tune in cls.listens.items() if tune not in new}
            cls.listens.update(((at_s, tune.recording.id), tune) for tune in new)
        world.add_listens(cls.user, *((at_s, tune) for (at_s, _), tune in cls.listens.items()))
        for at_s, recording in cls.random.sample(sorted(cls.listens), 300):
            del cls.listens[at_s, recording]
            psql.execute(f"delete from refrain.listens where user_id = {cls.user.id} "
                         f"and listened_at = to_timestamp({at_s}) and recording_id = {recording}")

    def ranks(self, kind, window):
        """{entity: (rank, listens)}"""
        counts = collections.Counter(
            getattr(tune, kind) for (at_s, _), tune in self.listens.items()
            if window.has(at_s) and getattr(tune, kind))
        ranked = sorted(counts, key=lambda entity: (-counts[entity], entity.id))
        return {entity: (rank, counts[entity]) for rank, entity in enumerate(ranked, 1)}

    def name_of(self, kind, entry):
        return entry[{"artist": "artist_name", "release": "release_name",
                      "recording": "track_name"}[kind]]

    def test_changes(self):
        seen = set()
        for window in self.WINDOWS:
            before = Window(window.before_s, window.from_s)
            for kind in ("artist", "release", "recording"):
                with self.subTest(f"{kind} {window}"):
                    now, then = self.ranks(kind, window), self.ranks(kind, before)
                    expected = []
                    for entity, (rank, count) in now.items():
                        old, old_count = then.get(entity, (None, 0))
                        change = ("new" if old is None else "up" if old > rank
                                  else "down" if old < rank else "same")
                        seen.add(change)
                        expected.append((entity.name, rank, count, old, old_count, change))
                    answer = window.read(f"stats_{kind}_changes", self.user)
                    self.assertEqual(expected, [
                        (self.name_of(kind, n), n["rank"], n["listen_count"], n["previous_rank"],
                         n["previous_listen_count"], n["change"]) for n in answer.entries])
                    self.assertEqual(list(range(1, len(now) + 1)), answer.keys)
                    self.assertEqual(len(now), answer.total)
                    self.assert_envelope(answer, self.user, window, **{
                        f"total_{kind}_count": len(now), "previous_from_ts": window.before_s,
                        "previous_to_ts": window.from_s})
        self.assertEqual({"new", "up", "down", "same"}, seen)

    def test_discoveries(self):
        for window in self.WINDOWS:
            for kind in ("artist", "recording"):
                with self.subTest(f"{kind} {window}"):
                    first = {}
                    for (at_s, _), tune in sorted(self.listens.items(), key=lambda n: -n[0][0]):
                        first[getattr(tune, kind)] = at_s
                    heard = self.ranks(kind, window)
                    new = sorted((entity for entity in heard if window.has(first[entity])),
                                 key=lambda entity: (-first[entity], entity.id))
                    answer = window.read(f"stats_{kind}_discoveries", self.user)
                    self.assertEqual(
                        [(entity.name, first[entity], heard[entity][1]) for entity in new],
                        [(self.name_of(kind, n), n["first_listened_at"], n["listen_count"])
                         for n in answer.entries])
                    self.assertEqual([first[entity] for entity in new], answer.keys)
                    self.assertEqual(len(heard), answer.total)
                    self.assert_envelope(answer, self.user, window, **{
                        f"total_{kind}_count": len(heard), f"new_{kind}_count": len(new),
                        f"new_{kind}_share": round(len(new) / len(heard), 4)})

    def test_pages(self):
        for window in (self.WINDOWS[0], self.WINDOWS[2], self.WINDOWS[4]):
            for kind in ("changes", "discoveries"):
                self.assert_pages(f"stats_recording_{kind}", self.user, window)

    def test_nothing(self):
        for user, window in ((self.user, year(2010)), (self.user, days((2011, 1, 1), (2011, 1, 9))),
                             (world.add_user(), ALL_TIME)):
            for function in ("stats_artist_changes", "stats_artist_discoveries"):
                answer = window.read(function, user)
                self.assertEqual(([], 0), (answer.entries, answer.total))
            self.assertEqual(0, answer.meta["new_artist_share"])

    def test_nobody(self):
        for function in ("stats_sessions", "stats_streaks", "stats_on_this_day",
                         "stats_artist_changes", "stats_recording_discoveries"):
            self.assertIsNone(year(2020).read(function, world.User("", "", b"", 2_000_000_000)))
