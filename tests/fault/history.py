"""The checker: takes the events of all parties in the order of time and judges every read.

As each listener's writes come one after the other, a read is judged by numbers alone: the newest
state n that looks like what was read is compared with the states that had to be seen. Rules, each
with a short name under which violations are counted:

    I1  nothing is shown that nobody has tried to write
    I2  what has been acknowledged (or seen, or committed) BOUND_S before a read began is shown
    I3  without a fault since QUIET_S, every write acknowledged before a read began is shown
    I5  an answer is a whole state of the right listener, and nobody else's business
    I6  equal ETags, equal bodies; a 304 only where the client has what it would be sent
    A1  a read fails, or is labelled unverified, only while PostgreSQL is away; it fails also where no
        serve process runs, or not the one that was asked directly, and as one wakes from a long sleep
    A2  a write fails only then, or while a serve process is being killed
"""

import bisect
import collections
import re
import threading
import time

import clients
import model

BOUND_S = 3.5
QUIET_S = 10.0
REQUEST_MAX_S = 10.0  # what a serve process gives a request
WAKING_S = 1.0
NOTED_S = 0.5         # from the end of a fault or a read until that is noted
EXCERPTS = 3
ETAGS_MAX = 200_000
RULES = ("I1", "I2", "I3", "I5", "I6", "A1", "A2")


class Times:
    """When each state of one listener was tried, acknowledged, and known to be visible."""

    def __init__(self):
        self.tried = [0.0]    # by state
        self.visible = [0.0]  # by state; infinite while unknown
        self.answered = [(0.0, 0)]  # when, state: of writes whose answer promises more than the bound

    def try_state(self, n, at):
        while len(self.tried) <= n:
            self.tried.append(at)
            self.visible.append(float("inf"))

    def see(self, n, at):
        """A state that is visible shows all before it too."""
        while n > 0 and self.visible[n] > at:
            self.visible[n] = at
            n -= 1

    def attempted(self, at):
        return bisect.bisect(self.tried, at) - 1

    def visible_until(self, at):
        return bisect.bisect(self.visible, at) - 1

    def answered_until(self, at):
        position = bisect.bisect_left(self.answered, (at, 0))
        return self.answered[position - 1][1] if position else 0


class Fault:
    """Something that was done to the system, from when to when. `away` names what it takes away,
    `felt_s` tells for how long afterwards an answered write may still be missing."""

    def __init__(self, kind, began, away=(), felt_s=QUIET_S):
        self.kind = kind
        self.felt_s = felt_s
        self.began = began
        self.ended = float("inf")
        self.away = away
        self.detail = ""

    def __str__(self):
        end = "…" if self.ended == float("inf") else f"{self.ended:.3f}"
        return f"{self.began:.3f}–{end} {self.kind} {self.detail}".rstrip()


class FaultLog:
    def __init__(self):
        self.faults = []
        self.lock = threading.Lock()

    def begin(self, kind, away=(), felt_s=QUIET_S):
        fault = Fault(kind, time.monotonic(), away, felt_s)
        with self.lock:
            self.faults.append(fault)
        return fault

    @staticmethod
    def end(fault):
        fault.ended = time.monotonic()

    def during(self, began, ended):
        with self.lock:
            recent = self.faults[-400:]
        return [fault for fault in recent if fault.began <= ended and fault.ended >= began]

    def is_quiet(self, began, ended):
        return not any(fault.ended >= began - fault.felt_s
                       for fault in self.during(began - QUIET_S, ended))

    def counts(self):
        with self.lock:
            return collections.Counter(fault.kind for fault in self.faults)


class Staleness:
    """The worst of one kind of read."""

    def __init__(self):
        self.worst_s = 0.0
        self.reads = 0  # stale ones

    def add(self, seconds):
        self.reads += 1
        self.worst_s = max(self.worst_s, seconds)

    def __str__(self):
        return f"{self.worst_s:.3f} s ({self.reads} reads)"


