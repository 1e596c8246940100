"""Accounts, tokens, and what their changes raise."""

import unittest

import psql
import world


def generation(name):
    return int(psql.value(f"select value from refrain.generation where name = '{name}'"))


STATE = ("user_id", "user_name", "public", "time_zone", "epoch", "live", "past", "auth", "people",
         "catalogue", "model", "as_of_us", "viewer_id", "viewer_scopes", "viewer_admin", "name_key")


def state(user, token=None):
    rows = psql.rows(psql.call("cache_state", user.key, token))
    return dict(zip(STATE, rows[0], strict=True)) if rows else None


def token_state(token):
    rows = psql.rows(psql.call("token_state", token))
    return dict(zip(STATE, rows[0], strict=True)) if rows else None


class Users(unittest.TestCase):
    def test_add_and_find(self):
        user = world.add_user(public=True)
        self.assertEqual([(str(user.id), user.name)],
                         psql.rows(psql.call("user_find", user.key)))
        self.assertEqual([], psql.rows(psql.call("user_find", "nobody")))

    def test_a_name_is_taken_once(self):
        user = world.add_user()
        with self.assertRaises(psql.SqlError) as caught:
            world.add_user(user.name.upper())
        self.assertEqual("RF004", caught.exception.state)

    def test_list(self):
        user = world.add_user(admin=True)
        tune, = world.add_tracks(world.track())
        world.add_listens(user, (1_500_000_000, tune), (1_500_000_001, tune))
        listed = [row for row in psql.rows(psql.call("user_list")) if row[0] == str(user.id)]
        self.assertEqual([(user.name, "f", "t", "2")],
                         [(row[1], row[2], row[3], row[5]) for row in listed])
        self.assertLess(abs(int(listed[0][4]) - world.now_s()), 60)

    def test_replace_token(self):
        user, other = world.add_user(), world.add_user()
        before, others = user.versions(), other.versions()
        self.assertEqual(user.name, psql.value(
            psql.call("user_token_set", user.key, user.token + b"new")))
        self.assertIsNone(token_state(user.token))
        self.assertEqual(user.name, token_state(user.token + b"new")["user_name"])
        self.assertEqual(before[:2], user.versions()[:2])
        self.assertGreater(user.versions()[2], before[2])
        self.assertEqual(others, other.versions())
        self.assertEqual([], psql.rows(psql.call("user_token_set", "nobody", b"x")))

    def test_state(self):
        user, admin = world.add_user(public=True), world.add_user(admin=True)
        found = state(user, admin.token)
        live, past, auth = user.versions()
        self.assertEqual(
            (str(user.id), user.name, "t", "UTC", str(live), str(past), str(auth)),
            tuple(found[name] for name in
                  ("user_id", "user_name", "public", "time_zone", "live", "past", "auth")))
        self.assertEqual(user.key, found["name_key"])
        for name in ("people", "catalogue", "model"):
            self.assertEqual(str(generation(name)), found[name])
        self.assertEqual((str(admin.id), "7", "t"), (
            found["viewer_id"], found["viewer_scopes"], found["viewer_admin"]))
        self.assertLess(abs(int(found["as_of_us"]) / 1e6 - world.now_s()), 60)
        self.assertEqual(psql.value(
            f"select epoch from refrain.cache_epoch "
            f"where bucket = refrain.user_bucket('{user.key}')"), found["epoch"])
        for token in (None, b"unknown"):
            found = state(user, token)
            self.assertEqual((None, None, None), (
                found["viewer_id"], found["viewer_scopes"], found["viewer_admin"]))
        self.assertIsNone(state(world.User("x", "nobody", b"", 0), admin.token))

    def test_state_by_token(self):
        """The owner's, as who asks for his own."""
        user, admin = world.add_user(public=True), world.add_user(admin=True)
        for owner in (user, admin):
            found, expected = token_state(owner.token), state(owner, owner.token)
            self.assertLessEqual(int(found.pop("as_of_us")), int(expected.pop("as_of_us")))
            self.assertEqual(expected, found)
        self.assertIsNone(token_state(b"none"))


