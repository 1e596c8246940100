"""What is tested: Refrain with nginx and PostgreSQL, and a Redis with a replica, both behind a proxy."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request

from concurrent import futures

import harness

HERE = pathlib.Path(__file__).resolve().parent
MAXMEMORY = 32 << 20
BUCKETS = 256
# What bash, the parent of all parts, says of one that crashes; SIGKILL is our own doing.
CRASHES = re.compile(r".*(?:Segmentation fault|Aborted|Bus error|Illegal instruction).*")
# The kernel ends it when the thread that started it is gone: so one thread starts everything.
TIED = ("setpriv", "--pdeathsig", "KILL", "--")
starter = futures.ThreadPoolExecutor(1)


def start_tied(*command, **options):
    return starter.submit(subprocess.Popen, [*TIED, *command], start_new_session=True,
                          **options).result()


class RedisError(Exception):
    """Redis is not there, does not answer in time, or refuses the command."""


class Node:
    """A Redis server, and a client of it that is not led through the proxy."""

    def __init__(self, folder, name):
        self.folder = folder / name
        self.folder.mkdir()
        self.name = name
        self.port = free_port()
        self.process = None
        self.stream = None
        self.lock = threading.RLock()

    def start(self):
        with open(self.folder / "redis.log", "ab") as log:
            self.process = start_tied(
                "redis-server", harness.TOP / "deploy/redis/refrain.conf", "--port", str(self.port),
                "--bind", "127.0.0.1", "--dir", self.folder, "--maxmemory", str(MAXMEMORY),
                "--repl-diskless-sync-delay", "0", "--repl-timeout", "60",
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        harness.wait_for(self.answers, f"Redis {self.name}", 20)

    def answers(self):
        with contextlib.suppress(RedisError):
            return self.call("PING") == "PONG"
        return False

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.drop()

    def close(self):
        if self.process is not None:
            self.kill()

    def drop(self):
        with self.lock:
            if self.stream is not None:
                self.stream.close()
                self.stream = None

    def call(self, *words, timeout_s=5):
        """One command; an error is raised as RedisError."""
        with self.lock:
            try:
                return self.exchange(words, timeout_s)
            except OSError as error:
                self.drop()
                raise RedisError(f"{words[0]}: {error}") from None

    def exchange(self, words, timeout_s):
        if self.stream is None:
            connection = socket.create_connection(("127.0.0.1", self.port), timeout_s)
            self.stream = connection.makefile("rwb")
            connection.close()  # the stream keeps it
        parts = [str(word).encode() for word in words]
        self.stream.write(b"*%d\r\n" % len(parts)
                          + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        self.stream.flush()
        return self.read_answer()

    def read_answer(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise OSError("the connection was closed")
        kind, text = line[:1], line[1:-2]
        if kind == b"-":
            raise RedisError(text.decode())
        if kind == b":":
            return int(text)
        if kind == b"$":
            size = int(text)
            return None if size < 0 else self.stream.read(size + 2)[:-2].decode(errors="replace")
        if kind == b"*":
            return [self.read_answer() for _ in range(int(text))]
        return text.decode()

    def info(self, name):
        return re.search(rf"^{name}:(.*?)\r?$", self.call("INFO"), re.M).group(1)


class Proxy:
    def __init__(self):
        self.process = start_tied(sys.executable, "-B", HERE / "proxy.py", stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        self.lock = threading.Lock()

    def tell(self, link, **changes):
        """Changes a link, and gives its port."""
        with self.lock:
            self.process.stdin.write(json.dumps({"link": link, **changes}) + "\n")
            self.process.stdin.flush()
            return int(self.process.stdout.readline())

    def close(self):
        self.process.kill()
        self.process.wait()


class Stand:
    """Everything that runs. `failpoints` is the folder in which the programs look for orders."""

    def __init__(self, name="fault", settings=None):
        self.folder = harness.temporary_folder()
        self.failpoints = self.folder / "failpoints"
        self.failpoints.mkdir()
        self.failpoints.chmod(0o777)
        os.environ["REFRAIN_FAILPOINTS"] = str(self.failpoints)
        self.proxy = None
        self.instance = None
        self.nodes = []
        self.master = None
        self.replica = None
        try:
            self.start(name, settings or {})
        except BaseException:
            self.close()
            raise

    def start(self, name, settings):
        self.nodes = [Node(self.folder, "redis-a"), Node(self.folder, "redis-b")]
        self.master, self.replica = self.nodes
        for node in self.nodes:
            node.start()
        self.proxy = Proxy()
        self.links = {node.name: self.proxy.tell(node.name, target=node.port) for node in self.nodes}
        port = self.proxy.tell("clients", target=self.master.port)
        self.follow()
        self.instance = harness.Instance(name, workers=2, redis=f"redis://127.0.0.1:{port}",
                                         settings={"users.default_visibility": "private",
                                                   **settings})

    def follow(self):
        """The replica gets what the master does through a link of its own."""
        self.replica.call("REPLICAOF", "127.0.0.1", self.links[self.master.name])

    def is_in_step(self):
        with contextlib.suppress(RedisError, AttributeError):
            return self.replica.info("master_link_status") == "up"
        return False

    def fail_over(self, cut_after_s=0.0, stop=None):
        """The replica, however far behind, becomes the master. Connections to the old one may last
        a little longer."""
        self.proxy.tell("clients", refuse=True, cut=cut_after_s == 0)
        self.replica.call("REPLICAOF", "NO", "ONE")
        self.master, self.replica = self.replica, self.master
        self.proxy.tell("clients", target=self.master.port, refuse=False)
        if cut_after_s > 0:
            stop.wait(cut_after_s)
            self.proxy.tell("clients", cut=True)
        self.proxy.tell(self.replica.name, up="pass", down="pass", cut=True)
        self.follow()

    # Processes, by the names of their pid files

    def part_names(self, pattern):
        return sorted(path.stem for path in (self.instance.state / "run").glob(f"{pattern}.pid"))

    def pid(self, part):
        """None while the part is down."""
        try:
            return int((self.instance.state / "run" / f"{part}.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None

    def signal(self, pid, number):
        """False if there is no such process any more."""
        try:
            os.kill(pid, number)
        except (ProcessLookupError, TypeError):
            return False
        return True

    def pids(self):
        """Of all serve processes and workers, as far as they are up."""
        return {self.pid(part) for pattern in ("serve-*", "worker*")
                for part in self.part_names(pattern)} - {None}

    @staticmethod
    def is_alive(pid):
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return False
        return state not in "ZX"

    def is_ready(self, part):
        """Whether it runs and, of a serve process, takes connections."""
        if not self.is_alive(self.pid(part)) or not part.startswith("serve"):
            return self.is_alive(self.pid(part))
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.instance.state / "sockets" / f"{part}.sock"))
            except OSError:
                return False
        return True

    def database_answers(self):
        with contextlib.suppress(RuntimeError):
            return self.instance.psql("select 1") == "1"
        return False

    def backends(self):
        """The processes of PostgreSQL that serve Refrain."""
        parent = self.pid("postgresql")
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                fields = stat.read_text().rpartition(")")[2].split()
                title = (stat.parent / "cmdline").read_bytes()
                if int(fields[1]) == parent and b": refrain refrain" in title:
                    found.append(int(stat.parent.name))
        return found

    # Figures

    def metrics(self):
        """name{labels}: value, of all processes; empty while nobody answers."""
        try:
            with urllib.request.urlopen(self.instance.env["REFRAIN_METRICS_URL"], timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return {}
        return {name: float(value) for name, _, value in
                (line.rpartition(" ") for line in lines if line and line[0] != "#")}

    def live_heartbeats(self):
        keys = [f"rf1:{{{bucket}}}hb" for bucket in range(BUCKETS)]
        return sum((value or "").startswith("L ") for value in self.master.call("MGET", *keys))

    def defects(self):
        return harness.find_defects(self.folder)

    def close_instance(self):
        """Fails if a program ended otherwise than we made it end."""
        for name in self.part_names("*"):
            self.signal(self.pid(name), signal.SIGCONT)
        crashes = []
        with contextlib.suppress(RuntimeError):
            self.instance.stop()
            crashes = CRASHES.findall((self.instance.state / "log/instance.log").read_text())
        self.instance.close()
        if crashes:
            raise AssertionError("a program crashed: " + "; ".join(crashes[:5]))

    def close(self):
        try:
            if self.instance is not None:
                self.close_instance()
        finally:
            for one in (*self.nodes, self.proxy):
                if one is not None:
                    one.close()
            if "REFRAIN_LOGS" in os.environ:
                for log in self.folder.glob("*/redis.log"):
                    shutil.copy(log, pathlib.Path(os.environ["REFRAIN_LOGS"]) / f"{log.parent.name}.log")
            shutil.rmtree(self.folder, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
