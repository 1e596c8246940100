"""What listeners love and hate, and what that raises."""

import json
import unittest
import uuid

import psql
import world


def fresh():
    return str(uuid.uuid4())


def tell(user, msid=None, mbid=None, score=1, session=psql):
    """(live, past, auth) after that."""
    return tuple(map(int, session.row(
        psql.call("feedback_set", user.id, msid, mbid, score))[1:]))


def stored(user):
    return psql.rows("select recording_msid, recording_mbid, score from refrain.feedback "
                     f"where user_id = {user.id} order by created_at desc, id desc")


class Telling(unittest.TestCase):
    def setUp(self):
        self.user, self.other = world.add_user(), world.add_user()

    def test_one_row_a_recording(self):
        msid, mbid, former = fresh(), fresh(), fresh()
        tell(self.other, msid, mbid)
        for ids, score, expected in (
                ((msid, None), 1, [(msid, None, "1")]),
                ((msid, None), -1, [(msid, None, "-1")]),
                ((None, mbid), 1, [(None, mbid, "1"), (msid, None, "-1")]),
                ((msid, mbid), 1, [(msid, mbid, "1")]),
                ((None, mbid), -1, [(msid, mbid, "-1")]),
                ((msid, former), -1, [(msid, former, "-1")]),
                ((None, mbid), 1, [(None, mbid, "1"), (msid, former, "-1")]),
                ((msid, mbid), 0, [])):
            with self.subTest(ids=ids, score=score):
                tell(self.user, *ids, score)
                self.assertEqual(expected, stored(self.user))
        self.assertEqual([(msid, mbid, "1")], stored(self.other))

    def test_unknown_user(self):
        psql.execute(psql.call("user_delete", self.user.key))
        with self.assertRaises(psql.SqlError) as caught:
            tell(self.user, fresh())
        self.assertEqual("RF001", caught.exception.state)

    def test_at_the_same_time(self):
        """Two sessions that tell of one recording take turns."""
        msid = fresh()
        with psql.Session() as first, psql.Session() as second:
            first.rows("begin")
            tell(self.user, msid, score=1, session=first)
            second.start(psql.call("feedback_set", self.user.id, msid, None, -1))
            self.assertTrue(second.waits())
            first.rows("commit")
            second.finish()
        self.assertEqual([(msid, None, "-1")], stored(self.user))

    def test_who_is_about_to_go(self):
        with psql.Session() as session, psql.Session() as other:
            session.rows("begin")
            session.rows(psql.call("user_delete", self.user.key))
            other.start(psql.call("feedback_set", self.user.id, fresh(), None, 1))
            self.assertTrue(other.waits())
            session.rows("commit")
            with self.assertRaises(psql.SqlError) as caught:
                other.finish()
            self.assertEqual("RF001", caught.exception.state)

    def test_deletion_takes_it_along(self):
        tell(self.user, fresh())
        psql.execute(psql.call("user_delete", self.user.key))
        self.assertEqual([], stored(self.user))


