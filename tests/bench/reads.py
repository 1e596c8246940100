"""Reads over HTTP: Refrain with L1, without it and without a relay, beside its rivals, in turns."""

import pathlib
import re
import subprocess

import cpu
import database
import fastcgi
import harness
import load
import rivals
import syscalls

PATH = "/1/stats/user/demo/artists?range=all_time"
RANGES = ("all_time", "year", "half_yearly", "quarter", "month", "week", "this_year", "this_month")
KINDS = ("artists", "releases", "recordings")
FLUSH_S = 0.02
TRACE_S = 1
SERVERS = {"redis": "Redis", "postgresql": "PostgreSQL", "worker": "worker"}
PROCESSES = ("nginx", "serve", "Redis", "PostgreSQL", "worker", "wrk")
METRIC = re.compile(r'^refrain_cache_requests_total\{.*outcome="(\w+)"\} (\d+)$', re.M)


class Variant:
    """Something to read from. Its processes are known when it is measured."""

    def __init__(self, name, short_name, url, groups, instance=None, outcome=None, aim=None):
        self.name = name
        self.short_name = short_name
        self.url = url
        self.groups = groups  # gives {name: processes}
        self.instance = instance
        self.outcome = outcome  # how Refrain counts such reads
        self.aim = aim
        self.counts = {}

    def measure(self, seconds):
        before = self.outcomes()
        meter = cpu.Meter(self.groups())
        figures = load.wrk(self.url, seconds)
        figures.spent = meter.read()
        for outcome, count in self.outcomes().items():
            self.counts[outcome] = self.counts.get(outcome, 0) + count - before[outcome]
        return figures

    def outcomes(self):
        """{outcome: requests}, of all views"""
        if self.instance is None:
            return {}
        found = METRIC.findall(load.scrape(self.instance))
        counts = dict.fromkeys((outcome for outcome, _ in found), 0)
        for outcome, count in found:
            counts[outcome] += int(count)
        return counts

    def told(self):
        """How many of the reads were what is to be measured, and what the others were."""
        every = max(sum(self.counts.values()), 1)
        others = "".join(f", {count / every:.1%} {outcome}" for outcome, count in self.counts.items()
                         if outcome != self.outcome and count / every >= 0.001)
        return f"{self.short_name} {self.counts[self.outcome] / every:.1%}{others}"


