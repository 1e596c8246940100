"""The relay: what is committed by any means reaches Redis, and heartbeats vouch for it, whatever is
killed, paused, lost or garbled."""

import contextlib
import hashlib
import os
import re
import signal
import statistics
import time

import harness

BUCKETS = 256
HEARTBEAT_S = 1.0
PAIRS = (("worker-1", "worker-2"), ("worker-2", "worker-1"))
BACK_S = 3  # in which heartbeats are back after a mishap
LIVE = re.compile(r"L ([0-9a-f]{32}) (\d+) (\d+) \d+ \d+ \d+")
# All heartbeats and the rest of their lives, as they are at one moment.
READ_HEARTBEATS = """
local told = {}
for bucket = 0, 255 do
    local key = 'rf1:{' .. bucket .. '}hb'
    local text = redis.pcall('GET', key)
    told[#told + 1] = redis.call('PTTL', key) .. ' ' .. (type(text) == 'string' and text or '')
end
return told
"""


def subject_of(name):
    return hashlib.sha256(name.lower().encode()).digest()[:16]


def bucket_of(name):
    return subject_of(name)[0]


class RelayTest(harness.ApiTest):
    def heartbeats(self):
        """For each bucket its nonce, epoch and time; None where no heartbeat ends in due time."""
        lines = self.instance.redis("EVAL", READ_HEARTBEATS, "0").split("\n")
        self.assertEqual(len(lines), BUCKETS)
        told = []
        for line in lines:
            life, _, text = line.partition(" ")
            match = LIVE.fullmatch(text) if 0 < int(life) <= HEARTBEAT_S * 1000 else None
            told.append((match[1], int(match[2]), int(match[3])) if match else None)
        return told

    def is_live(self):
        return None not in self.heartbeats()

    def nonces(self):
        return {told[0] for told in self.heartbeats() if told}

    def wait_until_live(self, deadline_s=BACK_S):
        harness.wait_for(self.is_live, "heartbeats in all buckets", deadline_s)

    def wait_until_dead(self, deadline_s):
        harness.wait_for(lambda: not self.nonces(), "the end of all heartbeats", deadline_s)

    def wait_for_rounds(self, count=2):
        """Until the relay has ended so many more rounds in all buckets."""
        for _ in range(count):
            before = self.nonces()
            harness.wait_for(lambda seen=before: self.is_live() and not seen & self.nonces(),
                             "a round", BACK_S)

    def epochs(self):
        rows = self.instance.psql("select epoch from cache_epoch order by bucket").split()
        return [int(epoch) for epoch in rows]

    def epochs_told(self):
        return [told and told[1] for told in self.heartbeats()]

    def log_of(self, part):
        return (self.instance.state / "log" / f"{part}.log").read_text()

    def is_hit(self, path):
        """Whether it is served because the relay vouches for it."""
        answer = self.instance.get(path)
        self.assertEqual(answer.status, 200, answer)
        return re.fullmatch(r"refrain; hit; ttl=\d+; detail=l[12]", answer.headers["Cache-Status"]) is not None

    def wait_for_hit(self, path):
        harness.wait_for(lambda: self.is_hit(path), f"{path} to be vouched for", 10)

    def submit(self, token, count=1):
        now = int(time.time())
        body = {"listen_type": "import", "payload": [{
            "listened_at": now - 60 * i,
            "track_metadata": {"artist_name": "someone", "track_name": f"track {now} {i}"}}
            for i in range(count)]}
        answer = self.instance.post("/1/submit-listens", body, token=token)
        self.assertEqual(answer.status, 200, answer)

    @contextlib.contextmanager
    def part_down(self, name):
        self.instance.stop_part(name)
        try:
            yield
        finally:
            self.instance.start_part(name)


