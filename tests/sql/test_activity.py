"""Charts of activity and release groups, against a plain count in Python with its own calendar."""

import bisect
import collections
import datetime
import json
import random
import unittest
import uuid
import zoneinfo

import psql
import test_property
import world

SEED = 30
DAY = datetime.timedelta(days=1)
UTC = datetime.timezone.utc
ALL_TIME = (1009843200, 1009843200, None, 0, 3)
# Whole hours, half hours and quarters; clocks that change at midnight and a minute after, by half
# an hour, or skip a day.
ZONES = ("UTC", "America/New_York", "America/Havana", "America/Sao_Paulo", "America/St_Johns",
         "Asia/Kathmandu", "Asia/Kolkata", "Asia/Beirut", "Australia/Lord_Howe", "Europe/Athens",
         "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Pago_Pago")
STEPS = {"day": 1, "month": 2, "year": 3}


def date(*parts):
    return datetime.date(*parts)


def window(before, start, end, step, period=-1):
    """The arguments of a window of days."""
    return (*(world.utc_s(day.year, day.month, day.day) for day in (before, start, end)), period,
            STEPS[step])


WINDOWS = {
    "week with a change of clocks": window(
        date(2018, 10, 29), date(2018, 11, 5), date(2018, 11, 12), "day"),
    "week over New Year": window(date(2018, 12, 24), date(2018, 12, 31), date(2019, 1, 7), "day"),
    "leap February": window(date(2020, 1, 1), date(2020, 2, 1), date(2020, 3, 1), "day"),
    "February": window(date(2019, 1, 1), date(2019, 2, 1), date(2019, 3, 1), "day"),
    "quarter": window(date(2018, 10, 1), date(2019, 1, 1), date(2019, 4, 1), "day"),
    "half-year": window(date(2019, 7, 1), date(2020, 1, 1), date(2020, 7, 1), "month"),
    "year": window(date(2018, 1, 1), date(2019, 1, 1), date(2020, 1, 1), "month", 2019),
    "leap year": window(date(2019, 1, 1), date(2020, 1, 1), date(2021, 1, 1), "month", 2020),
    "days around one that Apia skipped": window(
        date(2011, 12, 26), date(2011, 12, 29), date(2012, 1, 1), "day"),
    "one day": window(date(2018, 11, 3), date(2018, 11, 4), date(2018, 11, 5), "day"),
    "days of two months": window(date(2019, 2, 10), date(2019, 2, 25), date(2019, 3, 12), "day"),
    "months that are not whole": window(
        date(2018, 1, 20), date(2019, 3, 15), date(2020, 5, 8), "month"),
    "years that are not whole": window(
        date(2010, 1, 1), date(2010, 6, 7), date(2020, 2, 3), "year"),
    "nothing before it": window(date(2012, 1, 1), date(2012, 1, 1), date(2012, 2, 1), "day"),
    "all time": ALL_TIME,
}


