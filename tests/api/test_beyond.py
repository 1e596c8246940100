"""Sessions, streaks, discoveries, changes and this day in other years, over HTTP. What the database
computes is tested in tests/sql; here it is what is asked for, and what the cache makes of it."""

import datetime
import time

import harness

DAY = 86400
HOUR = 3600
LISTS = ("sessions", "streaks", "discoveries", "changes", "on-this-day")


def utc(*date):
    return int(datetime.datetime(*date, tzinfo=datetime.timezone.utc).timestamp())


class Beyond(harness.ApiTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.now = int(time.time())
        cls.year = datetime.datetime.fromtimestamp(cls.now, datetime.timezone.utc).year
        cls.users = 0

    def setUp(self):
        type(self).users += 1
        self.name = f"Listener {self.users}"
        self.token = self.instance.token(self.name, "--public")

    def submit(self, *listens):
        """(time, artist, track, duration in seconds or nothing)"""
        payload = []
        for at, artist, track, *duration in listens:
            metadata = {"artist_name": artist, "track_name": track}
            if duration:
                metadata["additional_info"] = {"duration": duration[0]}
            payload.append({"listened_at": at, "track_metadata": metadata})
        answer = self.instance.post("/1/submit-listens", {"listen_type": "import",
                                                          "payload": payload}, token=self.token)
        self.assertEqual(answer.status, 200, answer)

    def ask(self, path, query="", name=None):
        name = (name or self.name).replace(" ", "%20")
        return self.instance.get(f"/1/stats/user/{name}/{path}?{query}")

    def payload(self, path, query=""):
        answer = self.ask(path, query)
        self.assertEqual(answer.status, 200, answer)
        payload = answer.json()["payload"]
        self.assertEqual(payload["user_id"], self.name)
        return payload

    def payload_in(self, zone, path, query=""):
        """After the relay has told the cache of the change."""
        self.instance.psql(f"update users set time_zone = '{zone}' where name = '{self.name}'")

        def is_told():
            return self.payload(path, query)["time_zone"] == zone
        harness.wait_for(is_told, "the new time zone")
        return self.payload(path, query)

    def test_sessions(self):
        start = utc(2020, 5, 1, 20)
        self.submit((start, "A", "a", 300), (start + 100, "A", "b", 200), (start + 300, "A", "c"),
                    (start + 2099, "A", "d"), (start + 3899, "A", "e", 61))
        first = {"from_ts": start, "to_ts": start + 2099, "length_s": 2099, "listen_count": 4,
                 "skip_count": 1}
        second = {"from_ts": start + 3899, "to_ts": start + 3960, "length_s": 61,
                  "listen_count": 1, "skip_count": 0}
        payload = self.payload("sessions")
        last_updated = payload.pop("last_updated")
        self.assertEqual(payload, {
            "user_id": self.name, "sessions": [second, first], "count": 2, "offset": 0,
            "range": "all_time", "from_ts": 1009843200, "to_ts": last_updated, "complete": True,
            "total_session_count": 2, "total_listen_count": 5, "total_skip_count": 1,
            "total_length_s": 2160, "longest_session": first})
        page = self.payload("sessions", "count=1&offset=1")
        self.assertEqual((page["sessions"], page["count"], page["total_session_count"]),
                         ([first], 1, 2))
        days = self.payload("sessions", "from=2020-05-01&to=2020-05-02")
        self.assertEqual((days["range"], days["sessions"]), ("custom", [second, first]))

    def test_a_session_is_cut_at_the_end_of_the_window(self):
        midnight = utc(2020, 5, 2)
        self.submit(*((midnight + step * 60, "A", "a") for step in (-2, -1, 0, 1, 2)))
        for query, listens in (("from=2020-05-01&to=2020-05-02", 2),
                               ("from=2020-05-02&to=2020-05-03", 3),
                               ("from=2020-05-01&to=2020-05-03", 5)):
            session, = self.payload("sessions", query)["sessions"]
            self.assertEqual(session["listen_count"], listens, query)

    def test_streaks(self):
        for day, hour in ((1, 12), (2, 23), (4, 1), (5, 12), (6, 12), (6, 23)):
            self.submit((utc(2020, 5, day, hour), "A", "a"))
        payload = self.payload("streaks")
        early = {"first_day": "2020-05-01", "last_day": "2020-05-02", "day_count": 2,
                 "listen_count": 2}
        late = {"first_day": "2020-05-04", "last_day": "2020-05-06", "day_count": 3,
                "listen_count": 4}
        self.assertEqual((payload["streaks"], payload["count"], payload["total_streak_count"]),
                         ([late, early], 2, 2))
        self.assertEqual((payload["longest_streak"], payload["latest_streak"]), (late, late))
        self.assertEqual((payload["total_day_count"], payload["time_zone"]), (5, "UTC"))
        cut = self.payload("streaks", "from=2020-05-02&to=2020-05-05")
        self.assertEqual([(streak["first_day"], streak["last_day"]) for streak in cut["streaks"]],
                         [("2020-05-04", "2020-05-04"), ("2020-05-02", "2020-05-02")])

        # There the second is heard on the third, and the last on the seventh.
        payload = self.payload_in("Europe/Berlin", "streaks")
        self.assertEqual([(n["first_day"], n["last_day"]) for n in payload["streaks"]],
                         [("2020-05-03", "2020-05-07"), ("2020-05-01", "2020-05-01")])

    def test_discoveries(self):
        self.submit((utc(2020, 3, 1), "Old", "one"), (utc(2020, 5, 1), "Old", "one"),
                    (utc(2020, 5, 2), "Old", "two"), (utc(2020, 5, 3), "New", "three"),
                    (utc(2020, 5, 4), "New", "three"), (utc(2020, 6, 1), "Newer", "four"))
        may = "from=2020-05-01&to=2020-06-01"
        payload = self.payload("discoveries", may)
        self.assertEqual(payload["artists"], [{
            "artist_name": "New", "artist_mbid": None, "first_listened_at": utc(2020, 5, 3),
            "listen_count": 2}])
        self.assertEqual((payload["count"], payload["total_artist_count"],
                          payload["new_artist_count"], payload["new_artist_share"]), (1, 2, 1, 0.5))
        self.assertEqual(self.payload("discoveries", may + "&entity=artists"), payload)
        payload = self.payload("discoveries", may + "&entity=recordings&count=1")
        self.assertEqual([n["track_name"] for n in payload["recordings"]], ["three"])
        self.assertEqual((payload["total_recording_count"], payload["new_recording_count"],
                          payload["new_recording_share"]), (3, 2, 0.6667))
        payload = self.payload("discoveries")
        self.assertEqual([n["artist_name"] for n in payload["artists"]], ["Newer", "New", "Old"])
        self.assertEqual(payload["new_artist_share"], 1)

        self.submit((utc(2020, 4, 30), "New", "three"))   # late: it was not new in May
        payload = self.payload("discoveries", may)
        self.assertEqual((payload["artists"], payload["new_artist_share"]), ([], 0))

    def test_changes(self):
        at = utc(2020, 5, 20)
        for artist, before, now in (("Up", 1, 9), ("Same", 4, 5), ("New", 0, 4), ("Down", 8, 3),
                                    ("Gone", 7, 0)):
            self.submit(*((at - 10 * DAY - step, artist, "a") for step in range(before)),
                        *((at + step, artist, "a") for step in range(now)))
        payload = self.payload("changes", "from=2020-05-20&to=2020-06-01")
        self.assertEqual([
            (n["artist_name"], n["rank"], n["previous_rank"], n["change"], n["listen_count"],
             n["previous_listen_count"]) for n in payload["artists"]], [
            ("Up", 1, 4, "up", 9, 1), ("Same", 2, 3, "up", 5, 4), ("New", 3, None, "new", 4, 0),
            ("Down", 4, 1, "down", 3, 8)])
        self.assertEqual((payload["total_artist_count"], payload["previous_from_ts"],
                          payload["previous_to_ts"]), (4, utc(2020, 5, 8), utc(2020, 5, 20)))
        page = self.payload("changes", "from=2020-05-20&to=2020-06-01&count=1&offset=3")
        self.assertEqual(page["artists"], payload["artists"][3:])
        for entity, name in (("recordings", "track_name"), ("artists", "artist_name")):
            payload = self.payload("changes", f"from=2020-05-20&to=2020-06-01&entity={entity}")
            self.assertIn(name, payload[entity][0])
        answer = self.ask("changes", "from=2020-05-20&to=2020-06-01&entity=releases")
        self.assertEqual(answer.status, 204, answer)   # none of them is on a release

    def test_changes_are_of_the_last_week_if_nothing_is_said(self):
        monday = self.now - self.now % DAY - (self.now // DAY + 3) % 7 * DAY
        self.submit((monday - 1, "A", "a"), (monday - 7 * DAY, "B", "b"),
                    (monday - 7 * DAY - 1, "B", "b"))
        payload = self.payload("changes")
        self.assertEqual((payload["range"], payload["from_ts"], payload["previous_from_ts"]),
                         ("week", monday - 7 * DAY, monday - 14 * DAY))
        self.assertEqual({n["artist_name"]: n["change"] for n in payload["artists"]}["A"], "new")

    def test_on_this_day(self):
        year = self.year
        self.submit((utc(year, 1, 1), "A", "this year's"), (utc(year - 1, 1, 1, 5), "A", "a"),
                    (utc(year - 1, 1, 1, 6), "A", "b"), (utc(year - 1, 1, 1, 7), "A", "b"),
                    (utc(year - 3, 1, 1, 23), "B", "c"), (utc(year - 3, 1, 2), "B", "c"),
                    (utc(2020, 2, 29, 12), "C", "leap"))
        payload = self.payload("on-this-day", "date=01-01")
        last_updated = payload.pop("last_updated")
        self.assertGreaterEqual(last_updated, self.now)
        recordings = [[(n["track_name"], n["listen_count"]) for n in entry.pop("recordings")]
                      for entry in payload["years"]]
        self.assertEqual(recordings, [[("b", 2), ("a", 1)], [("c", 1)]])
        self.assertEqual(payload, {
            "user_id": self.name, "date": "01-01", "time_zone": "UTC", "total_year_count": 2,
            "total_listen_count": 4, "years": [
                {"year": year - 1, "listen_count": 3, "artists": [
                    {"artist_name": "A", "artist_mbid": None, "listen_count": 3}]},
                {"year": year - 3, "listen_count": 1, "artists": [
                    {"artist_name": "B", "artist_mbid": None, "listen_count": 1}]}]})
        leap = self.payload("on-this-day", "date=02-29")
        self.assertEqual([entry["year"] for entry in leap["years"]], [2020])
        # There 23 h in UTC is the second of January.
        payload = self.payload_in("Asia/Tokyo", "on-this-day", "date=01-01")
        self.assertEqual([entry["year"] for entry in payload["years"]], [year - 1])
        self.assertEqual(self.ask("on-this-day", "date=07-07").status, 204)

    def test_on_this_day_means_today(self):
        today = datetime.datetime.fromtimestamp(time.time(), datetime.timezone.utc)
        self.submit(*((utc(number, today.month, today.day, 12), "A", "a")
                      for number in (2004, 2012, 2016)))   # leap years
        payload = self.payload("on-this-day")
        self.assertIn(payload["date"], (today.strftime("%m-%d"),
                                        time.strftime("%m-%d", time.gmtime())))
        self.assertEqual([entry["year"] for entry in payload["years"]], [2016, 2012, 2004])

    def test_nothing_is_204(self):
        for path in LISTS:
            answer = self.ask(path)
            self.assertEqual((answer.status, answer.body), (204, b""), path)

    def test_wrong_parameters(self):
        date = "'date' should be a month and a day such as 11-16, not '%s'"
        for path, query, text in (
                ("sessions", "range=decade", "Invalid range: decade"),
                ("streaks", "count=-1", "'count' should be a non-negative integer"),
                ("discoveries", "entity=releases",
                 "'entity' should be artists or recordings, not 'releases'"),
                ("discoveries", "entity=", "'entity' should be artists or recordings, not ''"),
                ("discoveries", "entity=x&range=x",
                 "'entity' should be artists or recordings, not 'x'"),
                ("discoveries", "entity=recordings&range=x", "Invalid range: x"),
                ("changes", "entity=Artists",
                 "'entity' should be artists, releases or recordings, not 'Artists'"),
                ("changes", "range=all_time",
                 "'range' should not be 'all_time': there is nothing before it to compare with"),
                ("changes", "from=2002-01-01&to=2003-01-01",
                 "'from' should be after 2002-01-01: there is nothing before it to compare with"),
                ("changes", "offset=x", "'offset' should be a non-negative integer"),
                ("on-this-day", "date=02-30", date % "02-30"),
                ("on-this-day", "date=", date % ""),
                ("on-this-day", "date=2020-01-01", date % "2020-01-01")):
            with self.subTest(f"{path}?{query}"):
                self.assertError(self.ask(path, query), 400, text)
        for path in LISTS:
            self.assertError(self.ask(path, "range=x&date=x", "nobody"), 404,
                             "Cannot find user: nobody")

    def cache(self, path, query=""):
        answer = self.ask(path, query)
        self.assertEqual(answer.status, 200, answer)
        return "hit" if "; hit" in answer.headers["Cache-Status"] else "miss"

    def test_a_listen_now_leaves_closed_windows_warm(self):
        year = self.year - 1
        self.submit((utc(year, 2, 1), "A", "a"), (utc(year - 1, 2, 1), "A", "a"))
        closed = [(path, "range=year") for path in LISTS[:4]] + [
            ("changes", "range=year&entity=recordings"),
            ("discoveries", "range=year&entity=recordings"), ("on-this-day", "date=02-01")]
        running = [(path, "range=all_time") for path in LISTS[:3]] + [
            ("streaks", "range=this_year"), ("sessions", "range=this_year")]
        self.submit((self.now - 60, "A", "now"))
        for path, query in closed + running:
            self.assertEqual(self.cache(path, query), "miss", f"{path}?{query}")
            self.assertEqual(self.cache(path, query), "hit", f"{path}?{query}")
        self.submit((self.now - 30, "A", "now"))
        for path, query in closed:
            with self.subTest(f"{path}?{query}"):
                # Local days of the year before go on for some hours of the first of January.
                if time.gmtime().tm_yday > 2 or path not in ("streaks", "on-this-day"):
                    self.assertEqual(self.cache(path, query), "hit")
        for path, query in running:
            self.assertEqual(self.cache(path, query), "miss", f"{path}?{query}")
        self.submit((utc(year, 2, 1, 1), "B", "late"))
        for path, query in closed:
            self.assertEqual(self.cache(path, query), "miss", f"{path}?{query}")
        self.assertEqual(self.payload("on-this-day", "date=02-01")["years"][0]["listen_count"], 2)
