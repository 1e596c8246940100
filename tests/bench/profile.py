#!/usr/bin/python3 -B
"""Tells where the time of a cached read goes, on private servers.

    tests/bench/profile.py --build FOLDER [--seconds N] [VARIANT…]

FOLDER is where Refrain and tests/bench/echo have been built, without sanitizers. A VARIANT is one of
"static file", echo, L1, L2, validated; without any, all are measured. For each:

- the processor time of a request, by process;
- the functions that take most of it, the kernel's included, by `perf record` on its clock. What the
  kernel does with interrupts off is counted where it turns them on again (finish_task_switch,
  _raw_spin_unlock_irqrestore);
- the system calls of a request, by `strace -c`.

Needs wrk and valgrind; perf and strace where they are installed and may look, mostly as root.
"""

import argparse
import collections
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent / "api")]

import cpu
import harness
import instructions
import reads
import syscalls
import table

OBJECTS = 4
FUNCTIONS = 12
CALLS = 12
SAMPLES_PER_S = 1999
WORTH_TELLING = 0.05  # of a request's time
SYMBOL = re.compile(r"^ +([\d.]+)% +(\S+) +\[[.k]\] (.+?)[ -]*$", re.M)


class Samples:
    """Functions that processes are in, from now until end()."""

    def __init__(self, groups, file):
        known = cpu.children()
        self.pids = {name: [str(pid) for parent in parents for pid in (parent, *known.get(parent, []))]
                     for name, parents in groups.items()}
        self.file = file
        self.log = file.with_suffix(".log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["perf", "record", "-e", "cpu-clock", "-F", str(SAMPLES_PER_S), "-o", file,
                 "-p", ",".join(sum(self.pids.values(), []))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def end(self):
        """{process: [(share of its time, object, function)]}, or None if perf may not look."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        if not self.file.exists() or self.file.stat().st_size == 0:
            return None
        return {name: self.report(pids) for name, pids in self.pids.items()}

    def report(self, pids):
        done = subprocess.run(["perf", "report", "-i", self.file, "--stdio", "--percentage",
                               "relative", "--sort", "dso,symbol", "--pid", ",".join(pids)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return [(float(share) / 100, object_, function)
                for share, object_, function in SYMBOL.findall(done.stdout)]


class Profile:
    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.folder = folder
        self.report = table.Report()

    def run(self):
        prefix = self.folder / "prefix"
        instructions.install(self.arguments.build.resolve(), prefix)
        instructions.require_plain(prefix / "bin" / "refrain")
        os.environ["REFRAIN_PREFIX"] = str(prefix)
        near = harness.Instance("profile")
        near.refrain("sample", "--listens", "20000")
        every = reads.Reads(near, self.folder,
                            self.arguments.build.resolve() / "tests" / "bench" / "echo")
        try:
            for variant in self.choose(every.variants):
                every.under(variant, lambda: self.measure(variant))
        finally:
            every.close()
        self.report.print()

    def choose(self, variants):
        wanted = self.arguments.variants
        unknown = set(wanted) - {variant.short_name for variant in variants}
        if unknown:
            raise RuntimeError(f"there is no variant {', '.join(unknown)}")
        return [variant for variant in variants if not wanted or variant.short_name in wanted]

    def measure(self, variant):
        figures = variant.measure(self.arguments.seconds)
        self.report.section(f"{variant.name}: {figures.rate:,.0f} requests/s", "us a request")
        for process in (*reads.PROCESSES, "rest"):
            self.report.row(reads.label(process), f"{figures.spent_us(process):.1f}")
        self.measure_functions(variant, figures)
        self.measure_calls(variant)

    def measure_functions(self, variant, figures):
        if shutil.which("perf") is None:
            self.report.note("Functions were not looked at: perf is missing (package linux-perf).")
            return
        samples = Samples(variant.groups(), self.folder / f"{len(self.report.lines)}.perf")
        variant.measure(self.arguments.seconds)
        found = samples.end()
        if found is None:
            words = samples.log.read_text(errors="replace").strip().splitlines()
            self.report.note(f"Functions were not looked at: {words[0] if words else 'perf failed'}")
            return
        total_us = sum(map(figures.spent_us, reads.PROCESSES))
        for process, functions in found.items():
            if figures.spent_us(process) >= total_us * WORTH_TELLING:
                self.report_functions(variant, process, functions, figures.spent_us(process))

    def report_functions(self, variant, process, functions, spent_us):
        self.report.section(f"{variant.short_name}: functions of {reads.label(process)}",
                            "us a request", "share")
        objects = collections.Counter()
        for share, object_, _ in functions:
            objects[object_] += share
        rows = [(share, object_, "all of") for object_, share in objects.most_common(OBJECTS)]
        for share, object_, function in rows + functions[:FUNCTIONS]:
            self.report.row(f"  {function[:40]:<40}  {object_[:20]}",
                            f"{share * spent_us:.2f}", f"{share:.1%}")

    def measure_calls(self, variant):
        try:
            counts, requests = reads.count_calls(variant, tuple(variant.groups()))
        except syscalls.Unavailable as error:
            self.report.note(f"System calls were not counted: {error}.")
            return
        for process, calls in counts.items():
            if sum(calls.values()) >= requests / 10:
                self.report.section(f"{variant.short_name}: system calls of {reads.label(process)}",
                                    "a request")
                for name, count in sorted(calls.items(), key=lambda call: -call[1])[:CALLS]:
                    if count >= requests / 100:
                        self.report.row(f"  {name}", f"{count / requests:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True, metavar="FOLDER",
                        help="where Refrain has been built")
    parser.add_argument("--seconds", type=int, default=5, metavar="N", help="of each run (5)")
    parser.add_argument("variants", nargs="*", metavar="VARIANT")
    arguments = parser.parse_args()
    folder = harness.temporary_folder()
    try:
        Profile(arguments, folder).run()
    except (RuntimeError, OSError) as error:
        print(f"profile: {error}", file=sys.stderr)
        return 1
    finally:
        harness.finish()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
