"""What all public users listen to: after any changes, by whom it may be, and any folding, it is what
the listens of the public users amount to."""

import datetime
import os
import unittest

import psql
import world
from test_concurrency import run_all
from test_property import CHANGES, FIRST_S, Model, add, delete, insert_by_hand

SEED = int(os.environ.get("SEED", 30))
KINDS = ("artist_id", "release_id", "recording_id")


def fold(refresh_s=0, batch=50_000):
    return int(psql.value(psql.call("site_fold", refresh_s, batch)))


def settle():
    """What the worker does, until nothing is left to be done."""
    while psql.value(psql.call("site_move")) != "0" or fold():
        pass


def site_versions():
    return tuple(map(int, psql.row(
        "select live, past, auth from refrain.user_version where user_id = 0")))


def set_public(user, public):
    psql.execute(f"update refrain.users set public = {bool(public)} where id = {user.id}")


def delete_user(user):
    psql.execute(psql.call("user_delete", user.key))


def windows():
    """Of all named ranges: number, begin and end (SQL), by plain calendar arithmetic."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    monday = today - datetime.timedelta(today.weekday())
    week = datetime.timedelta(7)

    def month(number):
        return datetime.date(number // 12, number % 12 + 1, 1)
    now = today.year * 12 + today.month - 1
    quarter, half, year = now - now % 3, now - now % 6, now - now % 12
    days = [(monday, monday + week), (monday - week, monday),
            (month(now), month(now + 1)), (month(now - 1), month(now)),
            (month(quarter - 3), month(quarter)), (month(half - 6), month(half)),
            (month(year), month(year + 12)), (month(year - 12), month(year))]

    def utc_s(day):
        return world.utc_s(day.year, day.month, day.day)
    return [(0, None)] + [(utc_s(first), utc_s(end)) for first, end in days]


class Site(unittest.TestCase):
    maxDiff = None

    def assert_exact(self, why=None):
        self.assertEqual([], psql.rows(psql.call("verify_site")), why)

    def assert_charts(self):
        """As a plain count of the listens of all public users has it."""
        for from_s, to_s in windows():
            inside = (f"l.listened_at >= to_timestamp({from_s})"
                      + (f" and l.listened_at < to_timestamp({to_s})" if to_s else ""))
            period = psql.value(psql.call("site_period_of", from_s, to_s))
            for kind, column in enumerate(KINDS, 1):
                raw = psql.rows(
                    f"select {column}, count(*) from refrain.listens l "
                    f"join refrain.users u on u.id = l.user_id "
                    f"where u.public and {column} is not null and {inside} "
                    f"group by 1 order by 2 desc, 1")
                self.assertEqual(raw, psql.rows(
                    f"select entity_id, listens from refrain.site_tallies "
                    f"where period = {period} and kind = {kind} order by listens desc, entity_id"),
                    (from_s, to_s, column))
                total = psql.rows(f"select {column[:-3]}s from refrain.site_totals "
                                  f"where period = {period}")
                self.assertEqual(str(len(raw)), total[0][0] if total else "0")


class Exact(Site):
    def test_whatever_happens(self):
        print(f"     seed {SEED}")
        users = [world.add_user(public=number % 2 == 0) for number in range(4)]
        model = Model(SEED, users)
        plain, now_s = model.time_s, world.now_s()
        model.time_s = lambda: plain() if model.random.randrange(2) else (
            now_s - model.random.randrange(500) * world.DAY_S // 2)
        for step in range(80):
            user = model.random.choice(users)
            chance = model.random.randrange(20)
            if chance < 3:
                set_public(user, model.random.randrange(2))
            elif chance < 6:
                psql.value(psql.call("site_move"))
            elif chance < 11:
                fold(batch=model.random.choice((1, 7, 50, 1000, 50_000)))
            else:
                model.random.choice(CHANGES)(model, user)
            self.assert_exact(f"step {step}")
            if step % 20 == 19:
                settle()
                self.assert_exact(f"step {step}, settled")
                self.assert_charts()
        for user in users[:2]:
            delete_user(user)
        if SEED % 2:
            settle()
        while psql.value(psql.call("user_purge", 100)) != "0":
            self.assert_exact("purge")
        settle()
        self.assert_exact("purged")
        self.assert_charts()

    def test_until_nothing_is_left(self):
        user = world.add_user(public=True)
        model = Model(SEED + 1, [user])
        settle()
        before = psql.rows("select period, artists, listens from refrain.site_totals "
                           "where listens <> 0 order by 1")
        tables = ("site_tallies", "site_hours", "site_listeners",
                  "listen_days where user_id = 0")
        sizes = [psql.value(f"select count(*) from refrain.{table}") for table in tables]
        add(model, user)
        psql.execute(f"delete from refrain.listens where user_id = {user.id}")
        while fold(batch=3):
            self.assert_exact()
        self.assertEqual(before, psql.rows("select period, artists, listens from "
                                           "refrain.site_totals where listens <> 0 order by 1"))
        self.assertEqual(sizes, [psql.value(f"select count(*) from refrain.{table}")
                                 for table in tables])


class AtATime(Site):
    """Writers, people who change their minds, and several workers."""

    def test_all_at_once(self):
        print(f"     seed {SEED + 2}")
        users = [world.add_user(public=number % 2 == 0) for number in range(4)]
        first = Model(SEED + 2, users)
        models = [Model(SEED + 3 + number, users, first.tracks) for number in range(3)]

        def write(number, model):
            model.time_s = lambda: (
                FIRST_S + model.random.randrange(200) * 172_800 + number)

            def change(session):
                for _ in range(30):
                    user = model.random.choice(users)
                    # By hand, listens are locked before the versions, or come in two users.
                    model.random.choice((add, add, delete, insert_by_hand))(model, user, session)
            return change

        def flip(session):
            for turn in range(60):
                session.rows(f"update refrain.users set public = not public "
                             f"where id = {users[turn % 4].id}")

        def work(batch):
            def fold_and_move(session):
                for _ in range(60):
                    session.rows(psql.call("site_move"))
                    session.rows(psql.call("site_fold", 0, batch))
                    session.rows(psql.call("site_prune"))
            return fold_and_move
        run_all(flip, work(20), work(5000),
                *(write(number, model) for number, model in enumerate(models)))
        self.assert_exact()
        settle()
        self.assert_exact()
        self.assert_charts()

    def test_a_move_and_a_write(self):
        """Whichever comes first, each listen is counted once."""
        for writer_first in (True, False):
            for gone in (True, False):
                user = world.add_user(public=not gone)
                tune, other = world.add_tracks(world.track(), world.track())
                world.add_listens(user, (1_500_000_000, tune))
                settle()
                set_public(user, gone)
                with psql.Session() as writer, psql.Session() as worker:
                    writer.rows("begin")
                    worker.rows("begin")
                    insert = ("insert into refrain.listens "
                              "(user_id, listened_at, recording_id, artist_id) values "
                              f"({user.id}, to_timestamp(1500000001), {other.recording.id}, "
                              f"{other.artist.id})")
                    delete_one = ("delete from refrain.listens where listened_at = "
                                  f"to_timestamp(1500000000) and user_id = {user.id}")
                    if writer_first:
                        writer.rows(insert)
                        writer.rows(delete_one)
                        worker.start(psql.call("site_move"))
                        self.assertTrue(worker.waits())
                        writer.rows("commit")
                        worker.finish()
                        worker.rows("commit")
                    else:
                        worker.rows(psql.call("site_move"))
                        writer.start(insert)
                        self.assertTrue(writer.waits())
                        worker.rows("commit")
                        writer.finish()
                        writer.rows(delete_one)
                        writer.rows("commit")
                self.assert_exact()
                settle()
                self.assert_exact()
                self.assert_charts()

    def test_one_who_changes_his_mind_while_he_is_moved(self):
        """What is not committed when a worker looks is done when it looks again."""
        user = world.add_user()
        tune, = world.add_tracks(world.track())
        world.add_listens(user, (1_500_000_000, tune))
        settle()
        set_public(user, True)
        with psql.Session() as owner:
            owner.rows("begin")
            owner.rows(f"insert into refrain.site_moves (user_id) values ({user.id})")
            settle()
            self.assert_charts()
            owner.rows("rollback")
        set_public(user, False)
        with psql.Session() as worker, psql.Session() as owner:
            worker.rows("begin")
            worker.rows(psql.call("site_move"))
            owner.start(f"update refrain.users set public = true where id = {user.id}")
            self.assertTrue(owner.waits())
            worker.rows("commit")
            owner.finish()
        settle()
        self.assert_exact()
        self.assert_charts()

    def test_a_worker_dies(self):
        user = world.add_user()
        tune, = world.add_tracks(world.track(release="Album"))
        world.add_listens(user, *((1_500_000_000 + n, tune) for n in range(50)))
        settle()
        for step in ("site_move",), ("site_fold", 0, 30), ("site_fold", 0, 30):
            set_public(user, True)
            with psql.Session() as worker:
                worker.rows("begin")
                worker.rows(psql.call(*step))
                psql.value("select pg_terminate_backend("
                           + worker.value("select pg_backend_pid()") + ")")
            self.assert_exact(step)
            psql.rows(psql.call(*step))
            self.assert_exact(step)
        settle()
        self.assert_charts()

    def test_one_folds_and_nobody_waits_for_it_but_the_next(self):
        user = world.add_user(public=True)
        tune, = world.add_tracks(world.track())
        world.add_listens(user, (1_500_000_000, tune), (1_500_000_001, tune))
        with psql.Session() as first, psql.Session() as second:
            first.rows("begin")
            self.assertEqual("2", first.value(psql.call("site_fold", 0, 1000)))
            second.start(psql.call("site_fold", 0, 1000))
            self.assertTrue(second.waits())
            self.assertEqual(1, world.add_listens(user, (1_500_000_002, tune)))
            self.assertEqual("0", psql.value(psql.call("site_prune")))
            first.rows("commit")
            self.assertEqual([("1",)], second.finish())
        self.assert_exact()


class Rhythm(Site):
    def test_at_most_so_often(self):
        user = world.add_user(public=True)
        tune, = world.add_tracks(world.track())
        settle()
        world.add_listens(user, (1_500_000_000, tune))
        fold()
        world.add_listens(user, (1_500_000_001, tune))
        before = site_versions()
        self.assertEqual(0, fold(refresh_s=600))
        self.assertEqual(before, site_versions())
        psql.execute("update refrain.user_version set changed_at = now() - interval '601 s' "
                     "where user_id = 0")
        self.assertEqual(1, fold(refresh_s=600))
        self.assertEqual(0, fold())

    def test_large_batches_into_what_was_empty(self):
        """Rows are looked up by key, also where PostgreSQL thinks that there are none."""
        tables = "refrain.site_tallies, refrain.site_hours, refrain.site_listeners"
        with psql.Session() as session:
            session.rows("begin")
            session.rows(f"truncate {tables}, refrain.site_totals, refrain.site_deltas")
            session.rows(f"analyze {tables}")
            session.rows("insert into refrain.site_deltas "
                         "select 1, '2020-01-01'::timestamptz + n * interval '1 minute', n, n, n, 1 "
                         "from generate_series(1, 40000) n")
            session.rows("set local statement_timeout = '20s'")
            for _ in range(2):
                self.assertEqual("20000", session.value(psql.call("site_fold", 0, 20_000)))
            session.rows("rollback")

    def test_versions(self):
        """Each fold that changes something raises live, and past if it reaches back."""
        user = world.add_user(public=True)
        tune, = world.add_tracks(world.track())
        settle()
        before = site_versions()
        fold()
        self.assertEqual(before, site_versions())
        world.add_listens(user, (world.now_s(), tune))
        fold()
        after = site_versions()
        self.assertEqual((True, before[1:]), (after[0] > before[0], after[1:]))
        world.add_listens(user, (world.midnight_s() - 1, tune))
        fold()
        self.assertGreater(site_versions()[1], after[1])

    def test_private_ones_leave_nothing(self):
        user = world.add_user()
        tune, = world.add_tracks(world.track())
        settle()
        world.add_listens(user, (1_500_000_000, tune))
        psql.execute(f"delete from refrain.listens where user_id = {user.id}")
        self.assertEqual("0", psql.value("select count(*) from refrain.site_deltas"))

    def test_old_weeks_go(self):
        """And what no range tells of any more is not begun again."""
        user = world.add_user(public=True)
        tune, = world.add_tracks(world.track(release="Album"))
        settle()
        psql.execute(
            "insert into refrain.site_tallies select p, k, 7, 1 "
            "from unnest(array[20190107, 201901, 20184, 20186]) p, generate_series(1, 3) k")
        psql.execute("insert into refrain.site_hours select s, 7, array_fill(1, array[24]) "
                     "from unnest(array[201901, 20190107]) s")
        psql.execute("insert into refrain.site_listeners select 7, 0, s, n, 1 "
                     "from unnest(array[201901, 20190107]) s, generate_series(1, 6000) n")
        psql.execute("insert into refrain.site_totals select p, 1, 1, 1, 1 "
                     "from unnest(array[20190107, 201901, 20184, 20186]) p")
        removed = 0
        while number := int(psql.value(psql.call("site_prune"))):
            self.assertLessEqual(number, 5000)
            removed += number
        self.assertEqual(4 * (3 + 1) + 2 * (1 + 6000), removed)
        world.add_listens(user, (1_500_000_000, tune))
        settle()
        self.assertEqual("0", psql.value("select count(*) from refrain.site_totals where period "
                                         "in (20190107, 201901, 20184, 20186, 201707, 20173)"))
        self.assert_exact()

    def test_which_are_kept(self):
        """The running ones, the last complete ones, and these for a day longer."""
        for at, months_of_years, expected in (
                ("2026-11-23 00:00", 2025, ("2026-11-09", "2026-10-01", "2026-07-01", "2026-01-01")),
                ("2026-11-24 00:00", 2025, ("2026-11-16", "2026-10-01", "2026-07-01", "2026-01-01")),
                ("2027-01-01 12:00", 2025, ("2026-12-21", "2026-11-01", "2026-07-01", "2026-01-01")),
                ("2027-01-02 00:00", 2026, ("2026-12-21", "2026-12-01", "2026-10-01", "2026-07-01")),
                ("2028-03-01 23:59", 2027, ("2028-02-21", "2028-01-01", "2027-10-01", "2027-07-01")),
                ("2028-07-02 00:00", 2027, ("2028-06-19", "2028-06-01", "2028-04-01", "2028-01-01"))):
            self.assertEqual("{" + ",".join((*expected, f"{months_of_years}-01-01")) + "}",
                             psql.value(psql.call("site_since", f"{at}+00")), at)


class First(Site):
    def test_nobody_waits_for_the_first_figures(self):
        psql.execute("truncate refrain.listens")
        settle()
        user = world.add_user(public=True)
        tune, = world.add_tracks(world.track())
        settle()
        psql.execute("delete from refrain.site_totals")
        world.add_listens(user, (world.now_s(), tune))
        self.assertEqual(1, fold(refresh_s=600))
        world.add_listens(user, (world.now_s() - 1, tune))
        self.assertEqual(0, fold(refresh_s=600))
        settle()
        self.assert_exact()


class Repair(Site):
    def test_what_is_broken_is_found_and_repaired(self):
        user = world.add_user(public=True)
        tunes = world.add_tracks(*(world.track(release="Album") for _ in range(3)))
        world.add_listens(user, *((world.now_s() - n * 3600, tunes[n % 3]) for n in range(40)))
        settle()
        self.assert_exact()
        world.add_listens(user, (1_500_000_000, tunes[0]))      # still to be folded
        for what, change in (
                ("site tally", "update refrain.site_tallies set listens = listens + 1"),
                ("site tally", "delete from refrain.site_tallies where kind = 2"),
                ("site hours", "update refrain.site_hours set hours[7] = hours[7] + 1"),
                ("site hours", "delete from refrain.site_hours where step > 9999"),
                ("site listener", "update refrain.site_listeners set user_id = user_id + 1000"),
                ("site listener", "insert into refrain.site_listeners values (7, 0, 2017, 1, 1)"),
                ("site total", "update refrain.site_totals set releases = releases - 1"),
                ("site total", "delete from refrain.site_totals where period = 0"),
                ("site day", "delete from refrain.listen_days where user_id = 0"),
                ("site day", "update refrain.listen_days set quarters[7] = quarters[7] + 1 "
                             "where user_id = 0")):
            psql.execute(change)
            self.assertEqual({what}, {row[0] for row in psql.rows(psql.call("verify_site"))})
            before = site_versions()
            psql.execute(psql.call("repair_site"))
            self.assert_exact(change)
            self.assertGreater(site_versions()[1], before[1])
        psql.execute("delete from refrain.site_deltas")
        psql.execute(psql.call("repair_site"))
        self.assert_charts()

    def test_who_is_wrongly_counted_or_not(self):
        """A flag that does not fit, as in a backup of one table, lets nobody private be counted."""
        public, private = world.add_user(public=True), world.add_user()
        tune, = world.add_tracks(world.track())
        for user in (public, private):
            world.add_listens(user, *((world.now_s() - n * 60, tune) for n in range(5)))
        settle()
        psql.execute("update refrain.user_version set is_counted = not is_counted "
                     f"where user_id in ({public.id}, {private.id})")
        found = [row[1] for row in psql.rows(psql.call("verify_site")) if row[0] == "site user"]
        self.assertEqual({f"user {public.id} is public, but not counted",
                          f"user {private.id} is counted, but not public"}, set(found))
        psql.execute(psql.call("repair_site"))
        self.assert_exact()
        self.assert_charts()

    def test_while_listens_come(self):
        user = world.add_user(public=True)
        tune, = world.add_tracks(world.track())

        def write(session):
            for n in range(100):
                session.rows(world.listen_call(user.id, [world.Listen(1_500_000_000 + n, tune)]))

        def repair(session):
            for _ in range(3):
                session.rows(psql.call("repair_site"))
        run_all(write, repair)
        self.assert_exact()
        settle()
        self.assert_charts()


class NoAccount(unittest.TestCase):
    """The site is in nobody's way."""

    def test_it_is_not_listed_nor_found(self):
        self.assertNotIn("0", [row[0] for row in psql.rows(psql.call("user_list"))])
        for term in ("", " ", "sitewide", "site"):
            self.assertNotIn(("",), psql.rows(psql.call("user_search", term)))
        self.assertEqual([], psql.rows(psql.call("user_find", "")))

    def test_it_is_not_deleted(self):
        with psql.Session() as session:
            session.rows("begin")
            session.rows("delete from refrain.users")
            self.assertEqual([("0",)], session.rows("select id from refrain.users"))
            self.assertEqual([("0",)], session.rows(
                "select user_id from refrain.user_version where deleted_at is null"))
            session.rows("rollback")
            session.rows("begin")
            session.rows("truncate refrain.users cascade")
            self.assertEqual(1, len(session.rows(psql.call("cache_state", " ", None))))
            while session.value(psql.call("site_move")) != "0":
                pass
            while session.value(psql.call("site_fold", 0, 50_000)) != "0":
                pass
            self.assertEqual([], session.rows(psql.call("verify_site")))
            self.assertEqual([], session.rows("select period from refrain.site_totals "
                                              "where listens <> 0"))
            session.rows("rollback")

    def test_truncated_listens(self):
        with psql.Session() as session:
            session.rows("begin")
            session.rows("truncate refrain.listens")
            self.assertEqual([], session.rows(psql.call("verify_site")))
            session.rows("rollback")