class Raises(unittest.TestCase):
    """Live and past go up with every change, whoever makes it, and with nothing else."""

    def setUp(self):
        self.user, self.other = world.add_user(), world.add_user()
        self.msid = fresh()

    def assert_raised(self, change, expected=True, users=None):
        users = users or [self.user]
        every = [self.user, self.other]
        before = [user.versions() for user in every]
        change()
        for user, old in zip(every, before):
            new = user.versions()
            raised = expected and user in users
            self.assertEqual((raised, raised), (new[0] > old[0], new[1] > old[1]), user.name)
            self.assertEqual(old[2], new[2])
            if raised:
                self.assertEqual(new[0], new[1])

    def execute(self, statement):
        return lambda: psql.execute(statement)

    def test_by_the_function(self):
        def told(*arguments):
            def change():
                self.assertEqual(tell(self.user, *arguments), self.user.versions())
            return change

        self.assert_raised(told(self.msid, None, 1))
        self.assert_raised(told(self.msid, None, 1), expected=False)
        self.assert_raised(told(self.msid, None, -1))
        self.assert_raised(told(self.msid, fresh(), -1))
        self.assert_raised(told(self.msid, None, -1), expected=False)
        self.assert_raised(told(self.msid, None, 0))
        self.assert_raised(told(self.msid, None, 0), expected=False)

    def test_by_hand(self):
        table = "refrain.feedback"
        where = f"where user_id = {self.user.id}"
        both = [self.user, self.other]
        self.assert_raised(self.execute(
            f"insert into {table} (user_id, recording_msid, score) "
            f"values ({self.user.id}, '{self.msid}', 1)"))
        self.assert_raised(self.execute(f"update {table} set score = score {where}"),
                           expected=False)
        self.assert_raised(self.execute(f"update {table} set score = 1 where false"),
                           expected=False)
        self.assert_raised(self.execute(f"update {table} set score = -1 {where}"))
        self.assert_raised(self.execute(f"update {table} set user_id = {self.other.id} {where}"),
                           users=both)
        self.assert_raised(self.execute(f"delete from {table} {where}"), expected=False)
        self.assert_raised(self.execute(
            f"insert into {table} (user_id, recording_msid, score) "
            f"select id, gen_random_uuid(), 1 from refrain.users "
            f"where id in ({self.user.id}, {self.other.id})"), users=both)
        self.assert_raised(self.execute(
            f"delete from {table} where user_id in ({self.user.id}, {self.other.id})"), users=both)

    def test_it_is_noted_for_the_cache(self):
        before = psql.value("select pg_current_snapshot()")
        tell(self.user, self.msid)
        self.assertEqual([(str(self.user.id),)], psql.rows(
            "select distinct user_id from refrain.invalidation "
            f"where not pg_visible_in_snapshot(xid, '{before}') "
            f"and user_id in ({self.user.id}, {self.other.id})"))

    def test_truncate(self):
        tell(self.user, self.msid)
        before, other = self.user.versions(), self.other.versions()
        epoch = psql.value("select min(epoch) from refrain.cache_epoch")
        with psql.Session() as session:
            session.rows("begin")
            session.rows("truncate refrain.feedback")
            for user, old in ((self.user, before), (self.other, other)):
                live, past = map(int, session.row(
                    f"select live, past from refrain.user_version where user_id = {user.id}"))
                self.assertEqual((live, past), (old[0] + 1, old[0] + 1))
            self.assertGreater(
                int(session.value("select min(epoch) from refrain.cache_epoch")), int(epoch))
            session.rows("rollback")


