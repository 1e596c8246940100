"""Processor time by process, as the kernel counts it in /proc: user and system time together."""

import os

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def fields(pid):
    """Those of /proc/PID/stat from the third on; None if the process has ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def children():
    """{process: those that it has started and that still run}"""
    found = {}
    for name in os.listdir("/proc"):
        stat = fields(name) if name.isdigit() else None
        if stat is not None:
            found.setdefault(int(stat[1]), []).append(int(name))
    return found


def own_ticks(stat):
    return int(stat[11]) + int(stat[12])


def ended_ticks(stat):
    """Of its children that have ended."""
    return int(stat[13]) + int(stat[14])


def family_seconds(pid, known_children):
    stat = fields(pid)
    if stat is None:
        raise RuntimeError(f"process {pid} has ended")
    living = filter(None, map(fields, known_children.get(pid, [])))
    return (own_ticks(stat) + ended_ticks(stat) + sum(map(own_ticks, living))) / TICKS_PER_S


def machine_seconds():
    """What all processors have worked, interrupts included."""
    with open("/proc/stat") as file:
        user, nice, system, _idle, _wait, irq, softirq, *_ = map(int, file.readline().split()[1:])
    return (user + nice + system + irq + softirq) / TICKS_PER_S


class Meter:
    """Seconds of processor time that groups of processes take from now until read()."""

    def __init__(self, groups):
        """`groups` is {name: processes, of which each counts with its children}."""
        self.groups = groups
        self.began = self.look()

    def look(self):
        known, own = children(), os.times()
        seconds = {name: sum(family_seconds(pid, known) for pid in pids)
                   for name, pids in self.groups.items()}
        # wrk is the child of ours that has ended in between.
        seconds["wrk"] = own.children_user + own.children_system
        return {**seconds, "rest": machine_seconds() - sum(seconds.values())}

    def read(self):
        """Besides the groups "wrk", and the "rest" of the machine."""
        now = self.look()
        return {name: now[name] - began for name, began in self.began.items()}
