"""Load: wrk against an address, and the figures of several rounds."""

import os
import pathlib
import re
import statistics
import subprocess
import urllib.request

import harness

SCRIPT = pathlib.Path(__file__).resolve().parent / "load.lua"
FIGURES = re.compile(r"^BENCH (.*)$", re.M)


class Round:
    """One measurement; what was not measured is None."""

    def __init__(self, requests, duration_us, p50_us=None, p99_us=None, refused=0, broken=0):
        self.rate = requests / (duration_us / 1e6)
        self.p50_ms = p50_us and p50_us / 1e3
        self.p99_ms = p99_us and p99_us / 1e3
        self.requests = requests
        self.refused = refused
        self.broken = broken
        self.spent = {}  # seconds of processor time, by process

    def spent_us(self, process):
        """Microseconds of a request."""
        return self.spent.get(process, 0) * 1e6 / self.requests

    @property
    def disturbance(self):
        """The share of all processors that others took meanwhile."""
        return self.spent.get("rest", 0) * self.rate / self.requests / os.cpu_count()


class Series:
    """The rounds of one thing that is measured."""

    def __init__(self, name, measure):
        self.name = name
        self.measure = measure
        self.rounds = []

    def run(self):
        figures = self.measure()
        if figures.refused or figures.broken:
            raise RuntimeError(f"{self.name}: {figures.refused} answers were errors, "
                               f"{figures.broken} requests broke off")
        self.rounds.append(figures)

    def median(self, field):
        values = [getattr(figures, field) for figures in self.rounds]
        return None if None in values else statistics.median(values)

    @property
    def rate(self):
        return self.median("rate")

    def spent_us(self, process):
        return statistics.median(figures.spent_us(process) for figures in self.rounds)


def scrape(instance):
    """Its metrics as text."""
    with urllib.request.urlopen(instance.env["REFRAIN_METRICS_URL"]) as answer:
        return answer.read().decode()


def percentiles(values):
    """The 50th and the 99th."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98]


def interleave(series, rounds):
    """Every round measures each once, so that a change of the machine's pace meets all alike."""
    for _ in range(rounds):
        for one in series:
            one.run()


def wrk(url, seconds, *, threads=2, connections=32, **environment):
    """One run; `environment` is what load.lua reads."""
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "-s", SCRIPT, url]
    environment = {"PATH": "/usr/bin:/bin", "BENCH_THREADS": str(threads),
                   **{f"BENCH_{name.upper()}": str(value) for name, value in environment.items()}}
    done = subprocess.run(command, env=environment, capture_output=True, text=True,
                          timeout=seconds + harness.DEADLINE_S)
    found = FIGURES.search(done.stdout)
    if found is None:
        raise RuntimeError(f"wrk: {done.stdout}{done.stderr}".strip())
    fields = dict(field.split("=") for field in found.group(1).split())
    return Round(**{name: int(value) for name, value in fields.items()})
