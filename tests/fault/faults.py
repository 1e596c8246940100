"""What can go wrong, and the hands that make it go wrong at random.

Each fault is one row of the table: how often, which lock it needs (faults of one group never overlap,
those of different groups do), what it takes away from readers, and a method that does it and undoes
it. Everything random comes from one seed a hand.
"""

import collections
import contextlib
import signal
import threading
import time

import failpoints
import harness
import model
import stand

FAILPOINTS = ("after_lease", "after_snapshot", "before_store", "after_commit", "before_apply",
              "after_apply", "after_mark", "after_poll", "before_beat", "after_beat",
              "after_heartbeats", "on_push", "before_keep")
RECOVERY_S = 30
MARGIN_S = 0.3
SOUND = {"up": "pass", "down": "pass", "watch": "pass", "delay_s": 0, "refuse": False}

Row = collections.namedtuple("Row", "name weight group away")

TABLE = (
    Row("kill_serve", 4, "serve", ("serve",)),
    Row("stop_serve", 3, "serve", ("serve",)),
    Row("kill_worker", 5, "worker", ()),
    Row("stop_worker", 5, "worker", ()),
    Row("stop_workers", 2, "worker", ()),
    Row("kill_redis", 3, "redis", ()),
    Row("stop_redis", 3, "redis", ()),
    Row("fail_over", 6, "redis", ()),
    Row("kill_backend", 1, "postgresql", ("postgresql",)),
    Row("stop_backend", 2, "postgresql", ("postgresql",)),
    Row("crash_postgresql", 1, "postgresql", ("postgresql",)),
    Row("long_transaction", 1, "transaction", ()),
    Row("delay", 4, "link", ()),
    Row("hold", 5, "link", ()),
    Row("swallow", 4, "link", ()),
    Row("cut", 3, "link", ()),
    Row("half_open_watch", 4, "link", ()),
    Row("flush", 3, None, ()),
    Row("flush_scripts", 2, None, ()),
    Row("delete_heartbeats", 4, None, ()),
    Row("delete_positions", 1, None, ()),
    Row("delete_versions", 5, None, ()),
    Row("delete_values", 3, None, ()),
    Row("squeeze_memory", 2, "memory", ()),
    Row("fill_memory", 2, "memory", ()),
    Row("kill_connections", 3, None, ()),
    Row("kill_watches", 3, None, ()),
    Row("obey_failpoint", 6, "failpoint", ("serve",)),
)


