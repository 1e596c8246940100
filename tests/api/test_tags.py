"""Tags of artists from files, as an administrator gives them, and the genres that come of them."""

import gzip
import re
import time
import uuid
import zipfile

import harness

NOW = int(time.time())


class TagsTest(harness.ApiTest):
    def setUp(self):
        self.folder = self.instance.state / self.id().rsplit(".", 1)[1]
        self.folder.mkdir(mode=0o755)
        self.instance.psql("delete from artist_tags")

    def write(self, content, name="tags.tsv"):
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def run_import(self, *arguments):
        done = self.instance.refrain("import", "--tags", *arguments, check=False)
        return done, {key: int(value) for key, value in re.findall(r"\b([a-z]+)=(\d+)\b", done.stdout)}

    def assertImported(self, counts, *arguments):
        """rows, artists, changed, removed, skipped, refused"""
        done, found = self.run_import(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        names = ("rows", "artists", "changed", "removed", "skipped", "refused")
        self.assertEqual(tuple(found[name] for name in names), counts, done.stderr)
        return done

    def tags(self):
        return self.instance.psql("select string_agg(array_to_string(tags, ','), ' ' order by "
                                  "array_to_string(tags, ',')) from artist_tags")


class Files(TagsTest):
    def test_with_a_header_and_without(self):
        for header in ("", "artist\ttag\tweight\n", "\ufeffArtist\tTag\n", "artist_mbid\tgenre\r\n"):
            with self.subTest(header):
                self.instance.psql("delete from artist_tags")
                self.assertImported((2, 1, 1, 0, 0, 0), self.write(header + "A\tx\t1\r\na\ty\t2\n"))
                self.assertEqual(self.tags(), "y,x")

    def test_a_header_tells_the_order(self):
        for content in ("tag\tartist\nx\tA\nx\tB\n",
                        "Count\tTag Name\tArtist Name\n1\tx\tA\n1\tx\tB\n"):
            with self.subTest(content):
                self.instance.psql("delete from artist_tags")
                self.assertImported((2, 2, 2, 0, 0, 0), self.write(content))
                self.assertEqual(self.tags(), "x x")

    def test_a_header_of_other_columns_is_refused(self):
        good = self.write("A\tx\n")
        bad = self.write("genre\tcount\nA\tx\n", "bad.tsv")
        done, _ = self.run_import(good, bad)
        self.assertEqual((done.returncode, self.tags(), done.stdout), (1, "", ""))
        self.assertRegex(done.stderr, r"^refrain: \S*bad\.tsv: its header should name the columns "
                                      r"artist, tag and maybe weight, each once and no others, not "
                                      r"'genre.count'\n$")

    def test_again_and_other_tags_and_all_anew(self):
        first = self.write("A\tx\t2\nA\ty\t1\nB\tz\t1\n")
        self.assertImported((3, 2, 2, 0, 0, 0), first)
        self.assertImported((3, 2, 0, 0, 0, 0), first)
        other = self.write("A\ty\t1\n", "other.tsv")
        self.assertImported((1, 1, 1, 0, 0, 0), other)
        self.assertEqual(self.tags(), "y z")
        self.assertImported((1, 1, 0, 1, 0, 0), "--replace", other)
        self.assertEqual(self.tags(), "y")
        self.assertImported((4, 2, 2, 0, 0, 0), "--replace", "--", first, other)
        self.assertEqual(self.tags(), "x,y z")

    def test_bad_rows_are_named_and_left_out(self):
        done = self.assertImported((10, 2, 2, 0, 2, 6), self.write(
            b"A\tgood\t0.5\nA\nA\tb\tc\td\n\n\tb\nA\tx\tmany\nA\tx\t0\nA\tx\t-3.5\nB\t"
            + b"b" * 65 + b"\nB\talso good\n" + b"x\t" * 6000 + b"\n"))
        reasons = re.findall(r"^tags\.tsv:(\d+): refused: (\S.*)$", done.stderr, re.M)
        self.assertEqual([int(line) for line, _ in reasons], [2, 3, 5, 6, 9, 11])
        self.assertEqual(self.tags(), "also good good")

    def test_packed(self):
        rows = "".join(f"Artist {n}\ttag\t1\n" for n in range(12_000))
        self.assertImported((12_000, 12_000, 12_000, 0, 0, 0),
                            self.write(gzip.compress(rows.encode()), "tags.tsv.gz"))
        path = self.folder / "tags.zip"
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("a.tsv", "artist\ttag\nA\tx\nA\n")
            file.writestr("b.tsv", "artist\ttag\nB\ty\nB\n")
        done = self.assertImported((4, 2, 2, 12_000, 0, 2), "--replace", path)
        for name in ("a.tsv", "b.tsv"):
            self.assertIn(f"{name}:3: refused: ", done.stderr)

    def test_what_can_not_be_read_changes_nothing(self):
        good = self.write("A\tx\n")
        self.assertImported((1, 1, 1, 0, 0, 0), good)
        for content in (b"", b"\x89PNG\r\n\x1a\n" + bytes(99), "artist\ttag\n", "A\nB\n", "A\t \n"):
            with self.subTest(content):
                done, _ = self.run_import("--replace", self.write(content, "bad.tsv"))
                self.assertEqual((done.returncode, self.tags()), (1, "x"))
                self.assertRegex(done.stderr, r"(?m)^refrain: \S.*$")
        for arguments in ((self.write("C\tz\n", "c.tsv"), self.folder / "absent"), (self.folder,)):
            done, _ = self.run_import(*arguments)
            self.assertEqual((done.returncode, self.tags()), (1, "x"), done.stdout)

    def test_misuse_tells_the_usage(self):
        for arguments in ((), ("--replace",), ("--user", "Ann", "f"), ("--",)):
            with self.subTest(arguments):
                done, _ = self.run_import(*arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn("refrain import --tags [--replace]", done.stderr)


class Genres(TagsTest):
    """Through the cache: who has read his genres before sees what an import has made of them."""

    def submit(self, name, artist, *, tags=None, mbids=None, track="t"):
        info = {key: value for key, value in (("tags", tags), ("artist_mbids", mbids)) if value}
        answer = self.instance.post("/1/submit-listens", {"listen_type": "single", "payload": [{
            "listened_at": NOW - 60, "track_metadata": {
                "artist_name": artist, "track_name": track, "additional_info": info}}]},
            token=self.instance.token(name, "--public"))
        self.assertEqual(answer.status, 200, answer)

    def read(self, name):
        answer = self.instance.get(f"/1/user/{name}/top/genres")
        self.assertEqual(answer.status, 200, answer)
        return (answer.headers["Cache-Status"],
                [row["genre"] for row in answer.json()["payload"]["genres"]])

    def wait_for_genres(self, name, genres):
        """Within a second or two; what is read meanwhile is what was there before."""
        harness.wait_for(lambda: self.read(name)[1] == genres, f"the genres of {name}")

    def test_an_import_is_seen_at_once_by_everybody_who_lacks_tags(self):
        self.submit("Ann", "Clara  SCHUMANN")
        self.submit("Ann", "Fanny Hensel", tags=["own"])
        self.submit("Bea", "Clara Schumann", tags=["a secret"])
        self.assertEqual(self.read("Ann")[1], ["own"])
        self.assertIn("hit", self.read("Ann")[0])
        path = self.write("clara schumann\tRomantic\t7\nFanny Hensel\tromantic\t7\n")
        self.assertImported((2, 2, 2, 0, 0, 0), path)
        self.wait_for_genres("Ann", ["own", "romantic"])
        self.assertEqual(self.read("Bea")[1], ["a secret"])
        self.assertIn("hit", self.read("Ann")[0])
        # Nothing new: nobody's values are out of date.
        self.assertImported((2, 2, 0, 0, 0, 0), path)
        self.assertIn("hit", self.read("Ann")[0])

    def test_by_the_hour_of_the_users_clock(self):
        self.submit("Gil", "Hour By Hour")
        self.assertImported((1, 1, 1, 0, 0, 0), self.write("hour by hour\tromantic\n"))
        self.wait_for_genres("Gil", ["romantic"])
        for zone, ahead_s in (("UTC", 0), ("Asia/Kathmandu", 20700)):
            with self.subTest(zone):
                self.instance.psql(f"update users set time_zone = '{zone}' where name = 'Gil'")
                expected = [{"genre": "romantic", "hour": (NOW - 60 + ahead_s) // 3600 % 24,
                             "listen_count": 1}]

                def read():
                    answer = self.instance.get("/1/stats/user/Gil/genre-activity?range=all_time")
                    self.assertEqual(answer.status, 200, answer)
                    return answer.json()["payload"]["genre_activity"]
                harness.wait_for(lambda: read() == expected, expected)

    def test_by_mbid_and_before_they_are_heard(self):
        mbid = str(uuid.uuid4())
        self.assertImported((2, 2, 2, 0, 0, 0), self.write(
            f"{mbid.upper()}\tby id\nNever Heard Before\tby name\n"))
        self.submit("Cai", "Known By Id", mbids=[mbid])
        self.submit("Cai", "never heard  before")
        self.assertEqual(self.read("Cai")[1], ["by id", "by name"])

    def test_mbids_that_are_told_later(self):
        mbid = str(uuid.uuid4())
        self.assertImported((1, 1, 1, 0, 0, 0), self.write(f"{mbid}\tby id\n"))
        self.submit("Dan", "Told Later")
        self.assertEqual(self.read("Dan")[1], [])
        self.submit("Eve", "Told Later", mbids=[mbid], track="other")
        self.wait_for_genres("Dan", ["by id"])
