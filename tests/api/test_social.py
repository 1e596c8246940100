"""Who follows whom, who is called like that, who is alike, and what an account is connected with."""

import urllib.parse

import harness


class SocialTest(harness.ApiTest):
    """With Ann, Bea and Cleo, who are public, and Paul, who is private."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tokens = {name: cls.instance.token(name, "--public") for name in ("Ann", "Bea", "Cleo")}
        cls.tokens["Paul"] = cls.instance.token("Paul")

    def ask(self, who, what, whom):
        return self.instance.post(f"/1/user/{whom}/{what}", b"", token=self.tokens[who])

    def change(self, who, what, whom):
        answer = self.ask(who, what, whom)
        self.assertEqual((answer.status, answer.json()), (200, {"status": "ok"}), answer)
        self.assertEqual(answer.headers["Cache-Control"], "no-store")

    def names(self, which, of, **options):
        answer = self.instance.get(f"/1/user/{of}/{which}", **options)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(sorted(answer.json()), sorted([which, "user"]))
        return answer.json()[which]

    def followers(self, of, **options):
        return self.names("followers", of, **options)

    def following(self, of, **options):
        return self.names("following", of, **options)


class Following(SocialTest):
    def setUp(self):
        self.instance.psql("delete from follows")

    def test_follow_and_unfollow(self):
        self.assertEqual(self.followers("Ann"), [])
        self.change("Bea", "follow", "Ann")
        self.change("Cleo", "follow", "aNN")
        self.change("Bea", "follow", "Cleo")
        self.assertEqual(self.followers("Ann"), ["Bea", "Cleo"])
        self.assertEqual(self.following("Bea"), ["Ann", "Cleo"])
        self.assertEqual(self.following("Ann"), [])
        self.change("Bea", "unfollow", "Ann")
        self.assertEqual(self.followers("Ann"), ["Cleo"])
        self.assertEqual(self.following("Bea"), ["Cleo"])
        # Again, and of somebody who never was followed.
        self.change("Bea", "unfollow", "Ann")
        self.change("Ann", "unfollow", "Bea")

    def test_the_name_is_as_stored(self):
        answer = self.instance.get("/1/user/aNN/followers")
        self.assertEqual(answer.json(), {"followers": [], "user": "Ann"})
        answer = self.instance.get("/1/user/aNN/following")
        self.assertEqual(answer.json(), {"following": [], "user": "Ann"})

    def test_what_cannot_be_followed(self):
        self.assertError(self.ask("Ann", "follow", "Ann"), 400, "Whoops, cannot follow yourself.")
        self.assertError(self.ask("Ann", "follow", "aNN"), 400, "Whoops, cannot follow yourself.")
        self.assertError(self.ask("Paul", "follow", "Paul"), 400,
                         "Whoops, cannot follow yourself.")
        self.change("Ann", "follow", "bEA")
        self.assertError(self.ask("Ann", "follow", "bea"), 400, "Ann is already following user Bea")
        for what in ("follow", "unfollow"):
            for name in ("nobody", "Paul", "%ff"):
                with self.subTest(what=what, name=name):
                    shown = name if name != "%ff" else None
                    answer = self.ask("Ann", what, name)
                    if answer.status != 400:  # nginx itself refuses what is not UTF-8
                        self.assertError(answer, 404, shown and f"User {shown} not found")
        self.assertEqual(self.following("Ann"), ["Bea"])

    def test_who_may(self):
        for what in ("follow", "unfollow"):
            path = f"/1/user/Ann/{what}"
            self.assertError(self.instance.post(path, b""), 401,
                             "You need to provide an Authorization header.")
            self.assertError(self.instance.post(path, b"", token="x"), 401,
                             "Invalid authorization token.")
            self.assertError(self.instance.get(path), 405)
        token = self.instance.token("Tim", "--public")
        for scopes, status in ((1 | 2, 401), (4, 200)):
            self.instance.psql(f"update tokens set scopes = {scopes} where user_id = "
                               "(select id from users where name = 'Tim')")
            answer = harness.wait_for(
                lambda: (a := self.instance.post("/1/user/Ann/unfollow", b"", token=token)
                         ).status == status and a, "the scopes to be known")
            if status == 401:
                self.assertError(answer, 401, "Insufficient scope.")

    def test_unknown_users(self):
        for which in ("followers", "following", "similar-users"):
            self.assertError(self.instance.get(f"/1/user/nobody/{which}"), 404,
                             "User nobody not found")

    def test_headers(self):
        self.change("Bea", "follow", "Ann")
        answer = self.instance.get("/1/user/Ann/followers")
        self.assertEqual(answer.headers["Cache-Status"], "refrain; fwd=bypass; detail=not-cached")
        self.assertEqual(answer.headers["Cache-Control"], "public, no-cache")
        again = {"If-None-Match": answer.headers["ETag"]}
        self.assertEqual(self.instance.get("/1/user/Ann/followers", headers=again).status, 304)
        self.change("Bea", "unfollow", "Ann")
        self.assertEqual(self.instance.get("/1/user/Ann/followers", headers=again).status, 200)


class Privacy(SocialTest):
    def setUp(self):
        self.instance.psql("delete from follows")

    def publish(self, name, public):
        self.instance.psql(f"update users set public = {public} where name = '{name}'")
        harness.wait_for(
            lambda: self.instance.get(f"/1/user/{name}/followers").status
            == (200 if public else 404), "the profile to be as wanted")

    def test_who_sees_the_lists_of_a_private_user(self):
        self.change("Paul", "follow", "Ann")
        for which in ("followers", "following", "similar-users"):
            path = f"/1/user/Paul/{which}"
            for token in (None, self.tokens["Ann"], "x"):
                self.assertError(self.instance.get(path, token=token), 404, "User Paul not found")
            answer = self.instance.get(path, token=self.tokens["Paul"])
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.headers["Cache-Control"], "private, no-cache")
        self.assertEqual(self.following("Paul", token=self.tokens["Paul"]), ["Ann"])

    def test_a_private_follower_is_not_named(self):
        self.change("Paul", "follow", "Ann")
        self.change("Bea", "follow", "Ann")
        for token in (None, self.tokens["Ann"], self.tokens["Paul"]):
            self.assertEqual(self.followers("Ann", token=token), ["Bea"])

    def test_who_becomes_private_vanishes_at_once(self):
        self.change("Bea", "follow", "Ann")
        self.change("Ann", "follow", "Bea")
        self.addCleanup(self.publish, "Bea", True)
        self.instance.psql("update users set public = false where name = 'Bea'")
        self.assertEqual(self.followers("Ann"), [])
        self.assertEqual(self.following("Ann"), [])
        self.assertError(self.ask("Cleo", "follow", "Bea"), 404, "User Bea not found")
        self.assertError(self.ask("Cleo", "unfollow", "Bea"), 404, "User Bea not found")
        self.publish("Bea", True)
        self.assertEqual(self.followers("Ann"), ["Bea"])
        # Who followed him already can leave, though he is private.
        self.publish("Bea", False)
        self.change("Ann", "unfollow", "Bea")
        self.assertError(self.ask("Ann", "unfollow", "Bea"), 404, "User Bea not found")
        self.publish("Bea", True)
        self.assertEqual(self.following("Ann"), [])

    def test_deletion(self):
        self.tokens["Gone"] = self.instance.token("Gone", "--public")
        self.change("Gone", "follow", "Ann")
        self.change("Ann", "follow", "Gone")
        self.instance.refrain("user", "delete", "Gone")
        self.assertEqual(self.followers("Ann"), [])
        self.assertEqual(self.following("Ann"), [])
        self.assertEqual(self.instance.psql("select count(*) from follows"), "0")
        del self.instance.tokens["Gone"]
        self.instance.token("Gone", "--public")
        self.assertEqual(self.followers("Gone"), [])


class Search(SocialTest):
    def search(self, term, path="/1/search/users"):
        query = urllib.parse.urlencode({"search_term": term})
        answer = self.instance.get(f"{path}?{query}")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(list(answer.json()), ["users"])
        for user in answer.json()["users"]:
            self.assertEqual(list(user), ["user_name"])
        return [user["user_name"] for user in answer.json()["users"]]

    def test_most_similar_first(self):
        for name in ("lucifer", "lucifer morningstar", "luciana", "Lucie"):
            self.instance.token(name, "--public")
        self.assertEqual(self.search("lucifer"),
                         ["lucifer", "Lucie", "lucifer morningstar", "luciana"])
        self.assertEqual(self.search("LUCIFER")[0], "lucifer")
        self.assertEqual(self.search("  lucie ")[0], "Lucie")
        self.assertEqual(self.search("lucifer", path="/1/search/users/")[0], "lucifer")

    def test_ten_at_most(self):
        for i in range(12):
            self.instance.token(f"tenfold {i:02}", "--public")
        self.assertEqual(len(self.search("tenfold")), 10)
        self.assertEqual(self.search("tenfold 07")[0], "tenfold 07")

    def test_other_scripts(self):
        self.instance.token("Ευτέρπη", "--public")
        self.assertEqual(self.search("ΕΥΤΈΡΠΗ"), ["Ευτέρπη"])

    def test_a_term_is_no_longer_than_a_name(self):
        """However much it is like one."""
        name = "Terpsichore " * 5 + "Muse"
        self.assertEqual(len(name), 64)
        self.instance.token(name, "--public")
        for term in (name, f"  {name} ", name[:-1]):
            self.assertEqual(self.search(term), [name])
        for term in (name + "s", name * 100):
            self.assertEqual(self.search(term), [])

    def test_nobody(self):
        self.assertEqual(self.instance.get("/1/search/users").json(), {"users": []})
        for term in ("", " ", "qqqq", "%", "'", "\\", "\0", "a\0b", "x" * 3000):
            with self.subTest(term):
                self.assertEqual(self.search(term), [])
        self.assertEqual(self.instance.get("/1/search/users?search_term=%ff").json(),
                         {"users": []})

    def test_public_users_only(self):
        self.tokens["Melpomene"] = self.instance.token("Melpomene")
        self.assertEqual(self.search("melpomene"), [])
        answer = self.instance.get("/1/search/users?search_term=melpomene",
                                   token=self.tokens["Melpomene"])
        self.assertEqual(answer.json(), {"users": []})
        self.instance.psql("update users set public = true where name = 'Melpomene'")
        self.assertEqual(self.search("melpomene"), ["Melpomene"])
        self.instance.psql("update users set public = false where name = 'Melpomene'")
        self.assertEqual(self.search("melpomene"), [])


class Others(SocialTest):
    def test_similar_users(self):
        answer = self.instance.get("/1/user/Ann/similar-users")
        self.assertEqual((answer.status, answer.json()), (200, {"payload": []}))

    def test_services(self):
        for name in ("Paul", "pAUL"):
            answer = self.instance.get(f"/1/user/{name}/services", token=self.tokens["Paul"])
            self.assertEqual((answer.status, answer.json()),
                             (200, {"services": [], "user_name": name}))
            self.assertNotIn("public", answer.headers["Cache-Control"])

    def test_services_of_others(self):
        text = "You don't have permissions to view this user's information."
        for name in ("Ann", "Paul", "nobody"):
            path = f"/1/user/{name}/services"
            self.assertError(self.instance.get(path, token=self.tokens["Bea"]), 403, text)
            self.assertError(self.instance.get(path), 401,
                             "You need to provide an Authorization header.")
            self.assertError(self.instance.get(path, token="x"), 401,
                             "Invalid authorization token.")
