"""What the cache is told: every committed change, by the next poll, whoever made it."""

import dataclasses
import threading
import time
import unittest

import psql
import world
from test_concurrency import run_all

AT_S = 1_500_000_000
COLUMNS = ("position", "now_us", "is_continued", "reason", "epochs", "people", "catalogue", "model",
           "oldest_us", "bucket", "subject", "live", "past", "auth")


@dataclasses.dataclass
class Poll:
    head: dict
    changes: dict       # subject: (bucket, live, past, auth)

    @property
    def position(self):
        return self.head["position"]

    @property
    def outcome(self):
        return self.head["is_continued"] == "t", self.head["reason"]


def poll(position=None, session=None):
    head, *changes = (dict(zip(COLUMNS, row, strict=True)) for row in
                      (session or psql.shared()).rows(psql.call("relay_poll", position)))
    assert not any(head[name] for name in COLUMNS[9:]), "the first row tells of a change"
    assert not any(change[name] for change in changes for name in COLUMNS[:9])
    told = {change["subject"]: tuple(int(change[name]) for name in
                                     ("bucket", "live", "past", "auth")) for change in changes}
    assert len(told) == len(changes), "a subject comes twice"
    return Poll(head, told)


def epochs(session=None):
    return [int(row[0]) for row in (session or psql.shared()).rows(
        "select epoch from refrain.cache_epoch order by bucket")]


def noted(user, session=None):
    return int((session or psql.shared()).value(
        f"select count(*) from refrain.invalidation where user_id = {user.id}"))


def expected(*users):
    return {user.subject(): (int(user.subject()[:2], 16), *user.versions()) for user in users}


