"""Who may include whom below fcgi/. The table is the architecture; a change here is one there."""

import re

import tap

# folder: what it may include besides itself
LAYERS = {
    "base": set(),
    "http": {"base"},
    "json": {"base"},
    "redis": {"base"},
    "db": {"base"},
    "recommend": {"base"},
    "cache": {"base", "redis", "db"},
    "listen": {"base", "json", "db"},
    "import": {"base", "listen", "json", "db"},
    "view": {"base", "db", "cache"},
    "service": {"base", "http", "listen", "json", "cache", "db", "recommend", "view"},
    "worker": {"base", "import", "listen", "json", "cache", "db", "recommend", "view"},
    "command": {"base", "import", "listen", "json", "cache", "db", "recommend"},
}
# Files that may include more than their folder.
EXCEPTIONS = {
    "fcgi/main.c": {"base", "command"},
    "fcgi/command/serve.c": {"http", "service", "view"},
    "fcgi/command/worker.c": {"worker"},
}
# Third-party headers, each in one place, so that a new version of a library touches that alone.
QUARANTINE = (
    (r"fcgi(app|misc|os|_stdio|_config)\.h", "fcgi/http/"),
    (r"hiredis/.*", "fcgi/redis/"),
    (r"(hiredis|sds|async)\.h", "fcgi/redis/"),
    (r"(libpq-fe|pg_config|postgres_ext)\.h|libpq/.*", "fcgi/db/"),
    (r"json-c/.*|json(_.*)?\.h", "fcgi/json/"),
    (r"zip\.h", "fcgi/import/"),
    (r"zlib\.h", "fcgi/import/gunzip.c"),
    (r"xxhash\.h", "fcgi/base/hash.c"),
    (r"sodium(/.*)?\.h", "fcgi/base/secret.c"),
    (r"utf8proc\.h", "fcgi/base/fold.c"),
    (r"ini\.h", "fcgi/base/config.c"),
    (r"(cblas|lapacke)\.h", "fcgi/recommend/"),
)

OURS = re.compile(r'\s*#\s*include\s+"([^"]+)"')
THEIRS = re.compile(r"\s*#\s*include\s+<([^>]+)>")


def includes(pattern):
    for path in tap.sources("fcgi/**/*.[ch]"):
        for number, line in tap.lines(path):
            if match := pattern.match(line):
                yield tap.name(path), number, match.group(1)


def layers_are_kept():
    """includes go down the layers only"""
    for file, number, included in includes(OURS):
        folder = file.split("/")[1] if file.count("/") > 1 else ""
        allowed = LAYERS.get(folder, set()) | {folder} | EXCEPTIONS.get(file, set())
        if folder and folder not in LAYERS:
            yield f"{file}: the folder {folder} is in no layer"
        elif "/" not in included and included != "config.h":
            yield f'{file}:{number}: "{included}" lacks its folder'
        elif "/" in included and included.split("/")[0] not in allowed:
            yield f'{file}:{number}: {folder or file} may not include "{included}"'


def libraries_are_quarantined():
    """third-party headers stay in their folders"""
    for file, number, included in includes(THEIRS):
        for pattern, place in QUARANTINE:
            if re.fullmatch(pattern, included) and not file.startswith(place):
                yield f"{file}:{number}: <{included}> belongs to {place} alone"


def own_header_comes_first():
    """the first include of a .c file is its own header"""
    seen = set()
    for file, number, included in includes(re.compile(r'\s*#\s*include\s+["<]([^">]+)[">]')):
        if included == "config.h":  # what configure found out stands before everything
            continue
        header = file.removeprefix("fcgi/").removesuffix(".c") + ".h"
        if file.endswith(".c") and file not in seen and (tap.TOP / "fcgi" / header).exists():
            if included != header:
                yield f'{file}:{number}: "{header}" comes first'
        seen.add(file)


tap.main(layers_are_kept, libraries_are_quarantined, own_header_comes_first)
