"""Users, catalogue and listens to test with. Names are numbered, so that tests don't meet."""

import dataclasses
import hashlib
import itertools
import json
import time
import uuid

import psql

DAY_S = 86400
_numbers = itertools.count(1)
_run = uuid.uuid4().hex[:8]     # a database may be used twice


def fresh(word):
    return f"{word} {_run} {next(_numbers)}"


def now_s():
    return int(psql.value("select floor(extract(epoch from clock_timestamp()))"))


def midnight_s():
    return now_s() // DAY_S * DAY_S


def utc_s(year, month=1, day=1, hour=0):
    return int(time.mktime((year, month, day, hour, 0, 0, 0, 0, 0))) - time.timezone


@dataclasses.dataclass
class User:
    name: str
    key: str
    token: bytes
    id: int

    def subject(self):
        return hashlib.sha256(self.key.encode()).hexdigest()[:32]

    def versions(self):
        """(live, past, auth)"""
        return tuple(map(int, psql.row(
            f"select live, past, auth from refrain.user_version where user_id = {self.id}")))


def add_user(name=None, public=False, admin=False):
    name = name or fresh("User")
    token = hashlib.sha256(fresh("token").encode()).digest()
    key = name.casefold()
    return User(name, key, token,
                int(psql.value(psql.call("user_add", name, key, public, admin, None, token))))


@dataclasses.dataclass(frozen=True)
class Entity:
    """An artist, release or recording, as the C program would compute it."""
    name: str
    msid: str
    id: int
    mbid: str = None


def entity(kind, *names, mbid=None):
    digest = hashlib.sha256("\x1f".join((kind, *(name.casefold() for name in names))).encode())
    raw = digest.digest()[:16]
    return Entity(names[-1], str(uuid.UUID(bytes=raw)), int.from_bytes(raw[:8], "big") >> 1, mbid)


@dataclasses.dataclass(frozen=True)
class Track:
    recording: Entity
    artist: Entity
    release: Entity = None


def track(artist=None, release=None, name=None, artist_mbid=None, release_mbid=None, mbid=None):
    """A recording with its artist and release; artist_mbid may be several, joined by commas."""
    artist, name = artist or fresh("Artist"), name or fresh("Track")
    return Track(entity("recording", artist, release or "", name, mbid=mbid),
                 entity("artist", artist, mbid=artist_mbid),
                 entity("release", artist, release, mbid=release_mbid) if release else None)


def catalogue_call(tracks):
    artists = list({t.artist.id: t.artist for t in tracks}.values())
    releases = list({t.release.id: t for t in tracks if t.release}.values())
    recordings = list({t.recording.id: t for t in tracks}.values())
    return psql.call(
        "catalogue_add",
        [a.id for a in artists], [a.msid for a in artists], [a.name for a in artists],
        [a.name.casefold() for a in artists],
        [a.mbid and "{" + a.mbid + "}" for a in artists],
        [t.release.id for t in releases], [t.release.msid for t in releases],
        [t.artist.id for t in releases], [t.release.name for t in releases],
        [t.release.name.casefold() for t in releases], [t.release.mbid for t in releases],
        [None] * len(releases),
        [t.recording.id for t in recordings], [t.recording.msid for t in recordings],
        [t.artist.id for t in recordings], [t.release and t.release.id for t in recordings],
        [t.recording.name for t in recordings], [t.recording.name.casefold() for t in recordings],
        [t.recording.mbid for t in recordings])


def add_tracks(*tracks):
    psql.execute(catalogue_call(tracks))
    return tracks


@dataclasses.dataclass(frozen=True)
class Listen:
    at_s: int
    track: Track
    artist_name: str = None
    track_name: str = None
    release_name: str = None
    client: str = None
    info: dict = None
    metadata: dict = None
    duration_ms: int = None


def listen_call(user_id, listens):
    def text(value):
        return None if value is None else json.dumps(value)
    return psql.call(
        "listen_add", user_id,
        [n.at_s for n in listens],
        [n.track.recording.id for n in listens], [n.track.artist.id for n in listens],
        [n.track.release and n.track.release.id for n in listens],
        [n.artist_name or n.track.artist.name for n in listens],
        [n.track_name or n.track.recording.name for n in listens],
        [n.release_name or (n.track.release and n.track.release.name) for n in listens],
        [n.duration_ms for n in listens], [n.client for n in listens],
        [text(n.info) for n in listens], [text(n.metadata) for n in listens])


def add_listens(user, *listens):
    """How many were new; listens may be given as pairs of time and track."""
    listens = [n if isinstance(n, Listen) else Listen(*n) for n in listens]
    return int(psql.row(listen_call(user.id, listens))[0])


@dataclasses.dataclass
class Answer:
    """What a read answers."""
    versions: tuple     # epoch, live, past, auth, people, catalogue, model
    as_of_us: int
    total: int
    meta: dict
    keys: list
    entries: list


def read(function, *arguments, session=None):
    """None if there is no row."""
    rows = (session or psql.shared()).rows(psql.call(function, *arguments))
    if not rows:
        return None
    heads = {row[:10] for row in rows}
    assert len(heads) == 1, "rows of one answer differ in what they have in common"
    head = rows[0]
    found = [row for row in rows if row[11] is not None]
    assert len(found) == len(rows) or len(rows) == 1
    return Answer(tuple(map(int, head[:7])), int(head[7]), int(head[8]),
                  json.loads("{" + head[9] + "}"),
                  [int(row[10]) for row in found], [json.loads(row[11]) for row in found])


# Windows as the functions behind statistics take them: before, from, to, period, step.

def window(first_s, end_s, before_s=None, step=1):
    """Without tallies; nothing lies before it unless that is told."""
    return first_s if before_s is None else before_s, first_s, end_s, -1, step


def year(number):
    return utc_s(number - 1), utc_s(number), utc_s(number + 1), number, 2


ALL_TIME = (1009843200, 1009843200, None, 0, 3)


def differences(user):
    return psql.rows(psql.call("verify_user", user.id))
