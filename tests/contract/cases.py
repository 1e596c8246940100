"""Reads the tables of cases, and fills in what they leave open; README.md tells their form."""

import json
import pathlib
import re
import urllib.parse

import matching

HERE = pathlib.Path(__file__).resolve().parent
HOLE = re.compile(r"\$\{(\w+)(?:([+-])(\d+))?\}")
SERVERS = ("refrain",)
CASE_KEYS = {"name", "steps", "finally", "needs", "differs", "absent", "servers"}
EXPECTED_KEYS = {"status", "error", "json", "empty", "headers"}
STEP_KEYS = EXPECTED_KEYS | {"request", "as", "send", "body", "raw", "bytes", "keep", "wait",
                             "within", "only", *SERVERS}


class Mistake(Exception):
    """A table is wrong."""


class Case:
    def __init__(self, endpoint, table):
        self.endpoint = endpoint
        self.values = endpoint.values
        self.title = table["name"]
        self.name = f"{endpoint.family}: {endpoint.title}: {self.title}"
        self.needs = table.get("needs", [])
        self.differs = table.get("differs")
        self.absent = table.get("absent")
        self.servers = table.get("servers")
        self.steps = table.get("steps") or [
            {key: value for key, value in table.items() if key not in CASE_KEYS}]
        self.last_steps = table.get("finally", [])
        self.check(table)

    def check(self, table):
        loose = set(table) - CASE_KEYS - (set() if "steps" in table else STEP_KEYS)
        if loose:
            raise Mistake(f"{self.name}: unknown keys: {', '.join(sorted(loose))}")
        for step in self.steps + self.last_steps:
            loose = set(step) - STEP_KEYS
            if loose:
                raise Mistake(f"{self.name}: unknown keys: {', '.join(sorted(loose))}")
            self.check_expected(step)
            for server in SERVERS:
                self.check_expected(step.get(server, step))
        own = any(server in step for step in self.steps for server in SERVERS)
        if own and not self.differs:
            raise Mistake(f"{self.name}: 'refrain' without 'differs'")

    def check_expected(self, expected):
        if "status" not in expected:
            raise Mistake(f"{self.name}: a step without a status")
        unknown = [word for key in ("error", "json", "headers")
                   for word in matching.unknown_words(expected.get(key))]
        if unknown:
            raise Mistake(f"{self.name}: there is no pattern {unknown[0]}")

    def request_of(self, step):
        return step.get("request", self.endpoint.request)

    def expected_of(self, step, server):
        """What the server is to answer: the contract's, or its own where it has one."""
        if server is not None and self.absent:
            return {"status": 404, "error": "…"}
        return step.get(server, step) if server is not None else step


class Endpoint:
    def __init__(self, family, values, table):
        self.family = family
        self.values = values
        self.title = table["endpoint"]
        self.remark = table.get("remark", "")
        self.request = re.sub(r"\{name\}", "${user}", self.title)
        self.cases = [Case(self, case) for case in table["cases"]]


class Family:
    def __init__(self, path, values):
        table = json.loads(path.read_text())
        own_values = {**values, **table.get("values", {})}
        self.endpoints = [Endpoint(path.stem, own_values, endpoint)
                          for endpoint in table["endpoints"]]


class Tables:
    """All there is: the families in the order of index.json, and the differences."""

    def __init__(self, folder=HERE):
        index = json.loads((folder / "index.json").read_text())
        self.differences = index["differences"]
        self.families = [Family(folder / "cases" / f"{name}.json", index["values"])
                         for name in index["families"]]
        self.check()

    def cases(self):
        for family in self.families:
            for endpoint in family.endpoints:
                yield from endpoint.cases

    def check(self):
        names = [case.name for case in self.cases()]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise Mistake(f"two cases are called {twice.pop()}")
        for case in self.cases():
            if case.differs and case.differs not in self.differences:
                raise Mistake(f"{case.name}: there is no difference {case.differs}")


# Filling in

class Filler:
    """Puts values into the holes of a table. `known` is what ${…} may name; it grows by what
    steps keep."""

    def __init__(self, values, known):
        self.values = values
        self.known = known

    def look_up(self, match):
        name, sign, number = match.groups()
        if name not in self.known:
            raise Mistake(f"${{{name}}} is not known")
        value = self.known[name]
        if sign:
            value += int(number) if sign == "+" else -int(number)
        return value

    def fill_text(self, text):
        whole = HOLE.fullmatch(text)
        if whole:
            return self.look_up(whole)
        return HOLE.sub(lambda match: str(self.look_up(match)), text)

    def fill_path(self, path):
        return HOLE.sub(lambda match: urllib.parse.quote(str(self.look_up(match)), safe=""), path)

    def fill(self, table):
        if isinstance(table, str):
            return self.fill_text(table)
        if isinstance(table, list):
            return [self.fill(item) for item in table]
        if isinstance(table, dict):
            return self.fill_object(table)
        return table

    def fill_object(self, table):
        if "$times" in table:
            return self.fill_times(table)
        if "$like" in table:
            rest = {key: value for key, value in table.items() if key != "$like"}
            return merge(self.fill(self.values[table["$like"]]), self.fill(rest))
        return {self.fill_text(key): self.fill(value) for key, value in table.items()}

    def fill_times(self, table):
        """A text so many times over, or a list with so many items, which ${i} counts from 0."""
        if "text" in table:
            return self.fill(table["text"]) * table["$times"]
        items = []
        for i in range(table["$times"]):
            inner = Filler(self.values, {**self.known, "i": i})
            inner.known["t_i"] = self.known.get("t", 0) + i
            items.append(inner.fill(table["item"]))
        return items


def merge(base, change):
    """Objects merge, lists merge item by item, all else is replaced; "$without" names what goes."""
    if isinstance(base, dict) and isinstance(change, dict):
        merged = dict(base)
        for key, value in change.items():
            if key != "$without":
                merged[key] = merge(base[key], value) if key in base else value
        for key in change.get("$without", []):
            merged.pop(key, None)
        return merged
    if isinstance(base, list) and isinstance(change, list):
        rest = base + [None] * len(change)
        return [merge(old, new) for old, new in zip(rest, change)]
    return change
