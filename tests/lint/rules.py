"""The house rules that a program can see."""

import re
import shutil
import subprocess

import tap

C_FILES = ("fcgi/**/*.[ch]", "tests/**/*.[ch]")
TEXT_FILES = (*C_FILES, "sql/**/*.sql", "web/**/*.js", "web/**/*.css", "web/**/*.html",
              "tests/**/*.py", "deploy/**/*", "nginx/*", "docs/**/*", "*.am", "*.ac")
LINES_MAX = 600
# Clients and their tools read the description of the API as one document.
LONG_FILES = {"docs/openapi.yaml"}

# what it is about, which files, what must not stand there
FORBIDDEN = (
    ("unbounded copies", C_FILES, r"\b(strcpy|strcat|v?sprintf|gets|stpcpy)\s*\("),
    ("numbers that are not checked", C_FILES, r"\b(atoi|atol|atoll|atof)\s*\("),
    ("shells out of C", C_FILES, r"\b(system|popen)\s*\("),
    ("bare sleeps", (*C_FILES, "tests/**/*.py", "tests/**/run", "up", "check"),
     r"(?<![a-z_])(sleep|usleep|nanosleep)[ (]+[0-9]"),
    ("typedefs of structures", C_FILES, r"\btypedef\s+(struct|union)\b"),
    ("tabulators", C_FILES, r"\t"),
    # A migration stays as it was applied.
    ("more than 104 characters", ("fcgi/**/*.[ch]", "sql/functions/*.sql"), r"^.{105}"),
    ("blanks at the end", TEXT_FILES, r"[ \t]+$"),
    ("left-overs", TEXT_FILES, r"\b(TODO|FIXME|XXX|HACK)\b"),
)


def nothing_forbidden():
    """no forbidden call or left-over"""
    own = tap.TOP / "tests/lint/rules.py"
    for title, patterns, forbidden in FORBIDDEN:
        for path in tap.sources(*patterns):
            if path != own:
                for number, line in tap.lines(path):
                    if re.search(forbidden, line):
                        yield f"{tap.name(path)}:{number}: {title}: {line.strip()}"


def files_are_short():
    """no file is too long"""
    for path in tap.sources(*TEXT_FILES):
        count = len(path.read_text(encoding="utf-8").splitlines())
        if count > LINES_MAX and tap.name(path) not in LONG_FILES:
            yield f"{tap.name(path)}: {count} lines, allowed are {LINES_MAX}"


def config_options():
    text = (tap.TOP / "fcgi/base/config.h").read_text()
    text = re.sub(r"\\\n\s*", "", text)
    return re.findall(r'ROW\(\w+,\s*"(\w+)",\s*"(\w+)",\s*\w+,\s*("[^"]*"|\w+)', text)


def sample_options():
    section = None
    for _, line in tap.lines(tap.TOP / "deploy/refrain.conf.in"):
        if match := re.fullmatch(r"\[(\w+)\]", line):
            section = match.group(1)
        elif match := re.fullmatch(r"(\w+) = (.*)", line):
            yield section, match.group(1), match.group(2)


def options_are_documented():
    """the sample configuration shows every option with its default, and docs/ tell of it"""
    documentation = (tap.TOP / "docs/configuration.md").read_text()
    sample = {(section, key): value for section, key, value in sample_options()}
    known = set()
    for section, key, default in config_options():
        known.add((section, key))
        value = sample.get((section, key))
        if value is None:
            yield f"deploy/refrain.conf.in lacks [{section}] {key}"
        elif default.startswith('"') and value != default.strip('"'):
            yield f"deploy/refrain.conf.in: [{section}] {key} is {value}, the default is {default}"
        if f"`{key}`" not in documentation:
            yield f"docs/configuration.md lacks {section}.{key}"
    if not known:
        yield "no option found in fcgi/base/config.h"
    for section, key in sample.keys() - known:
        yield f"deploy/refrain.conf.in: there is no option [{section}] {key}"


def sql_is_commented():
    """every table and function of the schema has a comment"""
    text = "\n".join(path.read_text() for path in tap.sources("sql/**/*.sql"))
    text = re.sub(r"--.*", "", text).lower().replace("refrain.", "")
    for kind in ("table", "function"):
        made = re.findall(rf"\bcreate (?:or replace )?(?:unlogged )?{kind} (?:if not exists )?(\w+)", text)
        commented = set(re.findall(rf"\bcomment on {kind} (\w+)", text))
        for item in sorted(set(made) - commented):
            yield f"sql/: {kind} {item} has no comment"
        if not made:
            yield f"sql/: no {kind} found"


def python_compiles():
    """every Python file is valid"""
    for path in tap.sources("tests/**/*.py", "tests/*/run"):
        text = path.read_text()
        if path.suffix == ".py" or text.startswith("#!/usr/bin/python3"):
            try:
                compile(text, tap.name(path), "exec")
            except SyntaxError as error:
                yield f"{tap.name(path)}:{error.lineno}: {error.msg}"


def shell_is_clean():
    """shellcheck has no complaint"""
    program = shutil.which("shellcheck")
    if program is None:
        raise tap.Skip("shellcheck is not installed")
    scripts = [path for path in tap.sources("up", "check", "autogen.sh", ".ci/*", "deploy/*",
                                            "deploy/lib/*", "tests/**/*")
               if re.match(rb"#!/bin/(ba)?sh|# shellcheck shell=", path.read_bytes()[:80])]
    done = subprocess.run([program, "-f", "gcc", *map(tap.name, scripts)], cwd=tap.TOP,
                          capture_output=True, text=True)
    yield from done.stdout.splitlines()
    yield from done.stderr.splitlines()


def build_knows_every_file():
    """every file is listed by a local.mk, so that it is built, installed and in the tarball"""
    listed = set()
    for path in tap.sources("**/*.mk", "Makefile.am"):
        folder = tap.name(path.parent)
        text = path.read_text().replace("%D%", folder)
        listed.update(re.split(r"[\s\\]+", text))
    for path in tap.sources(*(f"{folder}/**/*" for folder in (
            "fcgi", "sql", "web", "nginx", "deploy", "docs", "tests"))):
        file = tap.name(path)
        names = {file, file.removesuffix(".in"), file.removesuffix(".c")}
        if path.suffix != ".mk" and not names & listed:
            yield f"{file} is in no local.mk"


tap.main(nothing_forbidden, files_are_short, options_are_documented, sql_is_commented,
         python_compiles, shell_is_clean, build_knows_every_file)
