"""Pano Scrobbler: the widest client. It pages, loves what it has just announced, and deletes."""

import urllib.parse

import dialogue
from dialogue import AGAIN, DONE, NOW, Optional

MAYBE_TEXT = Optional(str)
ERROR = {"code": Optional(int), "error": str}
VALIDATED = {"valid": bool, "user_name": MAYBE_TEXT}
SUBMITTED = {"code": Optional(int), "status": MAYBE_TEXT, "error": MAYBE_TEXT,
             "recording_msid": MAYBE_TEXT}
METADATA = {
    "artist_name": str, "release_name": MAYBE_TEXT, "track_name": str,
    "additional_info": Optional({"duration_ms": Optional(int), "media_player": MAYBE_TEXT,
                                 "recording_msid": MAYBE_TEXT, "submission_client": MAYBE_TEXT,
                                 "submission_client_version": MAYBE_TEXT}),
    "mbid_mapping": Optional({"artist_mbids": Optional([str]), "recording_mbid": MAYBE_TEXT,
                              "release_mbid": MAYBE_TEXT})}
LISTENS = {"payload": {
    "count": int, "latest_listen_ts": Optional(int), "oldest_listen_ts": Optional(int),
    "listens": [{"inserted_at": Optional(int), "listened_at": Optional(int),
                 "recording_msid": MAYBE_TEXT, "playing_now": Optional(bool),
                 "track_metadata": METADATA}]}}
FEEDBACK = {"count": int, "total_count": int, "feedback": [{
    "created": int, "recording_mbid": MAYBE_TEXT, "recording_msid": MAYBE_TEXT, "score": int,
    "track_metadata": Optional(METADATA)}]}
FOLLOWING = {"following": [str], "user": str}
COUNT = {"payload": {"count": int}}
ENTRY = {"artist_mbids": Optional([str]), "artist_name": str, "recording_mbid": MAYBE_TEXT,
         "release_mbid": MAYBE_TEXT, "release_name": MAYBE_TEXT, "track_name": MAYBE_TEXT,
         "listen_count": int}
CHART = {"payload": {
    "artists": Optional([ENTRY]), "releases": Optional([ENTRY]), "recordings": Optional([ENTRY]),
    "count": int, "from_ts": int, "last_updated": int, "offset": int, "range": str, "to_ts": int,
    "total_artist_count": Optional(int), "total_release_count": Optional(int),
    "total_recording_count": Optional(int)}}
# The chart's own name, which must not be null, and the number of all
CHARTS = (("artists", "artist_name", "total_artist_count"),
          ("releases", "release_name", "total_release_count"),
          ("recordings", "track_name", "total_recording_count"))


class Refused(Exception):
    """What the app shows of an answer that is no success."""


def listen(track="Spem in alium", at=None):
    return dialogue.without_nulls({"listened_at": at, "track_metadata": {
        "artist_name": "Thomas Tallis", "release_name": "Spem in alium", "track_name": track,
        "additional_info": {"duration_ms": 591_000, "submission_client": "Pano Scrobbler",
                            "submission_client_version": "4.24"}}})


