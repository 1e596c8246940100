"""A storm of the largest submissions that are allowed, and what it does to the memory of serve."""

import concurrent.futures
import json
import pathlib
import re
import threading

import harness

CLIENTS = 8
LISTENS = 1000
COMMENT_BYTES = 9900
FIRST_TIME = 1_500_000_000
MIB = 1024  # KiB


def body(client, last_track="Track"):
    """Nearly 10 MB; without a name for its last track it is refused once all of it has been read."""
    listens = [{"listened_at": FIRST_TIME + at,
                "track_metadata": {"artist_name": f"Artist {client}", "track_name": f"Track {at % 50}",
                                   "additional_info": {"comment": "x" * COMMENT_BYTES}}}
               for at in range(LISTENS)]
    listens[-1]["track_metadata"]["track_name"] = last_track
    return json.dumps({"listen_type": "import", "payload": listens}).encode()


class Storm:
    """Clients that submit the same again and again, which changes nothing after the first time; every
    other submission is refused."""

    def __init__(self, instance):
        self.instance = instance
        self.tokens = [instance.token(f"stormy{client}") for client in range(CLIENTS)]
        self.bodies = [(body(client), 200, body(client, last_track=""), 400)
                       for client in range(CLIENTS)]

    def blow(self, requests):
        """So many requests of each client, all clients at the same time."""
        ready = threading.Barrier(CLIENTS)

        def submit(client):
            good, stored, bad, refused = self.bodies[client]
            ready.wait()
            for at in range(requests):
                sent, expected = (bad, refused) if at % 2 else (good, stored)
                answer = self.instance.post("/1/submit-listens", sent, token=self.tokens[client])
                if answer.status != expected:
                    raise RuntimeError(f"a submission of {len(sent)} bytes: {answer}")

        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            for done in [pool.submit(submit, client) for client in range(CLIENTS)]:
                done.result()


def resident_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.M).group(1))


def serve_kib(instance):
    """Of both serve processes."""
    return sum(resident_kib(instance.part_pid(f"serve-{number}")) for number in (1, 2))


def report(report, instance, requests):
    """The first third is for buffers to become as large as they get."""
    storm = Storm(instance)
    sizes = [serve_kib(instance)]
    for _ in range(3):
        storm.blow(requests // 3)
        sizes.append(serve_kib(instance))
    size = len(storm.bodies[0][0])
    report.section(f"A storm: {CLIENTS} clients, {requests} submissions each of {size / 1e6:.1f} MB, every "
                   "other refused", "before MiB", "a third", "two thirds", "end", "growth", "aim")
    report.row("resident memory of both serve processes", *(kib / MIB for kib in sizes),
               f"{sizes[3] / sizes[1] - 1:+.0%}", "<= +10 %")
