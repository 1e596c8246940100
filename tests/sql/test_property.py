"""Whatever happens to listens, in whatever order: what has been counted is what there is.

A model in Python is put through the same random changes as the database. After each, verify_user
must find nothing and the number of listens must be the model's; now and then every answer that
comes from tallies is compared with the raw listens."""

import json
import os
import random
import unittest

import psql
import world
from test_concurrency import run_all

SEED = int(os.environ.get("SEED", 20))
STEPS = 160
FUNCTIONS = (("stats_artists", "artist_id"), ("stats_releases", "release_id"),
             ("stats_recordings", "recording_id"))
YEARS = (2019, 2020, 2021)
FIRST_S, LAST_S = world.utc_s(YEARS[0]), world.utc_s(YEARS[-1] + 1) - 1


class Model:
    """Users, and of each the listens that there should be: {(time, recording): track}."""

    def __init__(self, seed, users=None, tracks=None):
        self.random = random.Random(seed)
        self.users = users or [world.add_user() for _ in range(3)]
        self.tracks = tracks or self.make_tracks()
        self.listens = {user.id: {} for user in self.users}

    def make_tracks(self):
        artists = [world.fresh("Artist") for _ in range(6)]
        return world.add_tracks(*(
            world.track(self.random.choice(artists),
                        self.random.choice((None, "Album A", "Album B")), f"Tune {number}")
            for number in range(25)))

    def time_s(self):
        """Often the same, often about midnight and New Year, so that listens collide and move."""
        kind = self.random.randrange(4)
        if kind == 0:
            return world.utc_s(self.random.choice(YEARS[1:])) + self.random.randrange(-3, 3)
        if kind == 1:
            return FIRST_S + self.random.randrange(40) * world.DAY_S
        return self.random.randrange(FIRST_S, LAST_S)

    def some(self, size):
        return [(self.time_s(), self.random.choice(self.tracks)) for _ in range(size)]

    def pick(self, user, size):
        """Some of the listens that a user has."""
        known = list(self.listens[user.id].items())
        return self.random.sample(known, min(size, len(known)))


