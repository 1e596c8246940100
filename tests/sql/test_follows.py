"""Who follows whom, and who is found by a name."""

import json
import unittest

import psql
import world


def follow(follower, name_key):
    return psql.row(psql.call("follow_add", follower.id, name_key))


def unfollow(follower, name_key):
    return psql.value(psql.call("follow_remove", follower.id, name_key)) == "t"


def followers(user):
    return json.loads(psql.value(psql.call("follow_followers", user.id)))


def following(user):
    return json.loads(psql.value(psql.call("follow_following", user.id)))


def publish(user, public):
    psql.execute(f"update refrain.users set public = {public} where id = {user.id}")


class Follows(unittest.TestCase):
    def setUp(self):
        self.ann, self.bea = world.add_user(public=True), world.add_user(public=True)
        self.paul = world.add_user()

    def test_outcomes(self):
        for name_key, expected in (
                (self.bea.key, ("followed", self.ann.name, self.bea.name)),
                (self.bea.key, ("twice", self.ann.name, self.bea.name)),
                (self.ann.key, ("self", self.ann.name, self.ann.name)),
                (self.paul.key, ("unknown", self.ann.name, None)),
                ("nobody", ("unknown", self.ann.name, None))):
            self.assertEqual(expected, follow(self.ann, name_key))
        self.assertEqual(("self", self.paul.name, self.paul.name),
                         follow(self.paul, self.paul.key))
        self.assertEqual([self.bea.name], following(self.ann))
        self.assertEqual([self.ann.name], followers(self.bea))
        self.assertTrue(unfollow(self.ann, self.bea.key))
        self.assertTrue(unfollow(self.ann, self.bea.key))
        self.assertFalse(unfollow(self.ann, self.paul.key))
        self.assertFalse(unfollow(self.ann, "nobody"))
        self.assertEqual([], following(self.ann))

    def test_unknown_follower(self):
        psql.execute(psql.call("user_delete", self.ann.key))
        with self.assertRaises(psql.SqlError) as caught:
            follow(self.ann, self.bea.key)
        self.assertEqual("RF001", caught.exception.state)

    def test_private_users_are_not_named(self):
        follow(self.ann, self.bea.key)
        follow(self.paul, self.bea.key)
        self.assertEqual([self.ann.name], followers(self.bea))
        publish(self.paul, True)
        self.assertEqual([self.ann.name, self.paul.name], followers(self.bea))
        publish(self.bea, False)
        self.assertEqual([], following(self.ann))
        self.assertTrue(unfollow(self.ann, self.bea.key))
        self.assertFalse(unfollow(self.ann, self.bea.key))

    def test_no_version_is_raised(self):
        before = [user.versions() for user in (self.ann, self.bea)]
        follow(self.ann, self.bea.key)
        unfollow(self.ann, self.bea.key)
        self.assertEqual(before, [user.versions() for user in (self.ann, self.bea)])

    def test_deletion_takes_both_sides_along(self):
        follow(self.ann, self.bea.key)
        follow(self.bea, self.ann.key)
        psql.execute(psql.call("user_delete", self.ann.key))
        self.assertEqual("0", psql.value(
            "select count(*) from refrain.follows "
            f"where {self.ann.id} in (follower_id, followed_id)"))

    def test_who_is_about_to_go(self):
        """The follower waits, and does not find him."""
        with psql.Session() as session, psql.Session() as other:
            session.rows("begin")
            session.rows(psql.call("user_delete", self.bea.key))
            other.start(psql.call("follow_add", self.ann.id, self.bea.key))
            self.assertTrue(other.waits())
            session.rows("commit")
            self.assertEqual("unknown", other.finish()[0][0])


class Search(unittest.TestCase):
    def test_it_goes_by_the_index(self):
        """Made and undone: as many users as a small town has."""
        with psql.Session() as session:
            session.rows("begin")
            session.rows(
                "insert into refrain.users (name, name_key, public) "
                "select k, k, n % 4 > 0 from (select n, md5(n::text) k "
                "from generate_series(1, 5000) n) s")
            session.rows("analyze refrain.users")
            plan = "\n".join(row[0] for row in session.rows(
                "explain " + psql.call("user_search", "c4ca42")))
            self.assertEqual(2, plan.count("using users_name_trigrams on users"))
            self.assertEqual(2, plan.count("Order By"))
            self.assertEqual([("c4ca4238a0b923820dcc509a6f75849b",)], session.rows(
                psql.call("user_search", "c4ca4238a0b923820dcc509a6")))
            session.rows("rollback")

    def test_part_of_a_name(self):
        """The beginning of a long name, a word within, a slip of the pen; but nothing else."""
        with psql.Session() as session:
            session.rows("begin")
            session.rows("insert into refrain.users (name, name_key, public) select k, k, true "
                         "from unnest(array['wolfgang amadeus mozart', 'wolf', 'clara schumann', "
                         "'robert schumann', 'fanny hensel']) k")

            def found(term):
                return [name for name, in session.rows(psql.call("user_search", term))]

            self.assertEqual(["wolf", "wolfgang amadeus mozart"], found("wolf"))
            self.assertEqual(["wolfgang amadeus mozart"], found("mozart"))
            self.assertEqual(["clara schumann", "robert schumann"], sorted(found("schumann")))
            self.assertEqual(["fanny hensel"], found("fany hensle"))
            self.assertEqual([], found("beethoven"))
            session.rows("rollback")
