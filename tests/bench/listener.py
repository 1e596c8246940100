"""How often listeners who look at their pages a second after each listen find them in the cache."""

import collections
import random
import re
import threading
import time

import harness
import history
import load

LISTENERS = 10
HISTORY = 5_000
LOOK_AFTER_S = 1
# Who reads is told to the database about once a second, and only then computed for ahead.
UNCOUNTED_ROUNDS = 3
TRACKS = 1_000
DEFAULT = {"warm.loads": 2}  # other than in tests
WARM = re.compile(r"^refrain_cache_(warm_.*|loads_shed_total) (\d+)$", re.M)
VIEWS = {
    "listens": "/1/user/{}/listens",
    "listen-count": "/1/user/{}/listen-count",
    "artists, this week": "/1/stats/user/{}/artists?range=this_week",
    "artists, all time": "/1/stats/user/{}/artists?range=all_time",
    "recordings, this month": "/1/stats/user/{}/recordings?range=this_month",
}
HIT = re.compile(r"refrain; hit; ttl=\d+; detail=(l1|l2|validated)")


class Listener(threading.Thread):
    """Signed in, and private as new users are."""

    def __init__(self, instance, user, first_round_at, rounds):
        super().__init__(daemon=True)
        self.instance = instance
        self.user = user
        self.token = instance.token(user)
        self.first_round_at = first_round_at
        self.rounds = rounds
        self.random = random.Random(user)
        self.seen = collections.Counter()  # (view, where it came from)
        self.looks_ms = []
        self.error = None

    def run(self):
        try:
            self.look()
            wait_until(self.first_round_at)
            for number in range(UNCOUNTED_ROUNDS + self.rounds):
                self.listen()
                wait_until(time.monotonic() + LOOK_AFTER_S)
                found = self.look()
                if number >= UNCOUNTED_ROUNDS:
                    self.seen.update((view, source) for view, source, _ in found)
                    self.looks_ms += [ms for _, _, ms in found]
        except Exception as error:  # told by the thread that waits for this one
            self.error = error

    def listen(self):
        """Of a track of his history, now; no second sees two."""
        line = history.line(self.random.randrange(TRACKS), int(time.time()))
        self.ask("POST", "/1/submit-listens", f'{{"listen_type": "single", "payload": [{line}]}}')

    def look(self):
        """[(view, where it came from, milliseconds)]"""
        found = []
        for view, path in VIEWS.items():
            began = time.monotonic()
            answer = self.ask("GET", path.format(self.user))
            hit = HIT.fullmatch(answer.headers["Cache-Status"])
            found.append((view, hit.group(1) if hit else "miss", (time.monotonic() - began) * 1e3))
        return found

    def ask(self, method, path, body=None):
        answer = self.instance.request(method, path, body, token=self.token)
        if answer.status not in (200, 204):  # on a Monday this week may be empty at first
            raise RuntimeError(f"{self.user}: {method} {path}: {answer}")
        return answer


class Community:
    """Listeners of an instance of their own, spread over the second between listen and look."""

    def __init__(self, folder, settings):
        self.instance = harness.Instance("bench-listeners", settings=settings)
        path = folder / "listener.jsonl"
        history.write(path, HISTORY)
        self.names = [f"listener{number:02}" for number in range(LISTENERS)]
        for name in self.names:
            self.instance.token(name)
            self.instance.refrain("import", "--user", name, path)
        self.seen = collections.Counter()
        self.look_ms = None
        self.warmed = None

    def run(self, rounds):
        begin = time.monotonic() + LOOK_AFTER_S
        listeners = [Listener(self.instance, name, begin + number * LOOK_AFTER_S / LISTENERS, rounds)
                     for number, name in enumerate(self.names)]
        for listener in listeners:
            listener.start()
        for listener in listeners:
            listener.join()
            if listener.error is not None:
                raise RuntimeError(f"a listener: {listener.error}") from listener.error
            self.seen.update(listener.seen)
        self.look_ms = load.percentiles([ms for one in listeners for ms in one.looks_ms])
        self.warmed = WARM.findall(load.scrape(self.instance))
        self.instance.close()

    def count(self, view, source):
        return sum(count for (of, where), count in self.seen.items()
                   if view in (None, of) and where == source)

    def share(self, view, *sources):
        """Of a view, or of all, what came from these."""
        every = sum(self.count(view, source) for source in ("l1", "l2", "validated", "miss"))
        return sum(self.count(view, source) for source in sources) / every


def wait_until(end):
    time.sleep(max(end - time.monotonic(), 0))


def report(report_, folder, rounds):
    """The same listeners with what the worker computes ahead, and without, one after the other."""
    ahead = Community(folder, DEFAULT)
    ahead.run(rounds)
    alone = Community(folder, {"warm.loads": 0})
    alone.run(rounds)
    report_.section(f"{LISTENERS} active listeners look a second after each of {rounds} listens: "
                    "found in the cache", "L1", "Redis", "validated", "together", "aim",
                    "loads = 0")
    for view in (*VIEWS, None):
        report_.row(view or "all",
                    *(f"{ahead.share(view, source):.1%}" for source in ("l1", "l2", "validated")),
                    f"{ahead.share(view, 'l1', 'l2', 'validated'):.1%}",
                    ">= 95 %" if view is None else None,
                    f"{alone.share(view, 'l1', 'l2', 'validated'):.1%}")
    report_.note("Told by the worker: " + ", ".join(f"{name} {count}" for name, count in ahead.warmed))
    report_.note("A look took {:.1f} ms (p50) and {:.1f} ms (p99); with loads = 0 of [warm] "
                 "{:.1f} and {:.1f} ms.".format(*ahead.look_ms, *alone.look_ms))
