"""Mistakes that other services have made with listens, each of which must never happen here."""

import collections
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.request

import dialogue
import fastcgi
import harness

NOW = int(time.time())
KINDS = ("artists", "releases", "recordings")
ENTITIES = {"artists": "artist_id", "releases": "release_id", "recordings": "recording_id"}


def listen(at, track, artist="someone", release="somewhere"):
    return {"listened_at": at, "track_metadata": {
        "artist_name": artist, "track_name": track, "release_name": release}}


def imported(*listens):
    return {"listen_type": "import", "payload": list(listens)}


def at_once(*works):
    """Runs them side by side, none before all are ready; what they return, or raise."""
    ready = threading.Barrier(len(works))

    def run(work):
        ready.wait(harness.DEADLINE_S)
        return work()

    with concurrent.futures.ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


class NeverTest(harness.ApiTest):
    def submit(self, body, token, query=""):
        return self.instance.post(f"/1/submit-listens{query}", body, token=token)

    def user_id(self, name):
        return int(self.instance.psql(f"select id from users where name = '{name}'"))

    def rows(self, name, columns="count(*)", rest=""):
        return self.instance.psql(
            f"select {columns} from listens where user_id = {self.user_id(name)} {rest}")

    def delete(self, name, at, track):
        """By the listing's msid, as clients do."""
        token = self.instance.token(name)
        page = self.instance.get(f"/1/user/{name}/listens?min_ts={at - 1}&max_ts={at + 1}",
                                 token=token).json()["payload"]["listens"]
        for item in page:
            if item["track_metadata"]["track_name"] == track:
                body = {"listened_at": at, "recording_msid": item["recording_msid"]}
                answer = self.instance.post("/1/delete-listen", body, token=token)
                self.assertEqual(answer.status, 200, answer)

    def ask_each(self, path, token):
        """What each process says."""
        for number in (1, 2):
            path_of_socket = self.instance.state / "sockets" / f"serve-{number}.sock"
            yield fastcgi.ask_serve(path_of_socket, path, token=token)

    def assertCounted(self, name):
        """All figures are those of the rows, in the database and as each process tells them."""
        token = self.instance.token(name)
        difference = self.instance.psql(f"select * from verify_user({self.user_id(name)})")
        self.assertEqual(difference, "")
        rows = int(self.rows(name))
        for answer in self.ask_each(f"/1/user/{name}/listen-count", token):
            self.assertEqual(json.loads(answer.body)["payload"]["count"], rows)
        for answer in self.ask_each(f"/1/user/{name}/listens?count=1000", token):
            self.assertEqual(len(json.loads(answer.body)["payload"]["listens"]), min(rows, 1000))
        for kind in KINDS:
            counts = self.rows(name, "count(*) n", f"and {ENTITIES[kind]} is not null "
                               f"group by {ENTITIES[kind]} order by n desc")
            expected = [int(count) for count in counts.split()]
            for answer in self.ask_each(f"/1/stats/user/{name}/{kind}?count=1000", token):
                listed = [] if answer.status == 204 else [
                    item["listen_count"] for item in json.loads(answer.body)["payload"][kind]]
                self.assertEqual(listed, expected[:1000])
        return rows