class Faults:
    def __init__(self, bench, log, seed, long=False):
        self.stand = bench
        self.orders = failpoints.Orders(bench.failpoints)
        self.log = log
        self.seed = seed
        self.longest_s = 30.0 if long else 5.0
        self.transaction_s = 60 if long else 10
        self.stop = threading.Event()
        self.locks = {row.group: threading.Lock() for row in TABLE if row.group}
        self.limit = stand.MAXMEMORY
        self.limit_since = 0.0
        self.errors = []
        self.threads = []

    # Hands

    def start(self, hands):
        self.stop.clear()
        self.threads = [threading.Thread(target=self.work, args=(model.source_of(self.seed, number),))
                        for number in range(hands)]
        for thread in self.threads:
            thread.start()

    def end(self):
        """Returns when everything that was done has been undone."""
        self.stop.set()
        for thread in self.threads:
            thread.join()
        self.threads = []
        self.heal()

    def work(self, chance):
        weights = [row.weight for row in TABLE]
        while not self.stop.is_set():
            row = chance.choices(TABLE, weights)[0]
            lock = self.locks.get(row.group) or contextlib.nullcontext(True)
            if row.group is None or lock.acquire(blocking=False):
                try:
                    self.do(row, chance)
                finally:
                    if row.group is not None:
                        lock.release()
            self.stop.wait(chance.uniform(0.05, 0.8))

    def do(self, row, chance):
        fault = self.log.begin(row.name, row.away)
        try:
            getattr(self, row.name)(fault, chance)
        except (stand.RedisError, RuntimeError, OSError) as error:
            fault.detail += f" ({str(error).splitlines()[-1]})"
        except Exception as error:
            self.errors.append(f"{row.name}: {error!r}")
        finally:
            self.log.end(fault)
            print(f"fault: {fault}", flush=True)

    def last(self, chance):
        """A duration, mostly short."""
        return min(0.1 * (self.longest_s / 0.1) ** (chance.random() ** 1.5), self.longest_s)

    def pass_time(self, seconds):
        self.stop.wait(seconds)

    def heal(self):
        for link in ("clients", *self.stand.links):
            self.stand.proxy.tell(link, **SOUND)
        self.set_limit(stand.MAXMEMORY)
        self.orders.recall_all()

    # Processes

    def choose_part(self, fault, chance, pattern):
        part = chance.choice(self.stand.part_names(pattern) or [""])
        fault.detail = part
        if fault.away:
            fault.away = (part,)
        return part, self.stand.pid(part)

    def await_restart(self, part, pid):
        with contextlib.suppress(TimeoutError):
            harness.wait_for(lambda: self.stand.pid(part) != pid and self.stand.is_ready(part),
                             f"{part} to come back", RECOVERY_S)

    def kill_part(self, fault, chance, pattern):
        part, pid = self.choose_part(fault, chance, pattern)
        self.stand.signal(pid, signal.SIGKILL)
        self.await_restart(part, pid)
        self.pass_time(MARGIN_S)

    def kill_serve(self, fault, chance):
        self.kill_part(fault, chance, "serve-*")

    def kill_worker(self, fault, chance):
        self.kill_part(fault, chance, "worker*")

    def stop_pids(self, pids, fault, chance):
        seconds = self.last(chance)
        fault.detail += f" for {seconds:.2f} s"
        for pid in pids:
            self.stand.signal(pid, signal.SIGSTOP)
        self.pass_time(seconds)
        for pid in pids:
            self.stand.signal(pid, signal.SIGCONT)

    def stop_serve(self, fault, chance):
        self.stop_pids([self.choose_part(fault, chance, "serve-*")[1]], fault, chance)

    def stop_worker(self, fault, chance):
        self.stop_pids([self.choose_part(fault, chance, "worker*")[1]], fault, chance)

    def stop_workers(self, fault, chance):
        self.stop_pids(list(map(self.stand.pid, self.stand.part_names("worker*"))), fault, chance)

    # PostgreSQL

    def await_database(self):
        with contextlib.suppress(TimeoutError):
            harness.wait_for(self.stand.database_answers, "PostgreSQL", RECOVERY_S)
        self.pass_time(MARGIN_S)

    def kill_backend(self, fault, chance):
        pid = chance.choice(self.stand.backends() or [None])
        fault.detail = str(pid)
        self.stand.signal(pid, signal.SIGKILL)
        self.pass_time(MARGIN_S)  # the others are told to end
        self.await_database()

    def stop_backend(self, fault, chance):
        self.stop_pids([chance.choice(self.stand.backends() or [None])], fault, chance)

    def crash_postgresql(self, fault, _chance):
        pid = self.stand.pid("postgresql")
        fault.detail = str(pid)
        self.stand.signal(pid, signal.SIGQUIT)
        self.await_restart("postgresql", pid)
        self.await_database()

    def long_transaction(self, _fault, _chance):
        """It holds back what the relay takes for complete. Its own change is to a bystander."""
        self.stand.instance.psql(
            "begin; insert into listens (user_id, listened_at, recording_id, artist_id, release_id) "
            "select u.id, now(), l.recording_id, l.artist_id, l.release_id "
            "from users u, (select * from listens limit 1) l where u.name = 'bystander'; "
            f"select pg_sleep({self.transaction_s}); commit")

    # Redis servers

    def kill_redis(self, fault, chance):
        node = self.stand.master
        fault.detail = node.name
        node.kill()
        self.pass_time(self.last(chance) / 2)
        node.start()

    def stop_redis(self, fault, chance):
        self.stop_pids([self.stand.master.process.pid], fault, chance)

    def fail_over(self, fault, chance):
        """The replica falls behind first, and what it lacks is lost."""
        with contextlib.suppress(TimeoutError):
            harness.wait_for(self.stand.is_in_step, "the replica", 5)
        lag_s = chance.choice((0, 0.3, 1.0, 2.5))
        cut_after_s = chance.choice((0, 0, 0.5, 2.0))
        fault.detail = (f"to {self.stand.replica.name}, {lag_s} s behind, old connections cut after "
                        f"{cut_after_s} s")
        self.stand.proxy.tell(self.stand.master.name, down="hold")
        self.pass_time(lag_s)
        self.stand.fail_over(cut_after_s, self.stop)
        with contextlib.suppress(TimeoutError):
            harness.wait_for(self.stand.is_in_step, "the new replica", 5)

    # The way to Redis

    def spoil_link(self, fault, chance, **changes):
        seconds = self.last(chance)
        fault.detail = f"{changes} for {seconds:.2f} s"
        self.stand.proxy.tell("clients", **changes)
        self.pass_time(seconds)
        self.stand.proxy.tell("clients", **SOUND)

    def delay(self, fault, chance):
        self.spoil_link(fault, chance, delay_s=chance.choice((0.005, 0.03, 0.1, 0.4)))

    def hold(self, fault, chance):
        """What was held arrives in the end, when nobody waits for it any more."""
        directions = chance.choice((("up",), ("down",), ("up", "down")))
        self.spoil_link(fault, chance, **dict.fromkeys(directions, "hold"))

    def swallow(self, fault, chance):
        self.spoil_link(fault, chance, **{chance.choice(("up", "down")): "swallow"})

    def cut(self, fault, chance):
        self.spoil_link(fault, chance, cut=True, refuse=chance.random() < 0.5)

    def half_open_watch(self, fault, chance):
        """Nobody hears of changes, and no connection ends."""
        self.spoil_link(fault, chance, watch=chance.choice(("hold", "swallow")))

    # What is in Redis

    def flush(self, _fault, _chance):
        self.stand.master.call("FLUSHALL")

    def flush_scripts(self, _fault, _chance):
        self.stand.master.call("SCRIPT", "FLUSH")

    def delete_keys(self, fault, chance, pattern, share):
        keys = self.stand.master.call("KEYS", pattern)
        keys = [key for key in keys if chance.random() < share]
        fault.detail = f"{len(keys)} keys"
        if keys:
            self.stand.master.call("DEL", *keys)

    def delete_heartbeats(self, fault, chance):
        self.delete_keys(fault, chance, "rf1:*hb", chance.choice((0.05, 1)))

    def delete_positions(self, fault, chance):
        self.delete_keys(fault, chance, "rf1:*pos", chance.choice((0.05, 1)))

    def delete_versions(self, fault, chance):
        self.delete_keys(fault, chance, "rf1v:*", chance.choice((0.2, 1)))

    def delete_values(self, fault, chance):
        self.delete_keys(fault, chance, "rf*d:*", 0.5)

    def set_limit(self, limit, policy="allkeys-lfu"):
        for node in self.stand.nodes:
            with contextlib.suppress(stand.RedisError):
                node.call("CONFIG", "SET", "maxmemory-policy", policy)
                node.call("CONFIG", "SET", "maxmemory", limit)
        self.limit = limit
        self.limit_since = time.monotonic()

    def squeeze_memory(self, fault, chance):
        """Something must go, whatever it is."""
        used = int(self.stand.master.info("used_memory"))
        limit = used - chance.choice((50_000, 200_000, 600_000))
        fault.detail = f"{limit} of {used} bytes"
        self.set_limit(limit)
        self.pass_time(self.last(chance))
        self.set_limit(stand.MAXMEMORY)

    def fill_memory(self, _fault, chance):
        """Nothing may go, and nothing be added."""
        self.set_limit(1, "noeviction")
        self.pass_time(self.last(chance))
        self.set_limit(stand.MAXMEMORY)

    def kill_connections(self, _fault, _chance):
        self.stand.master.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def kill_watches(self, fault, _chance):
        fault.detail = f'{self.stand.master.call("CLIENT", "KILL", "TYPE", "pubsub")} of them'

    # Failpoints

    def await_hit(self, name, deadline_s):
        with contextlib.suppress(TimeoutError):
            harness.wait_for(lambda: self.orders.is_hit(name) or self.stop.is_set(), name, deadline_s)
        return self.orders.is_hit(name)

    def obey_failpoint(self, fault, chance):
        name = chance.choice(FAILPOINTS)
        order = chance.choice(("kill", "block", f"delay {chance.choice((100, 800, 1500))}"))
        fault.detail = f"{name}: {order}"
        self.orders.give(name, order + " once")
        if self.await_hit(name, 1.0):
            self.pass_time(self.last(chance) / 2)
        self.orders.recall(name)
        self.pass_time(1.5 if order == "kill" else MARGIN_S)
