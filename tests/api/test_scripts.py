"""The steps of the protocol on a real Redis, one by one (fcgi/cache/scripts)."""

import itertools

import harness

SCRIPTS = harness.TOP / "fcgi" / "cache" / "scripts"
V, LOCK, D = "{1}v", "{1}k", "{1}d"
LIFE = "60000"


class Scripts(harness.ApiTest):
    options = {"parts": "redis"}

    def setUp(self):
        self.redis("FLUSHALL")

    def redis(self, *words):
        return self.instance.redis(*words).removesuffix("\n")

    def run_script(self, name, keys, *arguments):
        first, rest = (SCRIPTS / f"{name}.lua").read_text().split("\n", 1)
        text = f"{first}\n{(SCRIPTS / 'common.lua').read_text()}\n{rest}"
        return self.redis("EVAL", text, str(len(keys)), *keys, *arguments)

    def store(self, versions, lease="", value="x", lock=""):
        return self.run_script("store", [V, LOCK, D], lease, *versions.split(), LIFE, lock, LIFE, value)

    def apply(self, versions):
        self.run_script("apply", [V], *versions.split(), LIFE)
        return self.redis("GET", V)

    def test_apply_never_creates_versions(self):
        self.assertEqual(self.apply("1 2 3 4"), "")

    def test_apply_ends_a_lease(self):
        self.redis("SET", V, "Labc")
        self.assertEqual(self.apply("1 2 3 4"), "")

    def test_apply_takes_the_maximum_of_each_part(self):
        for was, told in itertools.product(("5 5 5 5", "4 6 5 6", "999 10 10 10"), repeat=2):
            self.redis("SET", V, was)
            parts = zip(map(int, was.split()), map(int, told.split()))
            self.assertEqual(self.apply(told), " ".join(str(max(pair)) for pair in parts))

    def test_a_commit_told_with_an_older_epoch_counts(self):
        """Its writer has read the epoch just before it was raised."""
        self.redis("SET", V, "2 8 8 8")
        self.assertEqual(self.apply("1 9 8 8"), "2 9 8 8")
        self.assertEqual(self.store("2 8 8 8"), "version")
        self.assertEqual(self.store("2 9 8 8"), "stored")

    def test_a_newer_epoch_does_not_excuse_older_data(self):
        self.redis("SET", V, "1 9 9 9")
        self.assertEqual(self.store("2 8 9 9"), "version")
        self.assertEqual(self.redis("GET", D), "")
        self.assertEqual(self.store("2 9 9 9"), "stored")
        self.assertEqual(self.redis("GET", V), "2 9 9 9")

    def test_store_needs_the_very_lease(self):
        self.assertEqual(self.store("1 1 1 1"), "lease")
        self.assertEqual(self.store("1 1 1 1", lease="Lmine"), "lease")
        self.redis("SET", V, "Lother")
        self.assertEqual(self.store("1 1 1 1", lease="Lmine"), "lease")
        self.redis("SET", V, "Lmine")
        self.assertEqual(self.store("1 1 1 1", lease="Lmine"), "stored")
        self.assertEqual((self.redis("GET", V), self.redis("GET", D)), ("1 1 1 1", "x"))

    def test_a_lease_is_shared_and_ends(self):
        self.assertEqual(self.run_script("acquire", [V], "one", "60000"), "Lone")
        self.assertEqual(self.run_script("acquire", [V], "two", "60000"), "Lone")
        self.redis("PEXPIRE", V, "1")
        harness.wait_for(lambda: self.redis("EXISTS", V) == "0", "the lease to end")
        self.assertEqual(self.run_script("acquire", [V], "two", "60000"), "Ltwo")

    def test_numbers_beyond_those_that_lua_can_count(self):
        self.redis("SET", V, "1 9007199254740993 1 1")
        self.assertEqual(self.store("1 9007199254740992 1 1"), "version")
        self.assertEqual(self.apply("1 9007199254740994 1 1"), "1 9007199254740994 1 1")

    def test_what_is_no_number_for_the_program_is_mended(self):
        for foreign in ("garbage", "1 2 3", "01 5 5 5", "1 99999999999999999999 1 1", "-1 1 1 1"):
            self.redis("SET", V, foreign)
            self.assertEqual(self.store("9 9 9 9"), "lease", foreign)
            self.assertEqual(self.run_script("acquire", [V], "one", LIFE), "Lone", foreign)
            self.redis("SET", V, foreign)
            self.assertEqual(self.apply("9 9 9 9"), "", foreign)
        self.redis("DEL", V)
        self.redis("LPUSH", V, "a list")
        self.assertEqual(self.run_script("acquire", [V], "one", LIFE), "Lone")

    def test_a_lock_is_given_up_by_its_holder_alone(self):
        self.redis("SET", V, "1 1 1 1")
        self.redis("SET", LOCK, "other")
        self.store("1 1 1 1", lock="mine")
        self.assertEqual(self.redis("GET", LOCK), "other")
        self.assertEqual(self.run_script("discard", [LOCK], "mine"), "0")
        self.store("1 1 1 1", lock="other")
        self.assertEqual(self.redis("EXISTS", LOCK), "0")

    def test_a_full_redis_is_told_all_the_same(self):
        self.redis("SET", V, "1 1 1 1")
        self.redis("CONFIG", "SET", "maxmemory-policy", "noeviction")
        self.redis("CONFIG", "SET", "maxmemory", "1")
        try:
            self.assertEqual(self.apply("1 2 1 1"), "1 2 1 1")
            self.run_script("beat", ["{1}hb", "{1}pos"], "B ", "L new ", "1 2 3 4", "1000", "p", LIFE,
                            "1", "0")
        finally:
            self.redis("CONFIG", "SET", "maxmemory", "256mb")
            self.redis("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