class Counters(NeverTest):
    """A counter apart from its rows."""

    def test_when_many_submit_repeat_and_delete(self):
        names = ("Ann", "Bob")
        for name in names:
            self.instance.token(name)
        deleted = [(NOW - 5000 + number, f"track {number % 40}") for number in range(0, 90, 9)]

        def submitter(name, first):
            def work():
                for start in range(first, 160, 20):
                    body = imported(*(listen(NOW - 5000 + number, f"track {number % 40}",
                                             f"artist {number % 7}")
                                      for number in range(start, start + 40)))
                    for _ in range(2):
                        self.assertEqual(
                            self.submit(body, self.instance.token(name)).status, 200)
            return work

        def deleter(name):
            def work():
                for at, track in deleted:
                    harness.wait_for(lambda at=at: self.rows(
                        name, rest=f"and listened_at = to_timestamp({at})") != "0", "the listen")
                    self.delete(name, at, track)
            return work

        at_once(*(submitter(name, first) for name in names for first in (0, 10, 0)),
                *(deleter(name) for name in names))
        for name in names:
            for at, track in deleted:
                self.delete(name, at, track)
            self.assertEqual(self.assertCounted(name), 190 - len(deleted))

    @contextlib.contextmanager
    def locked(self, table):
        """Writers of the table wait meanwhile."""
        command = ["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", self.instance.env["DATABASE_URL"]]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as session:
            session.stdin.write(f"begin; lock table refrain.{table} in share mode; select 1;\n")
            session.stdin.flush()
            self.assertEqual(session.stdout.readline(), "1\n")
            yield
            session.stdin.close()

    def kill_waiting(self):
        """Ends the connections of those who wait for a lock; how many there were."""
        return int(self.instance.psql(
            "select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity "
            "where wait_event_type = 'Lock' and application_name <> 'psql'"))

    def test_when_a_connection_dies_within_a_transaction(self):
        """The rows are written, or about to be, and what counts them is not."""
        token = self.instance.token("Cut")
        self.assertEqual(self.submit(imported(listen(NOW - 99, "old")), token).status, 200)
        for number, table in enumerate(("user_version", "tallies", "totals", "listen_days",
                                        "invalidation")):
            with self.subTest(table):
                body = imported(*(listen(NOW - 900 + 10 * number + i, f"track {i}")
                                  for i in range(5)))
                with concurrent.futures.ThreadPoolExecutor(1) as pool:
                    with self.locked(table):
                        answer = pool.submit(self.submit, body, token)
                        harness.wait_for(self.kill_waiting, "a transaction to be cut")
                    self.assertError(answer.result(), 503)
                self.assertEqual(self.assertCounted("Cut"), 1 + 5 * number)
                self.assertEqual(self.submit(body, token).status, 200)
                self.assertEqual(self.assertCounted("Cut"), 6 + 5 * number)

    def test_when_connections_die_at_random(self):
        token = self.instance.token("Random")
        done = threading.Event()

        def killer():
            while not done.wait(0.05):
                self.instance.psql("select pg_terminate_backend(pid) from pg_stat_activity where "
                                   "application_name <> 'psql' and backend_type = 'client backend'")

        def submitter(first):
            def work():
                for number in range(first, 120, 4):
                    body = imported(listen(NOW - 5000 + number, f"track {number % 9}"))
                    harness.wait_for(lambda body=body: self.submit(body, token).status == 200,
                                     "the listen to be taken")
            return work

        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            killing = pool.submit(killer)
            try:
                at_once(*(submitter(first) for first in range(4)))
            finally:
                done.set()
            killing.result()
        harness.wait_for(lambda: all(self.instance.get("/readyz").status == 200
                                     for _ in range(20)), "all processes to be ready")
        self.assertEqual(self.assertCounted("Random"), 120)

    def import_to_end(self, path):
        """One at a time imports a file, also while the server has not noticed that one was killed."""
        def is_done():
            done = self.instance.refrain("import", "--user", "Imported", path, check=False)
            if done.returncode != 0:
                self.assertIn("another process is importing this file", done.stderr)
            return done.returncode == 0

        harness.wait_for(is_done, "the import to be let through")

    def test_when_an_import_is_killed_and_run_again(self):
        token = self.instance.token("Imported")
        count = 4000
        path = pathlib.Path(self.instance.state) / "listens.jsonl"
        path.write_text("\n".join(json.dumps(listen(NOW - 9000 + number // 2, f"track {number % 50}",
                                                    f"artist {number % 7}"))
                                  for number in range(count)))
        command = [self.instance.state / "bin" / "refrain", "--config",
                   self.instance.env["REFRAIN_CONFIG"], "import", "--user", "Imported", path]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True) as process:
            harness.wait_for(lambda: self.rows("Imported") != "0", "the first rows", 20)
            os.killpg(process.pid, signal.SIGKILL)
        half = imported(*(json.loads(line) for line in path.read_text().splitlines()[:600]))
        at_once(lambda: self.import_to_end(path), lambda: self.import_to_end(path),
                lambda: self.submit(half, token))
        self.assertEqual(self.assertCounted("Imported"), count)
        self.instance.psql(f"delete from listens where user_id = {self.user_id('Imported')} "
                           f"and listened_at < to_timestamp({NOW - 8000})")
        harness.wait_for(lambda: self.instance.get("/1/user/Imported/listen-count", token=token)
                         .json()["payload"]["count"] == count - 2000, "the deletion to be seen", 2)
        self.assertEqual(self.assertCounted("Imported"), count - 2000)


