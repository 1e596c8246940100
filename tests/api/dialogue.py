"""What the tests of clients share: requests to the byte, and answers read as strictly as clients do.

A client of a test sends what the real one sends, whatever that is, and judges the answer as that
does. Facts about clients are read from their sources.
"""

import contextlib
import gzip
import http.client
import json
import socket
import time
import urllib.parse

import harness

NOW = int(time.time())
DONE, AGAIN, LOST = "done", "again", "lost"  # what a client makes of the answer to a listen


def compact(value):
    """JSON as most serialisers write it; what is None is left out of objects by whoever does so."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def without_nulls(value):
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items()
                if member is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def head_of(address, method, target, headers, body=None):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {address.netloc}",
             *(f"{name}: {value}" for name, value in headers)]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode()


def ask(instance, method, target, headers=(), body=None):
    """Sends these headers and no others beside Host and, with a body, Content-Length."""
    address = urllib.parse.urlsplit(instance.url)
    with socket.create_connection((address.hostname, address.port), harness.DEADLINE_S) as connection:
        connection.sendall(head_of(address, method, target, headers, body) + (body or b""))
        with http.client.HTTPResponse(connection, method=method) as answer:
            answer.begin()
            content = answer.read()
            if answer.headers["Content-Encoding"] == "gzip":
                content = gzip.decompress(content)
            return harness.Response(answer.status, answer.headers, content)


def has_header(answer, name):
    """Whether it is there in exactly this case."""
    return name in answer.headers.keys()


class Optional:
    """A member that may be missing or null."""

    def __init__(self, shape):
        self.shape = shape


FITS = {
    str: lambda value: isinstance(value, str),
    bool: lambda value: isinstance(value, bool),
    int: lambda value: isinstance(value, int) and not isinstance(value, bool),
    float: lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    dict: lambda value: isinstance(value, dict),
}


class Misfit(Exception):
    """The answer is not what the client's types say."""


def fit(value, shape, where="it"):
    """The value, if it has the shape: a type, [shape of all items], {member: shape}, Optional."""
    if isinstance(shape, Optional):
        if value is not None:
            fit(value, shape.shape, where)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise Misfit(f"{where} is no list: {value!r}")
        for number, item in enumerate(value):
            fit(item, shape[0], f"{where}[{number}]")
    elif isinstance(shape, dict):
        fit(value, dict, where)
        for name, member in shape.items():
            if name not in value and not isinstance(member, Optional):
                raise Misfit(f"{where} lacks {name}: {value!r}")
            fit(value.get(name), member, f"{where}.{name}")
    elif not FITS[shape](value):
        raise Misfit(f"{where} is no {shape.__name__}: {value!r}")
    return value


def parse(answer, shape):
    try:
        return fit(json.loads(answer.body), shape)
    except ValueError:
        raise Misfit(f"no JSON: {answer}") from None


class ClientTest(harness.ApiTest):
    """Each test has a user of its own: `name`, whose token is `token`."""

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1] + " ü"
        self.token = self.instance.token(self.name)
        self.path = "/1/user/" + urllib.parse.quote(self.name)

    def ask(self, method, target, headers=(), body=None):
        return ask(self.instance, method, target, headers, body)

    def stored(self):
        """(listened_at, track_name) of all listens, the newest first."""
        answer = self.instance.get(f"{self.path}/listens?count=1000", token=self.token)
        self.assertEqual(answer.status, 200, answer)
        return [(listen["listened_at"], listen["track_metadata"]["track_name"])
                for listen in answer.json()["payload"]["listens"]]

    def counted(self):
        answer = self.instance.get(f"{self.path}/listen-count", token=self.token)
        return answer.json()["payload"]["count"]

    def playing(self):
        """The track that is playing, as the API tells."""
        answer = self.instance.get(f"{self.path}/playing-now", token=self.token)
        self.assertEqual(answer.status, 200, answer)
        return [listen["track_metadata"]["track_name"]
                for listen in answer.json()["payload"]["listens"]]

    @contextlib.contextmanager
    def without(self, *parts):
        """Parts of the instance are down meanwhile, and are used again afterwards."""
        for part in parts:
            self.instance.stop_part(part)
        try:
            yield
        finally:
            for part in parts:
                self.instance.start_part(part)
            harness.wait_for(lambda: all(self.instance.get("/readyz").status == 200
                                         for _ in range(20)), "all processes to be ready")

    def assertLosesNothing(self, send, outcome, listens):
        """While PostgreSQL, or all of Refrain, is away the client knows that it has to send it
        again; when that is back it is done, and all is there once however often it is sent."""
        for parts in (("postgresql",), ("serve-1", "serve-2")):
            with self.subTest(parts), self.without(*parts):
                for _ in range(3):
                    answer = send()
                    self.assertEqual(outcome(answer), AGAIN, answer)
        for _ in range(3):
            answer = send()
            self.assertEqual(outcome(answer), DONE, answer)
        self.assertEqual(sorted(self.stored()), sorted(listens))
        self.assertEqual(self.counted(), len(listens))


@contextlib.contextmanager
def crowd(instance, size=600):
    """So many requests of this address whose bodies do not come; nginx lets in 512."""
    address = urllib.parse.urlsplit(instance.url)
    head = head_of(address, "POST", "/1/feedback/recording-feedback", [("Content-Length", "9")])
    with contextlib.ExitStack() as stack:
        for _ in range(size):
            connection = stack.enter_context(
                socket.create_connection((address.hostname, address.port), harness.DEADLINE_S))
            connection.sendall(head)
        harness.wait_for(lambda: instance.get("/1/validate-token").status == 429, "the limit")
        yield
