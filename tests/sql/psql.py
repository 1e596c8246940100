"""psql as a library. A session is one connection that stays open; it can be left waiting for a lock
while others go on."""

import os
import selectors
import subprocess
import time

url = None          # set by run
DEADLINE_S = 60     # nothing here takes long; what does is stuck

_open = []


class SqlError(Exception):
    def __init__(self, state, message):
        super().__init__(f"{state}: {message}")
        self.state = state


class Session:
    def __init__(self):
        self.process = subprocess.Popen(
            ["psql", "-XqAt", "-F", "\x1f", "-R", "\x1e", "-P", "null=\x01", "-d", url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=dict(os.environ, PGCLIENTENCODING="UTF8"))
        self.count = 0
        self.pending = b""
        _open.append(self)

    def start(self, statement):
        """Sends one statement, without waiting for its end."""
        self.count += 1
        text = (f"{statement.strip().rstrip(';')}\n;\n"
                f"\\echo '{self._mark()}' :ERROR :SQLSTATE :LAST_ERROR_MESSAGE\n")
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def waits(self, time_s=0.3):
        """Whether the statement that was started is still at it after this time."""
        return not self._read(time.monotonic() + time_s)

    def finish(self):
        """The rows of the statement that was started: tuples of strings and None."""
        if not self._read(time.monotonic() + DEADLINE_S):
            raise AssertionError("a statement does not end")
        body, _, rest = self.pending.partition(self._mark().encode())
        line, _, self.pending = rest.partition(b"\n")
        error, state, *message = line.decode().split(maxsplit=2)
        if error == "true":
            raise SqlError(state, " ".join(message))
        text = body.decode().removesuffix("\n")
        return [tuple(None if value == "\x01" else value for value in row.split("\x1f"))
                for row in text.split("\x1e")] if text else []

    def rows(self, statement):
        self.start(statement)
        return self.finish()

    def row(self, statement):
        rows = self.rows(statement)
        assert len(rows) == 1, f"{len(rows)} rows instead of one"
        return rows[0]

    def value(self, statement):
        return self.row(statement)[0]

    def close(self):
        self.process.stdin.close()
        self.process.wait(DEADLINE_S)
        self.process.stdout.close()
        _open.remove(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _mark(self):
        return f"\x02{self.count}\x02"

    def _read(self, deadline):
        """Reads until the statement's end; False if it does not come in time."""
        mark = self._mark().encode()
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while True:
                at = self.pending.find(mark)
                if at >= 0 and b"\n" in self.pending[at:]:
                    return True
                if not selector.select(max(0, deadline - time.monotonic())):
                    return False
                data = os.read(self.process.stdout.fileno(), 1 << 16)
                if not data:
                    raise AssertionError("psql has ended")
                self.pending += data


def shared():
    """The session of all that need only one."""
    return _open[0] if _open else Session()


def rows(statement):
    return shared().rows(statement)


def row(statement):
    return shared().row(statement)


def value(statement):
    return shared().value(statement)


def execute(statement):
    shared().rows(statement)


def close_all():
    for session in list(_open):
        session.close()


def literal(value):
    """A value of Python as a literal of SQL; a list becomes an array of the type that it is for."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    if isinstance(value, (list, tuple)):
        items = ("NULL" if item is None
                 else '"' + str(item).replace("\\", "\\\\").replace('"', '\\"') + '"'
                 for item in value)
        value = "{" + ",".join(items) + "}"
    return "'" + str(value).replace("'", "''") + "'"


def call(function, *arguments):
    return f"select * from refrain.{function}({', '.join(map(literal, arguments))})"
