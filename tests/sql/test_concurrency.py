"""Several connections at a time: none wait in a circle, none sees half of a change."""

import threading
import unittest

import psql
import world

AT_S = 1_500_000_000


def run_all(*works):
    """Runs functions of a session side by side; what one raises is raised here."""
    failures = []

    def run(work):
        try:
            with psql.Session() as session:
                work(session)
        except Exception as error:      # whatever it is, it belongs to the test's thread
            failures.append(error)
    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


class Batches(unittest.TestCase):
    def test_of_one_user(self):
        """The same listens from four connections: each is stored by exactly one of them."""
        user = world.add_user()
        tunes = world.add_tracks(*(world.track(release="Album") for _ in range(20)))
        accepted = []

        def work(order):
            def add(session):
                for start in range(0, 200, 20):
                    batch = [world.Listen(AT_S + n, tunes[n % 20])
                             for n in range(start, start + 40)][::order]
                    accepted.append(int(session.row(world.listen_call(user.id, batch))[0]))
            return add
        run_all(work(1), work(-1), work(1), work(-1))
        self.assertEqual(220, sum(accepted))
        self.assertEqual(220, world.read("history_count", user.id).total)
        self.assertEqual([], world.differences(user))

    def test_of_many_users_in_any_order(self):
        """In one transaction a session holds several users; taken in order, nobody is stuck."""
        users = [world.add_user() for _ in range(4)]
        tune, = world.add_tracks(world.track())

        def work(number):
            def insert(session):
                for turn in range(25):
                    at_s = AT_S + turn * 10 + number
                    order = users[::-1] if number % 2 else users
                    values = ", ".join(
                        f"({user.id}, to_timestamp({at_s}), {tune.recording.id}, {tune.artist.id})"
                        for user in order)
                    session.rows("insert into refrain.listens "
                                 f"(user_id, listened_at, recording_id, artist_id) values {values}")
            return insert
        run_all(*(work(number) for number in range(4)))
        for user in users:
            self.assertEqual(100, world.read("history_count", user.id).total)
            self.assertEqual([], world.differences(user))

    def test_one_user_waits_for_no_other(self):
        first, other = world.add_user(), world.add_user()
        tune, = world.add_tracks(world.track())
        with psql.Session() as holder, psql.Session() as same:
            holder.rows("begin")
            holder.rows(world.listen_call(first.id, [world.Listen(AT_S, tune)]))
            self.assertEqual(1, world.add_listens(other, (AT_S, tune)))
            same.start(world.listen_call(first.id, [world.Listen(AT_S + 1, tune)]))
            self.assertTrue(same.waits(), "two batches of one user at a time")
            holder.rows("commit")
            same.finish()
        self.assertEqual([], world.differences(first))

    def test_version_order_is_commit_order(self):
        """Who waited for the other comes after it."""
        user = world.add_user()
        tune, = world.add_tracks(world.track())
        with psql.Session() as one, psql.Session() as other:
            one.rows("begin")
            first = one.row(world.listen_call(user.id, [world.Listen(AT_S, tune)]))
            other.start(world.listen_call(user.id, [world.Listen(AT_S + 1, tune)]))
            self.assertTrue(other.waits())
            one.rows("commit")
            second = other.finish()[0]
        self.assertEqual(int(first[2]) + 1, int(second[2]))


class Snapshots(unittest.TestCase):
    def test_a_value_belongs_to_its_version(self):
        """Each submission adds one listen and one to live: their difference never changes."""
        user = world.add_user()
        tune, = world.add_tracks(world.track(release="Album"))
        base = user.versions()[0]
        done = threading.Event()
        reads = [("history_count",), ("history_page", None, None, False, None),
                 ("stats_artists", *world.ALL_TIME, 0, 10),
                 ("stats_recordings", *world.window(AT_S, AT_S + 999), 0, 9)]

        def write(session):
            try:
                for number in range(150):
                    session.rows(world.listen_call(
                        user.id, [world.Listen(AT_S + number, tune)]))
            finally:
                done.set()

        def look(function, *arguments):
            def read(session):
                while not done.is_set():
                    answer = world.read(function, user.id, *arguments, session=session)
                    listens = answer.versions[1] - base
                    if function == "history_page":
                        counted = {answer.total, len(answer.entries)}
                    elif function == "history_count":
                        counted = {answer.total}
                    else:
                        counted = set(answer.keys) or {0}
                    self.assertEqual({listens}, counted, function)
            return read
        run_all(write, *(look(*read) for read in reads))
        self.assertEqual(150, world.read("history_count", user.id).total)


