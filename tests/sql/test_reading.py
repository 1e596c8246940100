"""Whose pages are read, and when most is."""

import unittest

import psql
import world

ACTIVE_S = 900


def note(*told, session=None):
    """Pairs of a user and the names of pages."""
    call = psql.call("reading_note", [user.id for user, _ in told], [names for _, names in told],
                     ACTIVE_S)
    (session or psql.shared()).rows(call)


def wanted(*users, active_s=ACTIVE_S):
    """{folded name: names of pages, in their order}"""
    rows = psql.rows(psql.call("reading_wanted", [user.subject() for user in users], active_s))
    return {name: " ".join(sorted(pages.split())) for name, pages in rows}


def age(user, time):
    psql.execute(f"update refrain.reading set read_at = read_at - interval '{time}', views_at = "
                 f"array(select at - interval '{time}' from unnest(views_at) at) "
                 f"where user_id = {user.id}")


def is_noted(user, session=None):
    return (session or psql.shared()).value(
        f"select count(*) from refrain.reading where user_id = {user.id}") == "1"


def marks():
    return int(psql.value("select coalesce(sum(readers), 0) from refrain.reading_hour"))


class Notes(unittest.TestCase):
    def setUp(self):
        self.user, self.other, self.third = (world.add_user() for _ in range(3))

    def test_who_is_noted_is_wanted(self):
        note((self.user, "listens count"), (self.other, "artists@week"))
        self.assertEqual({self.user.key: "count listens", self.other.key: "artists@week"},
                         wanted(self.user, self.other, self.third))
        self.assertEqual({self.other.key: "artists@week"}, wanted(self.other))
        self.assertEqual({}, wanted())

    def test_pages_are_added_to_those_of_late(self):
        note((self.user, "listens"))
        age(self.user, "14 minutes 30 seconds")
        note((self.user, "count"))
        self.assertEqual({self.user.key: "count listens"}, wanted(self.user))

    def test_older_pages_are_forgotten(self):
        note((self.user, "listens"))
        age(self.user, "15 minutes 1 second")
        note((self.user, "count"))
        self.assertEqual({self.user.key: "count"}, wanted(self.user))

    def test_each_page_goes_by_when_it_was_read_itself(self):
        note((self.user, "listens"))
        for _ in range(3):
            age(self.user, "6 minutes")
            note((self.user, "count"))
        self.assertEqual({self.user.key: "count"}, wanted(self.user))
        age(self.user, "1 minute")
        note((self.user, "listens"))
        self.assertEqual({self.user.key: "listens"}, wanted(self.user, active_s=59))

    def test_a_note_is_of_now(self):
        for _ in range(2):
            note((self.user, "listens"))
            age(self.user, "5 minutes")
            self.assertEqual({}, wanted(self.user, active_s=299))
            self.assertEqual({self.user.key: "listens"}, wanted(self.user, active_s=310))
            note((self.user, "listens"))
            self.assertEqual({self.user.key: "listens"}, wanted(self.user, active_s=299))

    def test_a_user_may_come_twice_or_without_pages(self):
        note((self.user, "listens"), (self.user, "count"), (self.other, ""), (self.third, None))
        self.assertEqual({self.user.key: "count listens", self.other.key: "", self.third.key: ""},
                         wanted(self.user, self.other, self.third))
        note((self.other, "count"))
        self.assertEqual({self.other.key: "count"}, wanted(self.other))

    def test_nobody(self):
        before = marks()
        note()
        self.assertEqual(before, marks())

    def test_marks_are_counted(self):
        before = marks()
        note((self.user, "listens"), (self.other, "listens"))
        note((self.user, "listens"))
        self.assertEqual(before + 3, marks())

    def test_nothing_is_raised(self):
        state = ("select (select array_agg(v order by user_id) from refrain.user_version v), "
                 "(select array_agg(g order by name) from refrain.generation g), "
                 "(select array_agg(e order by bucket) from refrain.cache_epoch e), "
                 "(select count(*) from refrain.invalidation)")
        before = psql.row(state)
        note((self.user, "listens"), (self.other, "count"))
        note((self.user, "artists@week"))
        psql.execute(psql.call("reading_purge"))
        self.assertEqual(before, psql.row(state))

    def test_a_change_beside_it_is_durable(self):
        with psql.Session() as session:
            session.rows("begin")
            note((self.user, "listens"), session=session)
            self.assertEqual("off", session.value("show synchronous_commit"))
            session.rows(f"update refrain.users set public = not public where id = {self.user.id}")
            self.assertEqual("on", session.value("show synchronous_commit"))
            session.rows("rollback")


class Deletion(unittest.TestCase):
    def setUp(self):
        self.user, self.other = world.add_user(), world.add_user()
        note((self.user, "listens"), (self.other, "listens"))

    def test_a_note_goes_with_its_user(self):
        psql.execute(psql.call("user_delete", self.user.key))
        self.assertFalse(is_noted(self.user))
        self.assertEqual({self.other.key: "listens"}, wanted(self.user, self.other))

    def test_who_is_gone_is_passed_over(self):
        psql.execute(psql.call("user_delete", self.user.key))
        before = marks()
        note((self.user, "count"), (self.other, "count"))
        self.assertFalse(is_noted(self.user))
        self.assertEqual({self.other.key: "count listens"}, wanted(self.user, self.other))
        self.assertEqual(before + 1, marks())

    def test_who_has_the_name_now_is_another(self):
        psql.execute(psql.call("user_delete", self.user.key))
        again = world.add_user(self.user.name)
        self.assertEqual({}, wanted(again))
        note((again, "count"))
        self.assertEqual({again.key: "count"}, wanted(self.user))

    def test_who_is_about_to_go_is_passed_over(self):
        """Without waiting, and whether the end is committed or not."""
        with psql.Session() as session:
            session.rows("begin")
            session.rows(psql.call("user_delete", self.user.key))
            note((self.user, "count"), (self.other, "count"))
            session.rows("commit")
        self.assertFalse(is_noted(self.user))
        self.assertEqual({self.other.key: "count listens"}, wanted(self.other))

    def test_whose_note_is_about_to_be_made_waits(self):
        new = world.add_user()
        with psql.Session() as noting, psql.Session() as deleting:
            noting.rows("begin")
            note((new, "count"), session=noting)
            deleting.start(psql.call("user_delete", new.key))
            self.assertTrue(deleting.waits())
            noting.rows("commit")
            deleting.finish()
        self.assertFalse(is_noted(new))

    def test_all_at_once(self):
        """Done and undone: TRUNCATE ends every account."""
        with psql.Session() as session:
            session.rows("begin")
            session.rows("truncate refrain.users cascade")
            self.assertFalse(is_noted(self.user, session))
            session.rows("rollback")


