"""What is playing now."""

import json
import unittest
import uuid

import psql
import world

MSID = str(uuid.uuid4())


def play(user_id, track="Gymnopédie", artist="Satie", lifetime_ms=60000, client=None, release=None,
         info=None, metadata=None, session=None):
    call = psql.call("playing_set", user_id, MSID, lifetime_ms, client, artist, track, release,
                     info and json.dumps(info), metadata and json.dumps(metadata))
    (session or psql.shared()).rows(call)


def playing(user):
    rows = psql.rows(psql.call("playing_get", user.id))
    return json.loads(rows[0][0]) if rows else None


def age(user, ms):
    psql.execute(f"update refrain.playing_now set expires_at = expires_at - interval '{ms} ms' "
                 f"where user_id = {user.id}")


def expires(user):
    return psql.value(f"select expires_at from refrain.playing_now where user_id = {user.id}")


def clear(user, client=None):
    return psql.value(psql.call("playing_clear", user.id, client)) == "t"


class Playing(unittest.TestCase):
    def setUp(self):
        self.user = world.add_user()

    def test_nothing_plays_at_first(self):
        self.assertIsNone(playing(self.user))
        self.assertFalse(clear(self.user))

    def test_it_is_answered_as_sent(self):
        play(self.user.id, "Gymnopédie", "Satie", client="a player", release="Trois",
             info={"tags": ["piano"], "a.b": None}, metadata={"note": {"k": 1}})
        self.assertEqual(playing(self.user), {
            "track_name": "Gymnopédie", "artist_name": "Satie", "release_name": "Trois",
            "note": {"k": 1},
            "additional_info": {"tags": ["piano"], "a.b": None, "submission_client": "a player",
                                "recording_msid": MSID}})

    def test_what_is_not_known_is_left_out(self):
        play(self.user.id)
        self.assertEqual(playing(self.user), {
            "track_name": "Gymnopédie", "artist_name": "Satie",
            "additional_info": {"recording_msid": MSID}})

    def test_our_own_keys_win(self):
        play(self.user.id, info={"recording_msid": "mine", "submission_client": 5},
             metadata={"mbid_mapping": {"recording_mbid": "mine"}})
        self.assertEqual(playing(self.user), {
            "track_name": "Gymnopédie", "artist_name": "Satie",
            "additional_info": {"recording_msid": MSID, "submission_client": 5}})

    def test_it_ends(self):
        play(self.user.id, lifetime_ms=60000)
        age(self.user, 59000)
        self.assertIsNotNone(playing(self.user))
        age(self.user, 1001)
        self.assertIsNone(playing(self.user))
        self.assertFalse(clear(self.user))

    def test_the_same_is_not_refreshed(self):
        play(self.user.id, client="first", release="one")
        first, until = playing(self.user), expires(self.user)
        play(self.user.id, client="second", release="other", lifetime_ms=100000)
        self.assertEqual((playing(self.user), expires(self.user)), (first, until))

    def test_another_track_or_artist_takes_its_place(self):
        play(self.user.id, "a", "b")
        for track, artist in (("c", "b"), ("c", "d"), ("C", "d")):
            play(self.user.id, track, artist)
            self.assertEqual((playing(self.user)["track_name"], playing(self.user)["artist_name"]),
                             (track, artist))

    def test_the_same_begins_anew_once_it_has_ended(self):
        play(self.user.id, client="first")
        age(self.user, 60000)
        play(self.user.id, client="second")
        self.assertEqual(playing(self.user)["additional_info"]["submission_client"], "second")

    def test_everybody_has_his_own(self):
        other = world.add_user()
        play(self.user.id, "mine")
        play(other.id, "his")
        self.assertTrue(clear(self.user))
        self.assertIsNone(playing(self.user))
        self.assertEqual(playing(other)["track_name"], "his")

    def test_unknown_users(self):
        with self.assertRaises(psql.SqlError) as caught:
            play(-1)
        self.assertEqual(caught.exception.state, "RF001")

    def test_it_goes_with_the_user(self):
        play(self.user.id)
        psql.execute(psql.call("user_delete", self.user.key))
        self.assertIsNone(playing(self.user))

    def test_it_raises_nothing(self):
        before = self.user.versions()
        play(self.user.id)
        clear(self.user)
        self.assertEqual(self.user.versions(), before)


class Clearing(unittest.TestCase):
    def setUp(self):
        self.user = world.add_user()

    def test_of_a_client(self):
        play(self.user.id, client="a player")
        self.assertFalse(clear(self.user, "another"))
        self.assertIsNotNone(playing(self.user))
        self.assertTrue(clear(self.user, "a player"))
        self.assertIsNone(playing(self.user))

    def test_whoever_told(self):
        play(self.user.id, client="a player")
        self.assertTrue(clear(self.user))

    def test_of_an_unnamed_client(self):
        for info in (None, {"submission_client": ""}):
            play(self.user.id, info=info)
            self.assertTrue(clear(self.user, "another"))


class Purge(unittest.TestCase):
    def setUp(self):
        psql.execute("delete from refrain.playing_now")

    def test_what_has_ended_goes(self):
        old, new = world.add_user(), world.add_user()
        play(old.id)
        play(new.id)
        age(old, 60001)
        self.assertEqual("1", psql.value(psql.call("playing_purge")))
        self.assertEqual("0", psql.value(psql.call("playing_purge")))
        self.assertIsNotNone(playing(new))

    def test_nobody_is_waited_for(self):
        user = world.add_user()
        play(user.id)
        age(user, 60001)
        with psql.Session() as session:
            session.rows("begin")
            play(user.id, "another", session=session)
            self.assertEqual("0", psql.value(psql.call("playing_purge")))
            session.rows("commit")
        self.assertEqual(playing(user)["track_name"], "another")