class Told(unittest.TestCase):
    """What is told after each kind of change, and after none."""

    def setUp(self):
        self.user, self.other = world.add_user(), world.add_user()
        self.tune, self.song = world.add_tracks(world.track(release="Album"), world.track())
        world.add_listens(self.user, (AT_S, self.tune), (AT_S + 1, self.song))
        self.mine = f"user_id = {self.user.id}"
        self.position = poll().position

    def assert_told(self, *users):
        found = poll(self.position)
        self.assertEqual((True, None), found.outcome)
        self.assertEqual(expected(*users), found.changes)
        self.position = found.position
        self.assertEqual({}, poll(self.position).changes)

    def assert_tells(self, statement, *users):
        with self.subTest(statement):
            psql.execute(statement)
            self.assert_told(*users)

    def test_nothing(self):
        self.assert_told()

    def test_a_new_user(self):
        self.assert_told(*(world.add_user() for _ in range(3)))

    def test_listens(self):
        world.add_listens(self.user, (AT_S + 2, self.tune))
        self.assert_told(self.user)
        world.add_listens(self.user, *((AT_S + n, self.tune) for n in range(50)))
        self.assert_told(self.user)
        world.add_listens(self.user, (AT_S + 2, self.tune))
        world.add_listens(self.user, *((AT_S + n, self.tune) for n in range(50)))
        self.assert_told()

    def test_listens_by_hand(self):
        values = f"{self.tune.recording.id}, {self.tune.artist.id}, {self.tune.release.id}"
        insert = ("insert into refrain.listens "
                  "(user_id, listened_at, recording_id, artist_id, release_id) values ")
        self.assert_tells(f"{insert} ({self.user.id}, now(), {values})", self.user)
        self.assert_tells(f"{insert} ({self.user.id}, '2020-01-01', {values}), "
                          f"({self.other.id}, now(), {values})", self.user, self.other)
        self.assert_tells(f"update refrain.listens set client = 'x' where {self.mine}", self.user)
        self.assert_tells(f"update refrain.listens set client = 'x' where {self.mine}")
        self.assert_tells(f"update refrain.listens set user_id = {self.other.id} "
                          f"where {self.mine} and listened_at = '2020-01-01'",
                          self.user, self.other)
        self.assert_tells(f"delete from refrain.listens where {self.mine}", self.user)
        self.assert_tells(f"delete from refrain.listens where {self.mine}")

    def test_accounts_by_hand(self):
        mine = f"where id = {self.user.id}"
        self.assert_tells(f"update refrain.users set public = not public {mine}", self.user)
        self.assert_tells(f"update refrain.users set password_hash = 'x' {mine}", self.user)
        self.assert_tells(f"update refrain.users set password_hash = 'x' {mine}")
        self.assert_tells(f"update refrain.users set public = not public "
                          f"where id in ({self.user.id}, {self.other.id})", self.user, self.other)

    def test_tokens(self):
        self.assert_tells(psql.call("user_token_set", self.user.key, self.user.token + b"new"),
                          self.user)
        self.assert_tells("update refrain.tokens set last_used_at = now()")
        self.assert_tells(f"update refrain.tokens set scopes = 1 where {self.mine}", self.user)
        self.assert_tells(f"delete from refrain.tokens where {self.mine}", self.user)

    def test_deletion(self):
        psql.execute(psql.call("user_delete", self.user.key))
        self.assert_told(self.user)
        while int(psql.value(psql.call("user_purge", 100_000))):
            pass
        self.assert_told()
        again = world.add_user(self.user.name)
        self.assert_told(again)

    def test_rename(self):
        """What lies under the former name must be told as well; and if another takes that name in
        the same moment, of him."""
        former = dataclasses.replace(self.user)
        self.user.name = world.fresh("Renamed")
        self.user.key = self.user.name.casefold()
        rename = (f"update refrain.users set name = '{{0.name}}', name_key = '{{0.key}}' "
                  f"where id = {{0.id}}")
        self.assert_tells(rename.format(self.user), self.user, former)
        self.user, former = former, self.user
        psql.execute(rename.format(self.user))
        taker = dataclasses.replace(self.other, name=former.name, key=former.key)
        psql.execute(rename.format(taker))
        self.assert_told(self.user, taker, dataclasses.replace(self.other))

    def test_versions_by_hand(self):
        table = "refrain.user_version"
        for column in ("live", "past", "auth"):
            self.assert_tells(f"update {table} set {column} = {column} + 1 where {self.mine}",
                              self.user)
        self.assert_tells(f"update {table} set live = live, changed_at = now() where {self.mine}")
        self.assert_tells(f"update {table} set deleted_at = now() where {self.mine}", self.user)
        self.assert_tells(f"update {table} set deleted_at = null where {self.mine}", self.user)
        user = world.User("by hand", world.fresh("by hand"), b"", -int(psql.value(
            "select nextval(pg_get_serial_sequence('refrain.users', 'id'))")))
        self.assert_tells(
            f"insert into {table} (user_id, bucket, subject, live, past, auth, deleted_at) values "
            f"({user.id}, refrain.user_bucket('{user.key}'), refrain.user_subject('{user.key}'), "
            "1, 2, 3, now())", user)

    def test_versions_removed_by_hand(self):
        bucket = int(self.user.subject()[:2], 16)
        for statement, raised in (
                (f"delete from refrain.user_version where {self.mine}", {bucket}),
                ("delete from refrain.user_version where false", set()),
                ("truncate refrain.user_version", set(range(256))),
                ("truncate refrain.listens", set(range(256)))):
            with self.subTest(statement), psql.Session() as session:
                before = epochs(session)
                session.rows("begin")
                session.rows(statement)
                after = epochs(session)
                self.assertEqual(raised, {b for b in range(256) if after[b] > before[b]})
                session.rows("rollback")

    def test_what_is_rolled_back(self):
        with psql.Session() as session:
            session.rows("begin")
            session.rows(world.listen_call(self.user.id, [world.Listen(AT_S + 5, self.tune)]))
            self.assertEqual({}, poll(self.position).changes)
            session.rows("rollback")
            self.assert_told()
            # To a savepoint, and the same again: what noted the user before is gone.
            for change in (world.listen_call(self.user.id, [world.Listen(AT_S + 5, self.tune)]),
                           psql.call("user_token_set", self.user.key, self.user.token + b"new")):
                session.rows("begin")
                session.rows("savepoint s")
                session.rows(change)
                session.rows("rollback to s")
                session.rows(change)
                session.rows("commit")
                self.assert_told(self.user)

    def test_a_transaction_of_many_changes(self):
        before = noted(self.user), noted(self.other)
        with psql.Session() as session:
            session.rows("begin")
            for number in range(30):
                session.rows(world.listen_call(
                    self.user.id, [world.Listen(AT_S + 10 + number, self.tune)]))
            for number in range(10):
                session.rows(f"delete from refrain.listens where {self.mine} "
                             f"and listened_at = to_timestamp({AT_S + 10 + number})")
            session.rows(f"update refrain.users set public = not public where id = {self.other.id}")
            session.rows(world.listen_call(self.other.id, [world.Listen(AT_S, self.tune)]))
            session.rows("commit")
            self.assert_told(self.user, self.other)
            self.assertLess(noted(self.user) - before[0], 3)
            self.assertLess(noted(self.other) - before[1], 3)
            # The next transaction notes again, on the same connection too.
            session.rows(world.listen_call(self.other.id, [world.Listen(AT_S + 1, self.tune)]))
            self.assert_told(self.other)
            session.rows(world.listen_call(self.other.id, [world.Listen(AT_S + 2, self.tune)]))
            self.assert_told(self.other)

    def test_two_changes_are_one(self):
        for number in range(3):
            world.add_listens(self.user, (AT_S + 20 + number, self.tune))
        self.assert_told(self.user)