class Vouching(RelayTest):
    def test_heartbeats_tell_epochs_and_time_in_all_buckets(self):
        self.wait_until_live()
        told = self.heartbeats()
        self.assertEqual(len({nonce for nonce, _, _ in told}), 1)
        self.assertEqual([epoch for _, epoch, _ in told], self.epochs())
        self.assertLess(abs(time.time() - told[0][2] / 1e6), 2.5)
        self.wait_for_rounds()
        later = self.heartbeats()
        self.assertGreater(later[0][2], told[0][2])

    def test_nothing_lapses_while_nothing_happens(self):
        self.wait_until_live()
        end = time.monotonic() + 5
        while time.monotonic() < end:
            self.assertTrue(self.is_live())

    def test_changes_made_with_psql_are_seen_soon(self):
        token = self.instance.token("Ann", "--public")
        self.submit(token, 12)
        path = "/1/user/Ann/listen-count"
        delays = []
        for left in range(11, 1, -1):
            self.wait_for_hit(path)
            self.instance.psql("delete from listens where ctid = (select l.ctid from listens l "
                               "join users u on u.id = l.user_id where u.name = 'Ann' limit 1)")
            began = time.monotonic()
            harness.wait_for(lambda count=left: self.instance.get(path).json()["payload"]["count"]
                             == count, "the deletion to be seen", 5)
            delays.append(time.monotonic() - began)
        print(f"     seen after {statistics.median(delays) * 1000:.0f} ms (median), "
              f"{max(delays) * 1000:.0f} ms (longest)")
        self.assertLess(statistics.median(delays), 0.5)

    def test_visibility_changed_with_psql(self):
        self.submit(self.instance.token("Bea", "--public"))
        path = "/1/user/Bea/listens"
        self.wait_for_hit(path)
        self.instance.psql("update users set public = false where name = 'Bea'")
        harness.wait_for(lambda: self.instance.get(path).status == 404, "Bea to be private", 5)
        self.instance.psql("update users set public = true where name = 'Bea'")
        harness.wait_for(lambda: self.instance.get(path).status == 200, "Bea to be public", 5)

    def test_a_token_removed_with_psql(self):
        token = self.instance.token("Cid")
        self.submit(token)
        path = "/1/user/Cid/listens"

        def status():
            return self.instance.get(path, token=token).status

        for _ in range(3):
            self.assertEqual(status(), 200)
        self.instance.psql("delete from tokens using users where users.id = tokens.user_id "
                           "and users.name = 'Cid'")
        harness.wait_for(lambda: status() != 200, "the token to be refused", 5)

    def test_more_users_in_one_transaction_than_one_script_takes(self):
        """600 of them in one bucket, which is a chain of scripts, and as many anywhere."""
        crowd = [name for name in (f"crowd{i}" for i in range(250000)) if bucket_of(name) == 7]
        names = crowd[:600] + [f"spread{i}" for i in range(600)]
        self.instance.psql("insert into users (name, name_key) select n, n from unnest(array["
                           + ",".join(f"'{name}'" for name in names) + "]) n")
        self.wait_for_rounds()
        versions = self.versions(names)
        self.set_versions(versions)
        self.assertEqual(self.versions_told(names), versions)
        self.instance.psql("update users set public = true "
                           "where name like 'crowd%' or name like 'spread%'")
        changed = self.versions(names)
        self.assertTrue(all(changed[name] != versions[name] for name in names))
        began = time.monotonic()
        harness.wait_for(lambda: self.versions_told(names) == changed, "all to be told", 5)
        print(f"     {len(names)} told after {(time.monotonic() - began) * 1000:.0f} ms")
        self.assertTrue(self.is_live())
        self.assertEqual(self.epochs_told(), self.epochs())

    def versions(self, names):
        rows = self.instance.psql(
            "select u.name, concat_ws(' ', e.epoch, v.live, v.past, v.auth) from users u "
            "join user_version v on v.user_id = u.id join cache_epoch e using (bucket)")
        told = dict(row.split("|") for row in rows.split("\n"))
        return {name: told[name] for name in names}

    def keys(self, names):
        return [f"rf1v:{{{bucket_of(name)}}}{subject_of(name).hex()}" for name in names]

    def set_versions(self, versions):
        words = [word for pair in zip(self.keys(versions), versions.values()) for word in pair]
        self.instance.redis("MSET", *words)

    def versions_told(self, names):
        return dict(zip(names, self.instance.redis("MGET", *self.keys(names)).split("\n")))


