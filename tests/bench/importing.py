"""An import under observation: how long it takes and how much memory it holds on the way."""

import os
import re
import subprocess
import time

POLL_S = 0.02
SUMMARY = re.compile(r"^rows=(\d+) accepted=(\d+) .*refused=(\d+)", re.M)


class Import:
    def __init__(self, instance, user, path):
        self.size = path.stat().st_size
        self.samples = []  # (share of the file that has been read, resident KiB)
        self.peak_kib = 0
        command = [instance.state / "bin" / "refrain", "--config", instance.env["REFRAIN_CONFIG"],
                   "import", "--user", user, path]
        began = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        while not self.has_ended(process):
            self.sample(process.pid, str(path))
        self.seconds = time.monotonic() - began
        output, errors = process.communicate()
        found = SUMMARY.search(output)
        if process.returncode != 0 or found is None:
            raise RuntimeError(f"refrain import: {errors.strip()}")
        self.rows, self.accepted, self.refused = map(int, found.groups())

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
            resident = int(status["VmRSS"].split()[0])
            self.peak_kib = max(self.peak_kib, int(status["VmHWM"].split()[0]))
            self.samples.append((self.position(pid, path) / self.size, resident))
        except (OSError, KeyError, StopIteration):
            pass  # it has ended meanwhile, or has not opened the file yet

    @staticmethod
    def position(pid, path):
        folder = f"/proc/{pid}/fd"
        number = next(fd for fd in os.listdir(folder) if os.readlink(f"{folder}/{fd}") == path)
        with open(f"/proc/{pid}/fdinfo/{number}") as file:
            return int(next(line for line in file if line.startswith("pos:")).split()[1])

    def resident_kib(self, share):
        """The most that was resident around the moment when so much of the file had been read."""
        return max((kib for at, kib in self.samples if abs(at - share) <= 0.05), default=0)

    @property
    def rate(self):
        return self.accepted / self.seconds
