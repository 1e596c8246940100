"""Storing listens, by listen_add and by hand, and what that raises."""

import unittest

import psql
import world

AT_S = 1_500_000_000


def listens_of(user, columns="count(*)"):
    return psql.rows(f"select {columns} from refrain.listens where user_id = {user.id}")


class Add(unittest.TestCase):
    def setUp(self):
        self.user = world.add_user()
        self.tune, self.song = world.add_tracks(world.track(release="Album"), world.track())

    def add(self, *listens):
        return world.add_listens(self.user, *listens)

    def test_duplicates_change_nothing(self):
        self.assertEqual(1, self.add((AT_S, self.tune)))
        before = self.user.versions()
        self.assertEqual(0, self.add((AT_S, self.tune)))
        self.assertEqual(before, self.user.versions())
        self.assertEqual(2, self.add((AT_S, self.tune), (AT_S + 1, self.tune),
                                     (AT_S + 1, self.song), (AT_S + 1, self.tune)))
        self.assertEqual([("3",)], listens_of(self.user))
        self.assertEqual([], world.differences(self.user))

    def test_the_answer_holds_the_versions(self):
        row = psql.row(world.listen_call(self.user.id, [world.Listen(AT_S, self.tune)]))
        live, past, auth = self.user.versions()
        epoch = psql.value("select epoch from refrain.cache_epoch "
                           f"where bucket = refrain.user_bucket('{self.user.key}')")
        self.assertEqual(("1", epoch, str(live), str(past), str(auth)), row)

    def test_nothing(self):
        before = self.user.versions()
        self.assertEqual(0, self.add())
        self.assertEqual(before, self.user.versions())

    def test_an_unknown_user(self):
        with self.assertRaises(psql.SqlError) as caught:
            psql.execute(world.listen_call(2_000_000_000, [world.Listen(AT_S, self.tune)]))
        self.assertEqual("RF001", caught.exception.state)

    def test_what_the_catalogue_lacks(self):
        unknown = world.track(release="Album")
        wrong = (unknown,
                 world.Track(self.tune.recording, self.song.artist, self.tune.release),
                 world.Track(self.tune.recording, self.tune.artist, None),
                 world.Track(self.song.recording, self.song.artist, self.tune.release))
        for number, bad in enumerate(wrong):
            with self.subTest(number), self.assertRaises(psql.SqlError) as caught:
                self.add((AT_S, self.tune), (AT_S + 1, bad))
            self.assertEqual("RF002", caught.exception.state)
        self.assertEqual([("0",)], listens_of(self.user))

    def test_own_spelling_is_kept(self):
        self.add(world.Listen(AT_S, self.tune, artist_name="ARTIST!", release_name="ALBUM"),
                 world.Listen(AT_S + 1, self.tune), world.Listen(AT_S + 2, self.song))
        self.assertEqual(
            [("ARTIST!", None, "ALBUM"), (None, None, None), (None, None, None)],
            psql.rows("select artist_name, track_name, release_name from refrain.listens "
                      f"where user_id = {self.user.id} order by listened_at"))

    def test_a_big_batch(self):
        """More than a thousand are planned otherwise; duplicates among them, and of stored ones."""
        tunes = world.add_tracks(*(world.track(release="Album" if n % 3 else None)
                                   for n in range(50)))
        self.add(*((AT_S + n * 5000, tunes[n % 50]) for n in range(20)))
        batch = [(AT_S + n * 5000, tunes[n % 50]) for n in range(3000)]
        self.assertEqual(2980, self.add(*batch, *batch[::7]))
        self.assertEqual([("3000",)], listens_of(self.user))
        self.assertEqual([], world.differences(self.user))
        with self.assertRaises(psql.SqlError) as caught:
            self.add(*((at_s + 1, tune) for at_s, tune in batch), (AT_S, world.track()))
        self.assertEqual("RF002", caught.exception.state)
        self.assertEqual([("3000",)], listens_of(self.user))

    def test_one_after_many_and_many_after_one(self):
        """Single listens and batches are counted by two pieces of code that must agree."""
        other = world.add_user()
        listens = [(AT_S + n * 40_000_000, (self.tune, self.song)[n % 2]) for n in range(8)]
        self.add(*listens[:4])
        for listen in listens[4:]:
            self.add(listen)
        for listen in listens[:4]:
            world.add_listens(other, listen)
        world.add_listens(other, *listens[4:])
        self.assertEqual([], world.differences(self.user))
        self.assertEqual([], world.differences(other))


