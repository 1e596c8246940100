"""What is exported comes in again, on the same server and on another one, and nothing is lost: every
field of a listen, every kind of value, and what is loved and hated."""

import gzip
import itertools
import json
import re
import unicodedata
import urllib.parse
import uuid

import harness

AT_S = 1_400_000_000
INSERTED = re.compile(rb'"inserted_at":\d+,')
MAPPING = re.compile(rb'"mbid_mapping":\{.*')
LARGE_BYTES = 9_000_000


def mbid(number):
    return str(uuid.UUID(int=0x1234567890ab4cde8f0000000000 + number, version=4))


# Well-formed text of every plane that has characters, and what is often mistreated.
TEXTS = (
    "", " ", "plain", "\u00e9 \u00c5", "e\u0301 A\u030a", "\u65e5\u672c\u8a9e", "\u0627\u0644",
    "\U00010348 \U0001d11e \U0001f3b5", "\U00020000\U00030000", "\U000e0041\U000f0000\U0010fffd",
    "\uffff\ufffe\ufdd0", "\ufeff\u200b\u202e\u2028\u2029", "\x01\x08\t\n\x0b\x0c\r\x1f\x7f\x85",
    '"\\/\b', "\\u0000", "%00%zz", "{\"a\": [1]}", "x" * 5000, "null", "0", "'; drop table x; --",
)
NUMBERS = ("0", "-0", "1", "-1", "1.0", "1.50", "-0.001", "1e3", "1E-7", "2.5e+10",
           "9007199254740993", "18446744073709551616", "123456789012345678901234567890.123456789",
           "1e300", "1e-300", "0.1000000000000000055511151231257827")
VALUES = ("true", "false", "null", "[]", "{}", "[[]]", "[{}]", '[1,"a",null,true,{"b":[{"c":2}]}]',
          '{"a":{"b":{"c":1,"d":[]}},"e":""}', '{"":{"":""}}', '{"a.b":1,"a":{"c":2}}')


def fields():
    """Members of additional_info, as JSON."""
    for text in TEXTS:
        yield json.dumps({"text": text})
    for value in (*NUMBERS, *VALUES):
        yield '{"value":%s,"list":[%s,{"in":%s}]}' % (value, value, value)
    for key in TEXTS[:-1]:
        yield json.dumps({key[:500]: 1, "k" + key[:500]: 2})
    yield json.dumps({"tags": [f"tag {i} \u00fc" for i in range(50)]})
    yield json.dumps({"tags": [""] * 3 + ["x" * 64]})
    yield from ('{"tags":[]}', '{"duration":1}', '{"duration":"240"}', '{"duration":199.9}',
                '{"duration_ms":1}', '{"duration_ms":"240500"}', '{"duration_ms":2073600000}')
    yield from ('{"submission_client":"a client","submission_client_version":"1.0"}',
                '{"submission_client":""}', '{"submission_client":5}',
                '{"submission_client":null,"media_player":null}')
    yield json.dumps({"tracknumber": 3, "discnumber": "2", "isrc": "GBAYE0601498",
                      "spotify_id": "https://open.spotify.com/track/x", "listening_from": "y",
                      "music_service": "z", "origin_url": "https://example.org/?a=b&c=\u00fc"})
    for key in ("recording_mbid", "release_mbid", "release_group_mbid", "track_mbid"):
        for value in (mbid(1), mbid(2).upper(), "", None):
            yield json.dumps({key: value})
    yield json.dumps({"artist_mbids": [mbid(3), mbid(4)], "work_mbids": [mbid(5), mbid(6)]})
    yield json.dumps({"artist_mbids": [], "work_mbids": None})


def listen(at_s, artist, track, release=None, info=None, more=None):
    """A listen as JSON; info is JSON, more are members of track_metadata."""
    metadata = {"artist_name": artist, "track_name": track, **(more or {})}
    if release is not None:
        metadata["release_name"] = release
    text = json.dumps(metadata)
    if info is not None:
        text = text[:-1] + ',"additional_info":' + info + "}"
    return '{"listened_at":%d,"track_metadata":%s}' % (at_s, text)


