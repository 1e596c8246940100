"""A run: the instance, the workload, the checker and the faults together, and what came of it."""

import contextlib
import itertools
import multiprocessing.connection
import os
import threading
import time

from concurrent import futures

import clients
import faults
import harness
import history
import interleave
import model
import stand

LAG_S = 1.5  # reads are judged so late that everything about them has been heard of by then
CALM_S = 10
HEAL_S = 5
HIT_TRIES = 30      # of each page and process, at rest
HIT_QUICK = 4       # of them: computed, found in Redis, found in memory
HIT_PAUSE_S = 0.1
COLD_MAX = 5        # so many pages that do not become hits are enough
NEAR_MIN = 0.2      # of the reads while it is calm, from the memory of processes
WALK_HIT_S = 1.0
READS_MIN = 500  # in a phase: with less, nothing would be proved
NEAR = "hit; l1"  # the outcome


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    @staticmethod
    def say(text):
        print(text, flush=True)

    def test(self, is_good, name, note=""):
        self.passed += is_good
        self.failed += not is_good
        self.say(f"{'ok  ' if is_good else 'FAIL'} {name}{': ' + note if note else ''}")

    def finish(self):
        self.say(f"{self.passed} passed, {self.failed} failed")
        return 0 if self.failed == 0 else 1


class Bench:
    def __init__(self, seed, long=False, name="fault", settings=None):
        self.seed = seed
        self.world = model.World(seed, time.time(), long)
        self.log = history.FaultLog()
        self.stand = stand.Stand(name, settings)
        self.workload = None
        self.stop = threading.Event()
        self.judged_until = 0.0
        self.threads = []
        self.written = {}
        try:
            self.checker = history.Checker(self.world, self.log)
            self.faults = faults.Faults(self.stand, self.log, seed, long)
            self.memory = Memory(self.stand, self.faults)
            self.director = interleave.Director(self.world, self.stand, self.checker, self.written)
            self.make_users(self.world.actors)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stop.set()
        try:
            if self.workload is not None:
                with contextlib.suppress(OSError, ValueError):  # the proxy may have gone
                    self.faults.end()
                self.workload.end()
                for thread in self.threads:
                    thread.join()
        finally:
            self.stand.close()

    def make_users(self, users):
        """With the listens that their later ones are copies of, where they are changed by SQL."""
        instance = self.stand.instance
        with futures.ThreadPoolExecutor(os.cpu_count() * 2) as pool:
            for user in users:
                visible = ["--public"] if user.visibility != model.PRIVATE else []
                pool.submit(instance.token, user.name, *visible)
        for user in users:
            self.written[user.index] = model.PRELUDE if user.in_database else 0
            for n in range(1, self.written[user.index] + 1):
                answer = instance.post("/1/submit-listens",
                                       clients.submission(self.world.listen(user, n)),
                                       token=instance.tokens[user.name])
                assert answer.status == 200, answer
            self.checker.begin(user, self.written[user.index])

    def start(self):
        """The workload, and what judges it."""
        self.make_users(self.world.crowd)
        instance, tokens, written = self.stand.instance, self.stand.instance.tokens, self.written
        for name in (clients.FOREIGN, "bystander"):
            instance.token(name)
        self.checker.horizons.clear()
        self.workload = clients.Workload([
            clients.Readers("readers 1", self.world, instance, tokens, 6, 0.008),
            clients.Readers("readers 2", self.world, instance, tokens, 6, 0.008),
            clients.Writers("writers", self.world, instance, tokens, written, 6, 0.08),
            clients.DatabaseWriters("database", self.world, instance, written, 0.25)])
        for target in (self.collect, self.watch):
            thread = threading.Thread(target=target, daemon=True)
            thread.start()
            self.threads.append(thread)

    # What goes on beside the phases

    def collect(self):
        """Hears all parties, and lets the checker judge."""
        open_ends = list(self.workload.receivers)
        while open_ends:
            for receiver in multiprocessing.connection.wait(open_ends, 0.5):
                try:
                    self.checker.take(receiver.recv())
                except EOFError:
                    open_ends.remove(receiver)
            self.checker.judge(LAG_S if not self.workload.is_over else 0)
            self.judged_until = min(self.checker.horizons.values(), default=0) - LAG_S

    def watch(self):
        """An answered write whose apply failed is as good as a fault to the promise about it."""
        name = 'refrain_cache_applies_total{by="writer",result="failed"}'
        failed, at = 0, time.monotonic()
        while not self.stop.wait(0.5):
            now = time.monotonic()
            value = self.stand.metrics().get(name, failed)
            if value > failed:
                fault = self.log.begin("apply_failed", felt_s=history.BOUND_S)
                fault.began, fault.detail = at - 0.5, f"{value - failed:.0f} of them"
                self.log.end(fault)
            failed, at = value, now
            with contextlib.suppress(stand.RedisError, AttributeError):
                self.memory.look()

    def settle(self):
        """Waits until all that has happened so far is judged."""
        if self.workload is None:
            return
        now = time.monotonic()
        harness.wait_for(lambda: self.judged_until > now, "the checker", 60)

    def pass_time(self, seconds, is_over=lambda: False):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not is_over():
            self.stop.wait(0.1)

    # Failpoints, one by one

    def provoke(self):
        """So that every failpoint is come to, misses and take-overs are needed."""
        with contextlib.suppress(stand.RedisError):
            for pattern in ("rf1v:*", "rf1:{1*hb"):
                keys = self.stand.master.call("KEYS", pattern)
                if keys:
                    self.stand.master.call("DEL", *keys)

    def obey(self, orders):
        """Gives orders, waits until they have been obeyed, and until all is whole again."""
        with self.faults.locks["failpoint"]:
            fault = self.log.begin("failpoint", ("serve-1", "serve-2") if len(orders) > 1 else ("serve",))
            fault.detail = ", ".join(f"{name}: {order}" for name, order in orders)
            pids = self.stand.pids()
            for name, order in orders:
                self.faults.orders.give(name, order + " once")
            self.provoke()
            hits = [self.faults.await_hit(name, WALK_HIT_S) for name, _ in orders]
            if any(hit and order == "kill" for (_, order), hit in zip(orders, hits)):
                with contextlib.suppress(TimeoutError):
                    harness.wait_for(lambda: not all(map(self.stand.is_alive, pids)), "a death", 10)
                    harness.wait_for(self.is_whole, "all processes", 10)
            for name, _ in orders:
                self.faults.orders.recall(name)
            self.pass_time(0.1)
            self.log.end(fault)
            print(f"fault: {fault}", flush=True)
        return [name for (name, _), hit in zip(orders, hits) if hit]

    def is_whole(self):
        return all(self.stand.is_ready(part) for pattern in ("serve-*", "worker*")
                   for part in self.stand.part_names(pattern))