class Order(unittest.TestCase):
    def setUp(self):
        self.user, self.other = world.add_user(), world.add_user()
        self.tune, = world.add_tracks(world.track())

    def test_who_commits_late(self):
        """A transaction that began first, and has the lower number, is found by the next poll."""
        with psql.Session() as late:
            position = poll().position
            late.rows("begin")
            late.rows(world.listen_call(self.user.id, [world.Listen(AT_S, self.tune)]))
            world.add_listens(self.other, (AT_S, self.tune))
            first = poll(position)
            self.assertEqual(expected(self.other), first.changes)
            self.assertEqual({}, poll(first.position).changes, "told twice")
            late.rows("commit")
            second = poll(first.position)
            self.assertEqual(expected(self.user), second.changes)
            self.assertEqual({}, poll(second.position).changes)
            self.assertEqual(expected(self.user, self.other), poll(position).changes)

    def test_positions_are_left_behind(self):
        """Polls of one position go on as if there were no others."""
        positions = [poll().position]
        for number in range(5):
            world.add_listens(self.user, (AT_S + number, self.tune))
            positions.append(poll(positions[-1]).position)
        for position in positions[:-1]:
            self.assertEqual(expected(self.user), poll(position).changes)
        self.assertEqual({}, poll(positions[-1]).changes)

    def test_one_snapshot(self):
        """What a poll tells is what its snapshot holds, and between two polls nothing is lost."""
        done = threading.Event()
        told = []

        def write(session):
            try:
                for number in range(200):
                    session.rows(world.listen_call(
                        self.user.id, [world.Listen(AT_S + number, self.tune)]))
            finally:
                done.set()

        def follow(session):
            position = poll(session=session).position
            while True:
                is_last = done.is_set()
                rows = session.rows(f"""
                    select p."position", p.live,
                           (select v.live from refrain.user_version v
                            where v.user_id = {self.user.id})
                    from refrain.relay_poll('{position}') p""")
                position = rows[0][0]
                for _, live, actual in rows[1:]:
                    self.assertEqual(live, actual)
                    told.append(int(live))
                if is_last:
                    return
        run_all(write, follow)
        self.assertGreater(len(told), 1)
        self.assertEqual(sorted(set(told)), told)
        self.assertEqual(self.user.versions()[0], told[-1])


