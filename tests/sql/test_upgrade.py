"""Migrations carry over what there is. Each is applied to a database of its own, which holds what the
migrations before it have made, and listens; functions come last, as in an upgrade."""

import json
import pathlib
import subprocess
import unittest
import urllib.parse

import psql
import world

SQL = pathlib.Path(__file__).resolve().parents[2] / "sql"


class Database:
    """One that is at the version before a migration."""

    def __init__(self, before):
        self.name = world.fresh("upgrade").replace(" ", "_")
        self.url = urllib.parse.urlsplit(psql.url)._replace(path=f"/{self.name}").geturl()
        self.left = [SQL / "bootstrap.sql", *sorted(SQL.glob("0*.sql"))]
        psql.execute(f"create database {self.name}")
        while not self.left[0].name.startswith(before):
            self.apply(self.left.pop(0))

    def apply(self, path):
        self.run("-1", "-f", path)

    def upgrade(self):
        for path in [*self.left, *sorted((SQL / "functions").glob("*.sql"))]:
            self.apply(path)

    def run(self, *arguments):
        done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *arguments, self.url],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rows(self, statement):
        return [tuple(line.split("|")) for line in self.run("-c", statement).splitlines()]

    def drop(self):
        psql.execute(f"drop database {self.name}")


class Upgrade(unittest.TestCase):
    def start(self, before):
        database = Database(before)
        self.addCleanup(database.drop)
        return database

    def test_totals_and_quarters(self):
        database = self.start("0008")
        # The other user has heard nothing with a release.
        database.run("-c", """
            insert into refrain.listens (user_id, listened_at, recording_id, artist_id, release_id)
            select user_id, at, 1 + extract(epoch from at)::int % 5,
                   1 + extract(epoch from at)::int % 2,
                   case when user_id = 1 then nullif(extract(epoch from at)::int % 3, 0) end
            from generate_series(1, 2) user_id,
                 generate_series('2019-12-25 00:00:00+00'::timestamptz, '2020-01-04',
                                 interval '6173 seconds') at""", "-c", """
            create temporary view heard as
            select l.user_id, p.period, e.kind, e.entity_id
            from refrain.listens l,
                 lateral (values (0), (extract(year from listened_at at time zone 'UTC'))) p(period),
                 lateral (values (1, artist_id), (2, release_id), (3, recording_id))
                         e(kind, entity_id)
            where e.entity_id is not null""", "-c", """
            insert into refrain.totals (user_id, period, kind, entities, listens)
            select user_id, period, kind, count(distinct entity_id), count(*)
            from heard group by 1, 2, 3""", "-c", """
            insert into refrain.listen_days (user_id, day, listens)
            select user_id, (listened_at at time zone 'UTC')::date, count(*)
            from refrain.listens group by 1, 2""")
        database.upgrade()
        listens = [(user, int(at_s)) for user, at_s in database.rows(
            "select user_id, extract(epoch from listened_at)::bigint from refrain.listens")]
        self.assertEqual({"1", "2"}, {user for user, _ in listens})
        self.assertEqual(
            [(user, period, "2", "2" if user == "1" else "0", "5",
              str(sum(1 for owner, at_s in listens
                      if owner == user and first_s <= at_s < end_s)))
             for user in ("1", "2")
             for period, first_s, end_s in (
                 ("0", 0, 2 ** 40), ("2019", world.utc_s(2019), world.utc_s(2020)),
                 ("2020", world.utc_s(2020), world.utc_s(2021)))],
            database.rows("table refrain.totals order by user_id, period"))
        days = {}
        for user, at_s in listens:
            quarters = days.setdefault((user, at_s // world.DAY_S), [0] * 96)
            quarters[at_s % world.DAY_S // 900] += 1
        self.assertEqual(
            {key: (sum(quarters), quarters) for key, quarters in days.items()},
            {(user, int(day)): (int(count), json.loads(f"[{quarters[1:-1]}]"))
             for user, day, count, quarters in database.rows(
                 "select user_id, day - date '1970-01-01', listens, quarters "
                 "from refrain.listen_days")})
        for user in (1, 2):
            self.assertEqual(set(), {what for what, in database.rows(
                f"select what from refrain.verify_user({user}) where what <> 'tally'")})

    def test_site(self):
        """It is made with what has been heard by the public ones."""
        database = self.start("0009")
        database.run("-c", """
            insert into refrain.users (name, name_key, public)
            select n, n, n <> 'private' from unnest(array['one', 'two', 'private']) n""", "-c", """
            insert into refrain.user_version (user_id, bucket, subject, live, past, auth)
            select id, 0, convert_to(name, 'UTF8'), 1, 1, 1 from refrain.users""", "-c", """
            insert into refrain.listens (user_id, listened_at, recording_id, artist_id)
            select id, to_timestamp(1500000000 + n * 10000), n % 5, n % 3
            from refrain.users, generate_series(1, 300) n""")
        database.upgrade()
        self.assertEqual(["1", "1", "0"], [
            database.run("-c", "select refrain.site_move()").strip() for _ in range(3)])
        self.assertEqual("600", database.run("-c", "select refrain.site_fold(0, 1000)").strip())
        self.assertEqual([], database.rows("select what from refrain.verify_site()"))
        self.assertEqual([("3", "0", "5", "600")], database.rows(
            "select artists, releases, recordings, listens from refrain.site_totals "
            "where period = 0"))
