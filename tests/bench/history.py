"""A long history of one listener as a ListenBrainz export, the same every time on a day."""

import json
import math
import random
import time

YEARS = 10
NEW_SHARE = 0.3
TRACKS_PER_RELEASE = 12
RELEASES_PER_ARTIST = 5


def write(path, listens):
    """Oldest first. Three in ten are heard for the first time, releases in order; the others are
    heard again: half of them lately discovered, half of them old favourites."""
    random.seed(listens)
    draw = random.random
    now = int(time.time()) // 86400 * 86400
    step = YEARS * 365.25 * 86400 / listens
    known = 0
    with open(path, "w", buffering=1 << 20) as file:
        for i in range(listens):
            chance = draw()
            if known == 0 or chance < NEW_SHARE:
                track = known
                known += 1
            else:
                rank = int(math.exp(draw() * math.log(known + 1))) - 1
                track = known - 1 - rank if chance < (1 + NEW_SHARE) / 2 else rank
            file.write(line(track, int(now - step * (listens - i))))


def line(track, listened_at):
    release = track // TRACKS_PER_RELEASE
    artist = release // RELEASES_PER_ARTIST
    return (f'{{"listened_at": {listened_at}, "track_metadata": {{"artist_name": "Artist {artist}", '
            f'"track_name": "Track number {track}", "release_name": "Release {release}", '
            f'"additional_info": {{"duration_ms": {120000 + track % 240000}, '
            f'"submission_client": "bench", "tags": ["genre {artist % 40}"]}}}}}}\n')


def first_time(path):
    """When the first listen of a file was."""
    with open(path) as file:
        return json.loads(file.readline())["listened_at"]
