"""Scenarios: one order of events each, made certain by failpoints and signals. Nobody else is there.

What they leave is read for as long as a promise can be broken, and judged by the checker. Each ends
in a stale read if one certain part of the protocol is missing (mutants.py).
"""

import contextlib
import hashlib
import re
import signal
import threading
import time

import clients
import failpoints
import harness
import history
import stand

STEP_S = 5
TRUSTED_S = 0.25  # what is in memory may be used so long after a look at least
TOO_LATE_S = history.BOUND_S + 0.5
ROUNDS = 5
PACE_S = 0.005
TRIES = 5


class Unfit(Exception):
    """The order of events did not come about; it may be tried again."""


class Director:
    def __init__(self, world, bench, checker, written):
        self.world = world
        self.stand = bench
        self.checker = checker
        self.written = written
        self.orders = failpoints.Orders(bench.failpoints)
        self.eyes = {part: self.open_eye(part) for part in ("", *clients.parts_of(bench.instance))}
        self.lock = threading.Lock()
        self.events = []
        self.watched = []
        self.last_write = 0.0

    # What a scenario is made of

    def open_eye(self, part=""):
        instance = self.stand.instance
        return clients.Eye(self.world, clients.Direct(instance, part) if part
                           else clients.Client(instance.url))

    def read(self, user, view="count", part=""):
        """Through nginx, or straight from one process."""
        read = self.eyes[part].read(user, view)
        with self.lock:
            self.events += [read] if read else []
        return read

    def read_for(self, seconds, user, part="", view="count"):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(user, view, part)
            time.sleep(PACE_S)

    def read_aside(self, user, part=""):
        """A read that will be held up; returns its thread."""
        eye = self.open_eye(part)

        def run():
            read = eye.read(user, "count")
            with self.lock:
                self.events += [read] if read else []

        return start(run)

    def warm(self, user):
        """Until all views are hits that Redis alone vouches for."""
        for view in VIEWS:
            harness.wait_for(lambda: is_leased(self.read(user, view)), f"a hit of {user.name}", STEP_S)

    def warm_near(self, user):
        """Until each process has it in its memory."""
        for part in SERVES:
            harness.wait_for(lambda part=part: is_near(self.read(user, part=part)),
                             f"{user.name} in L1 of {part}", STEP_S)

    def write(self, user):
        """By HTTP or SQL; returns once it is answered, or committed."""
        n = self.written[user.index] + 1
        self.written[user.index] = n
        self.note(clients.Tried, user=user.index, n=n)
        write = self.world.write(user, n)
        if user.in_database:
            self.stand.instance.psql(clients.statement(user, write))
        else:
            status, _, body = clients.Client(self.stand.instance.url).ask(
                "POST", "/1/submit-listens", clients.submission(write.adds),
                {"Authorization": f"Token {self.stand.instance.tokens[user.name]}"})
            assert status == 200, body
        self.note(clients.Done, user=user.index, n=n, how="database" if user.in_database else "http")

    def note(self, kind, **fields):
        with self.lock:
            self.last_write = time.monotonic()
            self.events.append(kind(at=self.last_write, **fields))

    def hold_up(self, name):
        self.orders.give(name, "block once")

    @contextlib.contextmanager
    def hold_up_all(self, name):
        """In every process, as often as it is come to."""
        self.orders.give(name, "block")
        try:
            yield
        finally:
            self.orders.recall(name)

    def await_hit(self, name, thread):
        with contextlib.suppress(TimeoutError):
            harness.wait_for(lambda: self.orders.is_hit(name), name, 2)
        if not self.orders.is_hit(name) or not thread.is_alive():
            self.orders.recall(name)
            thread.join()
            raise Unfit(name)

    def let_go(self, name, thread):
        self.orders.recall(name)
        thread.join()

    def key(self, user, kind):
        digest = hashlib.sha256(user.name.encode()).digest()
        if kind == "v":
            return f"rf1v:{{{digest[0]}}}{digest[:16].hex()}"
        return f"rf1:{{{digest[0]}}}{kind}"

    def redis(self, *words):
        return self.stand.master.call(*words)

    def write_and_await_relay(self, user):
        versions = self.redis("GET", self.key(user, "v"))
        self.write(user)
        harness.wait_for(lambda: self.redis("GET", self.key(user, "v")) != versions, "the relay",
                         STEP_S)

    @contextlib.contextmanager
    def awaiting(self, counter, by):
        """Until a counter has risen so far by what is done meanwhile."""
        def count():
            return self.stand.metrics().get(counter, 0)

        before = count()
        yield
        harness.wait_for(lambda: count() >= before + by, counter, STEP_S)

    def has_relay(self, user):
        return (self.redis("GET", self.key(user, "hb")) or "").startswith("L ")

    def await_relay(self, user, lives):
        harness.wait_for(lambda: self.has_relay(user) == lives,
                         f"the heartbeat to {'come' if lives else 'go'}", STEP_S)

    def await_rounds(self, user, count):
        """So that nothing is left for the relay to tell of the user."""
        for _ in range(count):
            heartbeat = self.redis("GET", self.key(user, "hb"))
            harness.wait_for(lambda: self.redis("GET", self.key(user, "hb")) != heartbeat, "a round",
                             STEP_S)

    @contextlib.contextmanager
    def sleeping_relays(self, user):
        pids = [self.stand.pid(part) for part in self.stand.part_names("worker*")]
        for pid in pids:
            self.stand.signal(pid, signal.SIGSTOP)
        try:
            self.await_relay(user, False)
            yield
        finally:
            for pid in pids:
                self.stand.signal(pid, signal.SIGCONT)

    # Judging

    def judge(self):
        with self.lock:
            events, self.events = self.events, []
            self.checker.take(clients.Batch("director", time.monotonic(), events))
        self.checker.judge(0)
        return self.checker.first_violation is not None

    def watch(self, seconds):
        """Reads what all scenarios have left; true as soon as a promise is broken."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for user in self.watched:
                for view in VIEWS:
                    self.read(user, view)
            if self.judge():
                return True
        return False

    def run(self, scenario, user):
        """False if the order of events never came about."""
        for _ in range(TRIES):
            try:
                self.warm(user)
                scenario(self, user)
                self.watched.append(user)
                return True
            except (Unfit, TimeoutError, stand.RedisError) as error:
                print(f"fault: {scenario.__name__}: {error}", flush=True)
        return False

    def run_all(self, scenarios):
        """The names of those that never came about. Stops where a promise is broken."""
        missing = []
        for name in scenarios:
            if not self.run(SCENARIOS[name], self.world.actors[list(SCENARIOS).index(name)]):
                missing.append(name)
            if self.watch(0.3):
                return missing
        self.watch(self.last_write + history.BOUND_S + 0.5 - time.monotonic())
        return missing


VIEWS = ("count", "listens", "all_time")
SERVES = ("serve-1", "serve-2")
PUSHES = "refrain_cache_l1_pushes_total"  # each process counts
APPLIES = 'refrain_cache_applies_total{by="writer",result="ok"}'


def start(target):
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread


def is_leased(read):
    return read is not None and re.search("; hit;.*detail=l[12]", read.detail) is not None


def is_near(read):
    return read is not None and read.detail.endswith("; detail=l1")


def late_apply(director, user):
    """A writer sleeps before he tells Redis. Others have moved on, and the versions were evicted."""
    versions = director.redis("GET", director.key(user, "v"))
    director.hold_up("before_apply")
    writer = start(lambda: director.write(user))
    director.await_hit("before_apply", writer)
    harness.wait_for(lambda: director.redis("GET", director.key(user, "v")) != versions, "the relay",
                     STEP_S)
    director.warm(user)
    director.write(user)
    director.await_rounds(user, 3)
    newest = director.redis("GET", director.key(user, "v"))
    director.redis("DEL", director.key(user, "v"))
    with director.awaiting(APPLIES, 1):  # on a slow machine it may be given up
        director.let_go("before_apply", writer)
    is_told_again = director.redis("GET", director.key(user, "v")) == newest
    for view in VIEWS:
        director.read(user, view)
    if is_told_again or not director.has_relay(user):
        raise Unfit("the relay was too slow")


def unheard_write(director, user):
    """Each process has in its memory what is written anew, and Redis' word of that comes late."""
    fitting = 0
    for _ in range(ROUNDS):
        director.warm_near(user)
        with director.hold_up_all("on_push"):
            began = time.monotonic()
            director.write(user)
            for part in SERVES:
                director.read(user, part=part)
            # Later it would not use its memory anyway.
            fitting += time.monotonic() - began < TRUSTED_S and director.orders.is_hit("on_push")
    if fitting == 0:
        raise Unfit("too slow")


