"""Windows and charts of activity on days that calendars trip over: the servers' clock is moved there.

The database's clock is not, so for the cache these windows are still running."""

import collections
import datetime
import os
import random
import time
import unittest.mock
import zoneinfo

import harness
from test_statistics import DAY, KINDS, RANGES, window

UTC = datetime.timezone.utc
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ZONES = {"Ann": "UTC", "Beth": "America/New_York", "Ned": "Asia/Kathmandu",
         "Kim": "Pacific/Kiritimati"}
FORMS = {"this_week": "%A %d %B %Y", "week": "%A %d %B %Y", "this_month": "%d %B %Y",
         "month": "%d %B %Y", "quarter": "%d %B %Y", "this_year": "%B %Y", "half_yearly": "%B %Y",
         "year": "%B %Y", "all_time": "%Y"}
UNITS = {"this_week": "%A", "week": "%A", "this_month": "%-d", "month": "%-d", "quarter": "%B",
         "this_year": "%B", "half_yearly": "%B", "year": "%B", "all_time": "%Y"}


def utc(*parts):
    return int(datetime.datetime(*parts, tzinfo=UTC).timestamp())


def before(name, start):
    """When the window before this one begins."""
    whole = {"this_week": "week", "this_month": "month", "this_year": "year"}.get(name, name)
    return window(whole, start)[0]


def day_of(at, zone=UTC):
    return datetime.datetime.fromtimestamp(at, zone).date()


