"""Exports: pages behind a key, bounded by their bytes, read along the index."""

import json
import unittest
import uuid

import psql
import world

AT_S = 1_500_000_000


def page(user, after=(None, None), bytes_max=1_000_000, what="listens"):
    rows = psql.rows(psql.call(f"export_{what}", user.id, *after, bytes_max))
    return [(int(us), int(key), json.loads(line)) for us, key, line in rows]


def walk(user, bytes_max, what="listens"):
    """All lines, by as many pages as it takes, and how many these were."""
    lines, after, pages = [], (None, None), 0
    while rows := page(user, after, bytes_max, what):
        lines += [line for _, _, line in rows]
        after = rows[-1][:2]
        pages += 1
    return lines, pages


class Listens(unittest.TestCase):
    def setUp(self):
        self.user = world.add_user()
        self.tracks = world.add_tracks(*(world.track(release="Album" if i % 2 else None)
                                         for i in range(10)))

    def test_of_nothing(self):
        self.assertEqual(page(self.user), [])

    def test_lines_are_entries_of_the_history(self):
        world.add_listens(self.user, *((AT_S + i // 3, track)
                                       for i, track in enumerate(self.tracks)))
        entries = world.read("history_page", self.user.id, None, None, False, None).entries
        for bytes_max in (1, 400, 1000, 1_000_000):
            lines, pages = walk(self.user, bytes_max)
            self.assertEqual(lines, entries[::-1])
            self.assertEqual(pages, {1: 10, 1_000_000: 1}.get(bytes_max, pages))

    def test_a_page_ends_when_it_is_large_enough(self):
        world.add_listens(self.user, *(
            world.Listen(AT_S + i, track, info={"filler": "x" * (100_000 if i == 4 else 1)})
            for i, track in enumerate(self.tracks)))
        self.assertEqual(len(page(self.user, bytes_max=50_000)), 5)
        self.assertEqual(len(page(self.user, bytes_max=1_000_000)), 10)

    def test_keys_are_exact(self):
        world.add_listens(self.user, (AT_S, self.tracks[0]))
        psql.execute("update refrain.listens set listened_at = listened_at"
                     f" + interval '0.123457 s' where user_id = {self.user.id}")
        (us, key, _), = page(self.user)
        self.assertEqual(us, AT_S * 1_000_000 + 123457)
        self.assertEqual(page(self.user, (us, key)), [])
        self.assertEqual(len(page(self.user, (us - 1, key))), 1)
        self.assertEqual(len(page(self.user, (us, key - 1))), 1)

    def test_of_others_there_is_nothing(self):
        world.add_listens(world.add_user(), (AT_S, self.tracks[0]))
        self.assertEqual(page(self.user), [])

    def test_of_nobody(self):
        world.add_listens(self.user, (AT_S, self.tracks[0]))
        psql.execute(psql.call("user_delete", self.user.key))
        for what in ("listens", "feedback"):
            with self.assertRaises(psql.SqlError) as caught:
                page(self.user, what=what)
            self.assertEqual(caught.exception.state, "RF001")

    def test_however_deep_a_page_reads_what_it_gives(self):
        world.add_listens(self.user, *((AT_S + i, self.tracks[i % 10]) for i in range(5000)))
        psql.execute("analyze refrain.listens")
        self.assertEqual(len(page(self.user, ((AT_S + 4000) * 1_000_000, 0), 10_000_000)), 1000)
        for after_s in (AT_S - 1, AT_S + 2500, AT_S + 4900):
            with psql.Session() as session:
                session.rows("begin")
                rows = session.rows(psql.call("export_listens", self.user.id,
                                              after_s * 1_000_000, 0, 2000))
                self.assertEqual(session.row(
                    "select seq_scan, idx_tup_fetch from pg_stat_xact_user_tables"
                    " where schemaname = 'refrain' and relname = 'listens'"),
                    ("0", str(len(rows))))
                session.rows("rollback")
            self.assertLess(len(rows), 20)


class Feedback(unittest.TestCase):
    def test_lines(self):
        user = world.add_user()
        msids, mbids = ([str(uuid.uuid4()) for _ in range(3)] for _ in range(2))
        for msid, mbid, score in ((msids[0], None, 1), (None, mbids[1], -1),
                                  (msids[2], mbids[2], 1)):
            psql.execute(psql.call("feedback_set", user.id, msid, mbid, score))
        for bytes_max in (1, 1_000_000):
            lines, pages = walk(user, bytes_max, "feedback")
            self.assertEqual(pages, 3 if bytes_max == 1 else 1)
            for line in lines:
                self.assertLess(abs(line.pop("created") - world.now_s()), 60)
            self.assertEqual(lines, [
                {"recording_msid": msids[0], "recording_mbid": None, "score": 1},
                {"recording_msid": None, "recording_mbid": mbids[1], "score": -1},
                {"recording_msid": msids[2], "recording_mbid": mbids[2], "score": 1}])
