"""What everybody must see: each view of a listener as a function of how often he was written to.

The n-th write to a listener is the same whenever and however often it is tried, so the body of every
view is a function of (listener, n). A body is reduced to a digest of what it tells: times of storing
and ids, which no client can foretell, are left out, and entries of equal rank are sorted.
"""

import bisect
import collections
import datetime
import hashlib
import json
import random
import zlib

CROWD = 40
HOT = 5
ACTORS = 8
BY_HTTP = 2  # of the actors
ARTISTS = 12
PAGE = 25
OLD_PAGE = 10
PRELUDE = 10  # listens that are copied, of a listener who is changed in the database
DAY_S = 86400
ROOM_S = 40_000
YOUNG_S = 600
OLD_STEP_S = 40  # what lies back is spread over days: pages of days with thousands are not cached
ALL_TIME = 1009843200

PUBLIC, PRIVATE, FLIPPED = "public", "private", "flipped"
VIEWS = ("count", "listens", "old_listens", "all_time", "this_year", "year", "week")
CLOSED_VIEWS = ("old_listens", "year", "week")

Listen = collections.namedtuple("Listen", "at artist track")
User = collections.namedtuple("User", "index name visibility in_database")
Write = collections.namedtuple("Write", "adds removes source")  # source: copied from, in the database


def timestamp(year, month, day=1):
    return int(datetime.datetime(year, month, day, tzinfo=datetime.timezone.utc).timestamp())


def window(view, now_s):
    """[from, to) of a view at a time; (0, 0) where it has none."""
    year = datetime.datetime.fromtimestamp(now_s, datetime.timezone.utc).year
    if view == "year":
        return timestamp(year - 1, 1), timestamp(year, 1)
    if view == "this_year":
        return timestamp(year, 1), timestamp(year + 1, 1)
    if view == "week":
        day = int(now_s) // DAY_S
        monday = (day - (day + 3) % 7) * DAY_S
        return monday - 7 * DAY_S, monday
    return 0, 0


def digest(told):
    return hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()


class World:
    """The listeners and what is written to them. The same seed and time make the same world. Beside
    the crowd there are a few whom only the scenarios of interleave.py touch, the first ones over
    HTTP."""

    def __init__(self, seed, now_s, long=False):
        self.seed = seed
        # What is before midnight counts as past. A long run needs room for more listens than a young
        # day may have.
        midnight_s = int(now_s) // DAY_S * DAY_S
        self.today_s = int(now_s) - ROOM_S
        if not long and now_s - midnight_s > YOUNG_S:
            self.today_s = max(self.today_s, midnight_s)
        year = datetime.datetime.fromtimestamp(now_s, datetime.timezone.utc).year
        self.last_week_s = window("week", now_s)[0] + 600
        self.last_year_s = timestamp(year - 1, 7)
        self.old_before_s = timestamp(year - 1, 9)
        self.crowd = [self.make_user(index) for index in range(CROWD)]
        self.users = [*self.crowd, *(User(CROWD + at, f"x{at}", PUBLIC, at >= BY_HTTP)
                                     for at in range(ACTORS))]
        self.weights = list(self.cumulate(CROWD))

    @staticmethod
    def make_user(index):
        visibility = {3: PRIVATE, 6: FLIPPED}.get(index % 8, PUBLIC)
        return User(index, f"u{index:02}", visibility, index % 8 == 5)

    @staticmethod
    def cumulate(users):
        """Zipf over listeners; the first few are as hot as each other."""
        total = 0
        for rank in range(1, users + 1):
            total += 1 / max(rank, HOT)
            yield total

    def choose(self, random_source):
        at = random_source.random() * self.weights[-1]
        return self.crowd[bisect.bisect(self.weights, at)]

    def at(self, n):
        """In a week there is room for 15,000 writes to one listener."""
        begin = {4: self.last_year_s, 5: self.last_week_s}.get(n % 6)
        return self.today_s + n if begin is None else begin + n * OLD_STEP_S

    def listen(self, user, n):
        artist = zlib.crc32(f"{self.seed} {user.index} {n}".encode()) % ARTISTS
        return Listen(self.at(n), f"Artist {user.index} {artist}", f"Track {user.index} {n}")

    def write(self, user, n):
        """The n-th write, n from 1. In the database, copies come and every second one goes again."""
        if not user.in_database or n <= PRELUDE:
            return Write(self.listen(user, n), None, None)
        if n % 3 == 0 and n - 2 > PRELUDE:
            return Write(None, self.copy(user, n - 2)[0], None)
        return Write(*self.copy(user, n))

    def copy(self, user, n):
        source = self.listen(user, 1 + n % PRELUDE)
        return source._replace(at=self.at(n)), None, source

    @property
    def actors(self):
        return self.users[CROWD:]

    def path(self, user, view):
        if view == "count":
            return f"/1/user/{user.name}/listen-count"
        if view == "listens":
            return f"/1/user/{user.name}/listens?count={PAGE}"
        if view == "old_listens":
            return f"/1/user/{user.name}/listens?count={OLD_PAGE}&max_ts={self.old_before_s}"
        return f"/1/stats/user/{user.name}/artists?range={view}"


