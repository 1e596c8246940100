#!/usr/bin/python3 -B
"""Counts the instructions that a cached read takes in `refrain serve`, on private servers.

    tests/bench/instructions.py --build FOLDER
    tests/bench/instructions.py --prefix FOLDER

--build names the folder of a build, --prefix one where "make install" has put Refrain; without
sanitizers in either case, for those would be counted. The figures differ little from run to run, so
a change of a hundred instructions can be seen. What counts begins when libfcgi hands a request over
and ends when the answer has been sent. libfcgi's own instructions are told apart; what the kernel
does is not seen. Needs valgrind.
"""

import argparse
import collections
import os
import pathlib
import pwd
import re
import shutil
import struct
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent / "api")]

import fastcgi
import fastcgi
import harness
import rivals

REQUESTS = 400
WARMING_REQUESTS = 50
PATH = "/1/stats/user/demo/artists"
QUERY = "range=all_time"
# As nginx/refrain.conf.in has them, for a client such as a browser.
PARAMETERS = {
    "REQUEST_METHOD": "GET", "REQUEST_URI": f"{PATH}?{QUERY}", "QUERY_STRING": QUERY,
    "REQUEST_SCHEME": "http", "REMOTE_ADDR": "127.0.0.1",
    "HTTP_X_REQUEST_ID": "0123456789abcdef0123456789abcdef", "HTTP_HOST": "localhost:8080",
    "HTTP_ACCEPT_ENCODING": "gzip, deflate, br", "HTTP_SEC_FETCH_SITE": "same-origin",
    "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
}
# A worker thread does nothing but wait for requests, in fastcgi_next(), and serve them.
COUNTED = "run_worker"
NOT_COUNTED = "fastcgi_next"
HANDLER = "statistics_get_list"  # of the path
KEEP_CONNECTION = 1


class Connection(fastcgi.Connection):
    """A connection that always asks the same."""

    def __init__(self, path):
        super().__init__(path)
        content = b"".join(
            fastcgi.length(len(name)) + fastcgi.length(len(value)) + name.encode() + value.encode()
            for name, value in PARAMETERS.items())
        self.request = b"".join((
            fastcgi.record(1, struct.pack(">HB5x", 1, KEEP_CONNECTION)),
            fastcgi.record(fastcgi.PARAMS, content), fastcgi.record(fastcgi.PARAMS, b""),
            fastcgi.record(fastcgi.STDIN, b"")))

    def ask(self):
        self.socket.sendall(self.request)
        return fastcgi.read_answer(self.stream)


class Profile:
    """What callgrind has written: of each function its own cost, the cost with all that it calls,
    and how often it was called. Format: valgrind's manual, "Callgrind Format Specification"."""

    def __init__(self, text):
        self.names = {}
        self.self_cost = collections.Counter()
        self.calls = collections.Counter()
        self.edges = collections.Counter()
        self.place = {}  # of a function: the object file and the source file that it is from
        self.read(text)

    def name(self, kind, text):
        """Names are numbered when they come first, and told by their numbers from then on."""
        number, name = re.fullmatch(r"\((\d+)\)(?: (.*))?", text).groups()
        if name is not None:
            self.names[kind, number] = name
        return self.names[kind, number]

    def read(self, text):
        kinds = {"fl": "file", "fi": "file", "fe": "file", "cfi": "file", "cfl": "file",
                 "fn": "function", "cfn": "function", "ob": "object", "cob": "object"}
        now = {}
        called = None
        for line in text.splitlines():
            key, equals, value = line.partition("=")
            if equals and key in kinds:
                now[key] = self.name(kinds[key], value)
                if key == "fn":
                    self.place[now["fn"]] = (now.get("ob", ""), now.get("fl", ""))
            elif key == "calls":
                called = now["cfn"]
                self.calls[called] += int(value.split()[0])
            elif re.match(r"[+*\-\d]", line):
                cost = int(line.split()[-1])
                if called is not None:
                    self.edges[now["fn"], called] += cost
                else:
                    self.self_cost[now["fn"]] += cost
                called = None

    @property
    def inclusive(self):
        costs = collections.Counter(self.self_cost)
        for (caller, _), cost in self.edges.items():
            costs[caller] += cost
        return costs

    def is_libfcgi(self, function):
        return "libfcgi" in self.place.get(function, ("", ""))[0]

    def libfcgi_cost(self):
        return sum(cost for (caller, called), cost in self.edges.items()
                   if self.is_libfcgi(called) and not self.is_libfcgi(caller))

    def folder(self, function):
        """The folder of fcgi/ that it stands in; None for base/ and for libraries, whose cost is
        their callers'."""
        found = re.search(r"/fcgi/(\w+)/[^/]*$", self.place.get(function, ("", ""))[1])
        return found.group(1) if found and found.group(1) != "base" else None

    def folder_costs(self):
        costs = collections.Counter()
        for function, cost in self.self_cost.items():
            costs[self.folder(function)] += cost
        for (caller, called), cost in self.edges.items():
            here, there = self.folder(caller), self.folder(called)
            if here is not None and there is None and not self.is_libfcgi(called):
                costs[here] += cost
            elif here is None and there is not None and called != COUNTED:
                costs[there] -= cost  # a library called back, which counts for its caller
        del costs[None]
        return costs


def require_tools():
    for tool in ("valgrind", "callgrind_control"):
        if shutil.which(tool) is None:
            raise RuntimeError(f"{tool} is missing: apt-get install valgrind")


