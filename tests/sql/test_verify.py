"""Counts that were broken by hand: each kind is found, and a repair makes all of them exact."""

import unittest

import psql
import world
from test_concurrency import run_all

# Each breaks what a user has counted in one way; the kinds of difference that must be told.
BREAKS = (
    ("update refrain.tallies set listens = listens + 1 where kind = 1 and period = 0", {"tally"}),
    ("update refrain.tallies set first_at = first_at + interval '1 s' where period = 0", {"tally"}),
    ("update refrain.tallies set last_at = null where period = 0 and kind = 3", {"tally"}),
    ("update refrain.tallies set weight = weight * 1.001 where period = 0", {"tally"}),
    ("update refrain.tallies set entity_id = entity_id + 1 where period = 2020", {"tally"}),
    ("delete from refrain.tallies where kind = 2", {"tally"}),
    ("update refrain.totals set listens = listens + 1 where period = 2020", {"total"}),
    ("update refrain.totals set artists = 0 where period = 0", {"total"}),
    ("delete from refrain.totals where true", {"total"}),
    ("update refrain.listen_days set listens = listens + 1 where true", {"day"}),
    ("update refrain.listen_days set quarters[7] = quarters[7] + 1 where true", {"day"}),
    ("update refrain.listen_days set day = day + 1000 where true", {"day"}),
    ("delete from refrain.listen_days where true", {"day"}),
)


def listener(**options):
    user = world.add_user(**options)
    tunes = world.add_tracks(*(world.track(world.fresh("Artist"), "Album") for _ in range(3)))
    world.add_listens(user, *((world.utc_s(2019 + n // 20, 5) + 1000 * n, tunes[n % 3])
                              for n in range(60)))
    return user, tunes


def stored(user):
    return [psql.rows(f"select * from refrain.{table} where user_id = {user.id} order by 1, 2, 3, 4")
            for table in ("tallies", "totals", "listen_days")]


class Verify(unittest.TestCase):
    def test_what_is_broken_is_found_and_repaired(self):
        user, _ = listener()
        right = stored(user)
        self.assertEqual([], world.differences(user))
        for statement, kinds in BREAKS:
            with self.subTest(statement):
                psql.execute(f"{statement} and user_id = {user.id}")
                self.assertEqual(kinds, {what for what, _ in world.differences(user)})
                live, past, auth = user.versions()
                self.assertEqual("t", psql.value(psql.call("user_repair", user.id)))
                self.assertEqual([], world.differences(user))
                self.assertEqual(right[1:], stored(user)[1:])
                self.assertEqual([row[:7] for row in right[0]],
                                 [row[:7] for row in stored(user)[0]])
                after = user.versions()
                self.assertTrue(after[0] > live and after[1] > past and after[2] == auth)

    def test_some_of_many(self):
        user, _ = listener()
        self.assertEqual([], psql.rows(psql.call("verify_user_some", user.id, 5)))
        psql.execute(f"update refrain.tallies set listens = 0 where user_id = {user.id}")
        rows = psql.rows(psql.call("verify_user_some", user.id, 5))
        self.assertEqual((5, {"36"}), (len(rows), {row[0] for row in rows}))

    def test_others_keep_what_they_have(self):
        user, other = listener()[0], listener()[0]
        psql.execute(f"delete from refrain.totals where user_id in ({user.id}, {other.id})")
        before = other.versions()
        psql.execute(psql.call("user_repair", user.id))
        self.assertEqual([], world.differences(user))
        self.assertEqual(({"total"}, before),
                         ({what for what, _ in world.differences(other)}, other.versions()))

    def test_the_site_is_user_0(self):
        listener(public=True)
        psql.execute(psql.call("repair_site"))
        self.assertEqual([], psql.rows(psql.call("verify_user_some", 0, 5)))
        psql.execute("update refrain.site_totals set listens = listens + 1 where period = 0")
        self.assertEqual([("1", "site total")], [row[:2] for row in psql.rows(
            psql.call("verify_user_some", 0, 5))])
        self.assertEqual("t", psql.value(psql.call("user_repair", 0)))
        self.assertEqual([], psql.rows(psql.call("verify_user_some", 0, 5)))

    def test_a_user_without_listens(self):
        user = world.add_user()
        psql.execute(f"insert into refrain.totals values ({user.id}, 0, 1, 1, 1, 1)")
        self.assertEqual(1, len(world.differences(user)))
        psql.execute(psql.call("user_repair", user.id))
        self.assertEqual([[], [], []], stored(user))

    def test_who_is_deleted_is_left_alone(self):
        user, _ = listener()
        psql.execute(psql.call("user_delete", user.key))
        psql.execute(f"delete from refrain.tallies where user_id = {user.id}")
        self.assertEqual([], psql.rows(psql.call("verify_user_some", user.id, 5)))
        self.assertEqual("f", psql.value(psql.call("user_repair", user.id)))
        self.assertEqual([], stored(user)[0])

    def test_a_repair_waits_for_who_writes_and_sees_it(self):
        user, tunes = listener()
        psql.execute(f"delete from refrain.totals where user_id = {user.id}")
        with psql.Session() as writer, psql.Session() as mender:
            writer.rows("begin")
            writer.rows(world.listen_call(user.id, [world.Listen(world.utc_s(2021), tunes[0])]))
            mender.start(psql.call("user_repair", user.id))
            self.assertTrue(mender.waits())
            writer.rows("commit")
            mender.finish()
        self.assertEqual([], world.differences(user))
        self.assertEqual(61, world.read("history_count", user.id).total)

    def test_beside_writers(self):
        user, tunes = listener()

        def write(number):
            def work(session):
                for n in range(40):
                    session.rows(world.listen_call(user.id, [world.Listen(
                        world.utc_s(2020, 3) + 100 * n + number, tunes[n % 3])]))
            return work

        def mend(session):
            for n in range(15):
                session.rows("delete from refrain.tallies where kind = 1 and period = 0 "
                             f"and user_id = {user.id}")
                session.rows(psql.call("user_repair", user.id))
        run_all(write(1), write(2), mend)
        self.assertEqual([], world.differences(user))
        self.assertEqual(140, world.read("history_count", user.id).total)