def read_body(view, status, body):
    """The digest of an answer. Any error means that it is no answer of this view."""
    if status == 204:
        return digest("empty")
    payload = json.loads(body)["payload"]
    if view == "count":
        return digest(payload["count"])
    if view in ("listens", "old_listens"):
        listens = [(one["user_name"], one["listened_at"], one["track_metadata"]["artist_name"],
                    one["track_metadata"]["track_name"]) for one in payload["listens"]]
        assert payload["count"] == len(listens)
        return digest((payload["user_id"], payload["latest_listen_ts"], payload["oldest_listen_ts"],
                       listens))
    artists = [(-one["listen_count"], one["artist_name"]) for one in payload["artists"]]
    assert payload["count"] == len(artists) == payload["total_artist_count"]
    assert payload["range"] == view and artists == sorted(artists, key=lambda one: one[0])
    until = payload["to_ts"] if view != "all_time" else 0
    return digest((payload["user_id"], payload["from_ts"], until, sorted(artists)))


class Table:
    """One view of one listener in one window: the digest of each state, found as writes are made."""

    def __init__(self, world, user, view, bounds):
        self.world = world
        self.user = user
        self.view = view
        self.bounds = bounds
        self.listens = []  # sorted
        self.artists = collections.Counter()
        self.states = 0
        self.found = collections.defaultdict(list)  # digest: the states that look like this
        self.found[self.make_digest()].append(0)

    def extend(self, states):
        while self.states < states:
            self.states += 1
            write = self.world.write(self.user, self.states)
            if write.adds:
                bisect.insort(self.listens, write.adds)
                self.count(write.adds, 1)
            if write.removes:
                self.listens.remove(write.removes)
                self.count(write.removes, -1)
            self.found[self.make_digest()].append(self.states)

    def count(self, listen, by):
        begin, end = self.bounds if self.view != "all_time" else (0, 1 << 62)
        if begin <= listen.at < end:
            self.artists[listen.artist] += by

    def make_digest(self):
        if self.view == "count":
            return digest(len(self.listens))
        if self.view in ("listens", "old_listens"):
            return digest(self.tell_page())
        artists = sorted((-count, name) for name, count in self.artists.items() if count > 0)
        if not artists:
            return digest("empty")
        begin, end = self.bounds if self.view != "all_time" else (ALL_TIME, 0)
        return digest((self.user.name, begin, end, artists))

    def tell_page(self):
        before, count = len(self.listens), PAGE
        if self.view == "old_listens":
            before, count = bisect.bisect(self.listens, (self.world.old_before_s,)), OLD_PAGE
        page = [(self.user.name, *one) for one in self.listens[max(before - count, 0):before][::-1]]
        latest = self.listens[-1].at if self.listens else 0
        oldest = self.listens[0].at if self.listens else 0
        return self.user.name, latest, oldest, page

    def newest(self, seen, attempted):
        """The newest state that looks so, of those written at all; else None."""
        states = self.found.get(seen, ())
        at = bisect.bisect(states, attempted)
        return states[at - 1] if at else None


def source_of(seed, name):
    """Randomness of one party, the same for the same seed."""
    return random.Random(f"{seed} {name}")
