"""An evening of a community: what refrain-bench asks for and tells, and what the cache is worth."""

import collections
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import unittest

import community
import harness

PROGRAM = pathlib.Path(os.environ["REFRAIN_BENCH"])
# Short as it is, it begins with an empty cache; one of those in which each endpoint is asked for often,
# and mostly for what somebody has asked for before.
EVENING = community.Day(people=15, listens=4_000, hours=6, speed=720, speed_without=1440, seed=66)
HITS_MIN = 0.70
FEWER_MIN = 0.60
REQUESTS_MIN = 30
PERSON = re.compile("/person%20([0-9]+)/")


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)


class Plan(unittest.TestCase):
    """What would be asked for, without anybody who is asked."""

    def setUp(self):
        self.folder = harness.temporary_folder()
        self.addCleanup(shutil.rmtree, self.folder)
        self.file = self.folder / "people"
        self.file.write_text("".join(f"token{number} person {number}\n" for number in range(20)))

    def plan(self, *options):
        """[(second, cause, endpoint, path)]"""
        done = run("--url", "http://localhost", "--people", self.file, "--dry-run", *options)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        return [(float(second), *texts) for second, *texts in lines]

    def test_the_seed_decides_alone(self):
        self.assertEqual(self.plan("--seed", 7), self.plan("--seed", 7))
        self.assertNotEqual(self.plan("--seed", 7), self.plan("--seed", 8))

    def test_it_is_in_order_and_within_the_hours(self):
        seconds = [second for second, *_ in self.plan("--hours", 5)]
        self.assertEqual(seconds, sorted(seconds))
        self.assertTrue(0 <= seconds[0] and seconds[-1] < 5 * 3600)

    def test_names_are_escaped_and_nothing_is_left_open(self):
        for _, _, _, path in self.plan():
            self.assertNotRegex(path, "[{} ]")

    def test_the_first_is_visited_most(self):
        """By Zipf's law, exponent 1; a visit is eight views, of which each is somebody's."""
        visits = collections.Counter(
            PERSON.search(path).group(1) for seed in range(10)
            for _, cause, _, path in self.plan("--seed", seed)
            if cause == "visits" and PERSON.search(path))
        self.assertAlmostEqual(visits["0"] / visits["1"], 2, delta=0.3)
        self.assertAlmostEqual(visits["0"] / visits["9"], 10, delta=3)

    def test_listens_are_210_s_apart(self):
        """In a session of one who is alone, each track begins when the one before is over."""
        self.file.write_text("token person\n")
        told = self.plan("--seed", 5)
        begun, over = ([second for second, _, endpoint, _ in told
                        if endpoint == f"submit-listens, {name}"] for name in ("playing now", "one"))
        self.assertGreater(len(over), 5)
        self.assertEqual([second + 210 for second in begun if second + 210 < 86400], over)

    def test_what_is_wrong_is_told(self):
        for arguments, words in (
                (("--hours", 25), "--hours takes a number from 1 to 24"),
                (("--speed", "fast"), "--speed takes a number from 1 to 100000"),
                (("--connections",), "--connections takes a number from 1 to 10000"),
                (("--sped", 1), "there is no such option")):
            done = run("--url", "http://localhost", "--people", self.file, *arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)

    def test_a_file_that_is_wrong_is_told(self):
        self.file.write_text("token0 person 0\ntoken1\n")
        done = run("--url", "http://localhost", "--people", self.file)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{self.file}, line 2: a line is a token, a blank and the name", done.stderr)

    def test_nobody_answers(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            done = run("--url", f"http://127.0.0.1:{unused.getsockname()[1]}", "--people", self.file,
                       "--hours", 1, "--speed", 100_000, "--json")
        self.assertEqual(done.returncode, 1)
        self.assertIn("connecting: Connection refused", done.stderr)
        every = json.loads(done.stdout)["all"][-1]
        self.assertEqual(every["failed"], every["requests"])


class Evening(unittest.TestCase):
    """Replayed with the cache, then without it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = harness.temporary_folder()
        cls.community = community.Community(PROGRAM, cls.folder, EVENING)
        before = cls.figures()
        cls.told, cls.with_cache = cls.community.replay_with()
        after = cls.figures()
        cls.counted = {name: after[name] - before[name] for name in ("hits", "misses", "sql_saved")}
        cls.views = after["views"]
        cls.told_without, cls.without = cls.community.replay_without()

    @classmethod
    def tearDownClass(cls):
        cls.community.instance.close()
        shutil.rmtree(cls.folder)

    @classmethod
    def figures(cls):
        return cls.community.instance.get("/1/cache/metrics").json()

    def test_every_request_is_answered(self):
        for told in (self.told, self.told_without):
            self.assertEqual(told["all"][-1]["requests"], told["requests"])
            self.assertEqual(told["all"][-1]["failed"], 0)

    def test_the_instance_counts_the_same(self):
        rows = self.told["cached"] + self.told["apart"]
        hits = sum(row["hits"] for row in rows)
        self.assertEqual(hits, self.counted["hits"])
        self.assertEqual(sum(row["look_ups"] for row in rows) - hits, self.counted["misses"])
        # The worker's look-ups save some as well, before and after.
        self.assertTrue(hits <= self.told["sql_saved"] <= self.counted["sql_saved"])

    def test_nothing_that_is_cached_is_left_out(self):
        """A new endpoint needs a row of its own in mix.c."""
        self.assertEqual([view for view, figures in self.views.items()
                          if figures["hits"] + figures["misses"] == 0], [])

    def test_each_cached_endpoint_is_found_in_the_cache(self):
        for row in self.told["cached"]:
            with self.subTest(row["name"]):
                self.assertEqual(row["look_ups"], row["requests"])
                self.assertGreaterEqual(row["requests"], REQUESTS_MIN)
                self.assertGreater(row["hits"] / row["look_ups"], HITS_MIN)

    def test_postgresql_gets_fewer_statements(self):
        print(f"# statements: {self.with_cache.calls} with the cache, {self.without.calls} without")
        self.assertLess(self.with_cache.sum(), (1 - FEWER_MIN) * self.without.sum())

    def test_without_the_cache_all_is_computed(self):
        for row in self.told_without["cached"]:
            self.assertEqual(row["bypass"], row["requests"], row)
