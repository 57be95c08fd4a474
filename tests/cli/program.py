# SPDX-License-Identifier: Apache-2.0
"""Running the program under test: COPPICE names it; each test case gets a folder of its own."""
import io
import json
import os
import pwd
import random
import struct
import subprocess
import tempfile
import unittest
import zipfile
from pathlib import Path

COPPICE = os.environ["COPPICE"]
SIGNAL_LIMIT_SECONDS = 120

WORDS = {
    "window": ["window", "manager", "desktop", "tiles", "x11"],
    "editor": ["editor", "text", "cursor", "syntax", "lines"],
    "mail": ["mail", "inbox", "smtp", "folders", "spam"],
    "audio": ["audio", "player", "sound", "mixer", "songs"],
    "image": ["image", "pixels", "viewer", "photos", "filters"],
    "shell": ["shell", "prompt", "commands", "pipes", "scripts"],
}


def rows(count=240, seed=1):
    """Rows whose labels can be learned: each label has words of its own."""
    draw = random.Random(seed)
    out = []
    for _ in range(count):
        labels = sorted(draw.sample(sorted(WORDS), draw.choice([1, 2])))
        words = [word for label in labels for word in draw.sample(WORDS[label], 3)]
        draw.shuffle(words)
        out.append({"text": " ".join(words), "labels": labels})
    return out


def jsonl(items):
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)


def npy_array(items, kind, shape):
    """The bytes of the items, of NumPy's type `kind`, under a header as NumPy writes it."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + items


def npy(matrix):
    """A float32 matrix as NumPy writes it."""
    values = [value for row in matrix for value in row]
    return npy_array(struct.pack(f"<{len(values)}f", *values), "<f4", (len(matrix), len(matrix[0])))


def csc_npz(matrix):
    """A sparse float32 matrix as SciPy writes it by columns."""
    columns = [[(i, row[c]) for i, row in enumerate(matrix) if row[c] != 0] for c in range(len(matrix[0]))]
    entries = [entry for column in columns for entry in column]
    starts = [sum(map(len, columns[:c])) for c in range(len(columns) + 1)]
    members = {"indices": ("<i4", [i for i, _ in entries]), "indptr": ("<i4", starts),
               "data": ("<f4", [value for _, value in entries]), "shape": ("<i8", [len(matrix), len(columns)])}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("format.npy", npy_array(b"csc", "|S3", ()))
        for name, (kind, items) in members.items():
            letter = {"<i4": "i", "<i8": "q", "<f4": "f"}[kind]
            packed = struct.pack(f"<{len(items)}{letter}", *items)
            archive.writestr(f"{name}.npy", npy_array(packed, kind, (len(items),)))
    return file.getvalue()


def environment():
    """The environment without any variable of COPPICE_ or OTEL_ but those a test sets."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("COPPICE", "OTEL_"))}


class ProgramTest(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory(prefix="coppice_cli_")
        self.addCleanup(held.cleanup)
        self.folder = Path(held.name)

    def path(self, name):
        return str(self.folder / name)

    def write(self, name, content):
        data = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(data)
        return self.path(name)

    def run_program(self, *arguments, stdin=b"", variables=None, **more):
        """The finished process: returncode, and stdout and stderr as text. `stdin`: text, bytes or an open file."""
        if isinstance(stdin, str):
            stdin = stdin.encode()
        data = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
        done = subprocess.run([COPPICE, *arguments], capture_output="stdout" not in more,
                              env={**environment(), **(variables or {})}, cwd=self.folder,
                              timeout=SIGNAL_LIMIT_SECONDS, check=False, **data, **more)
        done.stdout = (done.stdout or b"").decode(errors="replace")
        done.stderr = (done.stderr or b"").decode(errors="replace")
        return done

    def expect(self, code, *arguments, says=(), **more):
        """Runs, and expects the exit code, the words on standard error, and nothing that looks like a crash."""
        done = self.run_program(*arguments, **more)
        told = f"coppice {' '.join(arguments)}\nstdout: {done.stdout[:2000]}\nstderr: {done.stderr[:4000]}"
        self.assertEqual(done.returncode, code, told)
        for part in [says] if isinstance(says, str) else says:
            self.assertIn(part, done.stderr, told)
        self.assertNotIn("Sanitizer", done.stderr, told)
        self.assertNotIn("broken invariant", done.stderr, told)
        return done

    def train(self, name="model.coppice", items=None, *more):
        """Trains on rows that can be learned; the path of the model."""
        examples = self.write("train.jsonl", jsonl(items or rows()))
        self.expect(0, "train", examples, "-o", self.path(name), *more)
        return self.path(name)

    def as_nobody(self):
        """What runs the program as a user whom permissions bind: root may read and write anything."""
        if os.geteuid() != 0:
            return {}
        nobody = {"user": pwd.getpwnam("nobody").pw_uid, "group": pwd.getpwnam("nobody").pw_gid}
        try:
            subprocess.run([COPPICE, "--version"], check=True, capture_output=True, **nobody)
        except (PermissionError, subprocess.CalledProcessError):
            self.skipTest("the program lies where nobody may not go")
        return nobody

    def names_in_folder(self):
        return sorted(entry.name for entry in self.folder.iterdir())