def listens():
    times = itertools.count(AT_S, 1000)
    for number, info in enumerate(fields()):
        yield listen(next(times), f"Artist {number % 7}", f"Field {number}",
                     f"Release {number % 5}" if number % 3 else None, info)
    for text in TEXTS:
        if text.strip():
            # A name is stored without the blanks at its ends, and has no more than it needs.
            yield listen(next(times), text[:500], text[:500], text[:500])
    yield listen(next(times), "No info", "At all")
    yield listen(next(times), "No release", "Blank", " ")
    yield listen(next(times), "More", "Members", more={
        "extra": {"a": [1, {"b": None}]}, "is_playing": False, "score": 1, "": "", "mbid": mbid(7)})
    for number in range(2):     # everything that is known of a recording
        yield listen(next(times), "Known & Others", f"Known {number}", "Known Release", json.dumps({
            "recording_mbid": mbid(10 + number), "release_mbid": mbid(20),
            "release_group_mbid": mbid(21), "track_mbid": mbid(22),
            "artist_mbids": [mbid(30), mbid(31)], "duration_ms": 123456}))
    yield listen(next(times), "Solo", "Song", "Album", json.dumps({
        "recording_mbid": mbid(40), "release_mbid": mbid(41), "artist_mbids": [mbid(42)]}))
    for track in ("One", "Two", "Three"):   # in the same second
        yield listen(AT_S + 7, "Second", track)
    # Otherwise than the catalogue, which has them from somebody else, or from a line before.
    yield listen(next(times), "SPELT", "othERWise", "ALBUM \u00c9")
    yield listen(next(times), "spelt", "Otherwise", "album \u00e9")
    yield listen(next(times), "Spelt", "OTHERWISE", unicodedata.normalize("NFD", "Album \u00e9"))
    for at_s in (1_033_430_400, 1_700_000_000):     # the earliest, and a recent one
        yield listen(at_s, "Edge", "Of time")