class Head(unittest.TestCase):
    def test_what_it_holds(self):
        found = poll()
        self.assertEqual((True, None), found.outcome)
        self.assertEqual({}, found.changes)
        self.assertEqual(epochs(), [int(epoch) for epoch in found.head["epochs"].split(" ")])
        self.assertEqual(
            [(name, found.head[name]) for name in ("catalogue", "model", "people")],
            psql.rows("select name, value from refrain.generation order by name"))
        self.assertLess(abs(int(found.head["now_us"]) / 1e6 - world.now_s()), 60)
        self.assertIsNone(found.head["oldest_us"])
        self.assertEqual((True, None), poll("").outcome)

    def test_the_oldest_change(self):
        user, (tune,) = world.add_user(), world.add_tracks(world.track())
        position = poll().position
        with psql.Session() as session:
            session.rows("begin")
            session.rows(world.listen_call(user.id, [world.Listen(AT_S, tune)]))
            noted_us = int(session.value(
                "select refrain.time_us(max(at)) from refrain.invalidation"))
            session.rows("commit")
        world.add_listens(user, (AT_S + 1, tune))
        found = poll(position)
        self.assertEqual(noted_us, int(found.head["oldest_us"]))
        self.assertLess(noted_us, int(found.head["now_us"]))


class Positions(unittest.TestCase):
    def setUp(self):
        psql.rows("select refrain.relay_epochs_raise('{0}', 'a test')")
        self.position = poll().position
        self.parts = self.position.split(" ")
        world.add_user()

    def assert_outcome(self, position, outcome, session=None):
        found = poll(position, session)
        self.assertEqual(outcome, found.outcome, position)
        if not outcome[0]:
            self.assertEqual({}, found.changes)
        self.assertEqual((True, None), poll(found.position, session).outcome)

    def changed(self, at, value):
        return " ".join((*self.parts[:at], str(value), *self.parts[at + 1:]))

    def test_garbage(self):
        snapshot, system, timeline, lsn, boot = self.parts
        for position in (" ", "x", "0", "1:2:", "1:1: x", f"{self.position} 1", f" {self.position}",
                         " ".join(self.parts[:3]), " ".join(self.parts[1:]),
                         self.position.replace(" ", "  "), self.changed(0, ""),
                         self.changed(0, "2:1:"), self.changed(0, "1:2:9"), self.changed(0, "0:0:"),
                         self.changed(1, ""), self.changed(1, "x"), self.changed(1, 10 ** 30),
                         self.changed(2, 10 ** 30), self.changed(2, "1.5"), self.changed(3, "x"),
                         self.changed(3, "1e999999"), self.changed(3, "0/16B3748"), "é" * 5000,
                         f"{snapshot}\t{system}\t{timeline}\t{lsn}\t{boot}", "{}", "'", "NULL"):
            with self.subTest(position[:60]):
                self.assert_outcome(position, (False, "position"))

    def test_another_history(self):
        snapshot, system, timeline, lsn, _ = self.parts
        for position in (self.changed(1, int(system) + 1), self.changed(2, int(timeline) + 1),
                         self.changed(3, int(lsn) + 10 ** 12), self.changed(1, -int(system)),
                         self.changed(0, f"{snapshot.split(':')[0]}:{10 ** 12}:"),
                         self.changed(0, f"{10 ** 20}:{10 ** 20}:"),
                         self.changed(4, "another-crash")):
            with self.subTest(position):
                self.assert_outcome(position, (False, "history"))
        self.assert_outcome(self.changed(3, int(lsn) - 1), (True, None))

    def test_older_than_what_is_left(self):
        xmin = int(self.parts[0].split(":")[0])
        with psql.Session() as session:
            session.rows("begin")
            for purged, outcome in ((xmin - 1, (True, None)), (xmin, (False, "position")),
                                    # Another database's, from which this one was restored.
                                    (10 ** 12, (True, None))):
                with self.subTest(purged):
                    session.rows(f"update refrain.relay_state set purged = '{purged}'")
                    found = poll(self.position, session)
                    self.assertEqual(outcome, found.outcome)
            session.rows("rollback")

    def test_numbers_of_another_database(self):
        """What a dump has brought along is not told again and again."""
        with psql.Session() as session:
            session.rows("begin")
            session.rows("insert into refrain.invalidation select '1000000000000', now(), user_id, "
                         "bucket, subject from refrain.user_version "
                         "where subject is not null limit 3")
            session.rows("update refrain.relay_state set purged = '999999999999', "
                         "horizon = '1000000000000', next_horizon = '1000000000001'")
            session.rows("commit")
        position = poll(self.position).position
        self.assertEqual((True, None), poll(position).outcome)
        self.assertEqual({}, poll(position).changes)
        psql.execute("select refrain.relay_purge()")
        self.assertEqual("0", psql.value(
            "select count(*) from refrain.invalidation where xid >= '1000000000000'"))
        self.assertEqual(("0", "0"), psql.row(
            "select purged, horizon from refrain.relay_state"))
        self.assertEqual((True, None), poll(position).outcome)


