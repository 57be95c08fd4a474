#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""read_model.py MODEL: lists the sections of a model file. Written from docs/model_format.md alone, without any
package, to show that the document is enough. It checks the structure but not the checksums (XXH3 is not in Python)."""
import json
import struct
import sys

ELEMENTS = {1: ("bytes", 1), 2: ("text", 1), 3: ("json", 1), 4: ("u8", 1), 5: ("u16", 2), 6: ("u32", 4),
            7: ("u64", 8), 8: ("f32", 4), 9: ("record", None)}
ENTRY = struct.Struct("<IIIHHQQQQI12s")


def expect(holds, what):
    if not holds:
        sys.exit(f"damaged: {what}")


def read_header(image):
    expect(image[:8] == b"\x89CPC\r\n\x1a\n", "no model file")
    version, lowest, producer = struct.unpack_from("<II64s", image, 8)
    if lowest > 1:
        sys.exit(f"format version {version} needs a later reader; {producer.rstrip(bytes(1)).decode()} wrote it")
    tag, header_bytes, file_bytes, sections, entry_bytes, directory, required, _ = struct.unpack_from(
        "<IIQIIQQQ", image, 80)
    expect((tag, header_bytes, entry_bytes, directory) == (0x01020304, 4096, 64, 4096), "header")
    expect(file_bytes == len(image), "file size")
    expect(required == 0, "unknown feature")
    expect(not any(image[152:4096]), "reserved bytes of the header")
    return {"version": version, "producer": producer.rstrip(bytes(1)).decode(), "uuid": image[128:144].hex(),
            "n_sections": sections}


def read_directory(image, n_sections):
    entries, end, last = [], 4096 + 64 * n_sections, (-1, -1)
    for i in range(n_sections):
        kind, index, flags, element, size, offset, n_bytes, count, _, encoding, reserved = ENTRY.unpack_from(
            image, 4096 + 64 * i)
        expect((kind, index) > last and not any(reserved), f"entry {i}")
        expect(element in ELEMENTS and ELEMENTS[element][1] in (size, None) and count * size == n_bytes, f"size of entry {i}")
        expect(offset % 64 == 0 and offset >= end and offset + n_bytes + 64 <= len(image), f"place of entry {i}")
        expect(not any(image[end:offset]), f"padding before entry {i}")
        entries.append({"type": kind, "index": index, "required": bool(flags & 1), "element": ELEMENTS[element][0],
                        "count": count, "offset": offset, "bytes": n_bytes, "encoding": encoding})
        end, last = offset + n_bytes, (kind, index)
    expect(not any(image[end:]), "padding at the end")
    return entries


def main():
    with open(sys.argv[1], "rb") as file:
        image = file.read()
    header = read_header(image)
    entries = read_directory(image, header["n_sections"])
    for entry in entries:
        if entry["element"] == "json":
            entry["value"] = json.loads(image[entry["offset"]:entry["offset"] + entry["bytes"]])
    print(json.dumps({**header, "sections": entries}, indent=1))


if __name__ == "__main__":
    main()