class Raises(unittest.TestCase):
    """What is changed by hand raises what it should, and nothing else."""

    def setUp(self):
        self.user = world.add_user()
        self.before = self.user.versions()
        self.people = generation("people")

    def change(self, assignment):
        psql.execute(f"update refrain.users set {assignment} where id = {self.user.id}")

    def assert_raised(self, auth, people):
        live, past, after = self.user.versions()
        self.assertEqual(self.before[:2], (live, past))
        self.assertEqual(auth, after > self.before[2], "auth")
        self.assertEqual(people, generation("people") > self.people, "people")

    def test_visibility(self):
        self.change("public = not public")
        self.assert_raised(auth=True, people=True)

    def test_spelling(self):
        self.change(f"name = '{self.user.name.upper()}'")
        self.assert_raised(auth=True, people=True)

    def test_name(self):
        """Whose it was may have had higher versions: they go beyond all that there have been."""
        name = world.fresh("Renamed")
        former = world.add_user(name)
        psql.execute(psql.call("user_delete", former.key))
        self.assertTrue(all(new < old for new, old in zip(self.before, former.versions())))
        people = generation("people")
        self.change(f"name = '{name}', name_key = '{name.casefold()}'")
        self.assertTrue(all(new > old for new, old in zip(
            self.user.versions(), former.versions())))
        self.assertGreater(generation("people"), people)
        self.assertEqual(("t", "t"), psql.row(
            f"select bucket = refrain.user_bucket('{name.casefold()}'), "
            f"subject = refrain.user_subject('{name.casefold()}') "
            f"from refrain.user_version where user_id = {self.user.id}"))

    def test_password(self):
        self.change("password_hash = 'x'")
        self.assert_raised(auth=True, people=False)

    def test_time_zone(self):
        """By it go all charts of activity, however long their windows have been closed."""
        people = generation("people")
        self.change("time_zone = 'Europe/Athens'")
        self.assertTrue(all(new > old for new, old in zip(self.user.versions(), self.before)))
        self.assertEqual(people, generation("people"))

    def test_no_time_zone(self):
        for wrong in ("Europe/Atlantis", "", "FOO+3:07"):
            with self.assertRaises(psql.SqlError) as caught:
                self.change(f"time_zone = '{wrong}'")
            self.assertEqual("RF007", caught.exception.state)
            with self.assertRaises(psql.SqlError):
                psql.execute("insert into refrain.users (name, name_key, time_zone) "
                             f"values ('zoned', 'zoned', '{wrong}')")
        self.assert_raised(auth=False, people=False)

    def test_touch(self):
        self.change("public = public, name = name")
        self.assert_raised(auth=False, people=False)

    def test_new_user(self):
        world.add_user()
        self.assert_raised(auth=False, people=True)

    def test_token_comes_changes_and_goes(self):
        for statement in (
                f"insert into refrain.tokens (hash, user_id, name, scopes) "
                f"values (sha256('{self.user.key}'), {self.user.id}, 'phone', 1)",
                f"update refrain.tokens set scopes = 3 "
                f"where user_id = {self.user.id} and name = 'phone'",
                f"delete from refrain.tokens where user_id = {self.user.id} and name = 'phone'"):
            with self.subTest(statement):
                self.before = self.user.versions()
                psql.execute(statement)
                self.assert_raised(auth=True, people=False)

    def test_token_is_used(self):
        psql.execute("update refrain.tokens set last_used_at = now() "
                     f"where user_id = {self.user.id}")
        self.assert_raised(auth=False, people=False)


class Deletion(unittest.TestCase):
    def setUp(self):
        self.user = world.add_user(public=True)
        self.tune, = world.add_tracks(world.track(release="Album"))
        world.add_listens(self.user, (1_500_000_000, self.tune), (1_600_000_000, self.tune))

    def test_the_account_is_gone_at_once(self):
        before, people = self.user.versions(), generation("people")
        self.assertEqual(str(self.user.id), psql.value(psql.call("user_delete", self.user.key)))
        self.assertEqual([], psql.rows(psql.call("user_delete", self.user.key)))
        self.assertIsNone(state(self.user))
        self.assertEqual([], psql.rows(psql.call("user_find", self.user.key)))
        self.assertIsNone(token_state(self.user.token))
        self.assertEqual([], psql.rows(psql.call("history_count", self.user.id)))
        self.assertEqual([], psql.rows(psql.call(
            "history_page", self.user.id, None, None, False, 10)))
        self.assertEqual([], psql.rows(psql.call(
            "stats_artists", self.user.id, *world.ALL_TIME, 0, 10)))
        after = self.user.versions()
        self.assertTrue(all(new > old for new, old in zip(after, before)), (before, after))
        self.assertGreater(generation("people"), people)
        with self.assertRaises(psql.SqlError) as caught:
            world.add_listens(self.user, (1_500_000_001, self.tune))
        self.assertEqual("RF001", caught.exception.state)

    def test_by_hand(self):
        before = self.user.versions()
        psql.execute(f"delete from refrain.users where id = {self.user.id}")
        self.assertTrue(all(new > old for new, old in zip(self.user.versions(), before)))
        self.assertEqual("1", psql.value(
            f"select count(*) from refrain.purges where user_id = {self.user.id}"))

    def test_the_name_can_be_had_again(self):
        psql.execute(psql.call("user_delete", self.user.key))
        again = world.add_user(self.user.name)
        self.assertGreater(again.id, self.user.id)
        self.assertTrue(all(new > old for new, old in zip(
            again.versions(), self.user.versions())), "versions went back")
        self.assertEqual(0, world.read("history_count", again.id).total)

    def test_all_at_once(self):
        """Done and undone: TRUNCATE ends every account, and leaves the site, which is none."""
        with psql.Session() as session:
            session.rows("begin")
            session.rows("truncate refrain.users cascade")
            self.assertEqual("0", session.value(
                "select user_id from refrain.user_version where deleted_at is null"))
            self.assertEqual("1", session.value(
                f"select count(*) from refrain.purges where user_id = {self.user.id}"))
            session.rows("rollback")