class PanoScrobbler(dialogue.ClientTest):
    root = "/"

    def headers(self, body):
        headers = [("Authorization", f"token {self.token}"), ("Accept", "application/json"),
                   ("Accept-Charset", "UTF-8"), ("User-Agent", "Pano Scrobbler 4.24")]
        if body is not None:
            headers.append(("Content-Type", "application/json"))
        return [*headers, ("Connection", "Keep-Alive"), ("Accept-Encoding", "gzip")]

    def send(self, method, endpoint, shape, body=None, **query):
        """The root that was typed ends in a slash; an answer that is no success tells why."""
        target = f"{self.root}1/{endpoint}"
        if query:
            target += "?" + urllib.parse.urlencode(query)
        data = None if body is None else dialogue.compact(dialogue.without_nulls(body))
        answer = self.ask(method, target, self.headers(data), data)
        if not 200 <= answer.status < 300:
            raise Refused(dialogue.parse(answer, ERROR)["error"])
        return None if answer.status == 204 else dialogue.parse(answer, shape)

    def submit(self, kind, *listens):
        query = {"return_msid": "true"} if kind == "playing_now" else {}
        told = self.send("POST", "submit-listens", SUBMITTED,
                         {"listen_type": kind, "payload": list(listens)}, **query)
        self.assertEqual(told["status"], "ok")
        return told.get("recording_msid")

    def user(self, what):
        return f"user/{urllib.parse.quote(self.name)}/{what}"

    def love(self, score, msid=None, mbid=None):
        told = self.send("POST", "feedback/recording-feedback", SUBMITTED,
                         {"recording_mbid": mbid, "recording_msid": msid, "score": score})
        self.assertEqual(told["status"], "ok")

    def loved(self, page=1, limit=25):
        return self.send("GET", f"feedback/{self.user('get-feedback')}", FEEDBACK,
                         offset=limit * (page - 1), count=limit, metadata="true")

    def test_logging_in(self):
        for self.root in ("/", "/apis/listenbrainz/"):
            headers = [("Content-Type", "application/json"), *self.headers(None)]
            answer = self.ask("GET", f"{self.root}1/validate-token", headers)
            told = dialogue.parse(answer, VALIDATED)
            self.assertEqual((told["valid"], told["user_name"]), (True, self.name))
        self.token = "mistyped"
        told = self.send("GET", "validate-token", VALIDATED)
        self.assertEqual((told["valid"], told.get("user_name")), (False, None))
        with self.assertRaisesRegex(Refused, "token"):
            self.submit("single", listen(at=NOW))

    def test_a_track_is_played_and_loved_meanwhile(self):
        """By the msid that announcing it has given."""
        msid = self.submit("playing_now", listen())
        (now,) = self.send("GET", self.user("playing-now"), LISTENS)["payload"]["listens"]
        self.assertIs(now["playing_now"], True)
        self.assertEqual(now["track_metadata"]["additional_info"]["duration_ms"], 591_000)
        self.love(1, msid)
        self.assertIsNone(self.submit("single", listen(at=NOW - 9)))
        page = self.send("GET", self.user("listens"), LISTENS, count=25)["payload"]
        self.assertEqual((page["count"], page["listens"][0]["recording_msid"]), (1, msid))
        told = self.loved()
        self.assertEqual((told["count"], told["total_count"]), (1, 1))
        (love,) = told["feedback"]
        self.assertEqual((love["score"], love["recording_msid"]), (1, msid))
        self.assertEqual((love["track_metadata"]["track_name"],
                          love["track_metadata"]["artist_name"]), ("Spem in alium", "Thomas Tallis"))

    def test_loving_and_hating(self):
        msids = []
        for number in range(7):
            self.submit("single", listen(f"motet {number}", NOW - 99 + number))
        for item in self.send("GET", self.user("listens"), LISTENS)["payload"]["listens"]:
            msids.append(item["recording_msid"])
            self.love(1, item["recording_msid"])
            self.love(1, item["recording_msid"])
        self.love(0, msids[0])
        self.love(-1, msids[1])
        pages = [self.loved(page, 3) for page in (1, 2, 3)]
        self.assertEqual([page["count"] for page in pages], [3, 3, 0])
        self.assertEqual({page["total_count"] for page in pages}, {6})
        scores = {item["recording_msid"]: item["score"]
                  for page in pages for item in page["feedback"]}
        self.assertEqual(scores, {msids[1]: -1, **{msid: 1 for msid in msids[2:]}})

    def read_all(self, limit):
        """Backwards by the last listen of a page, until that is the oldest of all."""
        seen, query = [], {}
        while True:
            page = self.send("GET", self.user("listens"), LISTENS, count=limit, **query)["payload"]
            times = [item["listened_at"] for item in page["listens"]]
            self.assertEqual(page["count"], len(times))
            seen += times
            if not times or times[-1] <= page["oldest_listen_ts"]:
                return seen
            query = {"max_ts": times[-1]}

    def test_paging_through_the_history(self):
        times = [NOW - 9000 + 7 * number for number in range(333)]
        self.assertEqual(self.read_all(25), [])
        for start in range(0, len(times), 50):
            self.submit("import", *(listen(f"part {at}", at) for at in times[start:start + 50]))
        for limit in (25, 100, 111):
            self.assertEqual(self.read_all(limit), times[::-1])
        count = self.send("GET", self.user("listen-count"), COUNT)["payload"]["count"]
        self.assertEqual(count, len(times))
        page = self.send("GET", self.user("listens"), LISTENS, min_ts=times[9], max_ts=times[20],
                         count=100)["payload"]
        self.assertEqual([item["listened_at"] for item in page["listens"]], times[10:20][::-1])

    def test_deleting(self):
        """By the msid of the listing. What is read next must not show it."""
        times = [NOW - 99 + number for number in range(5)]
        self.submit("import", *(listen(f"part {at % 2}", at) for at in times))
        items = self.send("GET", self.user("listens"), LISTENS, count=25)["payload"]["listens"]
        for item in items[1:3]:
            body = {"listened_at": item["listened_at"], "recording_msid": item["recording_msid"]}
            self.assertEqual(self.send("POST", "delete-listen", SUBMITTED, body)["status"], "ok")
            times.remove(item["listened_at"])
            self.assertEqual([at for at, _ in self.stored()], times[::-1])
            self.assertEqual(self.counted(), len(times))
            chart = self.send("GET", f"stats/{self.user('artists')}", CHART)["payload"]
            self.assertEqual(chart["artists"][0]["listen_count"], len(times))
            self.assertEqual(self.send("POST", "delete-listen", SUBMITTED, body)["status"], "ok")

    def test_charts(self):
        for kind, _, _ in CHARTS:
            self.assertIsNone(self.send("GET", f"stats/{self.user(kind)}", CHART, offset=0,
                                        range="week", count=25))
        self.submit("import", *(listen(f"part {number % 7}", NOW - 99 + number)
                                for number in range(20)))
        for kind, name, total in CHARTS:
            for span in ("all_time", "this_year", "this_week"):
                page = self.send("GET", f"stats/{self.user(kind)}", CHART, offset=0, range=span,
                                 count=5)["payload"]
                self.assertEqual(page["range"], span)
                self.assertEqual(page["count"], min(5, page[total]))
                self.assertTrue(all(entry[name] for entry in page[kind]))
        page = self.send("GET", f"stats/{self.user('recordings')}", CHART, offset=5,
                         range="all_time", count=5)["payload"]
        self.assertEqual((page["offset"], page["count"], page["total_recording_count"]), (5, 2, 7))

    def test_friends(self):
        self.assertEqual(self.send("GET", self.user("following"), FOLLOWING)["following"], [])
        self.instance.token("Friend of Pano", "--public")
        self.instance.post("/1/user/Friend%20of%20Pano/follow", {}, token=self.token)
        self.assertEqual(self.send("GET", self.user("following"), FOLLOWING)["following"],
                         ["Friend of Pano"])

    def test_what_is_not_served_says_so(self):
        with self.assertRaises(Refused):
            self.send("GET", "metadata/lookup", {}, artist_name="a", recording_name="b")

    def test_nothing_is_lost(self):
        """Whatever is no "ok" stays in the queue."""
        body = {"listen_type": "import", "payload": [listen("a", NOW - 9), listen("b", NOW - 8)]}

        def send():
            data = dialogue.compact(body)
            return self.ask("POST", "/1/submit-listens", self.headers(data), data)

        def outcome(answer):
            if not 200 <= answer.status < 300:
                dialogue.parse(answer, ERROR)
                return AGAIN
            return DONE if dialogue.parse(answer, SUBMITTED).get("status") == "ok" else AGAIN

        self.assertLosesNothing(send, outcome, [(NOW - 8, "b"), (NOW - 9, "a")])