def starts(day, zone):
    """When a day begins; at the first midnight where there are two."""
    return int(datetime.datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def day_of(time_s):
    return datetime.datetime.fromtimestamp(time_s, UTC).date()


def next_unit(day, step):
    if step == 1:
        return day + DAY
    if step == 2:
        return date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return date(day.year + 1, 1, 1)


def slices(days, step):
    """The first days of all slices between these days, and the last day's end."""
    marks = set(days)
    day = days[0]
    while (day := next_unit(day, step)) < days[-1]:
        marks.add(day)
    return sorted(marks)


def count_slices(times, days, step, zone):
    """[(first day, from, to, listens)]"""
    marks = [(day, starts(day, zone)) for day in slices(days, step)]
    return [(day, from_s, to_s, bisect.bisect_left(times, to_s) - bisect.bisect_left(times, from_s))
            for (day, from_s), (_, to_s) in zip(marks, marks[1:])]


def listening_activity(listens, when, zone):
    before_s, from_s, to_s, period, step = when
    times = sorted(at_s for at_s, _ in listens)
    if period == 0:
        days = [date(2001, 1, 1), date(2031, 1, 1)]
    else:
        days = [day_of(before_s), day_of(from_s), day_of(to_s)]
    form = {1: "%d %B %Y", 2: "%B %Y", 3: "%Y"}[step]
    if step == 1 and days[-1] - days[-2] <= 7 * DAY:
        form = "%A %d %B %Y"
    return [{"from_ts": first_s, "to_ts": end_s - 1, "time_range": day.strftime(form),
             "listen_count": count}
            for day, first_s, end_s, count in count_slices(times, days, step, zone)
            if count or period]


def inside(listens, when, zone):
    """What a zone's window holds."""
    if when[3] == 0:
        return list(listens)
    from_s, to_s = (starts(day_of(time_s), zone) for time_s in when[1:3])
    return [(at_s, tune) for at_s, tune in listens if from_s <= at_s < to_s]


def daily_activity(listens, when, zone):
    hours = collections.Counter()
    for at_s, _ in inside(listens, when, zone):
        local = datetime.datetime.fromtimestamp(at_s // 900 * 900, zone)
        hours[local.strftime("%A"), local.hour] += 1
    return {day: [{"hour": hour, "listen_count": hours[day, hour]} for hour in range(24)]
            for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
                        "Sunday")}


def most(counts):
    """By number, ties by id."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def unit_form(when):
    """How the times of a window are named, and what they are."""
    _, from_s, to_s, period, step = when
    if period == 0 or step == 3:
        return "%Y", 3
    first, last = day_of(from_s), day_of(to_s - 1)
    if last - first < 7 * DAY:
        return "%A", 1
    if (first.year, first.month) == (last.year, last.month):
        return "%-d", 1
    return ("%B", 2) if first.year == last.year else ("%B %Y", 2)


def artist_evolution(listens, when, zone):
    form, step = unit_form(when)
    heard = inside(listens, when, zone)
    top = [artist for artist, _ in most(collections.Counter(
        tune.artist.id for _, tune in heard))[:20]]
    names = {tune.artist.id: tune.artist for _, tune in heard}
    days = ([date(2001, 1, 1), date(2031, 1, 1)] if when[3] == 0
            else [day_of(when[1]), day_of(when[2])])
    marks = [(starts(day, zone), day) for day in slices(days, step)]
    counts = collections.Counter()
    for at_s, tune in heard:
        if tune.artist.id in top:
            counts[marks[bisect.bisect_right(marks, (at_s, date(9999, 1, 1))) - 1][1],
                   tune.artist.id] += 1
    return [{"time_unit": day.strftime(form), "artist_mbid": names[artist].mbid,
             "artist_name": names[artist].name, "listen_count": count}
            for (day, artist), count in sorted(
                counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))]


def groups_of(listens, mbids):
    """[(release that lends its name, listens)], the most heard first."""
    releases = collections.Counter(tune.release for _, tune in listens if tune.release)
    groups = collections.defaultdict(collections.Counter)
    for release, count in releases.items():
        groups[mbids.get(release.id, release.id)][release] = count
    return sorted(
        ((min(members, key=lambda release: (-members[release], release.id)),
          sum(members.values())) for members in groups.values()),
        key=lambda item: (-item[1], item[0].id))


def release_groups(listens, when, mbids):
    heard = inside(listens, when, zoneinfo.ZoneInfo("UTC"))
    return [{"release_group_mbid": mbids.get(release.id), "release_group_name": release.name,
             "listen_count": count} for release, count in groups_of(heard, mbids)]


def artist_activity(listens, when, mbids):
    heard = inside(listens, when, zoneinfo.ZoneInfo("UTC"))
    artists = {tune.artist.id: tune.artist for _, tune in heard}
    return [{
        "name": artists[artist].name, "artist_name": artists[artist].name,
        "artist_mbid": artists[artist].mbid, "listen_count": count,
        "albums": [{"name": release.name, "release_group_mbid": mbids.get(release.id),
                    "listen_count": number}
                   for release, number in groups_of(
                       [listen for listen in heard if listen[1].artist.id == artist], mbids)]}
        for artist, count in most(collections.Counter(
            tune.artist.id for _, tune in heard))[:15]]


def read(function, user, when, first=0, count=1000):
    return world.read(function, user.id, *when, first, count)


def read_days(user, when):
    """Daily activity, whose entries are members of an object."""
    rows = psql.rows(psql.call("stats_daily_activity", user.id, *when, 0, 1000))
    members = [row[11] for row in rows if row[11] is not None]
    return int(rows[0][8]), json.loads("{" + rows[0][9] + "}"), json.loads(
        "{" + ",".join(members) + "}")


def set_zone(user, name):
    psql.execute(f"update refrain.users set time_zone = '{name}' where id = {user.id}")
    return zoneinfo.ZoneInfo(name)


def group_releases(tunes, choose):
    """Gives some releases a group; {release id: MBID}."""
    mbids = {}
    for release in sorted({tune.release for tune in tunes if tune.release}, key=lambda r: r.id):
        if mbid := choose(release):
            mbids[release.id] = mbid
            psql.execute(f"update refrain.releases set group_mbid = '{mbid}' "
                         f"where id = {release.id}")
    return mbids


def assert_activity_exact(test, user, listens, when, zone):
    """The charts that go by a zone."""
    expected = listening_activity(listens, when, zone)
    total = sum(entry["listen_count"] for entry in expected)
    answer = read("stats_listening_activity", user, when)
    test.assertEqual((expected if total else [], total), (answer.entries, answer.total))

    total, _, days = read_days(user, when)
    expected = daily_activity(listens, when, zone)
    test.assertEqual(len(inside(listens, when, zone)), total)
    test.assertEqual(expected if total else {}, days)

    test.assertEqual(artist_evolution(listens, when, zone),
                     read("stats_artist_evolution", user, when).entries)


def assert_charts_exact(test, user, listens, when, mbids):
    """Those that go by UTC, whatever the user's zone is."""
    test.assertEqual(artist_activity(listens, when, mbids),
                     read("stats_artist_activity", user, when).entries)

    answer = read("stats_release_groups", user, when)
    expected = release_groups(listens, when, mbids)
    test.assertEqual(expected, [
        {key: entry[key] for key in ("release_group_mbid", "release_group_name", "listen_count")}
        for entry in answer.entries])
    test.assertEqual(len(expected), answer.total)
    test.assertEqual(len(expected), answer.meta["total_release_group_count"])


class Exact(unittest.TestCase):
    """Listens of ten years, many of them about midnights and changes of clocks."""

    @classmethod
    def setUpClass(cls):
        print(f"     seed {SEED}")
        random_of = random.Random(SEED)
        artists = [world.fresh("Artist") for _ in range(30)]
        cls.tunes = world.add_tracks(*(
            world.track(artists[min(29, int(random_of.expovariate(0.1)))],
                        random_of.choice((None, "Album A", "Album B", "Album C")), f"Tune {n}",
                        artist_mbid=None)
            for n in range(200)))
        cls.mbids = group_releases(
            cls.tunes, lambda release: random_of.choice((None, uuid.UUID(int=release.id % 12 + 1))))
        cls.mbids = {key: str(value) for key, value in cls.mbids.items()}
        edges = [starts(day_of(time_s), zoneinfo.ZoneInfo(name)) for when in WINDOWS.values()
                 if when[2] for time_s in when[:3] for name in ZONES]
        edges += [time_s for name in ZONES for time_s in cls.changes(zoneinfo.ZoneInfo(name))]
        first_s, last_s = world.utc_s(2010), world.utc_s(2021)
        times = [edge + step for edge in edges for step in (-1, 0, 899, 900)]
        times += [edge + random_of.randrange(-7200, 7200) for edge in edges]
        times += [random_of.randrange(first_s, last_s) for _ in range(3000)]
        times += [random_of.randrange(world.utc_s(2018, 11, 1), world.utc_s(2018, 11, 14))
                  for _ in range(300)]
        cls.user = world.add_user()
        cls.listens = sorted({(at_s, random_of.choice(cls.tunes)) for at_s in times
                              if first_s <= at_s < last_s}, key=lambda listen: listen[0])
        world.add_listens(cls.user, *cls.listens)

    @staticmethod
    def changes(zone):
        """When the clocks of a zone changed in those years, to the quarter of an hour."""
        quarters = range(world.utc_s(2010) // 900, world.utc_s(2021) // 900, 48)

        def ahead(quarter):
            return datetime.datetime.fromtimestamp(quarter * 900, zone).utcoffset()
        for low, high in zip(quarters, quarters[1:]):
            if ahead(low) != ahead(high):
                yield 900 * next(q for q in range(low, high + 1) if ahead(q) == ahead(high))

    def test_every_window_in_every_zone(self):
        for name in ZONES:
            zone = set_zone(self.user, name)
            for title, when in WINDOWS.items():
                with self.subTest(f"{name}: {title}"):
                    assert_activity_exact(self, self.user, self.listens, when, zone)

    def test_every_window_in_utc(self):
        set_zone(self.user, "Pacific/Kiritimati")
        for title, when in WINDOWS.items():
            with self.subTest(title):
                assert_charts_exact(self, self.user, self.listens, when, self.mbids)

    def test_envelopes(self):
        changed_s = None
        for name in ("UTC", "Asia/Kathmandu", "Pacific/Kiritimati"):
            zone = set_zone(self.user, name)
            changed_s = int(psql.value("select floor(extract(epoch from changed_at)) "
                                       f"from refrain.user_version where user_id = {self.user.id}"))
            for title, when in WINDOWS.items():
                with self.subTest(f"{name}: {title}"):
                    ends = ([ALL_TIME[0]] * 2 + [changed_s] if when is ALL_TIME else
                            [starts(day_of(time_s), zone) for time_s in when[:3]])
                    whole = {"from_ts": ends[0], "to_ts": ends[2], "last_updated": changed_s}
                    alone = whole | {"from_ts": ends[1]}
                    self.assertEqual(whole, read("stats_listening_activity", self.user, when).meta)
                    self.assertEqual(alone, read_days(self.user, when)[1])
                    self.assertEqual(alone, read("stats_artist_evolution", self.user, when).meta)

    def test_pages_of_release_groups(self):
        for when in (ALL_TIME, WINDOWS["year"], WINDOWS["half-year"]):
            whole = read("stats_release_groups", self.user, when)
            self.assertGreater(len(whole.entries), 20)
            self.assertEqual(whole.keys, [entry["listen_count"] for entry in whole.entries])
            for size in (1, 7, 1000):
                pages = []
                for first in range(0, whole.total + size, size):
                    page = read("stats_release_groups", self.user, when, first, size)
                    self.assertEqual((whole.total, whole.meta), (page.total, page.meta))
                    pages += page.entries
                self.assertEqual(whole.entries, pages)


class Changing(unittest.TestCase):
    def test_random_changes(self):
        print(f"     seed {SEED + 1}")
        model = test_property.Model(SEED + 1, [world.add_user() for _ in range(2)])
        zones = {user.id: set_zone(user, name)
                 for user, name in zip(model.users, ("America/St_Johns", "Pacific/Apia"))}
        mbids = {key: str(value) for key, value in group_releases(
            model.tracks, lambda release: model.random.choice((None, uuid.uuid4()))).items()}
        windows = (ALL_TIME, WINDOWS["year"], WINDOWS["leap February"], WINDOWS["half-year"])
        for step in range(60):
            change = model.random.choice(test_property.CHANGES)
            change(model, model.random.choice(model.users))
            if step % 4 == 3:
                for user in model.users:
                    listens = [(at_s, tune)
                               for (at_s, _), tune in model.listens[user.id].items()]
                    for when in windows:
                        with self.subTest(f"step {step}: {change.__name__}, {when}"):
                            assert_activity_exact(self, user, listens, when, zones[user.id])
                            assert_charts_exact(self, user, listens, when, mbids)


class Small(unittest.TestCase):
    FUNCTIONS = ("stats_listening_activity", "stats_artist_activity", "stats_artist_evolution",
                 "stats_release_groups")

    def test_no_listens(self):
        user = world.add_user()
        for when in (ALL_TIME, WINDOWS["year"], WINDOWS["quarter"]):
            for function in self.FUNCTIONS:
                answer = read(function, user, when)
                self.assertEqual(([], 0), (answer.entries, answer.total), function)
                self.assertIn("last_updated", answer.meta)
            self.assertEqual((0, {}), read_days(user, when)[::2])

    def test_nobody(self):
        for function in (*self.FUNCTIONS, "stats_daily_activity"):
            self.assertEqual([], psql.rows(psql.call(function, 2_000_000_000, *ALL_TIME, 0, 10)))

    def test_versions(self):
        user = world.add_user()
        tune, = world.add_tracks(world.track(release="Album"))
        world.add_listens(user, (world.utc_s(2020), tune))
        for function in self.FUNCTIONS:
            answer = read(function, user, ALL_TIME)
            self.assertEqual(user.versions(), answer.versions[1:4])

    def test_shapes(self):
        """Names that need quoting; what is known of artists and releases."""
        user = world.add_user()
        mbid = [str(uuid.uuid4()) for _ in range(4)]
        name = world.fresh('The "Known"')
        known = world.track(name, "Album\\", "Tünë", artist_mbid=mbid[0], release_mbid=mbid[1])
        duo = world.track(world.fresh("This & That"), None, "Duet",
                          artist_mbid=f"{mbid[0]},{mbid[2]}")
        world.add_tracks(known, duo)
        group = str(uuid.uuid4())
        psql.execute(f"update refrain.releases set group_mbid = '{group}' "
                     f"where id = {known.release.id}")
        at_s = world.utc_s(2020, 2, 29)
        world.add_listens(user, (at_s, known), (at_s + 1, known), (at_s, duo))
        for when in (ALL_TIME, WINDOWS["leap year"], WINDOWS["leap February"]):
            self.assertEqual([
                {"artist_mbids": [mbid[0]], "artist_name": name,
                 "artists": [{"artist_mbid": mbid[0], "artist_credit_name": name,
                              "join_phrase": ""}],
                 "caa_id": None, "caa_release_mbid": None, "listen_count": 2,
                 "release_group_mbid": group, "release_group_name": "Album\\"},
            ], read("stats_release_groups", user, when).entries)
            self.assertEqual([
                {"albums": [{"listen_count": 2, "name": "Album\\", "release_group_mbid": group}],
                 "artist_mbid": mbid[0], "artist_name": name, "listen_count": 2,
                 "name": name},
                {"albums": [], "artist_mbid": None, "artist_name": duo.artist.name,
                 "listen_count": 1, "name": duo.artist.name},
            ], read("stats_artist_activity", user, when).entries)
        for when, unit in ((ALL_TIME, "2020"), (WINDOWS["leap year"], "February"),
                           (WINDOWS["leap February"], "29")):
            self.assertEqual([
                {"artist_mbid": mbid[0], "artist_name": name, "listen_count": 2,
                 "time_unit": unit},
                {"artist_mbid": None, "artist_name": duo.artist.name, "listen_count": 1,
                 "time_unit": unit},
            ], read("stats_artist_evolution", user, when).entries)

    def test_entries_are_compact(self):
        user = world.add_user()
        tune, = world.add_tracks(world.track(release="Album"))
        world.add_listens(user, (world.utc_s(2020), tune))
        for function in (*self.FUNCTIONS, "stats_daily_activity"):
            for row in psql.rows(psql.call(function, user.id, *ALL_TIME, 0, 10)):
                self.assertNotIn('": ', row[11])

    def test_only_the_window_before_has_listens(self):
        """It is drawn beside the other, so the chart is not empty; all others are."""
        user = world.add_user()
        tune, = world.add_tracks(world.track(release="Album"))
        world.add_listens(user, (world.utc_s(2018, 10, 1), tune))
        when = WINDOWS["quarter"]
        self.assertEqual(1, read("stats_listening_activity", user, when).total)
        self.assertEqual(0, read_days(user, when)[0])
        self.assertEqual(0, read("stats_artist_evolution", user, when).total)

    def test_new_year_is_when_it_is_there(self):
        """Kiritimati is fourteen hours ahead of UTC, Pago Pago eleven behind."""
        user = world.add_user()
        tune, = world.add_tracks(world.track())
        new_year_s = world.utc_s(2020)
        world.add_listens(user, (new_year_s - 14 * 3600 - 1, tune), (new_year_s - 14 * 3600, tune),
                          (new_year_s + 11 * 3600 - 1, tune), (new_year_s + 11 * 3600, tune))
        for name, expected in (("Pacific/Kiritimati", {"2019": 1, "2020": 3}),
                               ("Pacific/Pago_Pago", {"2019": 3, "2020": 1}),
                               ("UTC", {"2019": 2, "2020": 2})):
            set_zone(user, name)
            for function, unit in (("stats_listening_activity", "time_range"),
                                   ("stats_artist_evolution", "time_unit")):
                self.assertEqual(expected, {
                    entry[unit]: entry["listen_count"]
                    for entry in read(function, user, ALL_TIME).entries}, (name, function))

    def test_session_settings_do_not_matter(self):
        user = world.add_user()
        tune, = world.add_tracks(world.track(release="Album"))
        world.add_listens(user, (world.utc_s(2020, 1, 1), tune), (world.utc_s(2019, 12, 31), tune))
        with psql.Session() as session:
            session.rows("set time zone 'Pacific/Kiritimati'")
            session.rows("set datestyle = 'German, DMY'")
            for function in (*self.FUNCTIONS, "stats_daily_activity"):
                for when in (ALL_TIME, WINDOWS["year"], WINDOWS["week over New Year"]):
                    call = psql.call(function, user.id, *when, 0, 10)
                    self.assertEqual([row[8:] for row in psql.rows(call)],
                                     [row[8:] for row in session.rows(call)])
