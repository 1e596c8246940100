"""The parties of the workload, each a process of several threads: readers and writers over HTTP, and
a writer in the database. What they do and see goes to the checker as events, stamped with the one
monotonic clock of the host."""

import collections
import contextlib
import hashlib
import http.client
import multiprocessing
import os
import select
import signal
import struct
import threading
import time
import urllib.parse

import fastcgi
import model

FLUSH_S = 0.1
TIMEOUT_S = 20
FOREIGN = "foreign"  # a token of somebody else, or none
# A reader reads a page so often in a row: processes keep in memory what they are asked for again.
BURSTS = (1, 1, 3, 8)
LOOKS = 3            # of a writer through each process, before a write and after it
LOOKED_AT = ("count", "count", "listens", "all_time")  # all change with every write

# part: the process that was asked directly; empty: through nginx.
Read = collections.namedtuple(
    "Read", "began ended user view window status digest etag body detail stranger conditional part")
Tried = collections.namedtuple("Tried", "at user n")
Done = collections.namedtuple("Done", "at user n how")       # how: "http" or "database"
Flip = collections.namedtuple("Flip", "at user n is_done")    # public again while n is even
Broken = collections.namedtuple("Broken", "at text")         # a party itself
Failed = collections.namedtuple("Failed", "at began user what status")
Batch = collections.namedtuple("Batch", "source until events")


