#!/usr/bin/python3 -B
"""What all users listen to: how long it takes to fold it, to read it, and what it needs on disk.

    tests/bench/site.py --build FOLDER [--listens N] [--users N]

Five million listens of a thousand public users over three years, unless told otherwise: each has
some artists of his own, and all have the popular ones in common, by Zipf's law. Listens are stored without their
triggers, because users' own tallies are not what is measured; then the users are moved and folded
as workers do it. `make bench-site` calls this program so (make bench-site SITE="--listens 500000").
Five million need about five gigabytes of disk, and most of an hour.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent / "api"), str(here.parent / "sql")]

import charts
import harness
import instructions
import psql
import table

ROUNDS = 5
BATCH = 50_000      # as workers have it
SITTING = 10        # listens, one every 210 s
ARTISTS, RELEASES_EACH, RECORDINGS_EACH = 20_000, 3, 10
CHARTS = ("artists", "releases", "release_groups", "recordings")
WHOLE = ("listening_activity", "daily_activity", "artist_activity", "artist_evolution",
         "genre_activity")
TABLES = ("site_tallies", "site_hours", "site_listeners", "site_totals", "listens")


def fill(listens, users):
    psql.execute(f"""
        insert into refrain.artists (id, msid, name, name_key)
        select a, gen_random_uuid(), 'Artist ' || a, 'artist ' || a
        from generate_series(1, {ARTISTS}) a""")
    psql.execute("""
        insert into refrain.artist_tags (artist, tags, weights)
        select msid, array['tag ' || id % 40, 'tag ' || id % 7], '{2, 1}' from refrain.artists""")
    psql.execute(f"""
        insert into refrain.releases (id, msid, artist_id, name, name_key, group_mbid)
        select a * 10 + l, gen_random_uuid(), a, 'Release ' || l, 'release ' || l,
               case when a % 2 = 0 then gen_random_uuid() end
        from generate_series(1, {ARTISTS}) a, generate_series(1, {RELEASES_EACH}) l""")
    psql.execute(f"""
        insert into refrain.recordings (id, msid, artist_id, release_id, name, name_key)
        select (a * 10 + l) * 100 + r, gen_random_uuid(), a, a * 10 + l, 'Track ' || r, 'track ' || r
        from generate_series(1, {ARTISTS}) a, generate_series(1, {RELEASES_EACH}) l,
             generate_series(1, {RECORDINGS_EACH}) r""")
    psql.rows(f"""
        select refrain.user_add('u' || n, 'u' || n, false, false, null, sha256(('u' || n)::bytea))
        from generate_series(1, {users}) n""")
    psql.execute("update refrain.users set public = true where id > 0")
    psql.execute("alter table refrain.listens disable trigger user")
    # Half of what somebody hears is of his own fifty artists, the other half goes by Zipf's law among
    # those whom all know; and half is heard release by release, the other half in no order.
    psql.execute("select setseed(0.5)")
    psql.execute(f"""
        insert into refrain.listens (user_id, listened_at, recording_id, artist_id, release_id)
        select u.id, to_timestamp(s.at + 210 * h.n), (a.id * 10 + h.release) * 100 + h.recording,
               a.id, a.id * 10 + h.release
        from (select id, row_number() over (order by id) as n
              from refrain.users where id > 0) u
        cross join lateral (
            select floor(extract(epoch from now()) - 86400 - random() * 94608000)::bigint as at,
                   random() < 0.5 as is_release, random() as artist, random() as release
            from generate_series(1, {listens // users // SITTING} + 0 * u.n)
        ) s
        cross join lateral (
            select n, case when s.is_release then s.artist else random() end as artist,
                   1 + floor({RELEASES_EACH} * case when s.is_release then s.release
                                                    else random() end)::int as release,
                   1 + case when s.is_release then n % {RECORDINGS_EACH}
                            else floor({RECORDINGS_EACH} * random() ^ 2)::int end as recording
            from generate_series(0, {SITTING} - 1) n
        ) h
        cross join lateral (
            select 1 + case when h.artist < 0.5 then u.n * 7919 + floor(50 * (2 * h.artist) ^ 2)
                            else floor({ARTISTS} ^ (2 * h.artist - 1)) end::int % {ARTISTS} as id
        ) a
        on conflict do nothing""")
    psql.execute("alter table refrain.listens enable trigger user")
    psql.execute("vacuum analyze refrain.listens")
    psql.execute("analyze refrain.releases")
    return int(psql.value("select count(*) from refrain.listens"))


def fold():
    while psql.value(psql.call("site_move")) != "0":
        pass
    began = time.monotonic()
    while psql.value(psql.call("site_fold", 0, BATCH)) != "0":
        pass
    return time.monotonic() - began


def timed(call):
    began = time.monotonic()
    psql.rows(call)
    return (time.monotonic() - began) * 1000


def scans_of_listens():
    """By this transaction, as PostgreSQL has counted them. Those of the index are left out: it is
    asked for listens of user 0, who has none."""
    return psql.value("select coalesce(seq_scan, 0) "
                      "from pg_stat_xact_user_tables where relid = 'refrain.listens'::regclass")


def measure(report, kinds, title):
    report.section(title, *charts.windows())
    for kind in kinds:
        cells = []
        for window in charts.windows().values():
            call = f"select * from refrain.stats_{kind}(0, {window}, 0, 100)"
            psql.execute("begin")
            psql.rows(call)
            if scans_of_listens() != "0":
                raise AssertionError(f"{call} scans the listens")
            psql.execute("rollback")
            cells.append(statistics.median(timed(call) for _ in range(ROUNDS)))
        report.row(f"{kind}, ms", *cells)


def measure_sizes(report, listens):
    report.section("On disk, with indexes; also per million listens", "MB", "MB/M")
    for name in TABLES:
        size = int(psql.value(f"select pg_total_relation_size('refrain.{name}')")) / 1e6
        report.row(name, size, size / listens * 1e6)


def run(wanted, folder):
    instructions.install(wanted.build, folder / "prefix")
    os.environ["REFRAIN_PREFIX"] = str(folder / "prefix")
    instance = harness.Instance("bench-site", parts="postgresql")
    psql.url = instance.env["DATABASE_URL"]
    # There is no worker, which would fold as well, and so no configuration.
    subprocess.run([folder / "prefix" / "bin" / "refrain", "migrate"], check=True,
                   stdout=subprocess.DEVNULL,
                   env={**os.environ, "REFRAIN_DATABASE_URL": psql.url,
                        "REFRAIN_PATHS_DATA": str(folder / "prefix" / "share" / "refrain")})
    psql.DEADLINE_S = 7200
    report = table.Report()
    listens = fill(wanted.listens, wanted.users)
    seconds = fold()
    psql.execute("vacuum analyze refrain.site_tallies, refrain.site_hours, "
                 "refrain.site_listeners, refrain.listen_days")
    report.section("Folding, one worker", "listens/s", "seconds")
    report.row(f"{listens:,} listens of {wanted.users:,} users", listens / seconds, seconds)
    began = time.monotonic()
    if differences := psql.rows("select * from refrain.verify_site() limit 3"):
        raise AssertionError(differences)
    report.section("Counting all of it again, as refrain verify does", "seconds")
    report.row("verify_site", time.monotonic() - began)
    measure(report, CHARTS, "Top 100 of all users; no listen is read")
    measure(report, WHOLE, "Charts of activity of all users; no listen is read")
    raw = timed("select artist_id, count(*) from refrain.listens group by 1 "
                "order by 2 desc, 1 limit 100")
    report.section("The same from the listens", "ms")
    report.row("artists of all time", raw)
    measure_sizes(report, listens)
    report.print()


def main():
    parser = argparse.ArgumentParser(description="Measures what all users listen to.")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--listens", type=int, default=5_000_000)
    parser.add_argument("--users", type=int, default=1000)
    folder = harness.temporary_folder()
    try:
        run(parser.parse_args(), folder)
    finally:
        psql.close_all()
        harness.finish()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