class Checker:
    def __init__(self, world, faults):
        self.world = world
        self.faults = faults
        self.times = {user.index: Times() for user in world.users}
        self.flips = {user.index: Times() for user in world.users}
        self.tables = {}
        self.etags = {}
        self.horizons = {}
        self.waiting = []
        self.broken = []
        self.counts = collections.Counter()
        self.outcomes = collections.Counter()
        self.checked = collections.Counter()
        self.violations = collections.Counter()
        self.excerpts = collections.defaultdict(list)
        self.first_violation = None
        self.quiet = Staleness()     # acknowledged writes, no fault
        self.faulty = Staleness()    # acknowledged writes, with faults
        self.told = Staleness()      # changes by SQL, no fault
        self.slowest_s = 0.0

    def begin(self, user, count):
        """So many writes to the listener were made before anybody looked."""
        self.times[user.index].try_state(count, 0.0)
        self.times[user.index].see(count, 0.0)

    # Taking events

    def take(self, batch):
        self.horizons[batch.source] = batch.until
        for event in batch.events:
            if isinstance(event, clients.Read):
                self.waiting.append(event)
            else:
                getattr(self, "take_" + type(event).__name__.lower())(event)

    def take_tried(self, event):
        self.times[event.user].try_state(event.n, event.at)

    def take_done(self, event):
        self.counts["writes by " + event.how] += 1
        times = self.times[event.user]
        times.see(event.n, event.at)
        if event.how == "http":
            times.answered.append((event.at, max(event.n, times.answered[-1][1])))

    def take_flip(self, event):
        times = self.flips[event.user]
        times.try_state(event.n, event.at)
        if event.is_done:
            self.counts["changes of visibility"] += 1
            times.see(event.n, event.at)

    def take_broken(self, event):
        self.broken.append(event.text)

    def take_failed(self, event):
        self.counts[f"{event.what} answered {event.status or 'nothing'}"] += 1
        self.checked["A2"] += 1
        away = self.away(event.began, event.at)
        if "postgresql" not in away and not any(name.startswith("serve") for name in away):
            self.violate("A2", event, f"a {event.what} was answered {event.status or 'nothing'}")

    def judge(self, lag_s):
        """Judges all reads that ended at least so long before the last that all parties told."""
        horizon = min(self.horizons.values(), default=0.0) - lag_s
        ready = sorted(read for read in self.waiting if read.ended <= horizon)
        self.waiting = [read for read in self.waiting if read.ended > horizon]
        for read in ready:
            self.judge_read(read)

    # Judging

    def away(self, began, ended):
        """What was away at some moment of a request, or a little before: it takes a while to be
        found again."""
        names = set()
        for fault in self.faults.during(began - 3.0, ended):
            names.update(fault.away)
        return names

    def judge_read(self, read):
        self.counts["reads"] += 1
        self.counts["reads past nginx"] += bool(read.part)
        self.slowest_s = max(self.slowest_s, read.ended - read.began)
        self.outcomes[re.sub(r"^refrain; |; ttl=-?[0-9]+|detail=", "", read.detail)
                      or f"status {read.status or 'none'}"] += 1
        user = self.world.users[read.user]
        if read.status in (200, 204, 304):
            self.judge_answer(user, read)
        elif read.status != 404:
            self.judge_failure(read)
            return
        if read.stranger:
            self.judge_admission(user, read)
        elif read.status == 404:
            self.violate("I5", read, "his own listens are hidden from a listener")

    def judge_failure(self, read):
        self.checked["A1"] += 1
        self.counts[f"reads answered {read.status or 'nothing'}"] += 1
        away = self.away(read.began, read.ended)
        if read.part:
            nobody_serves = not away.isdisjoint((read.part, "serve"))
        else:
            nobody_serves = len([name for name in away if name.startswith("serve")]) > 1
        if "postgresql" not in away and not nobody_serves and not self.met_waking(read):
            self.violate("A1", read, f"a read was answered {read.status or 'nothing'}")

    def met_waking(self, read):
        """Whether it was answered 503 by a serve process that had slept for longer than requests may
        take. What that had begun has run out of time as it wakes, and what it had asked of PostgreSQL
        counts as failed: after five of these it asks nobody for about a second, and refuses what has
        waited meanwhile and what comes then. nginx takes that for an answer. While the process sleeps
        it refuses nothing, and neither do the others: before its waking there is no excuse, and none
        for what takes longer than a refusal."""
        return read.status == 503 and any(
            fault.kind == "stop_serve" and fault.ended - fault.began > REQUEST_MAX_S
            and read.began < fault.ended + WAKING_S
            and -NOTED_S < read.ended - fault.ended < WAKING_S + NOTED_S
            for fault in self.faults.during(read.began - WAKING_S, read.ended + NOTED_S))

    def judge_admission(self, user, read):
        """Strangers see the public ones; how fast a change of that is seen has a bound too."""
        is_seen = read.status != 404
        self.checked["I5"] += 1
        if user.visibility != model.FLIPPED:
            if is_seen != (user.visibility == model.PUBLIC):
                self.violate("I5", read, "seen by a stranger" if is_seen else "not found")
            return
        times = self.flips[user.index]
        newest = times.attempted(read.ended)
        while newest >= 0 and (newest % 2 == 0) != is_seen:
            newest -= 1
        if newest < 0:
            self.violate("I1", read, "hidden before anybody had tried to hide it")
        elif "unverified" not in read.detail:
            self.judge_age(read, times, newest, 0)

    def judge_answer(self, user, read):
        self.judge_etag(read)
        key = user.index, read.view, read.window
        if key not in self.tables:
            self.tables[key] = model.Table(self.world, user, read.view, read.window)
        times = self.times[user.index]
        table = self.tables[key]
        table.extend(len(times.tried) - 1)
        attempted = times.attempted(read.ended)
        newest = table.newest(read.digest, attempted)
        self.checked["I1"] += 1
        self.checked["I5"] += 1
        if newest is None:
            is_known = read.digest in table.found
            self.violate("I1" if is_known else "I5", read,
                         f"it shows state {table.found[read.digest]} before it was tried" if is_known
                         else f"no state up to {attempted} looks like this: {read.digest}")
            return
        if "unverified" in read.detail:
            self.counts["unverified reads"] += 1
            if "postgresql" not in self.away(read.began, read.ended):
                self.violate("A1", read, "labelled as in an outage, but there is none")
        else:
            self.judge_age(read, times, newest, times.answered_until(read.began))
        times.see(table.found[read.digest][0], read.ended)  # at least so much is visible

    def judge_age(self, read, times, newest, answered):
        """`newest` is the newest state that the read may have shown."""
        is_quiet = self.faults.is_quiet(read.began, read.ended)
        self.checked["I2"] += 1
        if times.visible_until(read.began - BOUND_S) > newest:
            self.violate("I2", read, f"it shows state {newest}", times, newest)
        if is_quiet:
            self.checked["I3"] += 1
            if answered > newest:
                self.violate("I3", read, f"it shows state {newest}, {answered} was answered", times,
                             newest)
        if times.visible_until(read.began) > newest:
            kind = self.faulty if not is_quiet else self.quiet if answered > newest else self.told
            kind.add(read.began - times.visible[newest + 1])

    def judge_etag(self, read):
        self.checked["I6"] += 1
        if "unverified" in read.detail and not read.etag:
            return
        if read.status == 304 and not (read.conditional and read.body):
            self.violate("I6", read, "304 for what the client does not have")
            return
        if len(self.etags) >= ETAGS_MAX:
            self.etags.clear()
        known = self.etags.setdefault((read.user, read.view, read.window, read.etag), read.body)
        if known != read.body:
            self.violate("I6", read, f"another body had this ETag: {known}")

    # Telling

    def violate(self, rule, event, text, times=None, newest=0):
        self.violations[rule] += 1
        if self.first_violation is None:
            self.first_violation = time.monotonic()
        if len(self.excerpts[rule]) < EXCERPTS:
            self.excerpts[rule].append("\n".join(self.excerpt(event, text, times, newest)))

    def excerpt(self, event, text, times, newest):
        user = self.world.users[event.user]
        yield f"{user.name} ({user.visibility}{', changed by SQL' if user.in_database else ''}): {text}"
        yield f"    {event}"
        for n in range(max(newest - 1, 0), min(newest + 4, len(times.tried))) if times else ():
            answered = [f"{at:.3f}" for at, state in times.answered if state == n]
            yield (f"    state {n}: tried {times.tried[n]:.3f}, answered {' '.join(answered) or '-'}, "
                   f"visible since {times.visible[n]:.3f}")
        for fault in self.faults.during(event[0] - 12, event[0] + 1):
            yield f"    fault {fault}"
