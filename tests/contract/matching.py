"""Holds an answer against what a case expects; the expectations' language is told in README.md.

Every function returns the list of what is wrong, empty where nothing is.
"""

import json
import re

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value):
    return is_int(value) or isinstance(value, float)


KINDS = {
    "$any": lambda value: True,
    "$bool": lambda value: isinstance(value, bool),
    "$int": is_int,
    "$list": lambda value: isinstance(value, list),
    "$number": is_number,
    "$object": lambda value: isinstance(value, dict),
    "$text": lambda value: isinstance(value, str),
    "$uuid": lambda value: isinstance(value, str) and UUID.fullmatch(value) is not None,
}


def show(value, limit=300):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else text[:limit] + " …"


def fits(pattern, value):
    return not match(pattern, value)


def match_text(pattern, value, where):
    if pattern in KINDS:
        good = KINDS[pattern](value)
    elif pattern.endswith("…"):
        good = isinstance(value, str) and value.startswith(pattern[:-1]) and value != ""
    else:
        good = value == pattern
    return [] if good else [f"{where}: {show(value)} instead of {show(pattern)}"]


def match_list(pattern, value, where):
    if not isinstance(value, list):
        return [f"{where}: {show(value)} is no list"]
    if len(value) != len(pattern):
        return [f"{where}: {len(value)} items instead of {len(pattern)}: {show(value)}"]
    wrong = []
    for i, (inner, item) in enumerate(zip(pattern, value)):
        wrong += match(inner, item, f"{where}[{i}]")
    return wrong


def match_object(pattern, value, where):
    """The keys that are named must be there; others may be."""
    if not isinstance(value, dict):
        return [f"{where}: {show(value)} is no object"]
    wrong = []
    for key, inner in pattern.items():
        if key in value:
            wrong += match(inner, value[key], f"{where}.{key}")
        else:
            wrong.append(f"{where}: has no {key}")
    return wrong


# Conditions: what "$…" in an object asks for. Each takes its argument, the value and the place.

def check_each(pattern, value, where):
    if not isinstance(value, list):
        return [f"{where}: {show(value)} is no list"]
    return [text for i, item in enumerate(value) for text in match(pattern, item, f"{where}[{i}]")]


def check_has(pattern, value, where):
    if isinstance(value, list) and any(fits(pattern, item) for item in value):
        return []
    return [f"{where}: {show(value)} has no item like {show(pattern)}"]


def check_lacks(pattern, value, where):
    if isinstance(value, list) and not any(fits(pattern, item) for item in value):
        return []
    return [f"{where}: {show(value)} has an item like {show(pattern)}"]


def check_length(pattern, value, where):
    if isinstance(value, list) and fits(pattern, len(value)):
        return []
    count = len(value) if isinstance(value, list) else show(value)
    return [f"{where}: {count} items instead of {show(pattern)}"]


def check_descends(key, value, where):
    """A list of objects whose values at the key never rise; `true` for a list of numbers."""
    if not isinstance(value, list):
        return [f"{where}: {show(value)} is no list"]
    found = [item if key is True else item[key] for item in value]
    good = all(a >= b for a, b in zip(found, found[1:]))
    return [] if good else [f"{where}: does not descend: {show(found)}"]


def check_or(patterns, value, where):
    if any(fits(pattern, value) for pattern in patterns):
        return []
    return [f"{where}: {show(value)} is none of {show(patterns)}"]


def check_not(pattern, value, where):
    return [f"{where}: {show(value)}"] if fits(pattern, value) else []


def check_min(limit, value, where):
    good = is_number(value) and value >= limit
    return [] if good else [f"{where}: {show(value)} is not {limit} or more"]


def check_max(limit, value, where):
    good = is_number(value) and value <= limit
    return [] if good else [f"{where}: {show(value)} is not {limit} or less"]


def check_absent(keys, value, where):
    return [f"{where}: has {key}" for key in keys if key in value]


