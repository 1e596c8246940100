"""What failpoints are told to do (fcgi/base/failpoint.c)."""

import os
import pathlib


def are_built_in():
    binary = pathlib.Path(os.environ["REFRAIN_PREFIX"]) / "bin" / "refrain"
    return b"REFRAIN_FAILPOINTS" in binary.read_bytes()


class Orders:
    """The programs look for them in the folder that $REFRAIN_FAILPOINTS names when they start."""

    def __init__(self, folder):
        self.folder = folder

    def give(self, name, order):
        self.recall(name)
        (self.folder / f"{name}.new").write_text(order)
        (self.folder / f"{name}.new").rename(self.folder / name)

    def recall(self, name):
        for ending in ("", ".taken", ".hit", ".new"):
            (self.folder / (name + ending)).unlink(missing_ok=True)

    def recall_all(self):
        for file in self.folder.iterdir():
            file.unlink(missing_ok=True)

    def is_hit(self, name):
        return (self.folder / f"{name}.hit").exists()