def blind_vigils(director, user):
    """Nobody looks whether what is in memory may still be used, or hears of changes."""
    director.warm_near(user)
    with director.hold_up_all("after_heartbeats"):
        harness.wait_for(lambda: director.orders.is_hit("after_heartbeats"), "a look", STEP_S)
        director.write(user)
        for _ in range(int(TOO_LATE_S / 0.1)):
            for part in SERVES:
                director.read_for(0.05, user, part)


def late_keep(director, user):
    """A reader sleeps between the answer of Redis and keeping it in memory. Meanwhile there is a
    change, of which his process hears."""
    part, other = SERVES
    director.write_and_await_relay(user)
    harness.wait_for(lambda: is_leased(director.read(user, part=other)), "a hit", STEP_S)
    director.hold_up("before_keep")
    reader = director.read_aside(user, part)
    director.await_hit("before_keep", reader)
    with director.awaiting(PUSHES, len(SERVES)):
        director.write_and_await_relay(user)
    director.let_go("before_keep", reader)
    director.read_for(TOO_LATE_S, user, part)


def late_store(director, user):
    """A reader sleeps before he stores what he has read, and a change is told to Redis meanwhile."""
    with director.awaiting(PUSHES, len(SERVES)):
        director.redis("DEL", director.key(user, "v"))
    director.hold_up("before_store")
    reader = director.read_aside(user)
    director.await_hit("before_store", reader)
    if not (director.redis("GET", director.key(user, "v")) or "").startswith("L"):
        director.let_go("before_store", reader)
        raise Unfit("no lease")
    director.write(user)
    harness.wait_for(lambda: not director.redis("EXISTS", director.key(user, "v")),
                     "the lease to go", STEP_S)
    director.let_go("before_store", reader)


def relays_asleep(director, user):
    """Nobody tells Redis of a change, and nobody vouches for what it holds."""
    with director.sleeping_relays(user):
        director.write(user)
        director.read_for(TOO_LATE_S, user, view="all_time")


def taken_over(director, user):
    """A change is made while nobody relays; whoever takes over must tell of it."""
    with director.sleeping_relays(user):
        director.write(user)
    director.await_relay(user, True)


def position_lost(director, user):
    """The same, but nobody knows any more what Redis has been told."""
    with director.sleeping_relays(user):
        director.write(user)
        director.redis("DEL", director.key(user, "pos"))
    director.await_relay(user, True)


# Those who write over HTTP come first, as in model.py.
SCENARIOS = {scenario.__name__: scenario for scenario in (
    late_apply, unheard_write, late_store, blind_vigils, late_keep, taken_over, position_lost,
    relays_asleep)}
