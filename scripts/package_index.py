#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian package index of this machine as examples: package_index.py FOLDER

Reads `apt-cache dumpavail` and, where the machine has them, the translation lists with the long descriptions; writes
FOLDER/packages.jsonl and FOLDER/held_out.jsonl (every tenth package, by a hash of its name). A line is
{"id": name, "text": name and description, "labels": [names of the packages it depends on]}; a label is kept if at
least two packages depend on it, a package if it keeps a label. Of alternatives (a | b) the first is taken.
"""
import glob
import json
import re
import shutil
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

LISTS = "/var/lib/apt/lists/*_Translation-en*"


def stanzas(command):
    """The paragraphs of a Debian control file as dictionaries; continuation lines are joined by newlines."""
    fields, key = {}, None
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", errors="replace") as process:
        for line in process.stdout:
            if line == "\n":
                if fields:
                    yield fields
                fields, key = {}, None
            elif line[0] in " \t":
                if key:
                    fields[key] += "\n" + line.strip()
            else:
                key, _, value = line.partition(":")
                fields[key] = value.strip()
    if fields:
        yield fields


def long_descriptions():
    """Package and checksum of its short description -> long description."""
    found = {}
    for path in sorted(glob.glob(LISTS)):
        for fields in stanzas(["/usr/lib/apt/apt-helper", "cat-file", path]):
            if "Description-en" in fields:
                found[fields.get("Package"), fields.get("Description-md5")] = fields["Description-en"]
    return found


def dependencies(fields):
    names = set()
    for clause in fields.get("Depends", "").split(","):
        first = re.match(r"\s*([a-z0-9][a-z0-9.+-]+)", clause)
        if first:
            names.add(first.group(1))
    return sorted(names)


def packages():
    """(name, text, dependencies) of each package, once, in the order of names."""
    described = long_descriptions()
    found = {}
    for fields in stanzas(["apt-cache", "dumpavail"]):
        name = fields.get("Package")
        if not name or name in found:
            continue
        text = described.get((name, fields.get("Description-md5"))) or fields.get("Description") or ""
        text = re.sub(r"\n\.?\s*", " ", text)
        found[name] = (f"{name}: {text}", dependencies(fields))
    return [(name, *found[name]) for name in sorted(found)]


def main(folder):
    if not shutil.which("apt-cache"):
        sys.exit("package_index.py: apt-cache is missing; this example needs the package index of a Debian machine")
    every = packages()
    if not every:
        sys.exit("package_index.py: the package index is empty; `apt-get update` fills it (scripts/setup does that)")
    seen = Counter(label for _, _, labels in every for label in labels)
    counts, kept_labels = {"packages.jsonl": 0, "held_out.jsonl": 0}, set()
    Path(folder).mkdir(parents=True, exist_ok=True)
    files = {file: open(Path(folder) / file, "w", encoding="utf-8") for file in counts}
    for name, text, labels in every:
        labels = [label for label in labels if seen[label] >= 2]
        if not labels:
            continue
        file = "held_out.jsonl" if zlib.crc32(name.encode()) % 10 == 0 else "packages.jsonl"
        counts[file] += 1
        kept_labels.update(labels)
        print(json.dumps({"id": name, "text": text, "labels": labels}, ensure_ascii=False), file=files[file])
    for file in files.values():
        file.close()
    print(f"{len(every)} packages; {counts['packages.jsonl']} to learn from, {counts['held_out.jsonl']} held out; "
          f"{len(kept_labels)} of {len(seen)} dependencies are named twice or more")


if __name__ == "__main__":
    main(sys.argv[1])