class Memory:
    """Whether Redis keeps its limit."""

    def __init__(self, bench, driver):
        self.stand = bench
        self.faults = driver
        self.looks = 0
        self.over = 0
        self.worst = 0.0

    def look(self):
        master = self.stand.master
        limit, since = self.faults.limit, self.faults.limit_since
        used = int(master.info("used_memory")) - int(master.info("mem_not_counted_for_evict"))
        if limit == 1 or time.monotonic() - since < 1.0 or master.call("DBSIZE") == 0:
            return
        self.looks += 1
        self.worst = max(self.worst, used / limit)
        self.over = self.over + 1 if used > 1.05 * limit else 0


def take_counts(checker):
    return (checker.checked.copy(), checker.violations.copy())


class Phase:
    """Tests what the checker has found since the last phase."""

    def __init__(self, one, report, name):
        self.bench = one
        self.report = report
        self.name = name
        self.before = take_counts(one.checker)

    def __enter__(self):
        self.report.say(f"fault: {self.name}")

    def __exit__(self, kind, *_):
        if kind is not None:
            return
        self.bench.settle()
        checked, violations = take_counts(self.bench.checker)
        self.report.test(checked["I1"] - self.before[0]["I1"] > READS_MIN, f"reads {self.name}")
        for rule in history.RULES:
            count = violations[rule] - self.before[1][rule]
            judged = checked[rule] - self.before[0][rule]
            self.report.test(count == 0, f"{rule} {self.name}",
                             f"{count} violations" if count else f"{judged} judged")
            for excerpt in self.bench.checker.excerpts.pop(rule, ()):
                self.report.say(excerpt)


def run_phases(one, report, seconds, pairs=False):
    with Phase(one, report, "scenarios"):
        missing = one.director.run_all(interleave.SCENARIOS)
        report.test(not missing, "every scenario comes about", ", ".join(missing))
    one.start()
    with Phase(one, report, "calm"):
        calm = Calm(one)
        one.pass_time(CALM_S)
        calm.judge(report)
    with Phase(one, report, "failpoints"):
        walk(one, report, pairs)
    with Phase(one, report, "random faults"):
        one.faults.start(hands=2)
        run_random(one, report, seconds)
        one.faults.end()
    heal(one, report)
    tell(one, report)


def walk(one, report, pairs):
    hit = set()
    for name in faults.FAILPOINTS:
        for order in ("kill", "delay 700"):
            hit.update(one.obey([(name, order)]))
    if pairs:
        names = faults.FAILPOINTS
        for first in names:
            for second in names:
                one.obey([(first, "kill"), (second, "delay 700")])
                if first < second:
                    one.obey([(first, "kill"), (second, "kill")])
                    one.obey([(first, "delay 700"), (second, "delay 1500")])
    missing = sorted(set(faults.FAILPOINTS) - hit)
    report.test(not missing, "every failpoint is come to", ", ".join(missing))


