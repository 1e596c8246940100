"""The commands of `refrain`, as an administrator types them."""

import gzip
import json
import re
import time
import zipfile

import harness

NOW = int(time.time())


class Users(harness.ApiTest):
    def run_refrain(self, *arguments, **options):
        return self.instance.refrain(*arguments, check=False, **options)

    def test_add_prints_lines_for_scripts(self):
        output = self.instance.refrain("user", "add", "New").stdout
        self.assertRegex(output, r"\Auser=New\ntoken=[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n\Z")

    def test_names_are_unique_whatever_their_case(self):
        self.instance.refrain("user", "add", "Straße")
        done = self.run_refrain("user", "add", "STRASSE")
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is a user 'STRASSE' already", done.stderr)

    def test_names_that_cannot_be(self):
        for name in ("", " a", "a ", "a\tb", "/a", "a/", "x" * 65):
            with self.subTest(name):
                done = self.run_refrain("user", "add", name)
                self.assertEqual(done.returncode, 1)
                self.assertIn("the name '", done.stderr)

    def test_password_from_standard_input_is_stored_hashed(self):
        self.instance.refrain("user", "add", "Locked", "--password-file", "-",
                              stdin="correct horse\n")
        stored = self.instance.psql("select password_hash from users where name = 'Locked'")
        self.assertTrue(stored.startswith("$argon2id$"))

    def test_tokens_are_stored_hashed(self):
        token = self.instance.token("Hashed")
        self.assertEqual(self.instance.psql(
            f"select count(*) from tokens where position('{token}'::bytea in hash) > 0"),
            "0")

    def test_list(self):
        self.instance.token("Listed", "--public")
        users = {row["user_name"]: row
                 for row in json.loads(self.instance.refrain("user", "list", "--json").stdout)}
        self.assertEqual(users["Listed"]["public"], True)
        self.assertEqual(users["Listed"]["listens"], 0)
        self.assertIn("Listed", self.instance.refrain("user", "list").stdout)

    def test_set(self):
        """Seen at once, although it was cached before."""
        token = self.instance.token("Moved")
        self.instance.post("/1/submit-listens", {"listen_type": "single", "payload": [{
            "listened_at": NOW - 60,
            "track_metadata": {"artist_name": "a", "track_name": "t"}}]}, token=token)
        path = "/1/stats/user/moved/streaks"

        def zone(**options):
            return self.instance.get(path, **options).json()["payload"]["time_zone"]
        self.assertEqual(zone(token=token), "UTC")
        self.assertEqual(self.instance.get(path).status, 404)
        done = self.run_refrain("user", "set", "MOVED", "--time-zone", "Asia/Kathmandu")
        self.assertEqual((done.returncode, done.stdout),
                         (0, "user=Moved\ntime_zone=Asia/Kathmandu\nvisibility=private\n"))
        self.assertEqual(zone(token=token), "Asia/Kathmandu")
        self.assertEqual(self.instance.get(path).status, 404)
        done = self.run_refrain("user", "set", "--public", "Moved")
        self.assertEqual((done.returncode, done.stdout),
                         (0, "user=Moved\ntime_zone=Asia/Kathmandu\nvisibility=public\n"))
        self.assertEqual(zone(), "Asia/Kathmandu")
        done = self.run_refrain("user", "set", "Moved", "--private", "--time-zone=UTC")
        self.assertEqual((done.returncode, done.stdout),
                         (0, "user=Moved\ntime_zone=UTC\nvisibility=private\n"))
        self.assertEqual(self.instance.get(path).status, 404)

    def test_set_to_what_cannot_be(self):
        self.instance.token("Still")
        for zone in ("Europe/Atlantis", "", "europe/athens", "+02"):
            with self.subTest(zone):
                done = self.run_refrain("user", "set", "Still", "--public", "--time-zone", zone)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (
                    1, "", f"refrain: there is no time zone '{zone}': names are such as "
                           "Europe/Athens or UTC, see pg_timezone_names of PostgreSQL\n"))
        self.assertEqual(self.instance.psql(
            "select public, time_zone from users where name = 'Still'"), "f|UTC")
        done = self.run_refrain("user", "set", "nobody", "--public")
        self.assertEqual((done.returncode, done.stderr),
                         (1, "refrain: there is no user 'nobody'\n"))

    def test_delete_of_nobody(self):
        done = self.run_refrain("user", "delete", "nobody")
        self.assertEqual((done.returncode, done.stderr),
                         (1, "refrain: there is no user 'nobody'\n"))

    def test_misuse_tells_the_usage(self):
        for arguments in (("user",), ("user", "add"), ("user", "add", "a", "b"), ("import",),
                          ("serve", "x"), ("nonsense",), ("user", "frob"), ("user", "set"),
                          ("user", "set", "a"), ("user", "set", "--public"),
                          ("user", "set", "a", "--public", "--private"),
                          ("user", "set", "a", "--time-zone")):
            with self.subTest(arguments):
                done = self.run_refrain(*arguments)
                self.assertEqual(done.returncode, 2)
                self.assertTrue(done.stderr.startswith("refrain: "))

    def test_help_of_every_command(self):
        names = re.findall(r"^  (\S+) ", self.instance.refrain("--help").stdout, re.M)
        self.assertIn("serve", names)
        for name in names:
            self.assertIn(f"usage: refrain {name}",
                          self.instance.refrain(name, "--help").stdout)

    def test_check_config_shows_no_password(self):
        shown = self.instance.refrain("check-config").stdout
        self.assertIn("http.threads = ", shown)

    def test_migrating_again_applies_the_functions_only(self):
        done = self.instance.refrain("migrate").stdout
        self.assertNotRegex(done, r"applied \d")
        self.assertIn("applied users.sql", done)

    def test_a_changed_migration_is_refused(self):
        name = self.instance.psql("select min(name) from schema_migration")
        right = self.instance.psql("select checksum from schema_migration order by name limit 1")
        self.instance.psql(f"update schema_migration set checksum = 'x' where name = '{name}'")
        done = self.run_refrain("migrate")
        self.instance.psql(f"update schema_migration set checksum = '{right}' "
                           f"where name = '{name}'")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{name} has been applied and then changed", done.stderr)