class Purge(unittest.TestCase):
    @staticmethod
    def pass_time():
        psql.execute("update refrain.relay_state set noted_at = noted_at - interval '31 seconds'")

    @staticmethod
    def age():
        psql.execute("update refrain.invalidation set at = at - interval '15 minutes'")

    def purge(self):
        return int(psql.value("select refrain.relay_purge()"))

    def setUp(self):
        self.user = world.add_user()
        self.tune, = world.add_tracks(world.track())
        self.age()
        for _ in range(2):
            self.pass_time()
            while self.purge():
                pass
        self.assertEqual(0, noted(self.user))
        self.before = poll().position
        world.add_listens(self.user, (AT_S, self.tune))
        self.position = poll().position

    def test_age(self):
        for _ in range(3):
            self.pass_time()
            self.assertEqual(0, self.purge())
        self.assertEqual((True, None), poll(self.before).outcome)
        self.age()
        self.assertEqual(1, self.purge())
        self.assertEqual(0, self.purge())
        self.assertEqual((False, "position"), poll(self.before).outcome)
        self.assertEqual((True, None), poll(self.position).outcome)

    def test_the_horizon_is_half_a_minute_old(self):
        self.age()
        self.pass_time()
        self.assertEqual(0, self.purge(), "it has not been noted yet")
        for _ in range(3):
            self.assertEqual(0, self.purge(), "it has been noted just now")
        self.pass_time()
        self.assertEqual(1, self.purge())

    def test_a_transaction_that_stays_open(self):
        """It holds back every position, which must not count as too old for that."""
        other = world.add_user()
        with psql.Session() as session:
            session.rows("begin")
            session.rows(world.listen_call(self.user.id, [world.Listen(AT_S + 1, self.tune)]))
            world.add_listens(other, (AT_S, self.tune))
            position = poll().position
            self.age()
            for _ in range(3):
                self.pass_time()
                self.purge()
            self.assertEqual(0, noted(self.user), "older than the transaction")
            self.assertEqual(1, noted(other), "younger than it")
            self.assertEqual((True, None), poll(position).outcome)
            session.rows("commit")
        found = poll(position)
        self.assertEqual((True, None), found.outcome)
        self.assertEqual(expected(self.user), found.changes)
        for _ in range(2):
            self.pass_time()
            self.purge()
        self.assertEqual((0, 1), (noted(other), noted(self.user)))

    def test_two_at_a_time(self):
        self.age()
        for _ in range(2):
            self.pass_time()
            with psql.Session() as session:
                session.rows("begin")
                session.rows("select from refrain.relay_state for update")
                self.assertEqual(0, self.purge())
                session.rows("commit")
            self.pass_time()
            self.purge()
        self.assertEqual(0, noted(self.user))

    def test_no_more_than_20000_at_a_time(self):
        psql.execute("insert into refrain.invalidation select pg_current_xact_id(), now(), "
                     f"{self.user.id}, 0, '' from generate_series(1, 20100)")
        self.age()
        for _ in range(2):
            self.pass_time()
            removed = self.purge()
        self.assertEqual(20000, removed)
        self.assertEqual(101, self.purge())


