"""What Refrain is held against: the same nginx with a static file and with a bare libfcgi echo."""

import os
import shutil

import harness

RUNNER = "postgres"  # to whom root's instances belong
STATIC_NAME = "static.json"
NOWHERE = "unix:///nowhere"

# Where deploy/instance starts `refrain serve` it starts the echo, so that this has the same place
# among the processes: where the kernel shares out time by sessions, that matters.
STAND_IN = """#!/bin/sh
for command in "$@"; do
    case $command in
        serve) exec {folder}/echo "$REFRAIN_HTTP_SOCKET" {threads} {folder}/headers {folder}/body ;;
        worker) exec sleep infinity ;;
    esac
done
"""


class Rivals:
    """An instance of nginx with the settings that Refrain has, in front of two echo processes."""

    def __init__(self, folder, echo_program, answer, threads):
        self.folder = folder
        self.write_files(echo_program, answer, threads)
        prefix, os.environ["REFRAIN_PREFIX"] = os.environ["REFRAIN_PREFIX"], str(folder)
        try:
            self.instance = harness.Instance("rivals", parts="refrain,nginx", database=NOWHERE,
                                             redis=NOWHERE)
        finally:
            os.environ["REFRAIN_PREFIX"] = prefix

    def write_files(self, echo_program, answer, threads):
        web = self.folder / "share" / "refrain" / "web"
        web.mkdir(parents=True)
        (web / STATIC_NAME).write_bytes(answer.body)
        (self.folder / "headers").write_bytes(answer.headers_text())
        (self.folder / "body").write_bytes(answer.body)
        shutil.copy(echo_program, self.folder / "echo")
        (self.folder / "bin").mkdir()
        stand_in = self.folder / "bin" / "refrain"
        stand_in.write_text(STAND_IN.format(folder=self.folder, threads=threads))
        stand_in.chmod(0o755)

    @property
    def static_url(self):
        return f"{self.instance.url}/{STATIC_NAME}"

    def echo_url(self, path):
        return self.instance.url + path

    def close(self):
        self.instance.close()
