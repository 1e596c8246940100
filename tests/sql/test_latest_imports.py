"""Up to which second clients have imported."""

import unittest

import psql
import world


def latest(user, service="lastfm"):
    return int(psql.value(psql.call("latest_import_get", user.id, service)))


def tell(user_id, ts, service="lastfm"):
    psql.execute(psql.call("latest_import_raise", user_id, service, ts))


class LatestImports(unittest.TestCase):
    def setUp(self):
        self.user = world.add_user()

    def test_it_only_goes_up(self):
        self.assertEqual(latest(self.user), 0)
        for ts, expected in ((100, 100), (50, 100), (100, 100), (101, 101), (0, 101), (-5, 101)):
            tell(self.user.id, ts)
            self.assertEqual(latest(self.user), expected)

    def test_it_never_was_before_the_beginning(self):
        tell(self.user.id, -5)
        self.assertEqual(latest(self.user), 0)

    def test_services_and_users_are_apart(self):
        other = world.add_user()
        tell(self.user.id, 100)
        tell(self.user.id, 200, "librefm")
        tell(other.id, 300)
        self.assertEqual((latest(self.user), latest(self.user, "librefm"), latest(other)),
                         (100, 200, 300))

    def test_the_largest_number(self):
        tell(self.user.id, 2 ** 63 - 1)
        self.assertEqual(latest(self.user), 2 ** 63 - 1)

    def test_unknown_users(self):
        with self.assertRaises(psql.SqlError) as caught:
            tell(-1, 1)
        self.assertEqual(caught.exception.state, "RF001")

    def test_it_raises_nothing(self):
        before = self.user.versions()
        tell(self.user.id, 100)
        self.assertEqual(self.user.versions(), before)
