"""What holds for all tables and functions."""

import hashlib
import pathlib
import subprocess
import unittest

import psql

CLASSES = {"user", "directory", "all", "helper", "trigger"}
READS = ("cache_state", "token_state", "relay_poll", "user_find", "user_list", "stats_artists",
         "stats_releases", "stats_recordings", "stats_genres", "stats_genre_activity",
         "chart_genres", "genre_hours", "artist_genres", "history_page", "history_count",
         "history_index", "history_years", "verify_user", "reading_wanted", "reading_recent",
         "reading_peak", "feedback_list", "feedback_for", "feedback_about", "follow_followers",
         "follow_following", "user_search", "stats_sessions", "stats_streaks",
         "stats_artist_discoveries", "stats_recording_discoveries", "stats_artist_changes",
         "stats_release_changes", "stats_recording_changes", "stats_on_this_day", "verify_site",
         "verify_user_some", "tallies_counted", "days_counted")


def functions():
    return psql.rows("""
        select p.proname, obj_description(p.oid, 'pg_proc'), p.provolatile,
               coalesce(p.proargnames[1], ''), coalesce(p.proargtypes[0]::regtype::text, '')
        from pg_proc p
        where p.pronamespace = 'refrain'::regnamespace
          and not exists (select from pg_depend d  -- what an extension has brought
                          where d.classid = 'pg_proc'::regclass and d.objid = p.oid
                            and d.deptype = 'e')""")


class Schema(unittest.TestCase):
    def test_tables_and_types_have_comments(self):
        self.assertEqual([], psql.rows("""
            select c.relname from pg_class c
            where c.relnamespace = 'refrain'::regnamespace and c.relkind in ('r', 'c')
              and coalesce(obj_description(c.oid),
                           obj_description(c.reltype, 'pg_type')) is null"""))

    def test_functions_tell_their_class(self):
        for name, comment, _, argument, argument_type in functions():
            with self.subTest(name):
                word = (comment or "").split(":")[0]
                self.assertIn(word, CLASSES)
                if word == "user":
                    self.assertEqual(("user_id", "integer"), (argument, argument_type))

    def test_reads_take_one_snapshot(self):
        volatility = {name: kind for name, _, kind, _, _ in functions()}
        self.assertEqual({name: "s" for name in READS}, {name: volatility[name] for name in READS})

    def test_states_are_merged_into_their_callers(self):
        for call in (psql.call("cache_state", "nobody", b"none"), psql.call("token_state", b"none"),
                     psql.call("history_count", 1)):
            with self.subTest(call):
                plan = "\n".join(row[0] for row in psql.rows("explain " + call))
                self.assertNotIn("Function Scan", plan)
                self.assertIn("user_version", plan)

    def test_every_bucket_has_an_epoch(self):
        self.assertEqual(("256", "0", "255"), psql.row(
            "select count(*), min(bucket), max(bucket) from refrain.cache_epoch"))
        self.assertEqual([("catalogue",), ("model",), ("people",)], psql.rows(
            "select name from refrain.generation order by name"))

    def test_buckets_and_subjects_are_as_elsewhere(self):
        for name in ("rob", "", "Καλλιόπη", "a\\b", "ÿ" * 300):
            with self.subTest(name):
                digest = hashlib.sha256(name.encode()).digest()
                self.assertEqual(str(digest[0]), psql.value(psql.call("user_bucket", name)))
                self.assertEqual(f"\\x{digest[:16].hex()}",
                                 psql.value(psql.call("user_subject", name)))

    def test_functions_can_be_made_again(self):
        folder = pathlib.Path(__file__).resolve().parents[2] / "sql/functions"
        files = sorted(folder.glob("*.sql"))
        self.assertTrue(files)
        for path in files:
            with self.subTest(path.name):
                done = subprocess.run(
                    ["psql", "-Xq1", "-v", "ON_ERROR_STOP=1", "-d", psql.url, "-f", path],
                    capture_output=True, text=True)
                self.assertEqual((0, ""), (done.returncode, done.stderr))
