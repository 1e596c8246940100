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
        self.assertEqual(catalogue + 1, generation("catalogue"))
        world.add_tracks(known)
        world.add_tracks(tune)
        other = world.track(*names, artist_mbid=new_mbid(), release_mbid=new_mbid(),
                            mbid=new_mbid())
        world.add_tracks(other)
        self.assertEqual(catalogue + 1, generation("catalogue"))
        self.assertEqual([("{" + mbid + "}",)], stored("artists", "mbids", tune.artist))
        self.assertEqual([(mbid,)], stored("releases", "mbid", tune.release))
        self.assertEqual([(mbid,)], stored("recordings", "mbid", tune.recording))

    def test_a_raise_is_on_disk_before_it_is_seen(self):
        """Else a crash takes the number back, and it is had again for other data."""
        names = world.fresh("Artist"), "Album", "Tune"
        world.add_tracks(world.track(*names))
        for tune, durable in ((world.track(*names, mbid=new_mbid()), "on"),
                              (world.track(), "off")):
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