def require_plain(program):
    if re.search(rb"__(asan|ubsan|tsan)_", program.read_bytes()):
        raise RuntimeError(f"{program} was built with sanitizers; configure without them")


def install(build, folder):
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DESTDIR")}
    done = subprocess.run(["make", "-C", build, "install", f"prefix={folder}",
                           f"sysconfdir={folder}/etc"], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"make install: {done.stderr.strip()}")


class Serve:
    """A serve process of its own, under callgrind, beside those of the instance."""

    def __init__(self, instance, folder):
        self.owner = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam(rivals.RUNNER)
            self.owner = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(folder, account.pw_uid, account.pw_gid)
        self.socket = folder / "serve.sock"
        self.output = folder / "callgrind.out"
        self.log = folder / "serve.log"
        environment = {**os.environ, "REFRAIN_HTTP_SOCKET": str(self.socket),
                       "REFRAIN_HTTP_THREADS": "2", "REFRAIN_REDIS_TIMEOUT_MS": "5000"}
        command = ["setpriv", "--pdeathsig", "KILL", "--", "valgrind", "--tool=callgrind",
                   f"--callgrind-out-file={self.output}", "--collect-atstart=no",
                   f"--toggle-collect={COUNTED}", f"--toggle-collect={NOT_COUNTED}",
                   instance.state / "bin" / "refrain", "--config", instance.env["REFRAIN_CONFIG"],
                   "serve"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd=folder, **self.owner)
        harness.wait_for(lambda: self.socket.is_socket() or self.process.poll() is not None,
                         "serve under valgrind")
        if self.process.poll() is not None:
            raise RuntimeError(f"serve ended: {self.log.read_text(errors='replace')}")

    def forget(self):
        """What was counted until now."""
        subprocess.run(["callgrind_control", "--zero", str(self.process.pid)], check=True,
                       capture_output=True, **self.owner)

    def end(self):
        self.process.terminate()
        self.process.wait(harness.DEADLINE_S)
        return Profile(self.output.read_text())

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def is_hit(answer):
    return answer.status == 200 and re.match(r"refrain; hit; ttl=\d+", answer.header("Cache-Status"))


def measure(instance, folder):
    """The profile of REQUESTS cached reads, and what they were answered."""
    serve = Serve(instance, folder)
    try:
        connection = Connection(serve.socket)
        harness.wait_for(lambda: is_hit(connection.ask()), "a cached read")
        for _ in range(WARMING_REQUESTS):
            connection.ask()
        serve.forget()
        answers = [connection.ask() for _ in range(REQUESTS)]
        connection.close()
        for answer in answers:
            if not is_hit(answer):
                raise RuntimeError(f"no cached read: {answer.headers_text().decode()}")
        return serve.end(), answers
    finally:
        serve.close()


def levels(answers):
    """How many of the answers came from where."""
    found = collections.Counter(re.sub(r"ttl=\d+", "ttl=…", answer.header("Cache-Status"))
                                for answer in answers)
    return ", ".join(f"{count} x {status}" for status, count in found.most_common())


def show_table(title, costs, profile):
    print(f"\n{title}\n{'instructions':>14} {'calls':>7}  function")
    for function, cost in costs.most_common(25):
        print(f"{cost / REQUESTS:14,.0f} {profile.calls[function] / REQUESTS:7.2f}  "
              f"{function.split(chr(39))[0]}")


def show(profile, answers):
    libfcgi = profile.libfcgi_cost()
    total = sum(profile.self_cost.values()) - libfcgi
    print(f"GET {PATH}?{QUERY}: {len(answers[-1].body):,} bytes; {levels(answers)}")
    print(f"{profile.inclusive[HANDLER] / REQUESTS:,.0f} instructions in the handler of the route")
    print(f"{total / REQUESTS:,.0f} instructions per request; "
          f"libfcgi's own {libfcgi / REQUESTS:,.0f} are not among them")
    print("\nBy folder, with what it has base/ and libraries do")
    for folder, cost in profile.folder_costs().most_common():
        print(f"{cost / REQUESTS:14,.0f}  {folder}/")
    ours = collections.Counter({function: cost for function, cost in profile.inclusive.items()
                                if not profile.is_libfcgi(function)})
    show_table("The 25 largest, with what they call", ours, profile)
    own = collections.Counter({function: cost for function, cost in profile.self_cost.items()
                               if not profile.is_libfcgi(function)})
    show_table("The 25 largest, without what they call", own, profile)


def run(arguments, folder):
    require_tools()
    prefix = arguments.prefix
    if prefix is None:
        prefix = folder / "prefix"
        install(arguments.build.resolve(), prefix)
    require_plain(prefix / "bin" / "refrain")
    os.environ["REFRAIN_PREFIX"] = str(prefix.resolve())
    with harness.Instance("instructions", serve=1) as instance:
        instance.refrain("sample", "--listens", "20000")
        (folder / "serve").mkdir()
        show(*measure(instance, folder / "serve"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--build", type=pathlib.Path, metavar="FOLDER",
                       help="where Refrain has been built")
    where.add_argument("--prefix", type=pathlib.Path, metavar="FOLDER",
                       help="where Refrain has been installed")
    arguments = parser.parse_args()
    folder = harness.temporary_folder()
    try:
        run(arguments, folder)
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        print(f"instructions: {error}", file=sys.stderr)
        return 1
    finally:
        harness.finish()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