class Mishaps(RelayTest):
    def setUp(self):
        self.wait_until_live(10)
        self.before = self.epochs()

    def key(self, what, bucket):
        return f"rf1:{{{bucket}}}{what}"

    def assertMended(self, *, raised):
        """Heartbeats are back with the epochs of the database, raised for these buckets alone."""
        def is_mended():
            now = self.epochs()
            return self.epochs_told() == now and all(now[b] > self.before[b] for b in raised)

        harness.wait_for(is_mended, "heartbeats with the right epochs", BACK_S)
        now = self.epochs()
        others = [b for b in range(BUCKETS) if b not in raised]
        self.assertEqual([now[b] for b in others], [self.before[b] for b in others])
        self.wait_for_rounds()
        self.assertEqual(self.epochs(), now)

    def test_a_lost_heartbeat(self):
        self.instance.redis("DEL", *[self.key("hb", b) for b in (0, 7, 255)])
        self.assertMended(raised=[])

    def test_a_lost_position_beside_a_live_heartbeat(self):
        self.instance.redis("DEL", self.key("pos", 7))
        harness.wait_for(lambda: self.instance.redis("EXISTS", self.key("pos", 7)) == "1",
                         "the position", BACK_S)
        self.assertMended(raised=[])

    def test_a_lost_heartbeat_and_position(self):
        self.instance.redis("DEL", *[self.key(what, 7) for what in ("hb", "pos")])
        self.assertMended(raised=[7])

    def test_everything_lost(self):
        token = self.instance.token("Flo", "--public")
        self.submit(token, 3)
        path = "/1/user/Flo/listen-count"
        self.wait_for_hit(path)
        self.before = self.epochs()
        self.instance.redis("FLUSHALL")
        self.assertMended(raised=range(BUCKETS))
        answer = self.instance.get(path)
        self.assertIn("fwd=miss", answer.headers["Cache-Status"])
        self.assertEqual(answer.json()["payload"]["count"], 3)
        self.wait_for_hit(path)

    def test_garbled_heartbeats(self):
        key = self.key("hb", 9)
        for garbage in (("SET", key, "L and no end"), ("SET", key, "B and no end"),
                        ("SET", key, "garbage", "PX", "60000"), ("SET", key, ""),
                        ("SET", key, "L " + "0" * 32 + " 1 2 3 4 5")):
            with self.subTest(garbage):
                self.instance.redis(*garbage)
                self.assertMended(raised=[])
        self.instance.redis("EVAL", f"redis.call('DEL', '{key}') redis.call('LPUSH', '{key}', 1)",
                            "0")
        self.assertMended(raised=[])

    def test_garbled_positions(self):
        heartbeat, position = self.key("hb", 11), self.key("pos", 11)
        for garbage in ("'garbage'", r"'\255\254\0x'", "''", "string.rep('9', 200000)",
                        "'1:2: 3 4 5'", "'9:9: 0 0 0'", "'1 2 3 4'"):
            with self.subTest(garbage):
                self.before = self.epochs()
                self.instance.redis("EVAL", f"redis.call('SET', '{position}', {garbage}) "
                                    f"redis.call('DEL', '{heartbeat}')", "0")
                harness.wait_for(lambda: self.epochs()[11] > self.before[11], "a new epoch",
                                 BACK_S)
                harness.wait_for(lambda: self.epochs_told() == self.epochs(), "heartbeats", BACK_S)
        self.instance.redis("EVAL", f"redis.call('DEL', '{heartbeat}', '{position}') "
                            f"redis.call('LPUSH', '{position}', 1)", "0")
        self.before = self.epochs()
        self.assertMended(raised=[11])

    def test_forgotten_scripts(self):
        for _ in range(3):
            self.instance.redis("SCRIPT", "FLUSH")
            self.wait_for_rounds(1)
            self.assertTrue(self.is_live())
        self.assertMended(raised=[])

    def test_postgresql_stopped(self):
        """Nobody vouches for anything without the database; a restart of it loses nothing."""
        with self.part_down("postgresql"):
            self.wait_until_dead(HEARTBEAT_S + 0.1)
        self.assertMended(raised=[])

    def test_postgresql_crashes(self):
        """Numbers of transactions that it has lost are given out again: no position holds."""
        before = self.epochs()
        backend = int(self.instance.psql(
            "select pid from pg_stat_activity where query like '%relay_poll%' "
            "and pid <> pg_backend_pid() limit 1"))
        os.kill(backend, signal.SIGKILL)
        harness.wait_for(lambda: self.have_risen(before), "PostgreSQL and all epochs")
        self.wait_until_live()

    def have_risen(self, before):
        with contextlib.suppress(RuntimeError):  # PostgreSQL is recovering
            return all(now > then for now, then in zip(self.epochs(), before))
        return False

    def test_redis_stopped(self):
        with self.part_down("redis"):
            pass
        self.assertMended(raised=range(BUCKETS))

    def test_both_missing_at_the_start_of_the_worker(self):
        self.instance.stop_part("worker")
        self.instance.stop_part("redis")
        with self.part_down("postgresql"):
            self.instance.start_part("worker")
            harness.wait_for(lambda: "waits-for-database" in self.log_of("worker"), "a complaint")
            pid = self.instance.part_pid("worker")
        self.instance.start_part("redis")
        harness.wait_for(self.is_live, "heartbeats in all buckets", 5)
        self.assertEqual(self.instance.part_pid("worker"), pid)


