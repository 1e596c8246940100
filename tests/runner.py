"""Runs the test_*.py of a folder: one line a test, and at the end "N passed, N failed".

    tests/api/run [NAME…]

Only tests whose name holds one of the NAMEs run, if any is given. A test that fails is followed by
its traceback and by what `report` returns, the logs of its servers.
"""

import faulthandler
import importlib
import pathlib
import signal
import sys
import time
import traceback
import unittest

HANGS_S = 600  # one test; what a test waits for itself it gives up sooner


def guard():
    """Ends this process, and shows where it stood, unless it is called again in time."""
    faulthandler.dump_traceback_later(HANGS_S, exit=True)


class Result(unittest.TestResult):
    def __init__(self, report):
        super().__init__()
        self.passed = 0
        self.failed = 0
        self.report = report
        self.test = None
        self.began = time.monotonic()

    def startTest(self, test):
        super().startTest(test)
        guard()
        self.test = test
        self.began = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        guard()
        self.test = None
        self.began = time.monotonic()

    def line(self, word, test, note=""):
        name = test.id() if hasattr(test, "id") else str(test)
        print(f"{word:4} {name} ({time.monotonic() - self.began:.2f} s){note}", flush=True)

    def addSuccess(self, test):
        self.passed += 1
        self.line("ok", test)

    def addSkip(self, test, reason):
        self.line("skip", test, f": {reason}")

    def addFailure(self, test, err):
        self.failed += 1
        self.line("FAIL", test)
        print("".join(traceback.format_exception(*err)), flush=True)
        print(self.report(), flush=True)

    def addError(self, test, err):
        self.addFailure(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.addFailure(subtest, err)


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


def load(folder, names):
    sys.path.insert(0, str(folder))
    suite = unittest.TestSuite()
    for path in sorted(folder.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        tests = flatten(unittest.defaultTestLoader.loadTestsFromModule(module))
        suite.addTests(test for test in tests
                       if not names or any(name in test.id() for name in names))
    return suite


# The one exception that a test does not catch and count.
def interrupt(_number, _frame):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main(folder, report=lambda: "", finish=lambda: None):
    """Returns the exit status. `finish` is called whatever happens; what it raises is a failure."""
    guard()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    result = Result(report)
    try:
        load(pathlib.Path(folder), sys.argv[1:]).run(result)
    except KeyboardInterrupt:
        if result.test is not None:
            result.test.doCleanups()
        return 130
    finally:
        finish()
    print(f"{result.passed} passed, {result.failed} failed")
    return 0 if result.failed == 0 else 1