class Client:
    """A connection that is kept, and made again after every error."""

    part = ""

    def __init__(self, url):
        address = urllib.parse.urlsplit(url)
        self.address = address.hostname, address.port
        self.connection = None

    def ask(self, method, path, body=None, headers=None):
        """(status, headers, body); status 0 where there was no answer."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection(*self.address, timeout=TIMEOUT_S)
        try:
            self.connection.request(method, path, body, headers or {})
            answer = self.connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            return 0, {}, b""


class Direct:
    """A connection straight to one serve process. Who it is that answers is certain then."""

    def __init__(self, instance, part):
        self.part = part
        self.path = instance.state / "sockets" / f"{part}.sock"
        self.connection = None

    def ask(self, method, path, _body=None, headers=None):
        """As Client.ask(); of the headers only the token is sent. A kept connection may have ended
        with its process: then another one gets the request."""
        was_kept = self.connection is not None
        try:
            return self.exchange(method, path, headers or {})
        except (OSError, ValueError, struct.error) as error:
            self.connection = None
            if was_kept and not isinstance(error, TimeoutError):
                return self.ask(method, path, headers=headers)
            return 0, {}, b""

    def exchange(self, method, path, headers):
        if self.connection is None:
            self.connection = fastcgi.Connection(self.path)
            self.connection.socket.settimeout(TIMEOUT_S)
        token = headers.get("Authorization", "").removeprefix("Token ")
        answer = self.connection.ask(path, method=method, token=token)
        if answer.header("Content-Length") not in ("", str(len(answer.body))):
            raise ValueError("a part is missing")
        headers = {name: answer.header(name) for name in ("ETag", "Cache-Status")}
        return answer.status, headers, answer.body


def parts_of(instance):
    return sorted(path.stem for path in (instance.state / "sockets").glob("serve-*.sock"))


class Party:
    """A process. Its threads run `steps` again and again until they are told to stop."""

    def __init__(self, name, world, instance, pause_s):
        self.name = name
        self.world = world
        self.instance = instance
        self.pause_s = pause_s
        self.events = []
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.process = None

    def start(self, context, sender, control):
        self.process = context.Process(target=self.main, args=(sender, *control), daemon=True)
        self.process.start()

    def steps(self):
        """A function for each thread; it returns how long to pause, or None for the usual time."""
        raise NotImplementedError

    def main(self, sender, control, control_end):
        """Ends when nobody holds the other end of the control pipe any more."""
        os.close(control_end)
        # Who started us ends us.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        threads = [threading.Thread(target=self.repeat, args=(step,), daemon=True)
                   for step in self.steps()]
        for thread in threads:
            thread.start()
        # Who does not read has gone.
        with contextlib.suppress(BrokenPipeError):
            while not select.select([control], [], [], FLUSH_S)[0]:
                sender.send(self.take())
            self.stop.set()
            for thread in threads:
                thread.join(TIMEOUT_S + 1)
            sender.send(self.take())
        os._exit(0)

    def repeat(self, step):
        while not self.stop.is_set():
            try:
                pause_s = step()
            except Exception as error:
                self.record(Broken, text=f"{self.name}: {error!r}")
                return
            self.stop.wait(self.pause_s if pause_s is None else pause_s)

    def record(self, kind, **fields):
        """Adds an event that happens now: no earlier one is added later."""
        with self.lock:
            now = time.monotonic()
            self.events.append(kind(at=now, **fields))
        return now

    def record_read(self, read):
        if read is not None:
            with self.lock:
                self.events.append(read._replace(ended=time.monotonic()))

    def take(self):
        with self.lock:
            events, self.events = self.events, []
            return Batch(self.name, time.monotonic(), events)


class Readers(Party):
    def __init__(self, name, world, instance, tokens, threads, pause_s):
        super().__init__(name, world, instance, pause_s)
        self.tokens = tokens
        self.threads = threads

    def steps(self):
        return [Reader(self, f"{self.name} {number}").step for number in range(self.threads)]


class Reader:
    def __init__(self, party, name):
        self.party = party
        self.eye = Eye(party.world, Client(party.instance.url))
        self.random = model.source_of(party.world.seed, name)

    def step(self):
        world, tokens = self.party.world, self.party.tokens
        user = world.choose(self.random)
        stranger = self.random.random() < (0.15 if user.visibility == model.PRIVATE else 0.6)
        token = tokens[user.name]
        if stranger:
            token = tokens[FOREIGN] if self.random.random() < 0.3 else None
        view, is_conditional = self.random.choice(model.VIEWS), self.random.random() < 0.3
        for _ in range(self.random.choice(BURSTS)):
            self.party.record_read(self.eye.read(user, view, token, stranger, is_conditional))


class Eye:
    """Reads, and remembers what it has got, for conditional requests."""

    def __init__(self, world, client):
        self.world = world
        self.client = client
        self.known = {}  # by path: ETag, digest and checksum

    def read(self, user, view, token=None, stranger=True, conditional=False):
        """The event; None where the view has become another meanwhile."""
        path = self.world.path(user, view)
        headers = {"Authorization": f"Token {token}"} if token else {}
        conditional = conditional and path in self.known
        if conditional:
            headers["If-None-Match"] = self.known[path][0]
        window = model.window(view, time.time())
        began = time.monotonic()
        status, answered, body = self.client.ask("GET", path, headers=headers)
        if model.window(view, time.time()) != window:
            return None
        etag = answered.get("ETag") or ""
        digest, checksum = self.look(path, view, status, etag, body)
        return Read(began, time.monotonic(), user.index, view, window, status, digest, etag, checksum,
                    answered.get("Cache-Status") or "", stranger, conditional,
                    self.client.part)

    def look(self, path, view, status, etag, body):
        if status == 304:
            known = self.known.get(path, ("", "", ""))
            return known[1:] if known[0] == etag else ("", "")
        if status not in (200, 204):
            return "", ""
        try:
            digest = model.read_body(view, status, body)
        except (ValueError, KeyError, TypeError, AssertionError):
            digest = "unreadable " + body[:200].decode(errors="replace")
        self.known[path] = etag, digest, hashlib.blake2b(body, digest_size=8).hexdigest()
        return self.known[path][1:]


class Writers(Party):
    """Each thread has its own listeners, so that the writes to each come one after the other. A write
    with an unknown outcome is tried again until it is acknowledged; others go on meanwhile."""

    def __init__(self, name, world, instance, tokens, written, threads, pause_s):
        super().__init__(name, world, instance, pause_s)
        self.tokens = tokens
        self.written = written
        self.threads = threads

    def steps(self):
        groups = [[user for user in self.world.crowd
                   if user.index % self.threads == number and not user.in_database]
                  for number in range(self.threads)]
        return [Writer(self, f"{self.name} {number}", group).step
                for number, group in enumerate(groups)]


def submission(listen):
    return (f'{{"listen_type":"single","payload":[{{"listened_at":{listen.at},"track_metadata":'
            f'{{"artist_name":"{listen.artist}","track_name":"{listen.track}"}}}}]}}')


class Writer:
    def __init__(self, party, name, users):
        self.party = party
        self.client = Client(party.instance.url)
        self.eyes = [Eye(party.world, Direct(party.instance, part))
                     for part in parts_of(party.instance)]
        self.random = model.source_of(party.world.seed, name)
        self.users = users
        self.written = {user.index: party.written[user.index] for user in users}
        self.pending = set()

    def step(self):
        user = self.users[min(self.random.randrange(len(self.users)),
                              self.random.randrange(len(self.users)))]
        # So that each process holds what the write makes outdated, and is asked for it at once.
        view = self.random.choice(LOOKED_AT) if self.random.random() < 0.4 else None
        self.look(user, view)
        if self.write(user):
            self.look(user, view)

    def look(self, user, view):
        for eye in self.random.sample(self.eyes, len(self.eyes)) if view else ():
            for _ in range(LOOKS):
                self.party.record_read(eye.read(user, view, self.party.tokens[user.name], False))

    def write(self, user):
        n = self.written[user.index] + 1
        listen = self.party.world.write(user, n).adds
        began = time.monotonic()
        if user.index not in self.pending:
            self.party.record(Tried, user=user.index, n=n)
        status, _, _ = self.client.ask("POST", "/1/submit-listens", submission(listen), {
            "Authorization": f"Token {self.party.tokens[user.name]}"})
        if status == 200:
            self.pending.discard(user.index)
            self.written[user.index] = n
            self.party.record(Done, user=user.index, n=n, how="http")
        else:
            self.pending.add(user.index)
            self.party.record(Failed, began=began, user=user.index, what="write", status=status)
        return status == 200


class DatabaseWriters(Party):
    """Changes listens, and who may see them, with SQL."""

    def __init__(self, name, world, instance, written, pause_s):
        super().__init__(name, world, instance, pause_s)
        self.written = written

    def steps(self):
        return [DatabaseWriter(self).step, Flipper(self).step]


class DatabaseWriter:
    def __init__(self, party):
        self.party = party
        self.users = [user for user in party.world.crowd if user.in_database]
        self.written = {user.index: party.written[user.index] for user in self.users}
        self.pending = set()
        self.at = 0

    def step(self):
        user = self.users[self.at % len(self.users)]
        self.at += 1
        n = self.written[user.index] + 1
        if user.index not in self.pending:
            self.party.record(Tried, user=user.index, n=n)
        self.pending.add(user.index)
        try:
            self.party.instance.psql(statement(user, self.party.world.write(user, n)))
        except RuntimeError:
            return
        self.pending.discard(user.index)
        self.written[user.index] = n
        self.party.record(Done, user=user.index, n=n, how="database")


def statement(user, write):
    """What changes a listener's listens with SQL."""
    whose = f"user_id = (select id from users where name = '{user.name}')"
    if write.removes:
        return f"delete from listens where {whose} and listened_at = to_timestamp({write.removes.at})"
    return (f"insert into listens (user_id, listened_at, recording_id, artist_id, release_id) "
            f"select user_id, to_timestamp({write.adds.at}), recording_id, artist_id, release_id "
            f"from listens where {whose} and listened_at = to_timestamp({write.source.at}) "
            f"on conflict do nothing")


