"""Runs cases against a server, one after another, and takes away what they have added.

Every case gets `t`, a second of its own with room for thousands of listens, in years that few
histories reach back to. Listens carry the run's mark in their artist's name; by that mark, and in
those seconds only, are they deleted at the end.
"""

import http.client
import json
import time
import urllib.parse
import uuid
import zlib

import cases
import client
import matching

FIRST_S = 1_040_000_000
SPREAD_S = 100_000_000
ROOM_S = 20_000
POLL_S = 0.5
SETTLE_S = 5
AGENT = "listenbrainz-contract/1"
PAGE = 1000
ROLES = ("own", "other", "private")


class Account:
    def __init__(self, name, token):
        self.name = name
        self.token = token


def find_account(server, token, name=None):
    """Whose token it is, by validate-token; a name that is given wins."""
    headers = {"User-Agent": AGENT, "Authorization": f"Token {token}"}
    answer = server.send(client.Request("GET", "/1/validate-token", headers, None))
    try:
        found = answer.json()
        if name is None:
            name = found["user_name"]
    except (ValueError, KeyError, TypeError):
        raise cases.Mistake("the server does not know a token; its answer to validate-token: "
                            f"{answer.status} {answer.shown()}") from None
    return Account(name, token)


def take(value, path):
    """What lies at a path such as payload.listens.0.recording_msid; KeyError if nothing does."""
    for part in path.split("."):
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (IndexError, TypeError, ValueError):
            raise KeyError(part) from None
    return value


class Result:
    """Of a case: what was sent, what came, and what is wrong with it."""

    def __init__(self, case, word, note=""):
        self.case = case
        self.word = word  # passed, failed, skipped
        self.note = note
        self.meets_contract = word == "passed"
        self.steps = []
        self.seconds = 0

    def table(self):
        return {"name": self.case.name, "family": self.case.endpoint.family,
                "endpoint": self.case.endpoint.title, "result": self.word, "note": self.note,
                "differs": self.case.differs, "absent": self.case.absent,
                "meets_contract": self.meets_contract, "seconds": round(self.seconds, 3),
                "steps": self.steps}


