"""A long history of one listener as a ListenBrainz export, the same every time for a day."""

import math
import random
import time

YEARS = 10
RECORDINGS = 300_000
TRACKS_PER_RELEASE = 12
RELEASES_PER_ARTIST = 5


def write(path, listens):
    """Oldest first. A third are plays of favourites (Zipf), the rest spreads over the catalogue."""
    random.seed(listens)
    recordings = min(RECORDINGS, max(listens // 3, 1))
    now = int(time.time()) // 86400 * 86400
    step = YEARS * 365.25 * 86400 / listens
    began = now - step * listens
    scale = math.log(recordings + 1)
    draw = random.random
    with open(path, "w", buffering=1 << 20) as file:
        for i in range(listens):
            if draw() < 0.35:
                track = int(math.exp(draw() * scale)) - 1
            else:
                track = int(draw() * recordings)
            # Neighbours in rank are not neighbours on a release.
            track = track * 7919 % recordings
            file.write(line(track, int(began + i * step)))


def line(track, listened_at):
    release = track // TRACKS_PER_RELEASE
    artist = release // RELEASES_PER_ARTIST
    return (f'{{"listened_at": {listened_at}, "track_metadata": {{"artist_name": "Artist {artist}", '
            f'"track_name": "Track number {track}", "release_name": "Release {release}", '
            f'"additional_info": {{"duration_ms": {120000 + track % 240000}, '
            f'"submission_client": "bench", "tags": ["genre {artist % 40}"]}}}}}}\n')
