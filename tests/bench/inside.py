"""What is measured in the process alone: the instructions of a hit, and L1 by itself."""

import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOTAL = re.compile(r"^([\d,]+) instructions per request; libfcgi's own ([\d,]+)", re.M)
MEMORY = re.compile(r"^  (.+?) +(\d+) +([+-][\d.]+) %$", re.M)
HANDLER = re.compile(r"^([\d,]+) instructions in the handler", re.M)
FOLDER = re.compile(r"^ *([\d,]+)  (\w+/)$", re.M)
LOOK_UP = re.compile(r"^  (.+?) +([\d.]+) ns, [\d.]+ % missed$", re.M)
COST = re.compile(r"^  (.+?) +(\d+) ns, (\d+) ns without locks: ([+-][\d.]+) %$", re.M)
LOCKED = re.compile(r"^  (.+?) +([\d.]+) % of the wall clock$", re.M)


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{pathlib.Path(command[0]).name}: {done.stderr.strip()}")
    return done.stdout


def number(text):
    return int(text.replace(",", ""))


def report_instructions(report, prefix):
    output = run(sys.executable, "-B", HERE / "instructions.py", "--prefix", prefix)
    total, libfcgi = TOTAL.search(output).groups()
    head = output.splitlines()[0]
    if "detail=l1" not in head or head.count(" x refrain") != 1:
        raise RuntimeError(f"no hits in L1 alone: {head}")
    report.section("Instructions of a hit in L1, from libfcgi's hand-over to the answer "
                   "(valgrind)", "count", "aim")
    report.row("the handler of the route, and all that it calls", number(HANDLER.search(output).group(1)),
               "<= 5,000")
    report.row("all of serve: with reading the request and sending the answer", number(total))
    for count, folder in FOLDER.findall(output):
        report.row(f"  {folder}, with what it has base/ and libraries do", number(count))
    report.row("libfcgi's own, beside them", number(libfcgi))


def report_l1(report, program):
    output = run(program)
    report.section("L1 by itself: 64 MiB, full", "", "beyond", "aim")
    for what, bytes_, beyond in MEMORY.findall(output):
        report.row(f"memory: {what}", f"{int(bytes_):,}", f"{beyond} %",
                   "<= 15 %" if what == "in use, as malloc says" else None)
    for what, ns in LOOK_UP.findall(output):
        report.row(f"a look-up: {what}", f"{ns} ns")
    for what, ns, _, beyond in COST.findall(output):
        report.row(f"16 threads' locks: {what}", f"{ns} ns", f"{beyond} %",
                   "<= 3 %" if what.startswith("processor time") else None)
    for what, share in LOCKED.findall(output):
        report.row(f"16 threads' locks: {what}", f"{share} %", None, "<= 3 %")
