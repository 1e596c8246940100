"""System calls of processes, counted by strace."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import cpu
import harness

ROW = re.compile(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", re.M)


class Unavailable(Exception):
    """strace is missing, or may not look."""


class Trace:
    """Counts what processes and their children call, from now until end()."""

    def __init__(self, pids):
        program = shutil.which("strace")
        if program is None:
            raise Unavailable("strace is not installed")
        known = cpu.children()
        pids = [pid for parent in pids for pid in (parent, *known.get(parent, []))]
        self.folder = tempfile.TemporaryDirectory(prefix="refrain-strace-")
        self.output = pathlib.Path(self.folder.name) / "counts"
        self.messages = pathlib.Path(self.folder.name) / "messages"
        command = [program, "-f", "-c", "-o", self.output]
        for pid in pids:
            command += ["-p", str(pid)]
        with self.messages.open("wb") as messages:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=messages)
        threads = sum(len(os.listdir(f"/proc/{pid}/task")) for pid in pids)
        harness.wait_for(lambda: self.process.poll() is not None or self.attached() >= threads,
                         "strace")
        if self.process.poll() is not None:
            words = self.messages.read_text().strip()
            self.folder.cleanup()
            raise Unavailable(f"strace may not look: {words.splitlines()[-1] if words else ''}")

    def attached(self):
        """Processes and threads; of a process with threads strace tells the number."""
        text = self.messages.read_text()
        return (len(re.findall(r" attached$", text, re.M))
                + sum(map(int, re.findall(r" attached with (\d+) threads$", text, re.M))))

    def end(self):
        """{call: how often}"""
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        counts = {name: int(count) for count, name in ROW.findall(self.output.read_text())
                  if name != "total"}
        self.folder.cleanup()
        return counts
