"""Tests that read the sources: each returns its complaints, TAP goes to standard output."""

import os
import pathlib
import sys

# Automake tells tests where the sources are.
TOP = pathlib.Path(os.environ.get("srcdir", pathlib.Path(__file__).parents[2])).resolve()

NO_SOURCES = {".git", ".state", "build", "build-aux", "autom4te.cache", "__pycache__", ".deps"}


def sources(*patterns):
    """The source files below the given folders, as 'fcgi/**/*.c'; never a build's products."""
    found = set()
    for pattern in patterns:
        for path in TOP.glob(pattern):
            parts = path.relative_to(TOP).parts
            if path.is_file() and not NO_SOURCES.intersection(parts):
                found.add(path)
    return sorted(found)


def name(path):
    return str(path.relative_to(TOP))


def lines(path):
    return enumerate(path.read_text(encoding="utf-8").splitlines(), 1)


class Skip(Exception):
    pass


def main(*tests):
    """Each test is a function without arguments; its first line of documentation is its name."""
    print(f"1..{len(tests)}")
    failed = False
    for number, test in enumerate(tests, 1):
        title = test.__doc__.splitlines()[0]
        try:
            complaints = list(test())
        except Skip as reason:
            print(f"ok {number} - {title} # SKIP {reason}")
            continue
        print(f"{'not ok' if complaints else 'ok'} {number} - {title}")
        for complaint in complaints:
            print(f"# {complaint}")
        failed = failed or bool(complaints)
    sys.exit(1 if failed else 0)
