#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that the house is in order: layering.py REPOSITORY prints each breach and exits 1 if there is one.

1. A folder of coppice/ includes only itself and the folders to its left in ORDER; dist and flow see less still.
2. No public header (one that a front door reaches: coppice/coppice.h, coppice/flow.h) includes a third-party header,
   the small ones in PUBLIC_THIRD_PARTY aside, and in a folder those in PUBLIC_THIRD_PARTY_OF: all values of workflows
   are nlohmann::json.
3. No file of ours is longer than 500 lines.
4. The first line of each source names the licence (the second one where a #! comes first).
5. No file or folder is called utils, misc, common, helpers or manager.
"""
import re
import subprocess
import sys
from pathlib import Path

ORDER = "core math data index rank tag model train dist net http serve flow plan app".split()
ONLY = {"flow": {"core", "http"}, "http": {"core"}}
DIST_SEES_ALL = "tree_over_ranks"
FRONT_DOORS = ["coppice/coppice.h", "coppice/flow.h"]
PUBLIC_THIRD_PARTY = {"nlohmann/json_fwd.hpp"}
PUBLIC_THIRD_PARTY_OF = {"flow": {"nlohmann/json.hpp"}}
SOURCES = {".h", ".cpp", ".cc", ".hpp", ".py", ".sh", ".cmake"}
LINES_MOST = 500
WORDS = {"utils", "util", "misc", "common", "helpers", "helper", "manager"}
LICENCE = "SPDX-License-Identifier: Apache-2.0"
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(path):
    """(line number, '<' or '"', header) of each include of a file."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def allowed(folder, file_name):
    """The folders that a file of `folder` may include."""
    if folder == "dist" and not file_name.startswith(DIST_SEES_ALL):
        return {"dist", "core", "math"}
    if folder in ONLY:
        return ONLY[folder] | {folder}
    return set(ORDER[: ORDER.index(folder) + 1])


def layering(root):
    for path in sorted((root / "coppice").glob("*/**/*")):
        if path.suffix not in {".h", ".cpp"}:
            continue
        folder = path.relative_to(root / "coppice").parts[0]
        place = path.relative_to(root)
        if folder not in ORDER:
            yield f"{place}: folder {folder} has no place in the order {' < '.join(ORDER)}"
            continue
        for number, _, header in includes(path):
            parts = header.split("/")
            if parts[0] != "coppice":
                continue
            if len(parts) < 3:
                yield f"{place}:{number}: includes the front door {header}, which is for users"
            elif parts[1] not in allowed(folder, path.name):
                yield f"{place}:{number}: {folder} may not include {header}"


def standard_or_ours(kind, header):
    return header.startswith("coppice/") or (kind == "<" and re.fullmatch(r"[a-z_0-9]+", header))


def public_headers(root):
    queue, seen = [root / door for door in FRONT_DOORS], set()
    while queue:
        path = queue.pop()
        if path in seen or not path.exists():
            continue
        seen.add(path)
        queue += [root / header for _, _, header in includes(path) if header.startswith("coppice/")]
    return sorted(seen)


def third_party(root):
    for path in public_headers(root):
        place = path.relative_to(root)
        known = PUBLIC_THIRD_PARTY | PUBLIC_THIRD_PARTY_OF.get(place.parts[1], set())
        for number, kind, header in includes(path):
            if not standard_or_ours(kind, header) and header not in known:
                yield f"{place}:{number}: public header includes third-party {header}"


def files_of(root):
    """Files that git knows or would add; all files outside a checkout."""
    try:
        listed = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                capture_output=True, check=True).stdout.decode()
        paths = [root / name for name in listed.split("\0") if name]
    except (subprocess.CalledProcessError, FileNotFoundError):
        paths = [path for path in root.rglob("*") if "build" not in path.relative_to(root).parts]
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())


def is_source(path):
    if path.suffix in SOURCES or path.name == "CMakeLists.txt":
        return True
    return path.suffix == "" and path.parent.name in {"scripts", ".ci"}


def file_rules(root):
    for path in files_of(root):
        place = path.relative_to(root)
        named = [part.lower() for part in place.parts[:-1]] + [place.stem.lower()]
        for word in sorted({w for part in named for w in re.split(r"[_.-]", part)} & WORDS):
            yield f"{place}: the name '{word}' says nothing about what it holds"
        if not is_source(path):
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > LINES_MOST:
            yield f"{place}: {len(lines)} lines, at most {LINES_MOST}"
        first = lines[1:2] if lines and lines[0].startswith("#!") else lines[:1]
        if lines and (not first or LICENCE not in first[0]):
            yield f"{place}:1: the first line does not say {LICENCE}"


def breaches(root):
    root = Path(root).resolve()
    return [*layering(root), *third_party(root), *file_rules(root)]


if __name__ == "__main__":
    found = breaches(sys.argv[1])
    print("\n".join(found) if found else "the house is in order")
    sys.exit(1 if found else 0)
