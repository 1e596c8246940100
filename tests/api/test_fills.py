"""MBIDs that become known with a listen: at once for whoever sent it, later for others, whose cached
values they leave as they are; at once for all where figures change."""

import time
import uuid

import harness
from test_statistics import DAY, window

FOLLOWS_S = 5
OPEN = ("all_time", "this_year")
CLOSED = ("year", "half_yearly")
LISTS = {"artists": "artist_mbid", "releases": "release_mbid",
         "release-groups": "release_group_mbid", "recordings": "recording_mbid"}


class FillsTest(harness.ApiTest):
    def setUp(self):
        """Two who have listened to the same, without MBIDs, in every window."""
        self.now = int(time.time())
        number = str(uuid.uuid4())
        self.names = {"artist_name": f"artist {number}", "track_name": "t", "release_name": "r"}
        self.people = [f"{name} {number}" for name in ("Ann", "Bob")]
        self.ann, self.bob = self.people
        for person in self.people:
            self.instance.token(person, "--public")
            for name in CLOSED:
                self.submit(person, window(name, self.now)[0] + 5)
            self.submit(person, self.now - 60)

    def submit(self, person, at, info=None, **names):
        metadata = {**self.names, **names, **({"additional_info": info} if info else {})}
        answer = self.instance.post("/1/submit-listens", {
            "listen_type": "single",
            "payload": [{"listened_at": at, "track_metadata": metadata}]},
            token=self.instance.token(person))
        self.assertEqual(answer.status, 200, answer)

    def read(self, person, path):
        """The payload, and what became of it in the cache."""
        answer = self.instance.get(f"/1/{path}".replace("NAME", person.replace(" ", "%20")),
                                   token=self.instance.token(person))
        self.assertEqual(answer.status, 200, answer)
        return answer.json()["payload"], answer.headers["Cache-Status"]

    def chart(self, person, kind, name):
        payload, status = self.read(person, f"stats/user/NAME/{kind}?range={name}")
        return payload[kind.replace("-", "_")], status

    def mbid(self, person, kind, name):
        (row,), status = self.chart(person, kind, name)
        return row[LISTS[kind]], status

    def listens(self, person):
        return self.read(person, "user/NAME/listens")[0]["listens"]

    def all_charts(self, ranges):
        return [(kind, name) for kind in LISTS for name in ranges]

    def shows_all(self, person, known, ranges=OPEN + CLOSED):
        return all(self.mbid(person, kind, name)[0] == known[kind]
                   for kind, name in self.all_charts(ranges))

    def send_mbids(self):
        known = {kind: str(uuid.uuid4()) for kind in LISTS}
        self.submit(self.ann, self.now, {
            "artist_mbids": [known["artists"]], "release_mbid": known["releases"],
            "release_group_mbid": known["release-groups"],
            "recording_mbid": known["recordings"]})
        return known


class Fills(FillsTest):
    def setUp(self):
        super().setUp()
        if self.now % DAY < 900:
            self.skipTest("a window that has just closed counts as open for ten minutes")
        for chart in self.all_charts(OPEN + CLOSED):
            for person in self.people:
                self.assertIsNone(self.mbid(person, *chart)[0])
        self.known = self.send_mbids()

    def assertHits(self, person, ranges):
        for chart in self.all_charts(ranges):
            mbid, status = self.mbid(person, *chart)
            self.assertRegex(status, "^refrain; hit; ", chart)
            self.assertIsNone(mbid, chart)

    def test_who_sends_them_sees_them_at_once(self):
        for kind, name in self.all_charts(OPEN):
            self.assertEqual(self.mbid(self.ann, kind, name)[0], self.known[kind], (kind, name))
        for listen in self.listens(self.ann)[:2]:
            mapping = listen["track_metadata"]["mbid_mapping"]
            self.assertEqual((mapping["recording_mbid"], mapping["artist_mbids"]),
                             (self.known["recordings"], [self.known["artists"]]))

    def await_relay(self):
        """Until the caches know of all that has been committed."""
        other = f"Cleo {uuid.uuid4()}"
        self.instance.token(other, "--public")
        self.submit(other, self.now)
        self.assertEqual(1, len(self.listens(other)))
        self.instance.psql("delete from listens using users "
                           f"where users.id = user_id and users.name = '{other}'")
        harness.wait_for(lambda: not self.listens(other), "the relay", FOLLOWS_S)

    def test_nobody_elses_values_are_touched(self):
        self.await_relay()
        self.assertHits(self.bob, OPEN + CLOSED)
        self.assertHits(self.ann, CLOSED)

    def test_all_see_them_with_the_next_raise(self):
        raised = "select value from generation where name = 'catalogue'"
        before = int(self.instance.psql(raised))
        self.instance.psql("update catalogue_fills set filled_at = filled_at - interval '59 min'")
        self.assertHits(self.bob, CLOSED)
        self.instance.psql("update catalogue_fills set filled_at = filled_at - interval '1 min'")
        for person in self.people:
            harness.wait_for(lambda: self.shows_all(person, self.known), "the worker")
        self.assertEqual(int(self.instance.psql(raised)), before + 1)


class AtOnce(FillsTest):
    """Where an MBID changes figures, nobody waits for the worker."""

    def test_release_groups_that_become_one(self):
        self.submit(self.bob, self.now - 30, release_name="r (remastered)")
        group = {"release_group_mbid": str(uuid.uuid4())}
        self.submit(self.ann, self.now - 20, group)
        self.assertEqual(2, len(self.chart(self.bob, "release-groups", "all_time")[0]))
        self.submit(self.ann, self.now - 10, group, release_name="r (remastered)")
        harness.wait_for(lambda: len(self.chart(self.bob, "release-groups", "all_time")[0]) == 1,
                         "the relay", FOLLOWS_S)

    def test_an_artist_whose_tags_are_known(self):
        mbid = str(uuid.uuid4())
        self.instance.psql("insert into artist_tags (artist, tags, weights) "
                           f"values ('{mbid}', '{{baroque}}', '{{1}}')")
        genres = "stats/user/NAME/genre-activity?range=all_time"
        self.assertEqual([], self.read(self.bob, genres)[0]["genre_activity"])
        self.submit(self.ann, self.now - 10, {"artist_mbids": [mbid]})
        harness.wait_for(lambda: self.read(self.bob, genres)[0]["genre_activity"], "the relay", FOLLOWS_S)


class Soon(FillsTest):
    options = {"settings": {"catalogue.refresh_s": 1}}

    def test_the_setting_tells_when(self):
        self.assertIsNone(self.mbid(self.bob, "recordings", "all_time")[0])
        known = self.send_mbids()
        harness.wait_for(lambda: self.shows_all(self.bob, known), "the worker")