def check_only(keys, value, where):
    """Beside the pattern's own keys none but these."""
    return [f"{where}: has {key}" for key in value if key not in keys]


def check_words(words, value, where):
    """A text that lists these words, in any order, parted by commas and blanks."""
    found = re.split(r"[\s,]+", value) if isinstance(value, str) else []
    return [f"{where}: {show(value)} lacks {word}" for word in words if word not in found]


CONDITIONS = {
    "$absent": check_absent,
    "$descends": check_descends,
    "$each": check_each,
    "$has": check_has,
    "$lacks": check_lacks,
    "$length": check_length,
    "$max": check_max,
    "$min": check_min,
    "$not": check_not,
    "$only": check_only,
    "$or": check_or,
    "$words": check_words,
}


def match_conditions(pattern, value, where):
    plain = {key: inner for key, inner in pattern.items() if not key.startswith("$")}
    wrong = match_object(plain, value, where) if plain else []
    for key, argument in pattern.items():
        if key.startswith("$") and not wrong:
            if key == "$only":
                argument = [*argument, *plain]
            wrong += CONDITIONS[key](argument, value, where)
    return wrong


def match(pattern, value, where="body"):
    if isinstance(pattern, str):
        return match_text(pattern, value, where)
    if isinstance(pattern, list):
        return match_list(pattern, value, where)
    if isinstance(pattern, dict):
        if any(key.startswith("$") for key in pattern):
            return match_conditions(pattern, value, where)
        return match_object(pattern, value, where)
    good = value == pattern and isinstance(value, bool) == isinstance(pattern, bool)
    return [] if good else [f"{where}: {show(value)} instead of {show(pattern)}"]


MAKERS = ("$like", "$times", "$without")


def unknown_words(pattern):
    """The $… in a pattern that mean nothing; what is filled in first does not count."""
    if isinstance(pattern, str):
        if pattern.startswith("$") and not pattern.startswith("${") and pattern not in KINDS:
            yield pattern
    elif isinstance(pattern, list):
        for item in pattern:
            yield from unknown_words(item)
    elif isinstance(pattern, dict):
        for key, inner in pattern.items():
            if key.startswith("$") and key not in CONDITIONS and key not in MAKERS:
                yield key
            yield from unknown_words(inner)


# Answers

def check_status(expected, answer):
    allowed = expected if isinstance(expected, list) else [expected]
    if answer.status in allowed:
        return []
    return [f"status {answer.status} instead of {' or '.join(map(str, allowed))}"]


def check_body(pattern, answer):
    """The body is JSON, says that it is, and matches."""
    kind = (answer.header("Content-Type") or "").split(";")[0].strip()
    wrong = [] if kind == "application/json" else [f"Content-Type is {kind or 'missing'}"]
    try:
        return wrong + match(pattern, answer.json())
    except ValueError as error:
        return [*wrong, f"the body is no JSON: {error}"]


def check_headers(patterns, answer):
    wrong = []
    for name, pattern in patterns.items():
        value = answer.header(name)
        if value is None and pattern is not None:
            wrong.append(f"has no header {name}")
        elif value is not None and pattern is None:
            wrong.append(f"has the header {name}: {value}")
        elif value is not None:
            wrong += match(pattern, value, f"header {name}")
    return wrong


def check(expected, answer):
    """What is wrong with the answer, by the keys status, error, json, empty and headers."""
    wrong = check_status(expected["status"], answer)
    if "error" in expected:
        wrong += check_body({"code": answer.status, "error": expected["error"]}, answer)
    if "json" in expected and answer.body:
        wrong += check_body(expected["json"], answer)
    elif "json" in expected and answer.status != 204:
        wrong.append("the body is empty")
    if expected.get("empty") and answer.body:
        wrong.append(f"the body is not empty: {answer.body[:100]!r}")
    return wrong + check_headers(expected.get("headers", {}), answer)