class VeryMany(unittest.TestCase):
    """Done and undone. Of so many nobody is told one by one; and no plan that was made for one row
    is used for all of them."""

    def test_users(self):
        some = ("refrain.users where name_key between 'm' and 'n' "
                "and substr(name_key, 2)::int between {} and {}")
        with psql.Session() as session:
            session.rows("begin")
            self.change(session, "insert into refrain.users (name, name_key) "
                        "select 'm' || n, 'm' || n from generate_series({}, {}) n",
                        (1, 1), (2, 50_001), (50_002, 100_002))
            again = (1, 1), (1, 50_000), (2, 50_002)
            self.change(session, f"update {some.replace('where', 'set public = not public where')}",
                        *again)
            self.change(session, "update refrain.user_version set live = live + 1 "
                        f"where user_id in (select id from {some})", *again)
            session.rows("rollback")

    def change(self, session, statement, one, many, too_many):
        began = time.monotonic()
        session.rows(statement.format(*one))
        before, rows = epochs(session), self.rows(session)
        session.rows(statement.format(*many))
        self.assertEqual((before, rows + 50_000), (epochs(session), self.rows(session)))
        session.rows(statement.format(*too_many))
        self.assertEqual(rows + 50_000, self.rows(session))
        self.assertTrue(all(new > old for new, old in zip(epochs(session), before)))
        self.assertLess(time.monotonic() - began, 60)

    @staticmethod
    def rows(session):
        return int(session.value(
            "select count(*) from refrain.invalidation where xid = pg_current_xact_id()"))


class Cost(unittest.TestCase):
    def test_a_poll_goes_by_the_keys(self):
        user = world.add_user()
        with psql.Session() as session:
            position = poll(session=session).position
            world.add_listens(user, (AT_S, world.add_tracks(world.track())[0]))
            for number in range(12):
                session.rows("begin")
                self.assertEqual(expected(user), poll(position, session).changes)
                self.assertEqual([("0",)] * 2, session.rows(
                    "select seq_scan from pg_stat_xact_user_tables where schemaname = 'refrain' "
                    "and relname in ('invalidation', 'user_version')"))
                session.rows("commit")


class Durability(unittest.TestCase):
    def test_raises_are_on_disk_before_they_are_seen(self):
        user, (tune, song) = world.add_user(), world.add_tracks(world.track(), world.track())
        with psql.Session() as session:
            session.rows("set synchronous_commit = off")
            for statement, is_durable in (
                    ("select", False),
                    ("update refrain.tokens set last_used_at = now()", False),
                    (world.listen_call(user.id, [world.Listen(AT_S, tune)]), True),
                    (world.listen_call(user.id, [world.Listen(AT_S, tune)]), False),
                    (world.listen_call(user.id, [world.Listen(AT_S + n, song)
                                                 for n in range(3)]), True),
                    (f"delete from refrain.listens where user_id = {user.id}", True),
                    (f"update refrain.users set public = true where id = {user.id}", True),
                    (f"update refrain.user_version set live = live + 1 "
                     f"where user_id = {user.id}", True),
                    ("select refrain.relay_epochs_raise('{1}', 'a test')", True),
                    (psql.call("user_delete", user.key), True)):
                with self.subTest(statement):
                    session.rows("begin")
                    session.rows(statement)
                    self.assertEqual("on" if is_durable else "off",
                                     session.value("show synchronous_commit"))
                    session.rows("commit")
                    self.assertEqual("off", session.value("show synchronous_commit"))