class Delete(unittest.TestCase):
    def setUp(self):
        self.user = world.add_user()
        self.tune, self.song = world.add_tracks(world.track(release="Album"), world.track())
        world.add_listens(self.user, (AT_S, self.tune), (AT_S, self.song), (AT_S + 1, self.tune))

    def delete(self, at_s, msid, user=None):
        """How many; the answer holds the versions."""
        user = user or self.user
        row = psql.row(psql.call("listen_delete", user.id, at_s, msid))
        epoch = psql.value("select epoch from refrain.cache_epoch "
                           f"where bucket = refrain.user_bucket('{user.key}')")
        self.assertEqual((epoch, *map(str, user.versions())), row[:4])
        return int(row[4])

    def left(self):
        self.assertEqual([], world.differences(self.user))
        return {(int(at_s), int(recording)) for at_s, recording in
                listens_of(self.user, "refrain.time_s(listened_at), recording_id")}

    def test_one_goes(self):
        live, past, auth = self.user.versions()
        self.assertEqual(1, self.delete(AT_S, self.tune.recording.msid))
        self.assertEqual({(AT_S, self.song.recording.id), (AT_S + 1, self.tune.recording.id)},
                         self.left())
        self.assertEqual((live + 1, live + 1, auth), self.user.versions())

    def test_what_is_not_there(self):
        other = world.add_user()
        before = self.user.versions(), other.versions(), self.left()
        for user, at_s, msid in (
                (self.user, AT_S + 1, self.song.recording.msid),
                (self.user, AT_S, self.tune.artist.msid),
                (self.user, AT_S, "ffffffff-ffff-ffff-ffff-ffffffffffff"),
                # The same first 63 bits, which are the id, and another end.
                (self.user, AT_S, self.tune.recording.msid[:-1]
                 + ("0" if self.tune.recording.msid[-1] != "0" else "1")),
                (self.user, 2 ** 63 - 1, self.tune.recording.msid),
                (self.user, -2 ** 63, self.tune.recording.msid),
                (other, AT_S, self.tune.recording.msid)):
            with self.subTest(f"{at_s} {msid}"):
                self.assertEqual(0, self.delete(at_s, msid, user))
        self.assertEqual(before, (self.user.versions(), other.versions(), self.left()))

    def test_what_stays_is_of_long_ago(self):
        """What has gone weighed so much more that the difference would be lost in rounding."""
        long_ago_s = AT_S - 20 * 365 * world.DAY_S
        world.add_listens(self.user, (long_ago_s, self.tune), (long_ago_s - 12345, self.tune))
        for at_s in (AT_S + 1, AT_S):
            self.assertEqual(1, self.delete(at_s, self.tune.recording.msid))
            self.left()

    def test_again_and_back(self):
        self.assertEqual(1, self.delete(AT_S, self.tune.recording.msid))
        self.assertEqual(0, self.delete(AT_S, self.tune.recording.msid))
        self.assertEqual(1, world.add_listens(self.user, (AT_S, self.tune)))
        self.assertIn((AT_S, self.tune.recording.id), self.left())

    def test_an_unknown_user(self):
        with self.assertRaises(psql.SqlError) as caught:
            psql.execute(psql.call("listen_delete", 2_000_000_000, AT_S, self.tune.recording.msid))
        self.assertEqual("RF001", caught.exception.state)

    def test_it_waits_for_who_counts(self):
        """The lock comes first, so that it counts what the one before has committed."""
        with psql.Session() as counting, psql.Session() as deleting:
            counting.rows("begin")
            counting.rows(world.listen_call(self.user.id, [world.Listen(AT_S + 2, self.tune)]))
            deleting.start(psql.call("listen_delete", self.user.id, AT_S + 2,
                                     self.tune.recording.msid))
            self.assertTrue(deleting.waits())
            counting.rows("commit")
            self.assertEqual("1", deleting.finish()[0][4])
        self.assertEqual(3, len(self.left()))