class Costs(unittest.TestCase):
    """What is read does not grow with what there is; what is in the lists, tests/api tells."""

    def fetched(self, *calls, table="feedback"):
        """How many rows of the table the calls fetch; none reads it from end to end."""
        with psql.Session() as session:
            session.rows("begin")
            for call in calls:
                session.rows(call)
            scans, rows = session.row(
                "select seq_scan, idx_tup_fetch from pg_stat_xact_user_tables "
                f"where schemaname = 'refrain' and relname = '{table}'")
            session.rows("rollback")
        self.assertEqual("0", scans)
        return int(rows)

    def entries(self, call, table):
        """How many entries of the table's indexes the call reads."""
        with psql.Session() as session:
            session.rows("begin")
            session.rows(call)
            entries = session.value(
                "select sum(pg_stat_get_xact_tuples_returned(indexrelid)) from pg_index "
                f"where indrelid = 'refrain.{table}'::regclass")
            session.rows("rollback")
        return int(entries)

    def test_they_go_along_an_index(self):
        user, msid = world.add_user(public=True), fresh()
        for one, count in ((user, 2000), (world.add_user(), 18000)):
            psql.execute("insert into refrain.feedback (user_id, recording_msid, score, "
                         f"created_at) select {one.id}, gen_random_uuid(), "
                         "case when n % 100 = 0 then -1 else 1 end, "
                         f"now() - make_interval(secs => n) from generate_series(1, {count}) n")
        tell(user, msid)
        # Also where few rows are dead, so that rows are counted from the index alone.
        psql.execute("vacuum (analyze, index_cleanup on) refrain.feedback")
        for score in (None, 1, -1):
            self.assertLessEqual(self.fetched(
                psql.call("feedback_list", user.id, score, 0, 10, True)), 10)
        self.assertLessEqual(self.fetched(psql.call("feedback_about", msid, False, None, 0, 10)), 2)
        self.assertLessEqual(self.fetched(
            psql.call("feedback_for", user.id, user.name, [msid, fresh()], [])), 1)
        # Planned anew each time at first, and then once for all.
        self.assertLessEqual(self.fetched(
            *[psql.call("feedback_set", user.id, msid, fresh(), 1)] * 10), 100)

    def test_metadata_goes_along_an_index(self):
        """Whatever id an entry has, and however much there is that has no or another MBID."""
        user, artist = world.add_user(), world.track()
        world.add_tracks(artist)
        psql.execute(
            "insert into refrain.recordings (id, msid, artist_id, name, name_key, mbid) "
            f"select refrain.msid_id(msid), msid, {artist.artist.id}, n, n, "
            "case when n % 2 = 0 then gen_random_uuid() end "
            "from (select n, gen_random_uuid() as msid from generate_series(1, 20000) n) m")
        mbid = fresh()
        heard = [world.track(mbid=mbid) for _ in range(3)]
        world.add_tracks(*heard)
        # Much else has been heard as well.
        psql.execute(
            "insert into refrain.tallies (user_id, period, kind, entity_id, listens) "
            f"select {user.id}, 0, 3, id, 1 from refrain.recordings "
            f"where artist_id = {artist.artist.id}")
        world.add_listens(user, *((world.now_s() - n, one) for n, one in enumerate(heard)))
        psql.execute("vacuum analyze refrain.recordings, refrain.tallies")
        for ids in ((heard[0].recording.msid, None), (None, mbid), (None, fresh()), (fresh(), None),
                    (fresh(), mbid), (fresh(), fresh())):
            with self.subTest(ids=ids):
                psql.execute(f"delete from refrain.feedback where user_id = {user.id}")
                tell(user, *ids)
                call = psql.call("feedback_list", user.id, None, 0, 10, True)
                self.assertLessEqual(self.fetched(call, table="recordings"), 5)
                for table in ("recordings", "tallies"):
                    self.assertLessEqual(self.entries(call, table), 8)


class Metadata(unittest.TestCase):
    def test_an_id_is_of_its_msid(self):
        for msid in (fresh(), "ffffffff-ffff-ffff-ffff-ffffffffffff",
                     "00000000-0000-0001-0000-000000000000"):
            self.assertEqual(str(int.from_bytes(uuid.UUID(msid).bytes[:8], "big") >> 1),
                             psql.value(psql.call("msid_id", msid)))

    def told(self, user, *ids):
        """The msid of the recording that the list shows for these ids."""
        psql.execute(f"delete from refrain.feedback where user_id = {user.id}")
        tell(user, *ids)
        entry, = json.loads("[" + psql.row(
            psql.call("feedback_list", user.id, None, 0, 10, True))[2] + "]")
        metadata = entry["track_metadata"]
        return metadata and metadata["additional_info"]["recording_msid"]

    def test_only_what_was_heard(self):
        """What others listen to is nobody else's business."""
        user, other, mbid = world.add_user(), world.add_user(), fresh()
        tracks = sorted((world.track(mbid=mbid) for _ in range(4)), key=lambda t: t.recording.id)
        world.add_tracks(*tracks)
        msids = [track.recording.msid for track in tracks]
        at = world.now_s()
        world.add_listens(other, *((at, track) for track in tracks))
        for ids in ((msids[0], None), (None, mbid), (msids[0], mbid)):
            self.assertIsNone(self.told(user, *ids), ids)
        for number in (3, 1):
            world.add_listens(user, (at, tracks[number]))
            self.assertIsNone(self.told(user, msids[0], None))
            self.assertEqual(msids[number], self.told(user, msids[number], None))
            self.assertEqual(msids[number], self.told(user, None, mbid))
            self.assertEqual(msids[number], self.told(user, msids[0], mbid))
        self.assertEqual(msids[3], self.told(user, msids[3], mbid))
        # What is heard no more is as if it had never been.
        psql.execute(f"delete from refrain.listens where user_id = {user.id} "
                     f"and recording_id = {tracks[1].recording.id}")
        self.assertEqual(msids[3], self.told(user, None, mbid))