class Reads:
    """`near` has a worker and sample listeners. A second instance, `far`, shares its Redis and its
    PostgreSQL and has L1 off."""

    def __init__(self, near, folder, echo_program):
        self.near = near
        self.folder = folder
        redis = f"unix://{near.redis_socket}"
        self.far = harness.Instance("bench-far", parts="refrain,nginx", redis=redis,
                                    database=near.env["DATABASE_URL"], settings={"cache.l1_bytes": 0})
        # One relay is enough; without it there shall be none.
        self.far.stop_part("worker")
        self.wait_for(self.near, "l1")
        self.answer = self.ask()
        (folder / "rivals").mkdir(mode=0o711)
        self.rivals = rivals.Rivals(folder / "rivals", echo_program, self.answer, self.threads())
        self.check_echo()
        self.variants = self.make_variants()

    def close(self):
        self.rivals.close()
        self.far.close()

    def threads(self):
        configuration = pathlib.Path(self.near.env["REFRAIN_CONFIG"]).read_text()
        return re.search(r"^threads = (\d+)", configuration, re.M).group(1)

    def ask(self):
        return fastcgi.ask_serve(self.near.state / "sockets" / "serve-1.sock", PATH)

    def check_echo(self):
        through_nginx = self.near.get(PATH)
        echoed = self.rivals.instance.get(PATH)
        if echoed.body != self.answer.body or len(echoed.headers) != len(through_nginx.headers):
            raise RuntimeError(f"the echo answers otherwise than Refrain: {echoed} "
                               f"{through_nginx}")

    def groups(self, instance, servers=("redis", "postgresql", "worker")):
        """`servers` are those of `near` that work for the instance."""
        def find():
            return {"nginx": [instance.part_pid("nginx")],
                    "serve": [instance.part_pid(f"serve-{number}") for number in (1, 2)],
                    **{SERVERS[part]: [self.near.part_pid(part)] for part in servers}}
        return find

    def make_variants(self):
        near, far = self.near, self.far
        rival_groups = self.groups(self.rivals.instance, servers=())
        return [
            Variant("nginx alone: a static file of the same size", "static file",
                    self.rivals.static_url, rival_groups),
            Variant("bare libfcgi echo: same body, headers and nginx", "echo",
                    self.rivals.echo_url(PATH), rival_groups),
            Variant("cached read: top artists, in L1", "L1", near.url + PATH, self.groups(near),
                    near, "hit_l1", ">= 0.90"),
            Variant("cached read: top artists, in Redis, L1 off", "L2", far.url + PATH,
                    self.groups(far), far, "hit", ">= 0.50"),
            Variant("cached read: top artists, validated, without a relay", "validated",
                    far.url + PATH, self.groups(far, ("redis", "postgresql")), far, "hit_validated",
                    ">= 0.30"),
        ]

    def wait_for(self, instance, detail):
        """Until every serve process answers so; the first reads only fill what the next find."""
        def is_so(number):
            answer = fastcgi.ask_serve(instance.state / "sockets" / f"serve-{number}.sock", PATH)
            return re.fullmatch(rf"refrain; hit; ttl=\d+; detail={detail}",
                                answer.header("Cache-Status"))
        for number in (1, 2):
            harness.wait_for(lambda: is_so(number), f"a hit in {detail}")

    def arrange(self, variant):
        """Without a worker heartbeats end, and versions are read from PostgreSQL."""
        if variant.outcome == "hit_validated":
            self.near.stop_part("worker")
            self.wait_for(variant.instance, "validated")
        elif variant.instance is not None:
            self.wait_for(variant.instance, "l1" if variant.instance is self.near else "l2")

    def restore(self, variant):
        if variant.outcome == "hit_validated":
            self.near.start_part("worker")
            self.wait_for(self.far, "l2")

    def under(self, variant, measure):
        """What `measure` gives while the variant can be read from."""
        self.arrange(variant)
        try:
            return measure()
        finally:
            self.restore(variant)

    def series(self, variant, seconds):
        return load.Series(variant.name,
                           lambda: self.under(variant, lambda: variant.measure(seconds)))

    def report(self, report, plan):
        series = [self.series(variant, plan.seconds) for variant in self.variants]
        cold = ColdReads(self.far, self.folder, plan.seconds)
        load.interleave([*series, cold.series], plan.rounds)
        echo = series[1]
        report.section(f"Reads over HTTP: {len(self.answer.body):,} bytes of JSON, "
                       f"{len(self.answer.headers)} headers, 32 connections",
                       "requests/s", "p50 ms", "p99 ms", "of the echo", "aim")
        for one, aim in zip([*series, cold.series], [*(one.aim for one in self.variants), None]):
            report.row(one.name, one.rate, one.median("p50_ms"), one.median("p99_ms"),
                       one.rate / echo.rate, aim)
        report.note("Reads that were what they should be: "
                    + "; ".join(variant.told() for variant in self.variants if variant.outcome)
                    + f"; cold {cold.missed:.1%}.")
        self.report_spent(report, series)

    # Where the time goes

    def report_spent(self, report, series):
        report.section("Where the time of a cached read goes: processor time of a request, in us",
                       *(variant.short_name for variant in self.variants))
        totals = [sum(one.spent_us(process) for process in PROCESSES) for one in series]
        for process in PROCESSES:
            report.row(label(process),
                       *(share(one.spent_us(process), total) for one, total in zip(series, totals)))
        report.row("all of these", *(f"{total:.1f}" for total in totals))
        report.row("the echo's time by that", *(f"{totals[1] / total:.2f}" for total in totals))
        report.row("processors that others had meanwhile",
                   *(f"{one.median('disturbance'):.0%}" for one in series))
        try:
            counts = [self.under(variant, lambda: count_calls(variant)) for variant in self.variants]
        except syscalls.Unavailable as error:
            report.note(f"System calls were not counted: {error}.")
            return
        for process in ("nginx", "serve"):
            report.row(f"system calls of {label(process)}", *(
                f"{sum(calls[process].values()) / requests:.1f}" for calls, requests in counts))


def label(process):
    return "serve, or the echo" if process == "serve" else process


def share(us, total_us):
    return f"{us:.1f} ({us / total_us:.0%})" if us >= 0.05 else None


def count_calls(variant, processes=("nginx", "serve")):
    """({process: {call: how often}}, requests) of a short run, which strace makes a slow one."""
    groups = variant.groups()
    traces = {}
    try:
        for process in processes:
            traces[process] = syscalls.Trace(groups.get(process, []))
        requests = load.wrk(variant.url, TRACE_S).requests
    finally:
        counts = {process: trace.end() for process, trace in traces.items()}
    return counts, requests


class ColdReads:
    """Charts that are not empty, of all public listeners, with L1 off."""

    def __init__(self, instance, folder, seconds):
        self.instance = instance
        self.seconds = seconds
        self.missed = 0
        self.file = folder / "paths"
        names = database.psql(instance, "-c",
                              "select name from refrain.users where public order by id").split()
        candidates = [f"/1/stats/user/{name}/{kind}?range={range_}"
                      for name in names for range_ in RANGES for kind in KINDS]
        paths = [path for path in candidates if instance.get(path).status == 200]
        self.file.write_text("\n".join(paths) + "\n")
        self.series = load.Series("cold read: charts of all listeners and ranges, never in the cache",
                                  self.measure)

    def measure(self):
        """Redis is emptied faster than the paths come round again."""
        before = self.instance.get("/1/cache/metrics").json()
        flusher = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", "redis-cli", "-s",
                                    self.instance.redis_socket, "-r", "-1", "-i", str(FLUSH_S),
                                    "flushall", "async"], stdout=subprocess.DEVNULL)
        try:
            figures = load.wrk(self.instance.url, self.seconds, paths=self.file)
        finally:
            flusher.terminate()
            flusher.wait()
        after = self.instance.get("/1/cache/metrics").json()
        hits, misses = (after[name] - before[name] for name in ("hits", "misses"))
        self.missed = misses / max(hits + misses, 1)
        return figures