class Recent(unittest.TestCase):
    def setUp(self):
        """Alone in the database for the time of a transaction."""
        self.session = psql.Session()
        self.addCleanup(self.session.close)
        self.users = [world.add_user() for _ in range(7)]
        self.session.rows("begin")
        self.addCleanup(self.session.rows, "rollback")
        self.session.rows("delete from refrain.reading")
        note(*((user, "listens") for user in self.users), session=self.session)
        for hours, user in enumerate(self.users):
            # The fourth and the fifth at one time.
            self.session.rows(f"update refrain.reading "
                              f"set read_at = now() - interval '{hours - hours // 4} hours' "
                              f"where user_id = {user.id}")

    def recent(self, within_s, before=None, before_user=None, batch=100):
        return self.session.rows(
            psql.call("reading_recent", within_s, before, before_user, batch))

    def in_order(self, count):
        order = self.users[:3] + self.users[4:2:-1] + self.users[5:]
        return [(str(user.id), user.key, "listens") for user in order[:count]]

    def test_the_newest_come_first(self):
        rows = self.recent(86400)
        self.assertEqual(self.in_order(7), [(row[0], *row[2:]) for row in rows])

    def test_the_older_ones_are_left_out(self):
        rows = self.recent(3 * 3600 + 60)
        self.assertEqual(self.in_order(5), [(row[0], *row[2:]) for row in rows])

    def test_batches_make_up_the_whole(self):
        for batch in (1, 2, 3, 4):
            with self.subTest(batch):
                found, rows = [], self.recent(86400, batch=batch)
                while rows:
                    self.assertLessEqual(len(rows), batch)
                    found += rows
                    rows = self.recent(86400, rows[-1][1], rows[-1][0], batch)
                self.assertEqual(self.recent(86400), found)


class Hours(unittest.TestCase):
    def setUp(self):
        self.session = psql.Session()
        self.addCleanup(self.session.close)
        self.session.rows("begin")
        self.addCleanup(self.session.rows, "rollback")
        self.session.rows("delete from refrain.reading_hour")

    def add(self, hours_ago, readers):
        """What an hour had; hours_ago is counted from the one that goes on."""
        self.session.rows(
            "insert into refrain.reading_hour (hour, readers) "
            f"values (date_trunc('hour', now(), 'UTC') - interval '{hours_ago} hours', {readers})")

    def peak(self):
        return self.session.value(psql.call("reading_peak"))

    def hour(self, hours_ago):
        return self.session.value("select extract(hour from now() at time zone 'UTC' "
                                  f"- interval '{hours_ago} hours')::int")

    def test_nothing_is_known_at_first(self):
        self.assertIsNone(self.peak())
        self.add(47, 5)
        self.add(3, 5)
        self.assertIsNone(self.peak())
        self.add(49, 1)
        self.assertIsNotNone(self.peak())

    def test_days_are_added_up(self):
        self.add(5, 50)
        for day in range(1, 7):
            self.add(2 + 24 * day, 11)
            self.add(3 + 24 * day, 10)
        self.assertEqual(self.hour(2), self.peak())

    def test_it_is_of_the_last_seven_days(self):
        self.add(7 * 24 + 1, 1000)
        self.add(100, 10)
        self.add(0, 1000)       # goes on
        self.assertEqual(self.hour(100), self.peak())
        self.add(7 * 24, 11)
        self.assertEqual(self.hour(0), self.peak())

    def test_hours_are_those_of_utc(self):
        self.add(50, 1)
        expected = self.hour(50)
        self.session.rows("set local time zone 'Asia/Kolkata'")
        self.assertEqual(expected, self.peak())
        user = world.add_user()
        note((user, "listens"), session=self.session)
        self.assertEqual("0", self.session.value(
            "select extract(minute from max(hour) at time zone 'UTC')::int "
            "from refrain.reading_hour"))


class Purge(unittest.TestCase):
    def test_readers(self):
        old, new = world.add_user(), world.add_user()
        note((old, "listens"), (new, "listens"))
        age(old, "30 days 1 second")
        age(new, "29 days 23 hours")
        self.assertEqual("1", psql.value(psql.call("reading_purge")))
        self.assertFalse(is_noted(old))
        self.assertTrue(is_noted(new))
        self.assertEqual("0", psql.value(psql.call("reading_purge")))

    def test_hours(self):
        with psql.Session() as session:
            session.rows("begin")
            session.rows("delete from refrain.reading_hour")
            session.rows("insert into refrain.reading_hour (hour, readers) "
                         "select now() - hours * interval '1 hour', 1 "
                         "from unnest(array[191, 193]) hours")
            session.rows(psql.call("reading_purge"))
            self.assertEqual("1", session.value("select count(*) from refrain.reading_hour"))
            session.rows("rollback")