class ByHand(unittest.TestCase):
    def test_an_unknown_user_is_refused(self):
        tune, = world.add_tracks(world.track())
        user, gone = world.add_user(), world.add_user()
        world.add_listens(user, (AT_S, tune))
        psql.execute(psql.call("user_delete", gone.key))
        values = f"{tune.recording.id}, {tune.artist.id}"
        for statement in (
                f"insert into refrain.listens (user_id, listened_at, recording_id, artist_id) "
                f"values (2000000000, now(), {values})",
                f"insert into refrain.listens (user_id, listened_at, recording_id, artist_id) "
                f"values (2000000000, now(), {values}), ({user.id}, now(), {values})",
                f"update refrain.listens set user_id = 2000000000 where user_id = {user.id}",
                f"update refrain.listens set user_id = {gone.id} where user_id = {user.id}"):
            with self.subTest(statement), self.assertRaises(psql.SqlError) as caught:
                psql.execute(statement)
            self.assertEqual("RF001", caught.exception.state)

    def test_two_users_at_once(self):
        tune, song = world.add_tracks(world.track(release="Album"), world.track())
        users = [world.add_user() for _ in range(2)]
        first, other = users
        for user in users:
            world.add_listens(user, (AT_S, tune), (AT_S + 50_000_000, song), (AT_S + 1, song))
        chosen = f"user_id in ({first.id}, {other.id})"
        for statement in (
                "insert into refrain.listens (user_id, listened_at, recording_id, artist_id) "
                f"select user_id, listened_at + interval '1 year', {song.recording.id}, "
                f"{song.artist.id} from refrain.listens where {chosen} on conflict do nothing",
                f"update refrain.listens set listened_at = listened_at + interval '1 hour' "
                f"where {chosen}",
                f"update refrain.listens set recording_id = {song.recording.id}, "
                f"artist_id = {song.artist.id}, release_id = null "
                f"where {chosen} and recording_id = {tune.recording.id}",
                f"delete from refrain.listens where {chosen} "
                f"and extract(year from listened_at) = 2017",
                f"update refrain.listens set user_id = {other.id}, "
                f"listened_at = listened_at + interval '30 minutes' where user_id = {first.id}"):
            with self.subTest(statement):
                before = [user.versions() for user in users]
                psql.execute(statement)
                for user, (live, _, _) in zip(users, before):
                    self.assertEqual(live + 1, user.versions()[0])
                    self.assertEqual([], world.differences(user))

    def test_verify_finds_what_is_wrong(self):
        tune, = world.add_tracks(world.track(release="Album"))
        for statement, what in (
                ("update refrain.tallies set listens = listens + 1 where kind = 1 and", "tally"),
                ("update refrain.tallies set first_at = now() where period = 0 and", "tally"),
                ("update refrain.tallies set weight = weight * 1.001 where period = 0 and",
                 "tally"),
                ("delete from refrain.tallies where period > 0 and", "tally"),
                ("update refrain.totals set artists = 7 where", "total"),
                ("update refrain.totals set releases = 7 where", "total"),
                ("update refrain.totals set recordings = 7 where", "total"),
                ("update refrain.totals set listens = 7 where", "total"),
                ("delete from refrain.totals where", "total"),
                ("update refrain.listen_days set listens = 7 where", "day"),
                ("update refrain.listen_days set quarters[7] = 7 where", "day"),
                ("delete from refrain.listen_days where", "day")):
            with self.subTest(statement):
                user = world.add_user()
                world.add_listens(user, (AT_S, tune), (AT_S + 1, tune))
                self.assertEqual([], world.differences(user))
                psql.execute(f"{statement} user_id = {user.id}")
                self.assertEqual({what}, {row[0] for row in world.differences(user)})