class Runner:
    """`accounts` has "own", and perhaps "other" and "private"."""

    def __init__(self, tables, server, accounts, *, judge=None, patience_s=0, mark, large=True):
        self.server = server
        self.accounts = accounts
        self.judge = judge
        self.patience_s = patience_s
        self.mark = mark
        self.large = large
        self.first_s = FIRST_S + zlib.crc32(mark.encode()) % SPREAD_S
        self.spans = []  # (from, to) of listens that were accepted
        self.secrets = {account.token: f"{role.upper()}_TOKEN" if role != "own" else "TOKEN"
                        for role, account in accounts.items()}
        self.places = {case.name: i for i, case in enumerate(tables.cases())}

    def reason_to_skip(self, case):
        if case.servers is not None and self.judge not in case.servers:
            return f"of {', '.join(case.servers)} only"
        for need in case.needs:
            if need == "large" and not self.large:
                return "sends much"
            if need in ROLES and need not in self.accounts:
                return f"needs --{need}-token"
        return None

    def known_of(self, case):
        now = int(time.time())
        known = {"run": self.mark, "now": now, "nobody": f"nobody-{self.mark}",
                 "t": self.first_s + self.places[case.name] * ROOM_S,
                 "some_msid": self.uuid(case, "msid"), "some_mbid": self.uuid(case, "mbid"),
                 "USER": self.accounts["own"].name.upper()}
        for role, account in self.accounts.items():
            known["user" if role == "own" else role] = account.name
            known["token" if role == "own" else f"{role}_token"] = account.token
        return known

    def uuid(self, case, kind):
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.mark} {case.name} {kind}"))

    def run(self, case):
        reason = self.reason_to_skip(case)
        if reason:
            return Result(case, "skipped", reason)
        result = Result(case, "passed")
        began = time.monotonic()
        filler = cases.Filler(case.values, self.known_of(case))
        for step in case.steps:
            if step.get("only") in (None, self.judge) and not self.run_step(filler, step, result):
                break
        for step in case.last_steps:
            self.run_step(filler, step, result)
        result.seconds = time.monotonic() - began
        return result

    def run_step(self, filler, step, result):
        """Whether it passed."""
        case = result.case
        expected = filler.fill(case.expected_of(step, self.judge))
        contract = filler.fill(case.expected_of(step, None))
        request = self.make_request(filler, case.request_of(step), step)
        patience_s = self.patience_s if step.get("wait") else 0
        deadline = time.monotonic() + max(patience_s, step.get("within", 0))
        while True:
            answer, wrong = self.ask(request, expected)
            if not wrong or time.monotonic() >= deadline:
                break
            time.sleep(POLL_S)
        if answer is not None:
            self.note_listens(request, answer)
            wrong += self.keep(filler, step.get("keep", {}), answer)
        meets = answer is not None and not matching.check(contract, answer)
        result.meets_contract = result.meets_contract and meets
        result.steps.append({
            "curl": request.curl(self.server.url, self.secrets), "expected": expected,
            "status": answer.status if answer else None,
            "body": answer.shown() if answer else None, "wrong": wrong})
        if wrong:
            result.word = "failed"
        return not wrong

    def ask(self, request, expected):
        try:
            answer = self.server.send(request)
        except (OSError, http.client.HTTPException) as error:
            return None, [f"no answer: {error}"]
        return answer, matching.check(expected, answer)

    @staticmethod
    def keep(filler, wanted, answer):
        for name, path in wanted.items():
            try:
                filler.known[name] = take(answer.json(), path)
            except (ValueError, KeyError):
                filler.known[name] = None
                return [f"body: has no {path}"]
        return []

    def make_request(self, filler, line, step):
        method, path = line.split(" ", 1)
        headers = {"User-Agent": AGENT}
        role = step.get("as", "own")
        if role != "nobody":
            headers["Authorization"] = f"Token {self.accounts[role].token}"
        body = None
        if "body" in step:
            body = json.dumps(filler.fill(step["body"])).encode()
            headers["Content-Type"] = "application/json"
        elif "raw" in step:
            body = filler.fill({"": step["raw"]})[""].encode()
        elif "bytes" in step:
            body = bytes.fromhex(step["bytes"])
        for name, value in filler.fill(step.get("send", {})).items():
            headers.pop(name, None)
            if value is not None:
                headers[name] = value
        return client.Request(method, filler.fill_path(path), headers, body)

    # Taking away

    def note_listens(self, request, answer):
        """Remembers where listens may lie that the request has brought in."""
        try:
            body = json.loads(request.body) if answer.status == 200 and request.body else None
            times = [int(listen["listened_at"]) for listen in body["payload"]]
        except (ValueError, KeyError, TypeError):
            return
        if times:
            self.spans.append((min(times), max(times)))

    def clean(self):
        """Deletes the listens of the run; the number of those that could not be. A server that
        stores them later is given some time to do so."""
        time.sleep(min(self.patience_s, SETTLE_S if self.spans else 0))
        left = 0
        for first, last in sorted(set(self.spans)):
            left += self.clean_span(first, last)
        self.spans = []
        return left

    def clean_span(self, first, last):
        user = urllib.parse.quote(self.accounts["own"].name, safe="")
        bound = last + 1
        left = 0
        while True:
            path = f"/1/user/{user}/listens?max_ts={bound}&count={PAGE}"
            listens = self.request("GET", path).json()["payload"]["listens"]
            for listen in listens:
                if listen["listened_at"] >= first and self.mark in str(listen["track_metadata"]):
                    left += not self.delete(listen)
            if len(listens) < PAGE or listens[-1]["listened_at"] < first:
                return left
            bound = listens[-1]["listened_at"]

    def delete(self, listen):
        body = {key: listen[key] for key in ("listened_at", "recording_msid")}
        return self.request("POST", "/1/delete-listen", body).status == 200

    def request(self, method, path, body=None):
        headers = {"User-Agent": AGENT, "Authorization": f"Token {self.accounts['own'].token}"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        return self.server.send(client.Request(method, path, headers, data))
