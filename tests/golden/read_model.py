#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""read_model.py MODEL: lists the sections of a model file, and its first labels with their domains and, where they
stand for passages, with text and metadata of these. Written from
docs/model_format.md alone, without any package, to show that the document is enough. It checks the structure but not the
checksums (XXH3 is not in Python)."""
import json
import struct
import sys

ELEMENTS = {1: ("bytes", 1), 2: ("text", 1), 3: ("json", 1), 4: ("u8", 1), 5: ("u16", 2), 6: ("u32", 4),
            7: ("u64", 8), 8: ("f32", 4), 9: ("record", None)}
NUMBERS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "f32": "f"}
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


class Sections:
    """The bytes of sections by their type, and the numbers that they are."""

    def __init__(self, image, entries):
        self.image, self.entries = image, {entry["type"]: entry for entry in entries if entry["index"] == 0}

    def __contains__(self, kind):
        return kind in self.entries

    def bytes(self, kind):
        entry = self.entries[kind]
        return self.image[entry["offset"]:entry["offset"] + entry["bytes"]]

    def numbers(self, kind):
        entry = self.entries[kind]
        return struct.unpack(f"<{entry['count']}{NUMBERS[entry['element']]}", self.bytes(kind))

    def json(self, kind):
        return json.loads(self.bytes(kind))


def plain_names(sections):
    names, offsets = sections.bytes(16), sections.numbers(17)
    return [names[begin:end].decode() for begin, end in zip(offsets, offsets[1:])]


def with_rest(value, data, place):
    """A number of four bits, and what follows of it as LEB128 where it is 15; the place behind that."""
    shift = 0
    while value >= 15:
        value += (data[place] & 127) << shift
        place, shift = place + 1, shift + 7
        if data[place - 1] < 128:
            break
    return value, place


def packed_names(sections, n_labels):
    data, blocks = sections.bytes(20), sections.numbers(21)
    symbols, begins = sections.bytes(22), sections.numbers(23)
    in_order = []
    for place, end in zip(blocks, blocks[1:]):
        name = b""
        while place < end:
            stay, count = data[place] >> 4, data[place] & 15
            stay, place = with_rest(stay, data, place + 1)
            count, place = with_rest(count, data, place)
            name = name[:stay] + b"".join(symbols[begins[i]:begins[i + 1]] for i in data[place:place + count])
            place += count
            in_order.append(name.decode())
    expect(len(in_order) == n_labels, "number of names")
    bits, width = int.from_bytes(sections.bytes(24), "little"), n_labels.bit_length()
    return [in_order[bits >> label * width & (1 << width) - 1] for label in range(n_labels)] if bits else in_order


def labels(sections):
    """Each label as [name, domain]."""
    n_labels = sections.json(1)["n_labels"]
    names = packed_names(sections, n_labels) if 20 in sections else plain_names(sections)
    if 25 not in sections:
        return [[name, None] for name in names]
    domains, numbers = sections.json(25)["names"], sections.numbers(26)
    expect(len(numbers) == n_labels, "number of labels with domains")
    return [[name, domains[number] if number < len(domains) else None] for name, number in zip(names, numbers)]


def passages(sections):
    """The text of each label's passage, and what is known of it."""
    data, places = sections.bytes(136), sections.numbers(137)
    expect(len(places) == 2 * sections.json(1)["n_labels"] + 1, "number of places in the passages")
    parts = [data[begin:end].decode() for begin, end in zip(places, places[1:])]
    return [[text, json.loads(known) if known else None] for text, known in zip(parts[::2], parts[1::2])]


def main():
    with open(sys.argv[1], "rb") as file:
        image = file.read()
    header = read_header(image)
    entries = read_directory(image, header["n_sections"])
    sections = Sections(image, entries)
    for entry in entries:
        if entry["element"] == "json":
            entry["value"] = sections.json(entry["type"])
    print(json.dumps({**header, "sections": entries}, indent=1))
    found = labels(sections)
    if 137 in sections:
        found = [label + passage for label, passage in zip(found, passages(sections))]
    print(json.dumps(found[:20]))


if __name__ == "__main__":
    main()