def add(model, user, session=None):
    size = model.random.choice((1, 1, 1, 2, 10, 60, 1200))
    batch = model.some(size) + [(at_s, tune) for (at_s, _), tune in model.pick(user, size // 4)]
    if model.random.randrange(2):
        batch.sort(key=lambda listen: listen[0])
    mine = model.listens[user.id]
    before = len(mine)
    mine.update({(at_s, tune.recording.id): tune for at_s, tune in batch})
    row = (session or psql.shared()).row(world.listen_call(
        user.id, [world.Listen(*listen) for listen in batch]))
    assert int(row[0]) == len(mine) - before, "accepted"


def keys(listens):
    return ", ".join(f"(to_timestamp({at_s}), {recording})" for (at_s, recording), _ in listens)


def insert_by_hand(model, user, session=None):
    """Into two users in one statement."""
    other = model.random.choice(model.users)
    values = []
    for to in {user.id, other.id}:
        for at_s, tune in model.some(model.random.choice((1, 5))):
            model.listens[to][at_s, tune.recording.id] = tune
            values.append(f"({to}, to_timestamp({at_s}), {tune.recording.id}, {tune.artist.id}, "
                          f"{tune.release.id if tune.release else 'null'})")
    (session or psql.shared()).rows(
        "insert into refrain.listens (user_id, listened_at, recording_id, artist_id, release_id) "
        f"values {', '.join(values)} on conflict do nothing")


def delete(model, user, session=None):
    gone = model.pick(user, model.random.choice((1, 1, 5, 100)))
    if gone:
        for key, _ in gone:
            del model.listens[user.id][key]
        (session or psql.shared()).rows(
            f"delete from refrain.listens where user_id = {user.id} "
            f"and (listened_at, recording_id) in ({keys(gone)})")


def delete_a_time(model, user):
    first_s = model.time_s()
    end_s = first_s + model.random.choice((1, 10, 40)) * world.DAY_S
    for key in [key for key in model.listens[user.id] if first_s <= key[0] < end_s]:
        del model.listens[user.id][key]
    psql.execute(f"delete from refrain.listens where user_id = {user.id} "
                 f"and listened_at >= to_timestamp({first_s}) "
                 f"and listened_at < to_timestamp({end_s})")


def move(model, user):
    """By some seconds or by a year; all or none, as one of them may hit another."""
    moved = model.pick(user, model.random.choice((1, 3, 20)))
    step_s = model.random.choice((1, 2, 86400, 365 * 86400))
    if not moved:
        return
    statement = (f"update refrain.listens "
                 f"set listened_at = listened_at + interval '{step_s} seconds' "
                 f"where user_id = {user.id} and (listened_at, recording_id) in ({keys(moved)})")
    mine = dict(model.listens[user.id])
    for key, _ in moved:
        del mine[key]
    mine.update({(at_s + step_s, recording): tune for (at_s, recording), tune in moved})
    try:
        psql.execute(statement)
    except psql.SqlError as error:
        assert error.state == "23505", error
    else:
        assert len(mine) == len(model.listens[user.id])
        model.listens[user.id] = mine


def replace(model, user):
    """Another recording in place of what was heard."""
    for (at_s, recording), _ in model.pick(user, 1):
        tune = model.random.choice(model.tracks)
        if (at_s, tune.recording.id) not in model.listens[user.id]:
            del model.listens[user.id][at_s, recording]
            model.listens[user.id][at_s, tune.recording.id] = tune
            psql.execute(
                f"update refrain.listens set recording_id = {tune.recording.id}, "
                f"artist_id = {tune.artist.id}, "
                f"release_id = {tune.release.id if tune.release else 'null'} "
                f"where user_id = {user.id} and listened_at = to_timestamp({at_s}) "
                f"and recording_id = {recording}")


def touch(model, user):
    before = user.versions()
    psql.execute(f"update refrain.listens set client = client where user_id = {user.id}")
    assert before == user.versions(), "a touch raised versions"


def undone(model, user):
    """A change that is rolled back has never been."""
    before = {key: dict(value) for key, value in model.listens.items()}
    psql.execute("begin")
    model.random.choice((add, delete, insert_by_hand))(model, user)
    psql.execute("rollback")
    model.listens = before


CHANGES = (add, add, add, add, insert_by_hand, delete, delete, delete_a_time, move, replace, touch,
           undone)


class Property(unittest.TestCase):
    def assert_counted(self, model, change):
        for user in model.users:
            self.assertEqual([], world.differences(user), change)
            self.assertEqual(len(model.listens[user.id]),
                             world.read("history_count", user.id).total, change)

    def assert_answers(self, user):
        windows = [(0, 0, 0, "true")]
        for year in (*YEARS, YEARS[-1] + 1):
            first_s, end_s = world.utc_s(year), world.utc_s(year + 1)
            inside = (f"listened_at >= to_timestamp({first_s}) "
                      f"and listened_at < to_timestamp({end_s})")
            windows += [(first_s, end_s, year, inside), (first_s, end_s, -1, inside)]
        for from_s, to_s, period, inside in windows:
            for function, column in FUNCTIONS:
                raw = psql.rows(
                    f"select {column}, count(*) from refrain.listens where user_id = {user.id} "
                    f"and {column} is not null and {inside} group by 1 order by 2 desc, 1")
                answer = world.read(function, user.id, from_s, from_s, to_s, period, 1, 0, 1000)
                self.assertEqual(([int(count) for _, count in raw], len(raw)),
                                 (answer.keys, answer.total), (function, period))
                kind = ("artist_id", "release_id", "recording_id").index(column) + 1
                page = psql.rows(psql.call("chart_page", user.id, kind, from_s, to_s, period,
                                           len(raw) // 3, 5))
                self.assertEqual({row for row in raw[len(raw) // 3:][:5]},
                                 {row[1:] for row in page if row[1] is not None})

    def assert_days(self, model, user):
        """The quarters of each day, counted without any function of the database."""
        counted = {}
        for at_s, _ in model.listens[user.id]:
            quarters = counted.setdefault(at_s // world.DAY_S, [0] * 96)
            quarters[at_s % world.DAY_S // 900] += 1
        stored = psql.rows("select day - date '1970-01-01', listens, quarters "
                           f"from refrain.listen_days where user_id = {user.id}")
        self.assertEqual(
            {day: (sum(quarters), quarters) for day, quarters in counted.items()},
            {int(day): (int(listens), json.loads(f"[{quarters[1:-1]}]"))
             for day, listens, quarters in stored})

    def test_one_connection(self):
        print(f"     seed {SEED}")
        model = Model(SEED)
        for step in range(STEPS):
            change = model.random.choice(CHANGES)
            change(model, model.random.choice(model.users))
            self.assert_counted(model, f"step {step}: {change.__name__}")
            if step % 20 == 19:
                for user in model.users:
                    self.assert_answers(user)
                    self.assert_days(model, user)

    def test_until_nothing_is_left(self):
        model = Model(SEED + 1, [world.add_user()])
        user, = model.users
        for _ in range(12):
            add(model, user)
        while model.listens[user.id]:
            delete(model, user)
            self.assert_counted(model, "delete")
        for table in ("tallies", "totals", "listen_days"):
            self.assertEqual("0", psql.value(
                f"select count(*) from refrain.{table} where user_id = {user.id}"), table)

    def test_many_connections(self):
        """Each connection has times of its own, so that the model needs no order of commits."""
        print(f"     seed {SEED + 2}")
        first = Model(SEED + 2)
        models = [Model(SEED + 3 + number, first.users, first.tracks) for number in range(4)]

        def work(number, model):
            def change(session):
                model.time_s = lambda: FIRST_S + model.random.randrange(200) * 172_800 + number
                for _ in range(25):
                    user = model.random.choice(model.users)
                    if model.random.randrange(4):
                        add(model, user, session)
                    else:
                        session.rows("begin")
                        session.rows(f"select refrain.versions_lock(array[{user.id}])")
                        delete(model, user, session)
                        session.rows("commit")
            return change
        run_all(*(work(number, model) for number, model in enumerate(models)))
        for user in first.users:
            self.assertEqual([], world.differences(user))
            self.assertEqual(sum(len(model.listens[user.id]) for model in models),
                             world.read("history_count", user.id).total)
            self.assert_answers(user)
