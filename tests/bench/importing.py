"""An import under observation: how long it takes, how much of that PostgreSQL is at work, and how
much memory it holds on the way."""

import itertools
import os
import re
import resource
import statistics
import subprocess
import time

import database
import history

POLL_S = 0.02
SUMMARY = re.compile(r"^rows=(\d+) accepted=(\d+) .*refused=(\d+)", re.M)
SHARES = (0.25, 0.5, 0.75, 1.0)


class Memory:
    """What is resident of a process, by how much of its work is done."""

    def __init__(self):
        self.samples = []  # (share that is done, KiB)

    def add(self, share, kib):
        self.samples.append((share, kib))

    def quarters_kib(self):
        """The most in each quarter of the work."""
        return [max((kib for at, kib in self.samples if end - 0.25 < at <= end),
                    default=0) for end in SHARES]

    @property
    def growth(self):
        """From the first quarter to whatever is the most after it."""
        first, *others = self.quarters_kib()
        return max(others) / first - 1


class Import:
    """By command."""

    def __init__(self, instance, user, path):
        self.size = path.stat().st_size
        self.memory = Memory()
        command = [instance.state / "bin" / "refrain", "--config", instance.env["REFRAIN_CONFIG"],
                   "import", "--user", user, path]
        busy_s = database.busy_s(instance)
        used_s = children_s()
        began = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        while not self.has_ended(process):
            self.sample(process.pid, str(path))
        self.seconds = time.monotonic() - began
        self.own_s = children_s() - used_s
        output, errors = process.communicate()
        self.sql_s = database.busy_s(instance) - busy_s
        found = SUMMARY.search(output)
        if process.returncode != 0 or found is None:
            raise RuntimeError(f"refrain import: {errors.strip()}")
        self.rows, self.accepted, self.refused = map(int, found.groups())
        if self.accepted != self.rows:
            raise RuntimeError(f"refrain import: {self.accepted} of {self.rows} listens were new")

    @staticmethod
    def has_ended(process):
        try:
            process.wait(POLL_S)
        except subprocess.TimeoutExpired:
            return False
        return True

    def sample(self, pid, path):
        try:
            with open(f"/proc/{pid}/status") as file:
                status = dict(line.split(":", 1) for line in file)
            self.memory.add(self.position(pid, path) / self.size, int(status["VmRSS"].split()[0]))
        except (OSError, KeyError, StopIteration):
            pass  # it has ended meanwhile, or has not opened the file yet

    @staticmethod
    def position(pid, path):
        folder = f"/proc/{pid}/fd"
        number = next(fd for fd in os.listdir(folder) if os.readlink(f"{folder}/{fd}") == path)
        with open(f"/proc/{pid}/fdinfo/{number}") as file:
            return int(next(line for line in file if line.startswith("pos:")).split()[1])


def children_s():
    """Processor time of the programs that have been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Round:
    """A part of the history, imported onto what is there already, and then inserted barely."""

    def __init__(self, instance, user, path, folder):
        first_s = history.first_time(path)
        self.imported = Import(instance, user, path)
        files = database.make_bare_batches(instance, user, first_s, folder)
        busy_s = database.busy_s(instance)
        began = time.monotonic()
        database.run_files(instance, files)
        self.bare_s = time.monotonic() - began
        self.bare_sql_s = database.busy_s(instance) - busy_s
        for file in files:
            file.unlink()

    @property
    def of_bare(self):
        return self.bare_s / self.imported.seconds

    @property
    def sql_of_bare(self):
        return self.bare_sql_s / self.imported.sql_s


def split(path, parts, listens):
    """The file as so many, in the same order."""
    paths = []
    with open(path) as file:
        for number in range(parts):
            paths.append(path.with_name(f"{path.stem}-{number}{path.suffix}"))
            with open(paths[-1], "w") as part:
                part.writelines(itertools.islice(file, listens // parts))
    return paths


def report(report_, instance, folder, user, plan):
    """The user's history grows round by round, and that of the bare rows beside it."""
    whole = folder / "history.jsonl"
    history.write(whole, plan.import_listens)
    size = whole.stat().st_size
    parts = split(whole, plan.rounds, plan.import_listens)
    whole.unlink()
    instance.token(user)
    database.psql(instance, "-c", database.BARE_TABLES)
    rounds = [Round(instance, user, path, folder) for path in parts]
    database.psql(instance, "-c", "drop schema bench cascade")
    show(report_, instance, user, size, rounds, plan)


def show(report_, instance, user, size, rounds, plan):
    recordings = database.psql(instance, "-c", f"""
        select t.recordings from refrain.totals t join refrain.users u on u.id = t.user_id
        where u.name = '{user}' and period = 0""").strip()
    listens = sum(one.imported.accepted for one in rounds)
    report_.section(f"Import: {listens:,} listens of one listener, {int(recordings):,} recordings, "
                    f"{size / 1e6:.0f} MB of JSONL in {plan.rounds} files, in turn",
                    "listens/s", "seconds", "of bare", "aim")

    def row(what, seconds, of_bare=None, aim=None):
        seconds = [seconds(one) for one in rounds]
        of_bare = None if of_bare is None else statistics.median(map(of_bare, rounds))
        report_.row(what, listens / sum(seconds), sum(seconds), of_bare, aim)

    row("bare insert … select from unnest: same rows, same indexes", lambda one: one.bare_s)
    row("refrain import", lambda one: one.imported.seconds, lambda one: one.of_bare, ">= 0.20")
    row("PostgreSQL's part of the bare insert", lambda one: one.bare_sql_s)
    row("PostgreSQL's part of refrain import", lambda one: one.imported.sql_s,
        lambda one: one.sql_of_bare)
    row("refrain's own processor time", lambda one: one.imported.own_s)
    report_.note("Of bare, round by round: "
                 + ", ".join(f"{one.of_bare:.2f}" for one in rounds) + ".")
