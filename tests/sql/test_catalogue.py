"""Adding to the catalogue."""

import unittest
import uuid

import psql
import world
from test_users import generation


def new_mbid():
    return str(uuid.uuid4())


def stored(table, columns, item):
    return psql.rows(f"select {columns} from refrain.{table} where id = {item.id}")


def refresh(refresh_s=0):
    return int(psql.value(psql.call("catalogue_refresh", refresh_s)))


class Catalogue(unittest.TestCase):
    def test_add(self):
        first, second, third = new_mbid(), new_mbid(), new_mbid()
        tune = world.track(release="Album", artist_mbid=f"{first},{second}", release_mbid=third)
        world.add_tracks(tune)
        self.assertEqual([(tune.artist.msid, tune.artist.name, f"{{{first},{second}}}")],
                         stored("artists", "msid, name, mbids", tune.artist))
        self.assertEqual([(tune.release.msid, str(tune.artist.id), "album", third, None)],
                         stored("releases", "msid, artist_id, name_key, mbid, group_mbid",
                                tune.release))
        self.assertEqual([(str(tune.artist.id), str(tune.release.id), None)],
                         stored("recordings", "artist_id, release_id, mbid", tune.recording))

    def test_what_is_known_costs_no_write(self):
        tune, = world.add_tracks(world.track(release="Album", mbid=new_mbid()))
        catalogue = generation("catalogue")
        with psql.Session() as session:
            session.rows("begin")
            session.rows(world.catalogue_call([tune]))
            self.assertIsNone(session.value("select pg_current_xact_id_if_assigned()"))
            session.rows("commit")
        self.assertEqual(catalogue, generation("catalogue"))

    def test_what_is_new_raises_nothing(self):
        catalogue = generation("catalogue")
        world.add_tracks(world.track())
        self.assertEqual(catalogue, generation("catalogue"))

    def test_an_mbid_is_filled_in_once(self):
        names = world.fresh("Artist"), "Album", "Tune"
        tune, = world.add_tracks(world.track(*names))
        mbid = new_mbid()
        known = world.track(*names, artist_mbid=mbid, release_mbid=mbid, mbid=mbid)
        catalogue = generation("catalogue")
        world.add_tracks(known)
        self.assertGreater(refresh(), 0)
        self.assertEqual(catalogue + 1, generation("catalogue"))
        world.add_tracks(known)
        world.add_tracks(tune)
        other = world.track(*names, artist_mbid=new_mbid(), release_mbid=new_mbid(),
                            mbid=new_mbid())
        world.add_tracks(other)
        self.assertEqual(0, refresh())
        self.assertEqual(catalogue + 1, generation("catalogue"))
        self.assertEqual([("{" + mbid + "}",)], stored("artists", "mbids", tune.artist))
        self.assertEqual([(mbid,)], stored("releases", "mbid", tune.release))
        self.assertEqual([(mbid,)], stored("recordings", "mbid", tune.recording))

    def test_a_raise_is_on_disk_before_it_is_seen(self):
        """Else a crash takes the number back, and it is had again for other data."""
        known, = world.add_tracks(world.track(release="Album"))
        tagged = new_mbid()
        psql.execute("insert into refrain.artist_tags (artist, tags, weights) "
                     f"values ('{tagged}', array['baroque'], array[1])")
        for mbid, durable in ((tagged, "on"), (None, "off")):
            tune = world.track(known.artist.name, artist_mbid=mbid)
            with psql.Session() as session:
                session.rows("begin")
                session.rows(world.catalogue_call([tune]))
                self.assertEqual(durable, session.value("show synchronous_commit"))
                session.rows("commit")

    def test_a_clash_is_an_error(self):
        tune, = world.add_tracks(world.track(release="Album"))
        for kind in ("artist", "release", "recording"):
            with self.subTest(kind):
                parts = {"artist": tune.artist, "release": tune.release,
                         "recording": tune.recording}
                parts[kind] = world.Entity("Other", new_mbid(), parts[kind].id)
                novel = world.track()
                with self.assertRaises(psql.SqlError) as caught:
                    world.add_tracks(novel, world.Track(**parts))
                self.assertEqual("RF003", caught.exception.state)
                self.assertEqual([], stored("artists", "id", novel.artist))

    def test_changes_by_hand(self):
        tune, = world.add_tracks(world.track(release="Album"))
        for table, item in (("artists", tune.artist), ("releases", tune.release),
                            ("recordings", tune.recording)):
            for assignment, raises in (("name = name || '!'", True), ("name = name", False)):
                with self.subTest(f"{table} {assignment}"):
                    before = generation("catalogue")
                    psql.execute(f"update refrain.{table} set {assignment} where id = {item.id}")
                    self.assertEqual(raises, generation("catalogue") > before)
        before = generation("catalogue")
        psql.execute(f"delete from refrain.recordings where id = {tune.recording.id}")
        self.assertGreater(generation("catalogue"), before)

    def test_mbids_by_hand(self):
        """One that was unknown is seen later, one that was known at once; also without the other."""
        tune, = world.add_tracks(world.track(release="Album"))
        for column, item in (("artists.mbids", tune.artist), ("releases.mbid", tune.release),
                             ("releases.group_mbid", tune.release),
                             ("recordings.mbid", tune.recording)):
            table, column = column.split(".")
            for value, raises in ((new_mbid(), False), (new_mbid(), True), (None, True)):
                with self.subTest(table=table, column=column, value=value):
                    refresh()
                    before = generation("catalogue")
                    text = "null" if value is None else \
                        f"'{{{value}}}'" if column == "mbids" else f"'{value}'"
                    psql.execute(f"update refrain.{table} set {column} = {text} "
                                 f"where id = {item.id}")
                    self.assertEqual(raises, generation("catalogue") > before)
                    self.assertEqual(0 if raises else 1, refresh())
        with self.subTest("a name beside it"):
            before = generation("catalogue")
            psql.execute("update refrain.recordings set mbid = gen_random_uuid(), name = name || '!' "
                         f"where id = {tune.recording.id}")
            self.assertGreater(generation("catalogue"), before)

    def test_release_groups_merge_at_once(self):
        one, other, apart = world.add_tracks(*(world.track(release="Album") for _ in range(3)))
        group = new_mbid()
        for tune, mbid, raises in ((one, group, False), (other, group, True),
                                   (apart, new_mbid(), False)):
            before = generation("catalogue")
            psql.execute(f"update refrain.releases set group_mbid = '{mbid}' "
                         f"where id = {tune.release.id}")
            self.assertEqual(raises, generation("catalogue") > before)

    def test_groups_of_one_statement_merge(self):
        tunes = world.add_tracks(*(world.track(release="Album") for _ in range(2)))
        before = generation("catalogue")
        psql.execute(f"update refrain.releases set group_mbid = '{new_mbid()}' "
                     f"where id in ({', '.join(str(tune.release.id) for tune in tunes)})")
        self.assertGreater(generation("catalogue"), before)

    def test_an_mbid_with_tags_is_seen_at_once(self):
        tune, = world.add_tracks(world.track())
        mbid = new_mbid()
        psql.execute("insert into refrain.artist_tags (artist, tags, weights) "
                     f"values ('{mbid}', array['baroque'], array[1])")
        before = generation("catalogue")
        world.add_tracks(world.track(tune.artist.name, artist_mbid=mbid))
        self.assertGreater(generation("catalogue"), before)

    def test_what_is_not_committed_waits_for_the_next_raise(self):
        one, other = world.add_tracks(world.track(), world.track())
        refresh()
        with psql.Session() as session:
            session.rows("begin")
            session.rows(world.catalogue_call([world.track(
                one.artist.name, None, one.recording.name, mbid=new_mbid())]))
            world.add_tracks(world.track(other.artist.name, None, other.recording.name,
                                         mbid=new_mbid()))
            before = generation("catalogue")
            self.assertEqual(0, refresh(3600))
            self.assertEqual((1, before + 1), (refresh(), generation("catalogue")))
            self.assertEqual((0, before + 1), (refresh(), generation("catalogue")))
            session.rows("commit")
        self.assertEqual((1, before + 2), (refresh(), generation("catalogue")))

    def test_the_same_things_from_two_sessions(self):
        """In opposite orders: each insert waits for the other session's rows, none in a circle."""
        for _ in range(5):
            tunes = [world.track(release="Album") for _ in range(300)]
            with psql.Session() as one, psql.Session() as other:
                one.start(world.catalogue_call(tunes))
                other.start(world.catalogue_call(tunes[::-1]))
                one.finish()
                other.finish()
                filled = [world.track(t.artist.name, "Album", t.recording.name, mbid=new_mbid(),
                                      artist_mbid=new_mbid(), release_mbid=new_mbid())
                          for t in tunes]
                one.start(world.catalogue_call(filled))
                other.start(world.catalogue_call(filled[::-1]))
                one.finish()
                other.finish()