class Versions(unittest.TestCase):
    def setUp(self):
        self.user = world.add_user()
        self.tune, self.song = world.add_tracks(world.track(), world.track())
        world.add_listens(self.user, (AT_S, self.tune), (AT_S + 1, self.song))
        self.mine = f"user_id = {self.user.id}"
        self.midnight_s = world.midnight_s()

    def assert_raises(self, act, live, past):
        """By how much the change raises live; whether it sets past to live."""
        before = self.user.versions()
        act()
        after = self.user.versions()
        self.assertEqual(before[2], after[2], "auth")
        self.assertEqual(before[0] + live, after[0], "live")
        self.assertEqual(after[0] if past else before[1], after[1], "past")

    def add(self, *times):
        return lambda: world.add_listens(self.user, *((at_s, self.tune) for at_s in times))

    def statement(self, text):
        return lambda: psql.execute(text)

    def test_midnight(self):
        if world.now_s() - self.midnight_s < 60 or world.now_s() - self.midnight_s > 86340:
            self.skipTest("this is no time to test midnight")
        self.assert_raises(self.add(self.midnight_s), live=1, past=False)
        self.assert_raises(self.add(self.midnight_s - 1), live=1, past=True)
        self.assert_raises(self.add(self.midnight_s + 2, self.midnight_s + 1), live=1, past=False)
        self.assert_raises(self.add(self.midnight_s + 3, self.midnight_s - 2), live=1, past=True)

    def test_delete(self):
        self.add(world.now_s())()
        recent = f"listened_at >= to_timestamp({self.midnight_s})"
        self.assert_raises(self.statement(
            f"delete from refrain.listens where {self.mine} and {recent}"), live=1, past=False)
        self.assert_raises(self.statement(
            f"delete from refrain.listens where {self.mine}"), live=1, past=True)
        self.assert_raises(self.statement(
            f"delete from refrain.listens where {self.mine}"), live=0, past=False)

    def test_update(self):
        self.assert_raises(self.statement(
            f"update refrain.listens set client = 'x' where {self.mine}"), live=1, past=True)
        self.assert_raises(self.statement(
            f"update refrain.listens set client = 'x' where {self.mine}"), live=0, past=False)
        self.add(world.now_s())()
        self.assert_raises(self.statement(
            f"update refrain.listens set client = 'y' "
            f"where {self.mine} and listened_at >= to_timestamp({self.midnight_s})"),
            live=1, past=False)
        # Out of the past into today: what was there is missing there now.
        self.assert_raises(self.statement(
            f"update refrain.listens set listened_at = now() "
            f"where {self.mine} and recording_id = {self.song.recording.id}"), live=1, past=True)

    def test_changed_at_goes_with_live(self):
        def changed_at():
            return psql.value(f"select changed_at from refrain.user_version where {self.mine}")
        before = changed_at()
        psql.execute(f"update refrain.users set public = not public where id = {self.user.id}")
        self.add(AT_S)()
        self.assertEqual(before, changed_at())
        self.add(AT_S + 7)()
        self.assertLess(before, changed_at())

    def test_other_users_stay_as_they_are(self):
        other = world.add_user()
        before = other.versions()
        self.add(AT_S + 8)()
        psql.execute(f"delete from refrain.listens where {self.mine}")
        self.assertEqual(before, other.versions())

    def test_truncate(self):
        """Done and undone."""
        with psql.Session() as session:
            def all_epochs():
                return [int(row[0]) for row in session.rows(
                    "select epoch from refrain.cache_epoch order by bucket")]
            session.rows("begin")
            epochs = all_epochs()
            live = int(session.value(
                f"select live from refrain.user_version where {self.mine}"))
            session.rows("truncate refrain.listens")
            for table in ("tallies", "totals", "listen_days"):
                self.assertEqual("0", session.value(f"select count(*) from refrain.{table}"))
            self.assertTrue(all(new > old for new, old in zip(all_epochs(), epochs)))
            self.assertEqual((str(live + 1), str(live + 1)), session.row(
                f"select live, past from refrain.user_version where {self.mine}"))
            session.rows("rollback")
        self.assertEqual([], world.differences(self.user))

    def test_epoch_raise(self):
        def epochs():
            return [int(row[0]) for row in psql.rows(
                "select epoch from refrain.cache_epoch order by bucket")]
        before = epochs()
        psql.execute(psql.call("epoch_raise", "a test"))
        after = epochs()
        self.assertTrue(all(new > old for new, old in zip(after, before)))
        self.assertLess(abs(after[0] / 1e6 - world.now_s()), 60)
        # Never back, even if the clock is behind.
        psql.execute("update refrain.cache_epoch set epoch = epoch + 1000000000000")
        ahead = epochs()
        psql.execute(psql.call("epoch_raise", "a test"))
        self.assertEqual([epoch + 1 for epoch in ahead], epochs())
        psql.execute("update refrain.cache_epoch set epoch = epoch - 1000000000000")

    def test_epochs_of_some_buckets(self):
        def epochs():
            return [int(row[0]) for row in psql.rows(
                "select epoch from refrain.cache_epoch order by bucket")]
        before = epochs()
        psql.execute("select refrain.relay_epochs_raise('{255,7,7,0}', 'a test')")
        after = epochs()
        self.assertEqual({0, 7, 255}, {bucket for bucket in range(256)
                                       if after[bucket] > before[bucket]})
        self.assertTrue(all(new >= old for new, old in zip(after, before)))
        psql.execute("select refrain.relay_epochs_raise('{}', 'a test')")
        self.assertEqual(after, epochs())
