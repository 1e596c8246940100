"""The checker itself: what it must let pass, and one breach of each rule."""

import collections
import unittest

import clients
import history
import model


class Story(unittest.TestCase):
    def setUp(self):
        self.world = model.World(1, 1_790_000_000)
        self.user = self.world.users[0]
        self.log = history.FaultLog()
        self.checker = history.Checker(self.world, self.log)

    def write(self, n, tried, done=None, how="http", user=None):
        index = (user or self.user).index
        events = [clients.Tried(tried, index, n)]
        if done is not None:
            events.append(clients.Done(done, index, n, how))
        self.checker.take(clients.Batch("writer", 1e9, events))

    def read(self, state, began, view="count", user=None, **fields):
        """A read that shows the view as it is in a state."""
        user = user or self.user
        window = model.window(view, 1_790_000_000)
        table = model.Table(self.world, user, view, window)
        table.extend(state)
        digest = table.make_digest()
        read = clients.Read(began, began + 0.01, user.index, view, window, 200, digest, f"E{digest}",
                            f"B{digest}", "refrain; hit", False, False, "")._replace(**fields)
        self.checker.take(clients.Batch("reader", 1e9, [read]))
        self.checker.judge(0)

    def fault(self, kind, began, ended, away=()):
        fault = self.log.begin(kind, away)
        fault.began, fault.ended = began, ended

    def assertBroken(self, *rules):
        self.assertEqual(sorted(self.checker.violations), sorted(rules), self.checker.excerpts)


class Fresh(Story):
    def test_what_is_right_passes(self):
        self.write(1, 100.0, 100.1)
        self.write(2, 100.2)
        self.read(1, 100.15)
        self.read(2, 100.3)
        self.read(1, 100.35)  # the second write has not been answered yet
        self.read(1, 100.4, status=304, conditional=True)
        self.assertBroken()

    def test_answered_write_is_missing(self):
        self.write(1, 100.0, 100.1)
        self.read(0, 100.2)
        self.assertBroken("I3")
        self.assertAlmostEqual(self.checker.quiet.worst_s, 0.1)

    def test_a_fault_excuses_that_up_to_the_bound(self):
        self.fault("kill_worker", 95.0, 95.1)
        self.write(1, 100.0, 100.1)
        self.read(0, 103.5)
        self.assertBroken()
        self.read(0, 103.7)
        self.assertBroken("I2")
        self.assertAlmostEqual(self.checker.faulty.worst_s, 3.6)

    def test_a_change_by_sql_has_the_bound_too(self):
        self.write(1, 100.0, 100.1, "database")
        self.read(0, 103.5)
        self.assertBroken()
        self.read(0, 103.7)
        self.assertBroken("I2")

    def test_an_unknown_outcome_counts_from_when_it_is_seen(self):
        self.write(1, 100.0)
        self.read(0, 110.0)
        self.read(1, 110.1)
        self.read(0, 113.5)
        self.assertBroken()
        self.read(0, 113.7)
        self.assertBroken("I2")

    def test_closed_windows_too(self):
        for n in range(1, 6):
            self.write(n, 100.0 + n, 100.5 + n)
        self.read(3, 106.0, "year")
        self.assertBroken("I3")

    def test_without_a_label_an_outage_is_no_excuse(self):
        self.fault("crash_postgresql", 99.0, 120.0, ("postgresql",))
        self.write(1, 100.0, 100.1)
        self.read(0, 110.0, detail="refrain; hit; detail=unverified")
        self.assertBroken()
        self.read(0, 110.0)
        self.assertBroken("I2")