def starts(day, zone):
    return int(datetime.datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


class Calendar:
    """What holds on every day; a class below is a day."""

    now = None

    @classmethod
    def setUpClass(cls):
        offset = {"REFRAIN_CLOCK_OFFSET_S": str(cls.now - int(time.time()))}
        with unittest.mock.patch.dict(os.environ, offset):
            super().setUpClass()
        random_of = random.Random(cls.now)
        edges = {starts(day_of(edge) + datetime.timedelta(days), zoneinfo.ZoneInfo(zone))
                 for name in RANGES if (bounds := window(name, cls.now))
                 for edge in (before(name, bounds[0]), *bounds) for days in (-1, 0, 1)
                 for zone in ZONES.values()}
        times = {edge + step for edge in edges for step in (-1, 0, 1)}
        times |= {cls.now - random_of.randrange(800 * DAY) for _ in range(500)}
        times |= {cls.now - random_of.randrange(9 * DAY) for _ in range(300)}
        cls.listens = [(at, f"artist {random_of.randrange(6)}") for at in sorted(times)
                       if at <= cls.now]
        for name, zone in ZONES.items():
            token = cls.instance.token(name, "--public")
            cls.instance.psql(f"update users set time_zone = '{zone}' where name = '{name}'")
            cls.submit(token)

    @classmethod
    def submit(cls, token):
        for start in range(0, len(cls.listens), 1000):
            answer = cls.instance.post("/1/submit-listens", {"listen_type": "import", "payload": [
                {"listened_at": at, "track_metadata": {
                    "artist_name": artist, "track_name": "t", "release_name": "r"}}
                for at, artist in cls.listens[start:start + 1000]]}, token=token)
            assert answer.status == 200, answer

    def read(self, path, user):
        """None where there is nothing."""
        answer = self.instance.get(f"/1/stats/user/{user}/{path}", token=self.instance.token(user))
        if answer.status == 204:
            return None
        self.assertEqual(answer.status, 200, answer)
        return answer.json()["payload"]

    def every(self, path, compare):
        """Compares each range of each user."""
        for user, zone in ZONES.items():
            for name in RANGES:
                with self.subTest(f"{path} {name} in {zone}"):
                    compare(name, self.read(f"{path}?range={name}", user),
                            zoneinfo.ZoneInfo(zone))

    def inside(self, name, zone):
        """The listens of a range by a zone's clock: (local time, artist); and when it begins and
        ends."""
        bounds = window(name, self.now)
        if bounds is None:
            listens, ends = self.listens, None
        else:
            ends = tuple(starts(day_of(edge), zone) for edge in bounds)
            listens = [listen for listen in self.listens if ends[0] <= listen[0] < ends[1]]
        return [(datetime.datetime.fromtimestamp(at, zone), artist)
                for at, artist in listens], ends

    def assertEnvelope(self, payload, name, ends):
        self.assertEqual(payload["range"], name)
        self.assertEqual((payload["from_ts"], payload["to_ts"]),
                         ends or (1009843200, payload["last_updated"]))

    def test_lists_go_by_utc(self):
        for kind in KINDS:
            def compare(name, payload, _, kind=kind):
                heard, ends = self.inside(name, UTC)
                if heard:
                    self.assertEqual(sum(row["listen_count"] for row in payload[kind]), len(heard))
                    self.assertEnvelope(payload, name, ends)
                else:
                    self.assertIsNone(payload)
            self.every(kind, compare)

    def test_listening_activity(self):
        def compare(name, payload, zone):
            ends = self.inside(name, zone)[1]
            first, end = (utc(2020, 1, 1), utc(2040, 1, 1)) if ends is None else (
                before(name, window(name, self.now)[0]), window(name, self.now)[1])
            counts = collections.Counter()
            days = {}
            day = day_of(first)
            while day < day_of(end):
                days.setdefault(day.strftime(FORMS[name]), []).append(day)
                day += datetime.timedelta(1)
            for at, _ in self.listens:
                counts[day_of(at, zone).strftime(FORMS[name])] += 1
            expected = [{"time_range": text, "listen_count": counts[text],
                         "from_ts": starts(some[0], zone),
                         "to_ts": starts(some[-1] + datetime.timedelta(1), zone) - 1}
                        for text, some in days.items() if ends or counts[text]]
            if not any(row["listen_count"] for row in expected):
                self.assertIsNone(payload)
                return
            self.assertEqual(payload["listening_activity"], expected)
            self.assertEnvelope(payload, name, ends and (
                expected[0]["from_ts"], expected[-1]["to_ts"] + 1))
        self.every("listening-activity", compare)

    def test_daily_activity(self):
        def compare(name, payload, zone):
            heard, ends = self.inside(name, zone)
            if not heard:
                self.assertIsNone(payload)
                return
            counts = collections.Counter((at.weekday(), at.hour) for at, _ in heard)
            self.assertEqual(payload["daily_activity"], {
                name: [{"hour": hour, "listen_count": counts[weekday, hour]} for hour in range(24)]
                for weekday, name in enumerate(WEEKDAYS)})
            self.assertEnvelope(payload, name, ends)
        self.every("daily-activity", compare)

    def test_artist_evolution(self):
        def compare(name, payload, zone):
            heard, ends = self.inside(name, zone)
            if not heard:
                self.assertIsNone(payload)
                return
            expected = collections.Counter((at.strftime(UNITS[name]), artist)
                                           for at, artist in heard)
            rows = payload["artist_evolution_activity"]
            self.assertEqual({(row["time_unit"], row["artist_name"]): row["listen_count"]
                              for row in rows}, dict(expected))
            order = list(dict.fromkeys(at.strftime(UNITS[name]) for at, _ in sorted(heard)))
            self.assertEqual(list(dict.fromkeys(row["time_unit"] for row in rows)), order)
            self.assertEnvelope(payload, name, ends)
        self.every("artist-evolution-activity", compare)


class LeapDay(Calendar, harness.ApiTest):
    """A Tuesday, in the middle of a month, a week and a year that it makes longer."""
    now = utc(2028, 2, 29, 12)


class AfterLeapFebruary(Calendar, harness.ApiTest):
    """The last month has 29 days; the first hour of a month and a day."""
    now = utc(2028, 3, 1, 0, 20)


class NewYearOnMonday(Calendar, harness.ApiTest):
    """Everything begins: week, month, quarter, half-year and year."""
    now = utc(2029, 1, 1, 0, 20)


class LastHourOfTheYear(Calendar, harness.ApiTest):
    """A Sunday: in an hour, everything ends. East of Greenwich it is next year already."""
    now = utc(2028, 12, 31, 23, 20)


class ClocksGoBack(Calendar, harness.ApiTest):
    """The week after New York's hour that comes twice."""
    now = utc(2027, 11, 8, 15)
