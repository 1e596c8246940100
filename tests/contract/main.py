"""The command: arguments, report, result and page."""

import argparse
import http.client
import json
import pathlib
import secrets
import sys

import cases
import client
import matching
import page
import running


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="tests/contract/run",
        description="Checks a server against the ListenBrainz contract. Only the token's own "
                    "account is touched, and what was added is deleted where the server can.")
    add = parser.add_argument
    add("names", metavar="NAME", nargs="*", help="only cases whose name holds one of these")
    add("--url", help="of the server, as far as what stands before /1/")
    add("--token", help="of the account to use")
    add("--user", help="its name, if validate-token does not tell it")
    add("--other-token", help="of a second account, to follow and to be followed")
    add("--private-token", help="of an account that the others may not see")
    add("--server", choices=cases.SERVERS, help="judge by what this server is known to answer")
    add("--patience", type=float, default=30, metavar="SECONDS",
        help="how long what was written may take to be seen (30)")
    add("--pace", type=float, default=0, metavar="SECONDS",
        help="at least so long between requests")
    add("--no-large", action="store_true", help="leave out what sends megabytes or many listens")
    add("--mark", help="of this run, in the names of artists (a random one)")
    add("--json", type=pathlib.Path, metavar="FILE", help="write the result here, too")
    add("--write-page", type=pathlib.Path, metavar="FILE",
        help="write docs/listenbrainz-compatibility.md, if all cases pass")
    add("--list", action="store_true", help="name the cases and end")
    add("--quiet", action="store_true", help="name only cases that fail")
    arguments = parser.parse_args()
    if not arguments.list and not (arguments.url and arguments.token):
        parser.error("--url and --token are needed")
    if arguments.url and not arguments.url.startswith(("http://", "https://")):
        parser.error(f"--url {arguments.url} does not begin with http:// or https://")
    return arguments


def chosen(tables, names):
    return [case for case in tables.cases()
            if not names or any(name in case.name for name in names)]


def find_accounts(arguments, server):
    accounts = {"own": running.find_account(server, arguments.token, arguments.user)}
    for role in ("other", "private"):
        token = getattr(arguments, f"{role}_token")
        if token:
            accounts[role] = running.find_account(server, token)
    return accounts


# Report

def report(result, tables, quiet):
    if result.word == "passed":
        if not quiet:
            print(f"ok   {result.case.name}")
    elif result.word == "skipped":
        if not quiet:
            print(f"skip {result.case.name}: {result.note}")
    else:
        print(f"FAIL {result.case.name}")
        for step in result.steps:
            report_step(step)
        if result.case.differs:
            difference = tables.differences[result.case.differs]
            print(f"     Refrain is known to differ here: {difference['here']}")
    sys.stdout.flush()


def report_step(step):
    print(f"     {step['curl']}")
    if step["wrong"]:
        expected = {key: value for key, value in step["expected"].items()
                    if key in cases.EXPECTED_KEYS}
        print(f"       expected  {matching.show(expected, 1000)}")
        print(f"       got       {step['status']} {step['body']}")
        for text in step["wrong"]:
            print(f"       because   {text}")


def run_all(runner, selected, tables, quiet):
    results = []
    try:
        for case in selected:
            results.append(runner.run(case))
            report(results[-1], tables, quiet)
    finally:
        left = clean(runner)
    return results, left


def clean(runner):
    """The number of listens that are left behind, None where it cannot be told."""
    try:
        left = runner.clean()
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        print(f"cannot take away the listens by '{runner.mark}': {error!r}")
        return None
    if left:
        print(f"{left} listens by artists whose names hold '{runner.mark}' could not be deleted")
    return left


def write_result(path, runner, results, left):
    counts = {word: sum(result.word == word for result in results)
              for word in ("passed", "failed", "skipped")}
    table = {"url": runner.server.url, "server": runner.judge, "mark": runner.mark, **counts,
             "left_behind": left, "requests": runner.server.requests,
             "cases": [result.table() for result in results]}
    path.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n")


def run(arguments, tables):
    server = client.Client(arguments.url, arguments.pace)
    runner = running.Runner(
        tables, server, find_accounts(arguments, server), judge=arguments.server,
        patience_s=arguments.patience, mark=arguments.mark or f"contract-{secrets.token_hex(4)}",
        large=not arguments.no_large)
    results, left = run_all(runner, chosen(tables, arguments.names), tables, arguments.quiet)
    if arguments.json:
        write_result(arguments.json, runner, results, left)
    good = all(result.word != "failed" for result in results)
    if arguments.write_page and good:
        arguments.write_page.write_text(page.make(tables, results))
    counts = [f"{sum(result.word == word for result in results)} {word}"
              for word in ("passed", "failed", "skipped")]
    print(", ".join(counts))
    return 0 if good and results else 1


def main():
    arguments = parse_arguments()
    try:
        tables = cases.Tables()
        if arguments.list:
            for case in chosen(tables, arguments.names):
                print(case.name)
            return 0
        return run(arguments, tables)
    except (cases.Mistake, OSError, http.client.HTTPException) as error:
        print(f"tests/contract/run: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