class Flipper:
    PAUSE_S = 1.5

    def __init__(self, party):
        self.party = party
        self.users = [user for user in party.world.crowd if user.visibility == model.FLIPPED]
        self.flips = dict.fromkeys((user.index for user in self.users), 0)
        self.at = 0

    def step(self):
        user = self.users[self.at % len(self.users)]
        n = self.flips[user.index] + 1
        self.party.record(Flip, user=user.index, n=n, is_done=False)
        try:
            self.party.instance.psql(f"update users set public = {n % 2 == 0} "
                                     f"where name = '{user.name}'")
        except RuntimeError:
            return None
        self.at += 1
        self.flips[user.index] = n
        self.party.record(Flip, user=user.index, n=n, is_done=True)
        return self.PAUSE_S


class Workload:
    """All parties, and the pipe by which their events come."""

    def __init__(self, parties):
        context = multiprocessing.get_context("fork")
        self.receivers = []
        self.is_over = False
        self.parties = parties
        control, self.control_end = os.pipe()
        for party in parties:
            receiver, sender = context.Pipe(duplex=False)
            party.start(context, sender, (control, self.control_end))
            sender.close()
            self.receivers.append(receiver)
        os.close(control)

    def end(self):
        if self.is_over:
            return
        self.is_over = True
        os.close(self.control_end)
        for party in self.parties:
            party.process.join(TIMEOUT_S + 10)
            party.process.kill()
