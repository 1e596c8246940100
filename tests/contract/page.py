"""docs/listenbrainz-compatibility.md, from page.md, the tables and the result of a run."""

import cases


def state_of(results):
    """What the cases of an endpoint have shown: same, differs or absent."""
    if all(result.case.absent for result in results):
        return "absent"
    return "same" if all(result.meets_contract for result in results) else "differs"


def count_of(results, state):
    differing = sum(not result.meets_contract for result in results)
    return f"{len(results)}, {differing} differ" if state == "differs" else str(len(results))


def remark_of(endpoint, results):
    reasons = {result.case.absent: None for result in results if result.case.absent}
    return "; ".join([*([endpoint.remark] if endpoint.remark else []), *reasons])


def row(*cells):
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def endpoint_title(title):
    method, _, path = title.partition(" ")
    return f"{method} `{path}`" if path.startswith("/") else title


def endpoint_rows(tables, results):
    for family in tables.families:
        for endpoint in family.endpoints:
            own = [result for result in results if result.case.endpoint is endpoint]
            state = state_of(own)
            yield row(endpoint_title(endpoint.title), state, count_of(own, state),
                      remark_of(endpoint, own))


def difference_rows(tables):
    for key, difference in tables.differences.items():
        count = sum(case.differs == key for case in tables.cases())
        yield row(difference["what"], difference["there"], difference["here"],
                  difference.get("why", ""), str(count or "–"))


def make(tables, results):
    """The page. Every case must have run and passed, or it would tell less than it seems to."""
    passed = {result.case.name for result in results if result.word == "passed"}
    missing = [case.name for case in tables.cases() if case.name not in passed]
    if missing:
        raise cases.Mistake(f"the page needs every case to pass: {missing[0]} did not")
    text = (cases.HERE / "page.md").read_text()
    return (text.replace("@endpoints@", "\n".join(endpoint_rows(tables, results)))
            .replace("@differences@", "\n".join(difference_rows(tables)))
            .replace("@cases@", str(len(results))))