class Coalescing(NeverTest):
    """Coalescing that merges different requests."""

    def test_of_writes_that_differ_in_one_thing(self):
        for name in ("Ann", "Bob"):
            self.instance.token(name)
        ann, bob = self.instance.tokens["Ann"], self.instance.tokens["Bob"]
        now = {"track_metadata": listen(0, "same")["track_metadata"]}
        playing = {"listen_type": "playing_now", "payload": [now]}

        def single(at, track="same", artist="someone", release="somewhere"):
            return {"listen_type": "single", "payload": [listen(at, track, artist, release)]}

        for turn in range(10):
            at = NOW - 5000 + 10 * turn
            requests = [
                (single(at), ann, "", 200), (playing, ann, "", 200),
                (imported(listen(at, "same")), ann, "", 200),
                (playing, ann, "?return_msid=true", 200), (single(at), bob, "", 200),
                (single(at), "wrong", "", 401), (single(at, "other"), ann, "", 200),
                (single(at, artist="other"), ann, "", 200),
                (single(at, release="other"), ann, "", 200), (single(at + 1), ann, "", 200),
                (single(at), ann, "?x=1", 200), ({**single(at), "listen_type": "x"}, ann, "", 400),
                (single(at, "Same"), bob, "", 200), (single(at), ann, "", 200)]
            answers = at_once(*(lambda r=request: self.submit(*r[:3]) for request in requests))
            for (_, _, query, status), answer in zip(requests, answers):
                self.assertEqual(answer.status, status, answer)
                self.assertEqual("recording_msid" in answer.json(), query == "?return_msid=true")
            self.assertEqual(self.rows("Ann", rest=f"and listened_at = to_timestamp({at})"), "4")
        self.assertEqual((self.assertCounted("Ann"), self.assertCounted("Bob")), (50, 10))

    def fill(self):
        """Listeners of whom no two have the same figures."""
        names = ("Cleo", "Dora", "Emil")
        for number, name in enumerate(names):
            options = () if name == "Emil" else ("--public",)
            body = imported(*(listen(NOW - 86400 * (i // 9) - 60 * i, f"{name} {i % (9 + number)}",
                                     f"artist {i % (5 + number)}", f"release {i % (3 + number)}")
                              for i in range(200 + 9 * number)))
            self.assertEqual(self.submit(body, self.instance.token(name, *options)).status, 200)
        return names

    def reads(self, names):
        """(path, token, Accept-Encoding) of reads that differ in one thing from some other one."""
        paths = [f"/1/user/{name}/{what}" for name in names
                 for what in ("listen-count", "listens", "listens?count=3", "listens?count=100",
                              f"listens?max_ts={NOW - 86400}", f"listens?min_ts={NOW - 86400 * 5}",
                              f"listens?max_ts={NOW - 86400 * 2}&min_ts={NOW - 86400 * 5}")]
        paths += [f"/1/stats/user/{name}/{kind}{query}" for name in names for kind in KINDS
                  for query in ("", "?count=2", "?count=2&offset=2", "?range=this_year",
                                "?range=week", "?range=month&count=1")]
        paths += [f"/1/user/{names[0].upper()}/listens", "/1/user/nobody/listens",
                  f"/1/user/{names[0]}/listens?count=x", f"/1/stats/user/{names[0]}/artists?range=x"]
        for path in paths:
            yield path, None, "identity"
            yield path, None, "gzip"
        for path in paths:
            if "Emil" in path:
                yield path, self.instance.tokens["Emil"], "identity"
                yield path, self.instance.tokens["Dora"], "identity"

    def read(self, path, token, encoding):
        headers = [("Accept-Encoding", encoding)]
        if token is not None:
            headers.append(("Authorization", f"Token {token}"))
        answer = dialogue.ask(self.instance, "GET", path, headers)
        encoded = answer.headers["Content-Encoding"]
        self.assertIn(encoded, (None, encoding))
        return answer.status, answer.headers["ETag"], encoded, answer.body

    def test_of_cold_reads_that_differ_in_one_thing(self):
        """All are there before the first is computed."""
        reads = list(self.reads(self.fill()))
        expected = [self.read(*read) for read in reads]
        self.assertGreater(len(set(answer[3] for answer in expected)), len(reads) // 4)
        before = self.shared()
        for size in (60, 60, len(reads)):
            self.instance.redis("FLUSHALL")
            chosen = list(range(len(reads)))[::max(1, len(reads) // size)]
            answers = at_once(*(lambda n=n: self.read(*reads[n]) for n in chosen))
            for number, answer in zip(chosen, answers):
                self.assertEqual(answer, expected[number], reads[number])
        self.assertGreater(self.shared(), before + 10, "hardly any were computed at the same time")

    def shared(self):
        """How many took what another one computed."""
        with urllib.request.urlopen(self.instance.env["REFRAIN_METRICS_URL"]) as answer:
            return int(re.search(r"^refrain_cache_flights_shared_total (\d+)$",
                                 answer.read().decode(), re.M).group(1))

    options = {"settings": {"http.threads": 1000, "redis.timeout_ms": 5000}}


class OneSecond(NeverTest):
    """A unique key on time alone."""

    # They differ in track, artist or release; the last is the first again.
    SAME_SECOND = (("t", "a", "r"), ("u", "a", "r"), ("t", "b", "r"), ("t", "a", "s"),
                   ("t", "a", "r"))

    def assertAllKept(self, name, at):
        stored = self.rows(name, "count(*)", f"and listened_at = to_timestamp({at})")
        self.assertEqual(stored, "4")
        page = self.instance.get(f"/1/user/{name}/listens?min_ts={at - 1}&max_ts={at + 1}",
                                 token=self.instance.token(name)).json()["payload"]
        found = collections.Counter(
            (item["track_metadata"]["track_name"], item["track_metadata"]["artist_name"],
             item["track_metadata"]["release_name"]) for item in page["listens"])
        self.assertEqual(found, collections.Counter(set(self.SAME_SECOND)))
        self.assertCounted(name)

    def test_in_one_request_or_in_several_or_at_once(self):
        token = self.instance.token("Ann")
        listens = [[listen(NOW - 90 + turn, *names) for names in self.SAME_SECOND]
                   for turn in range(3)]
        for _ in range(2):
            self.assertEqual(self.submit(imported(*listens[0]), token).status, 200)
            for item in listens[1]:
                body = {"listen_type": "single", "payload": [item]}
                self.assertEqual(self.submit(body, token).status, 200)
            at_once(*(lambda i=item: self.submit({"listen_type": "single", "payload": [i]}, token)
                      for item in listens[2]))
        for turn in range(3):
            self.assertAllKept("Ann", NOW - 90 + turn)

    def test_in_imports(self):
        at = 1_600_000_000
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
        folder = pathlib.Path(self.instance.state)
        (folder / "listenbrainz.jsonl").write_text(
            "\n".join(json.dumps(listen(at, *names)) for names in self.SAME_SECOND))
        (folder / "spotify.json").write_text(json.dumps([
            {"ts": stamp, "ms_played": 200_000, "master_metadata_track_name": track,
             "master_metadata_album_artist_name": artist,
             "master_metadata_album_album_name": release}
            for track, artist, release in self.SAME_SECOND]))
        for file in ("listenbrainz.jsonl", "spotify.json"):
            name = file.split(".")[0]
            self.instance.token(name)
            for _ in range(2):
                self.instance.refrain("import", "--user", name, folder / file)
            (second,) = set(self.rows(name, "extract(epoch from listened_at)::bigint").split())
            self.assertAllKept(name, int(second))

    def test_of_several_users(self):
        """Nor on time and track without the user."""
        for name in ("Bob", "Cleo"):
            token = self.instance.token(name)
            self.submit(imported(*(listen(NOW, *names) for names in self.SAME_SECOND)), token)
        for name in ("Bob", "Cleo"):
            self.assertAllKept(name, NOW)


class StartUp(NeverTest):
    """Start-up work that grows with history."""

    options = {"settings": {"warm.loads": 2}}
    LISTENS = 200_000
    TABLES = ("artists", "listen_days", "listens", "recordings", "releases", "tallies", "totals")

    def work(self):
        """(rows, blocks) that were read of what grows with history, so far. Sessions tell it when
        they end."""
        tables = ", ".join(f"'{table}'" for table in self.TABLES)
        rows, blocks = self.instance.psql(
            "select sum(coalesce(t.seq_tup_read, 0) + coalesce(t.idx_tup_fetch, 0)), "
            "sum(s.heap_blks_read + s.heap_blks_hit + s.idx_blks_read + s.idx_blks_hit) "
            "from pg_stat_user_tables t join pg_statio_user_tables s using (relid) "
            f"where t.relname in ({tables})").split("|")
        return int(rows), int(blocks)

    def start(self):
        """((rows, blocks), seconds) until all is ready: what was read, and how long it took."""
        parts = ("serve-1", "serve-2", "worker")
        for part in parts:
            self.instance.stop_part(part)
        self.await_sessions(0)
        before, began = self.work(), time.monotonic()
        for part in parts:
            self.instance.start_part(part)
        harness.wait_for(lambda: all(self.instance.get("/readyz").status == 200
                                     for _ in range(10)), "all processes to be ready")
        harness.wait_for(lambda: (self.instance.state / "log" / "worker.log").read_text()
                         .rsplit("event=ready", 1)[1].count("event=relay-holds"), "the relay")
        took = time.monotonic() - began
        self.await_sessions(3)
        for part in parts:
            self.instance.stop_part(part)
        self.await_sessions(0)
        after = self.work()
        for part in parts:
            self.instance.start_part(part)
        return tuple(now - then for now, then in zip(after, before)), took

    def await_sessions(self, count):
        """Until there are so many at least; or none."""
        def is_so():
            number = int(self.instance.psql(
                "select count(*) from pg_stat_activity where datname = current_database() "
                "and application_name <> 'psql' and backend_type = 'client backend'"))
            return number >= count if count > 0 else number == 0
        harness.wait_for(is_so, f"{count} sessions")

    def fill(self):
        """A history that nobody has read, and that no autovacuum looks at."""
        for table in self.TABLES:
            self.instance.psql(f"alter table {table} set (autovacuum_enabled = off)")
        token = self.instance.token("Ann")
        self.assertEqual(self.submit(imported(*(
            listen(NOW - 60 * number, f"track {number}", f"artist {number % 90}")
            for number in range(900))), token).status, 200)
        self.instance.psql(
            "insert into listens (user_id, listened_at, recording_id, artist_id, release_id) "
            "select u.id, to_timestamp(1100000000 + 600 * n), r.id, r.artist_id, r.release_id "
            f"from users u, generate_series(1, {self.LISTENS}) n "
            "join (select *, row_number() over () as number from recordings) r "
            "on r.number = n % 900 + 1 where u.name = 'Ann'")
        self.assertEqual(self.rows("Ann"), str(self.LISTENS + 900))

    def test_is_as_quick_with_a_long_history(self):
        empty, quick = self.start()
        self.fill()
        full, took = self.start()
        print(f"     {empty} rows and blocks in {quick:.2f} s without, {full} in {took:.2f} s with "
              f"{self.LISTENS} listens")
        self.assertLessEqual(full[0], empty[0])
        self.assertLessEqual(full[1], empty[1] + 50)
        self.assertLess(took, 2 * quick + 2)