class Purge(unittest.TestCase):
    TABLES = ("tallies", "totals", "listen_days", "listens")

    def left(self, user):
        return sum(int(psql.value(f"select count(*) from refrain.{table} "
                                  f"where user_id = {user.id}")) for table in self.TABLES)

    def test_by_two_workers(self):
        users = [world.add_user() for _ in range(3)]
        staying = world.add_user()
        tunes = world.add_tracks(*(world.track(release="Album") for _ in range(50)))
        listens = [(AT_S + n * 90_000, tunes[n % 50]) for n in range(1500)]
        for user in (*users, staying):
            world.add_listens(user, *listens)
        while int(psql.value(psql.call("user_purge", 100_000))):
            pass    # what other tests have left
        rows = sum(self.left(user) for user in users)
        for user in users:
            psql.execute(psql.call("user_delete", user.key))
        removed = []

        def work(session):
            idle = 0
            while idle < 20:    # nothing to do may mean that the other worker is at the rest
                count = int(session.value(psql.call("user_purge", 700)))
                self.assertLessEqual(count, 700)
                removed.append(count)
                idle = 0 if count else idle + 1
        versions = [user.versions() for user in users]
        run_all(work, work)
        removed.append(int(psql.value(psql.call("user_purge", 100_000))))
        self.assertEqual(rows, sum(removed))
        self.assertEqual([0, 0, 0], [self.left(user) for user in users])
        self.assertEqual("0", psql.value("select count(*) from refrain.purges"))
        self.assertEqual(versions, [user.versions() for user in users], "tombstones stay")
        self.assertEqual([], world.differences(staying))
        self.assertEqual(1500, world.read("history_count", staying.id).total)

    def test_tallies_go_before_listens(self):
        user = world.add_user()
        tune, = world.add_tracks(world.track())
        world.add_listens(user, *((AT_S + n, tune) for n in range(30)))
        psql.execute(psql.call("user_delete", user.key))
        while int(psql.value("select count(*) from refrain.tallies "
                             f"where user_id = {user.id}")):
            self.assertEqual("30", psql.value(
                f"select count(*) from refrain.listens where user_id = {user.id}"))
            self.assertLess(0, int(psql.value(psql.call("user_purge", 1))))

    def test_nobody_waits(self):
        """While a purge is under way, others listen, come and go; and the user's name is free."""
        user, other = world.add_user(), world.add_user()
        tune, = world.add_tracks(world.track())
        world.add_listens(user, *((AT_S + n, tune) for n in range(500)))
        with psql.Session() as worker:
            psql.execute(psql.call("user_delete", user.key))
            worker.rows("begin")
            worker.rows(psql.call("user_purge", 100_000))
            again = world.add_user(user.name)
            self.assertEqual(1, world.add_listens(again, (AT_S, tune)))
            self.assertEqual(1, world.add_listens(other, (AT_S, tune)))
            psql.execute(psql.call("user_delete", other.key))
            # A second worker passes over what the first has taken, and does the rest.
            self.assertLess(0, int(psql.value(psql.call("user_purge", 100_000))))
            self.assertEqual("0", psql.value(psql.call("user_purge", 100_000)))
            worker.rows("commit")
        self.assertEqual([], world.differences(again))

    def test_a_batch_under_way_ends_before_the_account(self):
        user = world.add_user()
        tune, = world.add_tracks(world.track())
        with psql.Session() as adding, psql.Session() as deleting:
            adding.rows("begin")
            adding.rows(world.listen_call(user.id, [world.Listen(AT_S, tune)]))
            deleting.start(psql.call("user_delete", user.key))
            self.assertTrue(deleting.waits())
            adding.rows("commit")
            deleting.finish()
        self.assertIsNone(world.read("history_count", user.id))
        with psql.Session() as deleting, psql.Session() as adding:
            user = world.add_user()
            deleting.rows("begin")
            deleting.rows(psql.call("user_delete", user.key))
            adding.start(world.listen_call(user.id, [world.Listen(AT_S, tune)]))
            self.assertTrue(adding.waits())
            deleting.rows("commit")
            with self.assertRaises(psql.SqlError) as caught:
                adding.finish()
            self.assertEqual("RF001", caught.exception.state)
