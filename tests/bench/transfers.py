"""Long transfers: a file of a million listens by command and over HTTP, and all of it out again."""

import json
import time

import harness
import history
import importing
import storm

MIB = 1024  # KiB
POLL_S = 0.1
HOUR_S = 3600
PIECE_BYTES = 1 << 16


class Upload:
    """Timed from the first byte until the worker has stored the last listen."""

    def __init__(self, instance, user, path):
        self.instance = instance
        self.token = instance.token(user)
        self.memory = importing.Memory()
        self.before_kib = storm.resident_kib(instance.part_pid("worker"))
        began = time.monotonic()
        self.id = self.send(path)
        self.sent_s = time.monotonic() - began
        report = harness.wait_for(self.has_ended, "the import", HOUR_S)
        self.seconds = time.monotonic() - began
        if report["state"] != "done" or report["accepted"] != report["rows"]:
            raise RuntimeError(f"an uploaded file: {report}")
        self.listens = report["accepted"]

    def send(self, path):
        connection = self.instance.connect()
        with open(path, "rb") as file:
            connection.request("POST", f"/1/import-listens?file_name={path.name}", file,
                               {"Authorization": f"Token {self.token}",
                                "Content-Length": str(path.stat().st_size)})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 202:
            raise RuntimeError(f"an upload: {answer.status} {body}")
        return json.loads(body)["id"]

    def has_ended(self):
        """The report, once it has."""
        time.sleep(POLL_S)
        report = self.instance.get(f"/1/import-listens/{self.id}", token=self.token).json()
        if report["rows_total"]:
            self.memory.add(report["rows"] / report["rows_total"],
                            storm.resident_kib(self.instance.part_pid("worker")))
        return report if report["state"] not in ("waiting", "running") else None


class Export:
    """Read as fast as it comes."""

    def __init__(self, instance, user):
        pids = [instance.part_pid(f"serve-{number}") for number in (1, 2)]
        self.before_kib = max(map(storm.resident_kib, pids))
        self.peak_kib = 0
        connection = instance.connect()
        began = time.monotonic()
        connection.request("GET", "/1/export-listens",
                           headers={"Authorization": f"Token {instance.token(user)}"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"an export: {answer.status}")
        self.bytes = len(answer.read(1))
        self.first_ms = (time.monotonic() - began) * 1e3
        self.lines = 0
        while piece := answer.read(PIECE_BYTES):
            self.bytes += len(piece)
            self.lines += piece.count(b"\n")
            self.peak_kib = max(self.peak_kib, *map(storm.resident_kib, pids))
        self.seconds = time.monotonic() - began
        connection.close()


def report(report_, instance, folder, plan):
    path = folder / "million.jsonl"
    history.write(path, plan.transfer_listens)
    instance.token("commanded")
    command = importing.Import(instance, "commanded", path)
    upload = Upload(instance, "uploading", path)
    path.unlink()
    exports = [Export(instance, "uploading") for _ in range(plan.rounds)]
    if any(one.lines != plan.transfer_listens for one in exports):
        raise RuntimeError(f"{exports[0].lines} lines were exported")
    show_imports(report_, command, upload, plan)
    show_exports(report_, exports, plan)


def show_imports(report_, command, upload, plan):
    report_.section(f"A file of {plan.transfer_listens:,} listens, and resident MiB until so "
                    "much of it was done", "listens/s", "seconds", *(f"{share:.0%}" for share in importing.SHARES),
                    "growth", "aim")
    for what, one, listens in (("refrain import", command, command.accepted),
                               ("POST /1/import-listens, until it is done: the worker", upload,
                                upload.listens)):
        report_.row(what, listens / one.seconds, one.seconds,
                    *(kib / MIB for kib in one.memory.quarters_kib()),
                    *((f"{one.memory.growth:+.0%}", "<= +10 %") if plan.judges_memory else ()))
    report_.note(f"The upload itself took {upload.sent_s:.1f} s; the worker had "
                 f"{upload.before_kib / MIB:.0f} MiB before.")


def show_exports(report_, exports, plan):
    report_.section(f"GET /1/export-listens, {plan.transfer_listens:,} listens: the median and the "
                    "worst of the rounds", "median", "worst", "aim")
    rows = (("first byte, ms", lambda one: one.first_ms, max, "<= 100 ms"),
            ("listens/s", lambda one: one.lines / one.seconds, min, None),
            ("MB/s", lambda one: one.bytes / one.seconds / 1e6, min, None),
            ("larger serve process, MiB: before", lambda one: one.before_kib / MIB, max, None),
            ("at most on the way", lambda one: one.peak_kib / MIB, max, None),
            ("growth, MiB", lambda one: (one.peak_kib - one.before_kib) / MIB, max, "<= 10 MiB"))
    for what, figure, worst, aim in rows:
        figures = sorted(map(figure, exports))
        report_.row(what, figures[len(figures) // 2], worst(figures), aim)