class TwoWorkers(RelayTest):
    options = {"workers": 2}

    def setUp(self):
        self.wait_until_live(10)

    def wait_for_owner(self, among=PAIRS, deadline_s=BACK_S):
        """The worker that holds the buckets, and the other that does not."""
        def holds(part):
            events = re.findall(r"event=(ready|relay-holds|relay-lost)", self.log_of(part))
            return events[-1:] == ["relay-holds"] and not self.is_gone(self.instance.part_pid(part))

        def owner():
            return next((pair for pair in among if holds(pair[0]) and not holds(pair[1])), None)

        return harness.wait_for(owner, "one owner", deadline_s)

    @contextlib.contextmanager
    def kept_down(self, part):
        """Nobody starts it again in here."""
        down = self.instance.state / "run" / f"{part}.down"
        down.touch()
        try:
            yield
        finally:
            self.instance.start_part(part)

    def end(self, part, number):
        """Sends a signal that ends the process; tells how long that took."""
        pid = self.instance.part_pid(part)
        began = time.monotonic()
        os.kill(pid, number)
        harness.wait_for(lambda: self.is_gone(pid), "the process to end", 5)
        return time.monotonic() - began

    @staticmethod
    def is_gone(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                return file.read().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    def test_the_owner_is_killed(self):
        owner, other = self.wait_for_owner()
        epochs = self.epochs()
        with self.kept_down(owner):
            self.end(owner, signal.SIGKILL)
            last = self.nonces()
            harness.wait_for(lambda: self.is_live() and not last & self.nonces(),
                             f"{other} to take over", BACK_S)
            self.wait_for_owner([(other, owner)])
        self.assertEqual(self.epochs(), epochs)

    def test_the_owner_ends_on_demand(self):
        owner, other = self.wait_for_owner()
        epochs = self.epochs()
        with self.kept_down(owner):
            self.assertLess(self.end(owner, signal.SIGTERM), 1)
            self.wait_for_owner([(other, owner)], 0.8)  # its heartbeats would live for longer
            self.assertTrue(self.is_live())
        self.assertEqual(self.epochs(), epochs)

    def test_the_owner_sleeps(self):
        owner, other = self.wait_for_owner()
        epochs = self.epochs()
        pid = self.instance.part_pid(owner)
        os.kill(pid, signal.SIGSTOP)
        try:
            asleep_since = time.monotonic()
            harness.wait_for(lambda: time.monotonic() > asleep_since + 3 and self.is_live(),
                             f"{other} to take over", 3 + BACK_S)
        finally:
            os.kill(pid, signal.SIGCONT)
        self.wait_for_owner([(other, owner)])
        end = time.monotonic() + 2
        while time.monotonic() < end:
            self.assertEqual(len(self.nonces()), 1)
            self.assertTrue(self.is_live())
        self.wait_for_owner([(other, owner)])
        self.assertEqual(self.epochs(), epochs)

    def test_two_owners_share(self):
        """Whoever is first takes a lost bucket; all of them stay vouched for."""
        for bucket in range(0, BUCKETS, 8):
            self.instance.redis("DEL", f"rf1:{{{bucket}}}hb")
        self.wait_until_live()
        self.wait_for_rounds()