def run_random(one, report, seconds):
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        one.pass_time(min(left, 60))
        if seconds > 120:
            checker = one.checker
            report.say(f"fault: {left / 60:.0f} min left, {checker.counts['reads']} reads, "
                       f"{sum(one.log.counts().values())} faults, "
                       f"{sum(checker.violations.values())} violations, worst {checker.faulty}")


class Calm:
    """Without faults there is no stampede: few fills for each state that was written."""

    def __init__(self, one):
        self.bench = one
        self.fills = self.count_fills()
        self.writes = self.count_writes()
        self.reads = self.count_reads()

    def count_fills(self):
        return sum(value for name, value in self.bench.stand.metrics().items()
                   if name.startswith("refrain_cache_fills_total"))

    def count_writes(self):
        return sum(count for name, count in self.bench.checker.counts.items() if "writes by" in name)

    def count_reads(self):
        """All, and those that were answered from the memory of a process."""
        checker = self.bench.checker
        return checker.counts["reads"], checker.outcomes[NEAR]

    def judge(self, report):
        fills = self.count_fills() - self.fills
        users = model.CROWD
        bound = 2 * len(model.VIEWS) * (users + self.count_writes() - self.writes)
        report.test(fills <= bound, "I8 calm", f"{fills:.0f} fills, bound {bound}")
        reads, near = (now - then for now, then in zip(self.count_reads(), self.reads))
        report.test(near > NEAR_MIN * reads, "L1 calm", tell_share(near, reads))


def heal(one, report):
    """All that was taken away is back: so must be the heartbeats, the hits and the truth."""
    with contextlib.suppress(TimeoutError):
        harness.wait_for(lambda: one.is_whole() and one.stand.database_answers(), "all parts", 30)
    began = time.monotonic()
    live = 0
    while live < stand.BUCKETS and time.monotonic() < began + HEAL_S:
        with contextlib.suppress(stand.RedisError):
            live = one.stand.live_heartbeats()
        one.pass_time(0.05)
    report.test(live == stand.BUCKETS, "I7 heartbeats",
                f"{live} of {stand.BUCKETS} live after {time.monotonic() - began:.1f} s")
    one.settle()
    one.workload.end()
    one.threads[0].join()
    check_hits(one, report)
    report.test(one.memory.over < 2, "I9 memory", f"at most {one.memory.worst:.0%} of the limit")
    broken = [*one.faults.errors, *one.checker.broken]
    report.test(not broken, "the faults and the workload themselves", "; ".join(broken[:5]))
    defects = one.stand.defects()
    report.test(not defects, "no defects in the logs of Redis", "; ".join(defects[:5]))


def check_hits(one, report):
    """At rest every view of every listener is the last state, and comes from each process' memory."""
    cold, wrong = [], []
    eyes = [clients.Eye(one.world, clients.Direct(one.stand.instance, part))
            for part in clients.parts_of(one.stand.instance)]
    for user, view, eye in itertools.product(one.world.crowd, model.VIEWS, eyes):
        read = await_near(one, eye, user, view, HIT_TRIES if len(cold) < COLD_MAX else 1)
        where = f"{one.world.path(user, view)} through {eye.client.part}"
        if not interleave.is_near(read):
            cold.append(f"{where}: {read.detail or read.status}")
        table = model.Table(one.world, user, view, read.window)
        times = one.checker.times[user.index]
        last, written = len(times.tried) - 1, times.visible_until(read.began)
        table.extend(last)
        if not any(written <= n <= last for n in table.found.get(read.digest, ())):
            wrong.append(f"{where} is not state {written}")
    report.test(not cold, "I7 everything is cached again", "; ".join(cold[:COLD_MAX]))
    report.test(not wrong, "I7 everything is at its last state", "; ".join(wrong[:COLD_MAX]))


def await_near(one, eye, user, view, tries):
    """The last of so many reads, or the first one that comes from the memory of the process. They are
    counted, for a slow machine takes longer for each."""
    read = None
    for attempt in itertools.count(1):
        read = eye.read(user, view, one.stand.instance.tokens[user.name], False) or read
        if read is not None and (interleave.is_near(read) or attempt >= tries):
            return read
        one.pass_time(HIT_PAUSE_S if attempt > HIT_QUICK else 0)


def tell_share(near, reads):
    return f"{near} of {reads} reads, {near / max(reads, 1):.0%}"


def tell(one, report):
    checker = one.checker
    for title, counts in (("operations", checker.counts), ("outcomes", checker.outcomes),
                          ("faults", one.log.counts())):
        report.say(f"fault: {title}: " + ", ".join(
            f"{name} {count}" for name, count in sorted(counts.items())))
    report.say("fault: from the memory of processes: "
               + tell_share(checker.outcomes[NEAR], checker.counts["reads"]))
    report.say(f"fault: slowest read {checker.slowest_s:.3f} s")
    report.say(f"fault: worst staleness: answered writes without faults {checker.quiet}; "
               f"changes not promised yet, without faults {checker.told}; with faults {checker.faulty}")