class RoundTrip(harness.ApiTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = harness.temporary_folder()
        cls.submit("first", listen(AT_S, "Spelt", "Otherwise", "Album \u00e9"))
        for text in (sent := list(listens())):
            cls.submit("origin", text)
        cls.count = len(sent)
        cls.love()
        cls.file = cls.folder / "origin.jsonl"
        cls.file.write_bytes(cls.export(cls.instance, "origin"))

    @classmethod
    def tearDownClass(cls):
        harness.shutil.rmtree(cls.folder)
        super().tearDownClass()

    @classmethod
    def submit(cls, name, *texts):
        kind = "single" if len(texts) == 1 else "import"
        body = '{"listen_type":"%s","payload":[%s]}' % (kind, ",".join(texts))
        answer = cls.instance.post("/1/submit-listens", body, token=cls.instance.token(name))
        assert answer.status == 200, (body[:1000], answer)

    @classmethod
    def love(cls):
        """By msid, by MBID, by both; of what has been heard and of what has not; in this order."""
        heard = json.loads(cls.export(cls.instance, "origin").splitlines()[3])["recording_msid"]
        for body in ({"recording_msid": heard, "score": 1},
                     {"recording_mbid": mbid(40), "score": -1},
                     {"recording_msid": mbid(50), "score": -1},
                     {"recording_mbid": mbid(51), "score": 1},
                     {"recording_msid": mbid(52), "recording_mbid": mbid(53), "score": 1}):
            answer = cls.instance.post("/1/feedback/recording-feedback", body,
                                       token=cls.instance.token("origin"))
            assert answer.status == 200, answer

    @staticmethod
    def export(instance, name):
        answer = instance.get("/1/export-listens", token=instance.token(name))
        assert answer.status == 200, answer
        return answer.body

    def bring(self, instance, name, file):
        instance.token(name)
        done = instance.refrain("import", "--user", name, file)
        self.assertIn(" refused=0 ", done.stdout)

    def assertSame(self, there, here, pattern=INSERTED):
        there, here = ([pattern.sub(b"", line) for line in lines.splitlines()]
                       for lines in (there, here))
        for one, other in zip(there, here):
            self.assertEqual(one, other)
        self.assertEqual(len(there), len(here))

    def read(self, instance, name, path):
        answer = instance.get(path.format(urllib.parse.quote(name)), token=instance.token(name))
        self.assertIn(answer.status, (200, 204), answer)
        return re.sub(rb'"(user_id|user_name|last_updated|to_ts|inserted_at)": ?("[^"]*"|\d+)', b"",
                      answer.body)

    def assertSameAnswers(self, name, instance=None):
        for path in ("/1/user/{}/listen-count", "/1/user/{}/listens?count=1000",
                     "/1/stats/user/{}/artists", "/1/stats/user/{}/releases",
                     "/1/stats/user/{}/recordings?count=100", "/1/stats/user/{}/artists?range=year",
                     "/1/user/{}/top/genres", "/1/user/{}/top/tracks",
                     "/1/feedback/user/{}/get-feedback",
                     "/1/feedback/user/{}/get-feedback?metadata=true&score=1"):
            with self.subTest(path):
                self.assertEqual(self.read(instance or self.instance, name, path),
                                 self.read(self.instance, "origin", path))

    def test_what_was_sent_is_in_it(self):
        lines = [json.loads(line) for line in self.file.read_bytes().splitlines()]
        self.assertEqual(len(lines), self.count + 5)
        told = {line["track_metadata"]["track_name"]: line["track_metadata"]
                for line in lines[:-5]}
        for number, text in enumerate(TEXTS):
            self.assertEqual(told[f"Field {number}"]["additional_info"]["text"], text)
        self.assertEqual(told["Members"]["extra"], {"a": [1, {"b": None}]})
        self.assertEqual(len(told[f"Field {len(list(fields())) - 1}"]["additional_info"]), 1)
        self.assertEqual([line["score"] for line in lines[-5:]], [1, -1, -1, 1, 1])

    def test_into_an_empty_account(self):
        self.bring(self.instance, "copy", self.file)
        self.assertSame(self.file.read_bytes(), self.export(self.instance, "copy"))
        self.assertSameAnswers("copy")

    def test_into_its_own_account(self):
        before = self.export(self.instance, "origin")
        self.bring(self.instance, "origin", self.file)
        self.assertEqual(self.export(self.instance, "origin"), before)

    def test_by_the_command_and_compressed(self):
        plain, packed = self.folder / "command.jsonl", self.folder / "command.jsonl.gz"
        self.instance.refrain("export", "--user", "origin", "--output", plain)
        self.assertEqual(plain.read_bytes(), self.file.read_bytes())
        packed.write_bytes(gzip.compress(plain.read_bytes()))
        self.bring(self.instance, "unpacked", packed)
        self.assertSame(self.file.read_bytes(), self.export(self.instance, "unpacked"))

    def test_to_another_server(self):
        with harness.Instance("elsewhere", serve=1) as elsewhere:
            self.bring(elsewhere, "mover", self.file)
            there, here = self.file.read_bytes(), self.export(elsewhere, "mover")
            # A mapping has the names as the server heard them first.
            self.assertSame(INSERTED.sub(b"", there), INSERTED.sub(b"", here), MAPPING)
            for one, other in zip(there.splitlines(), here.splitlines()):
                self.assertEqual(MAPPING.findall(one.lower()), MAPPING.findall(other.lower()))


class Large(harness.ApiTest):
    def test_a_listen_of_nine_megabytes(self):
        listens = [json.loads(listen(AT_S + i, "Artist", f"Track {i}")) for i in range(1000)]
        filler = "\u00fc\U0001f3b5\\\"" * (LARGE_BYTES // 10)
        listens[500]["track_metadata"]["additional_info"] = {"filler": filler, "end": 1}
        body = json.dumps({"listen_type": "import", "payload": listens}, ensure_ascii=False)
        self.assertGreater(len(body.encode()), LARGE_BYTES)
        origin, copy = self.instance.token("origin"), self.instance.token("copy")
        answer = self.instance.post("/1/submit-listens", body, token=origin)
        self.assertEqual(answer.status, 200, answer)
        there = self.instance.get("/1/export-listens", token=origin).body
        path = self.instance.state / "large.jsonl"
        path.write_bytes(there)
        done = self.instance.refrain("import", "--user", "copy", path)
        self.assertIn(" refused=0 ", done.stdout)
        here = self.instance.get("/1/export-listens", token=copy).body
        self.assertTrue(INSERTED.sub(b"", there) == INSERTED.sub(b"", here))
        self.assertEqual(json.loads(here.splitlines()[500])["track_metadata"]["additional_info"]
                         ["filler"], filler)