def export_line(at, **metadata):
    """A listen as ListenBrainz exports it."""
    fields = {"artist_name": "Clara Schumann", "track_name": f"Romanze {at}",
              "recording_msid": "0a94fdbf-0b1d-4346-b43a-bb7354aad530", "mbid_mapping": None,
              "additional_info": {"submission_client": "exporter"}, **metadata}
    return json.dumps({"inserted_at": at + 0.5, "listened_at": at, "track_metadata": fields})


def play(end, ms=180000, track="Nocturne", **fields):
    """A row of Spotify's extended history."""
    return {"ts": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end)), "ms_played": ms,
            "master_metadata_track_name": track,
            "master_metadata_album_artist_name": "Frédéric Chopin",
            "master_metadata_album_album_name": "Nocturnes", **fields}


class Import(harness.ApiTest):
    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1]
        self.token = self.instance.token(self.name)
        self.folder = self.instance.state / self.name
        self.folder.mkdir(mode=0o755)

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def run_import(self, *arguments):
        done = self.instance.refrain("import", "--user", self.name, *arguments, check=False)
        counts = {key: int(value) for key, value in
                  re.findall(r"\b(rows|accepted|duplicate|skipped|refused)=(\d+)", done.stdout)}
        return done, counts

    def listens(self):
        answer = self.instance.get(f"/1/user/{self.name}/listens?count=1000", token=self.token)
        return answer.json()["payload"]["listens"]

    def assertImported(self, accepted, *arguments, skipped=0, refused=0):
        done, counts = self.run_import(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((counts["accepted"], counts["skipped"], counts["refused"]),
                         (accepted, skipped, refused), done.stderr)
        again, counts = self.run_import(*arguments)
        self.assertEqual((counts["accepted"], counts["duplicate"]), (0, accepted))
        return done

    def test_listenbrainz_zip(self):
        path = self.folder / "export.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("user.json", '{"user_id": 1, "username": "x"}')
            for year in (2023, 2024):
                lines = [export_line(1700000000 + (year - 2023) * 31536000 + i)
                         for i in range(60)]
                file.writestr(f"listens/{year}/11.jsonl", "\n".join(lines) + "\n")
        self.assertImported(120, path, skipped=1)
        info = self.listens()[0]["track_metadata"]["additional_info"]
        self.assertEqual(info["submission_client"], "exporter")

    def test_listenbrainz_lines(self):
        self.assertImported(2, self.write("a.jsonl", export_line(1700000000) + "\n"
                                          + export_line(1700000001)))

    def test_spotify_counts_from_the_start_of_a_play(self):
        rows = [play(1700000180), play(1700000300, ms=20000), play(1700000500, track=None),
                play(1700001000, ms=240000)]
        self.assertImported(2, self.write("history.json", json.dumps(rows)), skipped=2)
        self.assertEqual([listen["listened_at"] for listen in self.listens()],
                         [1700000760, 1700000000])

    def test_spotify_short_plays_if_asked_for(self):
        path = self.write("history.json", json.dumps([play(1700000180, ms=2000)]))
        self.assertImported(1, "--min-play", "0", path)

    def test_lastfm_1k(self):
        rows = ["user_000001\t2009-05-04T23:08:57Z\t\tArvo Pärt\t\tFratres",
                "user_000002\t2009-05-04T13:54:10Z\t\tArvo Pärt\t\tSpiegel im Spiegel"]
        path = self.write("events.tsv", "\n".join(rows) + "\n")
        done, _ = self.run_import(path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--source-user, or source_user over HTTP (the first is user_000001)",
                      done.stderr)
        self.assertEqual(self.listens(), [])
        self.assertImported(1, "--source-user", "user_000001", path, skipped=1)
        self.assertEqual(self.listens()[0]["track_metadata"]["track_name"], "Fratres")

    def test_bad_rows_are_named_and_left_out(self):
        lines = [export_line(1700000000), "{", export_line(5), export_line(1700000002,
                 artist_name=" "), export_line(1700000003)]
        path = self.write("mixed.jsonl", "\n".join(lines))
        done = self.assertImported(2, path, refused=3)
        for line in (2, 3, 4):
            self.assertRegex(done.stderr, rf"mixed\.jsonl:{line}: refused: \S")

    def test_files_that_are_none(self):
        whole = self.folder / "whole.zip"
        with zipfile.ZipFile(whole, "w") as file:
            file.writestr("listens/2024/1.jsonl", export_line(1700000000) * 50)
        for name, content in (("empty", b""), ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(200)),
                              ("words.txt", b"just some words\n"), ("other.json", b'{"a": 1}'),
                              ("cut.zip", whole.read_bytes()[:-40]),
                              ("packed.gz", gzip.compress(b"x" * 1000))):
            with self.subTest(name):
                done, _ = self.run_import(self.write(name, content))
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, r"^refrain: \S.*\n$")
        for path in (self.folder, self.folder / "missing"):
            done, _ = self.run_import(path)
            self.assertEqual(done.returncode, 1, path)
        self.assertEqual(self.listens(), [])

    def test_options_come_first(self):
        path = self.write("a.jsonl", export_line(1700000000))
        done, _ = self.run_import(path, "--json")
        self.assertEqual(done.returncode, 2)
        self.assertIn("'--json' comes after a file; options come first", done.stderr)
        self.assertEqual(self.listens(), [])
        done, _ = self.run_import("--", path, "--json")
        self.assertEqual(done.returncode, 1)
        self.assertIn("--json: No such file", done.stderr)
        self.assertEqual(len(self.listens()), 1)

    def test_for_nobody(self):
        path = self.write("a.jsonl", export_line(1700000000))
        done = self.instance.refrain("import", "--user", "nobody", path, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no user 'nobody'", done.stderr)

    def test_an_import_is_seen_in_the_statistics_at_once(self):
        path = f"/1/stats/user/{self.name}/artists"
        self.assertEqual(self.instance.get(path, token=self.token).status, 204)
        self.run_import(self.write("a.jsonl", "\n".join(
            export_line(1700000000 + i) for i in range(30))))
        answer = self.instance.get(path, token=self.token).json()["payload"]
        self.assertEqual(answer["artists"][0]["listen_count"], 30)
