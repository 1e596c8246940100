"""refrain verify: finds what was broken by hand, and repairs it for whoever reads."""

import calendar
import time

import harness

NOW = int(time.time())


class Verify(harness.ApiTest):
    def listener(self, name, listens=5, last=NOW):
        token = self.instance.token(name, "--public")
        answer = self.instance.post("/1/submit-listens", {"listen_type": "import", "payload": [
            {"listened_at": last - 90_000 * n, "track_metadata": {
                "artist_name": "Clara Schumann", "track_name": f"Romanze {n}"}}
            for n in range(1, listens + 1)]}, token=token)
        self.assertEqual(answer.status, 200, answer)

    def verify(self, *arguments):
        return self.instance.refrain("verify", *arguments, check=False)

    def break_counts(self, name):
        self.instance.psql("update tallies set listens = listens + 1 where kind = 1 and user_id = "
                           f"(select id from users where name = '{name}')")

    def artists(self, name, query=""):
        answer = self.instance.get(f"/1/stats/user/{name}/artists{query}")
        self.assertEqual(answer.status, 200, answer)
        return [row["listen_count"] for row in answer.json()["payload"]["artists"]]

    def test_all_is_exact(self):
        self.listener("Ann")
        done = self.verify()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"\Ausers=\d+ listens=\d+ wrong=0 differences=0 repaired=0 "
                                      r"seconds=\d+\.\d rate=\d+\n\Z")

    def test_what_is_wrong_is_found_and_repaired(self):
        self.listener("Bea")
        self.listener("Cai")
        self.break_counts("Bea")
        self.assertEqual(self.artists("Bea"), [6])
        done = self.verify("--user", "BEA")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"(?m)^Bea: tally: period 0 kind 1 .*stored \(6,.*counted \(5,")
        self.assertRegex(done.stdout, r"(?m)^users=1 listens=5 wrong=1 differences=\d+ repaired=0 ")
        self.assertEqual(self.artists("Bea"), [6])
        done = self.verify("--repair")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"(?m)^Bea: repaired$")
        self.assertNotRegex(done.stdout, r"(?m)^Cai: ")
        self.assertRegex(done.stdout, r"(?m)^users=\d+ listens=\d+ wrong=1 differences=\d+ repaired=1 ")
        self.assertEqual(self.artists("Bea"), [5])
        self.assertEqual(self.verify("--user", "Bea").returncode, 0)

    def test_closed_windows_are_repaired_too(self):
        last_year = calendar.timegm((time.gmtime(NOW).tm_year - 1, 5, 1, 0, 0, 0))
        self.listener("Dan", 5, last_year)
        self.break_counts("Dan")
        self.assertEqual(self.artists("Dan", "?range=year"), [6])
        self.assertEqual(self.verify("--user", "Dan", "--repair").returncode, 0)
        self.assertEqual(self.artists("Dan", "?range=year"), [5])

    def test_the_site_too(self):
        """Whether the worker has counted anything for it yet, or does so meanwhile."""
        self.listener("Fay")
        self.instance.psql(
            "insert into site_totals as t (period, artists, releases, recordings, listens) "
            "values (0, 9, 9, 9, 9) on conflict (period) do update set artists = t.artists + 1")
        done = self.verify()
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"(?m)^the site: site total: period 0: stored .*counted ")
        self.assertEqual(self.verify("--user", "Fay").returncode, 0)
        done = self.verify("--repair")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"(?m)^the site: repaired$")
        self.assertEqual(self.verify().returncode, 0)

    def test_many_differences_are_counted(self):
        self.listener("Eve", 30)
        self.instance.psql("update tallies set listens = 7 where user_id = "
                           "(select id from users where name = 'Eve')")
        done = self.verify("--user", "Eve")
        self.assertEqual(len([line for line in done.stdout.splitlines() if ": tally: " in line]), 20)
        self.assertRegex(done.stdout, r"(?m)^Eve: and \d+ more$")
        self.verify("--repair")

    def test_misuse(self):
        for arguments in (("--user",), ("--mend",), ("Ann",)):
            with self.subTest(arguments):
                done = self.verify(*arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn("usage: refrain verify", done.stderr)
        self.assertEqual(self.verify("--user", "nobody").stderr,
                         "refrain: there is no user 'nobody'\n")