class Right(Story):
    def test_nobody_has_tried_to_write_it(self):
        self.write(1, 100.0, 100.1)
        self.read(1, 99.0)
        self.assertBroken("I1")

    def test_no_state_looks_like_this(self):
        self.write(1, 100.0, 100.1)
        self.read(1, 101.0, digest="torn")
        self.assertBroken("I5")

    def test_private_listens(self):
        user = self.world.users[3]
        self.read(0, 100.0, user=user)
        self.read(0, 100.0, user=user, stranger=True, status=404)
        self.assertBroken()
        self.read(0, 100.0, user=user, stranger=True)
        self.assertBroken("I5")

    def test_hidden_listens(self):
        user = self.world.users[6]
        for done in (False, True):
            self.checker.take(clients.Batch("d", 1e9, [clients.Flip(100.0 + done, user.index, 1, done)]))
        self.read(0, 104.4, user=user, stranger=True)
        self.read(0, 104.4, user=user, stranger=True, status=404)
        self.assertBroken()
        self.read(0, 104.6, user=user, stranger=True)
        self.assertBroken("I2")

    def test_etags(self):
        self.read(0, 100.0, etag="same", body="a")
        self.read(0, 100.1, etag="same", body="a")
        self.assertBroken()
        self.read(0, 100.2, etag="same", body="b")
        self.assertBroken("I6")

    def test_not_modified_but_what(self):
        self.read(0, 100.0, status=304, body="", conditional=True)
        self.assertBroken("I6")


class Available(Story):
    def test_reads(self):
        self.fault("crash_postgresql", 100.0, 101.0, ("postgresql",))
        self.read(0, 103.0, status=503)
        self.assertBroken()
        self.read(0, 105.0, status=503)
        self.assertBroken("A1")

    def test_the_label_of_an_outage(self):
        self.read(0, 100.0, detail="refrain; hit; detail=unverified")
        self.assertBroken("A1")

    def test_one_serve_is_enough_for_reads(self):
        self.fault("kill_serve", 100.0, 101.0, ("serve-1",))
        self.read(0, 100.5, status=0)
        self.assertBroken("A1")

    def test_a_process_that_was_asked_directly(self):
        self.fault("kill_serve", 100.0, 101.0, ("serve-1",))
        self.read(0, 100.5, status=0, part="serve-1")
        self.assertBroken()
        self.read(0, 100.5, status=0, part="serve-2")
        self.assertBroken("A1")

    def test_waking_from_a_long_sleep(self):
        self.fault("stop_serve", 100.0, 112.0, ("serve-1",))
        for began, ended in ((100.5, 112.1), (111.9, 112.1), (112.9, 113.3)):
            self.read(0, began, ended=ended, status=503)
        self.assertBroken()
        for count, (began, ended, status) in enumerate((
                (101.0, 110.9, 503),    # it slept still
                (113.1, 113.2, 503),    # it was well again
                (112.9, 120.0, 503),
                (111.9, 112.1, 0)), 1):  # not its doing
            self.read(0, began, ended=ended, status=status)
            self.assertEqual(self.checker.violations["A1"], count)

    def test_a_short_sleep_is_no_excuse(self):
        self.fault("stop_serve", 100.0, 109.9, ("serve-1",))
        self.read(0, 105.0, ended=110.0, status=503)
        self.assertBroken("A1")

    def test_writes(self):
        failed = clients.Failed(100.5, 100.0, 0, "write", 503)
        self.fault("kill_serve", 99.0, 101.0, ("serve-1",))
        self.checker.take(clients.Batch("writer", 1e9, [failed]))
        self.assertBroken()
        self.checker.take(clients.Batch("writer", 1e9, [failed._replace(at=200.5, began=200.0)]))
        self.assertBroken("A2")


class Worlds(unittest.TestCase):
    def test_a_long_run_stays_in_its_windows(self):
        now_s = 1_790_000_000
        world = model.World(5, now_s, long=True)
        days = collections.Counter()
        for n in range(1, 8001):
            begin, end = {4: model.window("year", now_s), 5: model.window("week", now_s)}.get(
                n % 6, (0, now_s))
            self.assertTrue(begin <= world.at(n) < end, n)
            if n % 6 == 4:
                self.assertLess(world.at(n), world.old_before_s)
            if n % 6 in (4, 5):
                days[world.at(n) // model.DAY_S] += 1
        self.assertLess(max(days.values()), 1000)

    def test_a_write_is_always_the_same(self):
        one, other = model.World(5, 1_790_000_000), model.World(5, 1_790_000_000)
        for user in (one.users[0], one.users[5]):
            self.assertEqual([one.write(user, n) for n in range(1, 50)],
                             [other.write(user, n) for n in range(1, 50)])

    def test_every_write_shows_somewhere(self):
        world = model.World(5, 1_790_000_000)
        for user in (world.users[0], world.users[5]):
            table = model.Table(world, user, "listens", (0, 0))
            table.extend(24)
            self.assertGreater(len(table.found), 15)
