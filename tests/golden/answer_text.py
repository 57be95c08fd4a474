#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""answer_text.py MODEL ANSWERS TEXT: the five best labels of a text by a compressed flat model (one chunk), which must be
those that ANSWERS names. Written from docs/model_format.md and docs/text_features.md alone, without any package, to show
that the documents are enough. The text is of different words of ASCII, lower case, up to 16 bytes each: others need
Unicode's tables and XXH3, which are not in Python."""
import math
import struct
import sys

from read_model import Sections, expect, labels, read_directory, read_header

WORD = (1 << 64) - 1
K = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F,
     0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3, 0x589965CC75374CC3)


# Texts to features.

def fold(a, b):
    product = a * b
    return product & WORD ^ product >> 64


def hash_of_word(word, seed):
    data = word.encode()
    expect(len(data) <= 16, "a word that is too long for this reader")
    low, high = struct.unpack("<QQ", data.ljust(16, b"\0"))
    return fold(low ^ K[0] ^ seed, high ^ len(data) * K[2] & WORD ^ K[1])


def hashes_of(text, options):
    seed = fold(options["hash_seed"] ^ K[7], K[0] ^ 1)
    words = [hash_of_word(word, seed) for word in text.split()]
    shortest, longest = options["word_ngrams"]
    for n in range(shortest, longest + 1):
        for i in range(len(words) - n + 1):
            h = words[i]
            for word in words[i + 1:i + n]:
                h = fold(h ^ K[3], word ^ K[6])
            yield h


class Keys:
    """The numbers of features, which are known by hashes alone."""

    def __init__(self, sections):
        self.about, self.sections = sections.json(48), sections
        self.fingerprints = sections.bytes(55)

    def find(self, hash64):
        low, high = hash64, (fold(hash64 ^ K[4], K[5]) * K[0] & WORD) ^ hash64 >> 32
        number = self.by_pilots(low, high) if self.about["perfect_hash"] == "pilots" else self.by_levels(low, high)
        return number if number is not None and self.has_fingerprint(number, high) else None

    def by_pilots(self, low, high):
        first_slot, n_keys, per_part = self.sections.numbers(49), self.about["n_keys"], self.about["buckets_per_part"]
        place = high * (len(first_slot) - 1)
        part, x = place >> 64, place & WORD
        cubic = (x * x >> 64) * (x >> 1 | 1 << 63) >> 64
        skewed = cubic // 256 * 255 + x // 256
        pilot = self.sections.bytes(50)[part * per_part + (skewed * per_part >> 64)]
        mixed = ((low ^ (self.about["seed"] + pilot) * K[3] & WORD) * K[0]) & WORD
        slot = first_slot[part] + (mixed * (first_slot[part + 1] - first_slot[part]) >> 64)
        return slot if slot < n_keys else self.sections.numbers(51)[slot - n_keys]

    def by_levels(self, low, high):
        words, first = self.sections.numbers(53), 0
        for level, n_words in enumerate(self.sections.numbers(52)):
            h = low + (level + 1) * (high >> 16 | 1) & WORD
            h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD & WORD
            h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53 & WORD
            place = (h ^ h >> 33) * 64 * n_words >> 64
            if words[first + place // 64] >> place % 64 & 1:
                below = sum(bin(word).count("1") for word in words[:first + place // 64])
                return below + bin(words[first + place // 64] & (1 << place % 64) - 1).count("1")
            first += n_words
        return None

    def has_fingerprint(self, number, high):
        bits = self.about["fingerprint_bits"]
        stored = int.from_bytes(self.fingerprints, "little") >> number * bits
        return (stored ^ high) & (1 << bits) - 1 == 0

    def idf(self, number):
        code = self.sections.bytes(56)[number // 2] >> number % 2 * 4 & 15
        return self.sections.numbers(34)[code]


# Weights.

class Bits:
    """Numbers of any width, side by side, the low bit first."""

    def __init__(self, data, place=0):
        self.bits, self.place = int.from_bytes(data, "little"), place

    def take(self, width):
        number = self.bits >> self.place & (1 << width) - 1
        self.place += width
        return number

    def flags(self, count):
        return [self.take(1) for _ in range(count)]


def scale_of(bits):
    return struct.unpack("<f", struct.pack("<I", bits << 16))[0]


class Block:
    """The rows of a block: {number of the row below the block's first group: [(child, weight), ...]}."""

    def __init__(self, chunk, data):
        self.chunk, self.bits = chunk, Bits(data)
        bits = self.bits
        groups = [i for i, has in enumerate(bits.flags(chunk.groups_of_block)) if has]
        n_rows, n_masks, n_pairs = (bits.take(width) for width in chunk.widths)
        firsts = bits.flags(n_rows)
        lows = [bits.take(chunk.low_bits) for _ in range(n_rows)]
        has_mask = bits.flags(n_rows) if n_masks else [0] * n_rows
        heads = bits.flags(n_pairs)
        scales = [scale_of(bits.take(16)) for _ in range(n_rows)] if chunk.scaling == 2 else [None] * n_rows
        masks = [bits.flags(chunk.n_children) for _ in range(n_masks)]
        pairs = self.pairs(n_pairs, heads)
        bits.place = (bits.place + 7) // 8 * 8
        group, pairs, masks, self.rows = -1, iter(pairs), iter(masks), {}
        for i in range(n_rows):
            group += firsts[i]
            values = self.masked(next(masks)) if has_mask[i] else next(pairs)
            weights = [(child, self.weight(value, child, scale if scale is not None else scales[i]))
                       for child, value, scale in values]
            self.rows[groups[group] << chunk.low_bits | lows[i]] = weights

    def value(self, i, scale):
        """The scale of the group, which stands before each 32nd value, and what `take` takes."""
        return scale_of(self.bits.take(16)) if self.chunk.scaling == 3 and i % 32 == 0 else scale

    def pairs(self, count, heads):
        rows, scale = [], None
        for i in range(count):
            scale = self.value(i, scale)
            child = self.bits.take((self.chunk.n_children - 1).bit_length())
            if heads[i]:
                rows.append([])
            rows[-1].append((child, self.bits.take(self.chunk.value_bits), scale))
        return rows

    def masked(self, mask):
        row, scale = [], None
        for i, child in enumerate([child for child, has in enumerate(mask) if has]):
            scale = self.value(i, scale)
            row.append((child, self.bits.take(self.chunk.value_bits), scale))
        return row

    def weight(self, value, child, scale):
        width = self.chunk.value_bits
        if width == 16:
            return struct.unpack("<e", struct.pack("<H", value))[0]
        q = value - (1 << width) if value >> width - 1 else value
        if self.chunk.scaling < 2:
            scale = self.chunk.scales[child if self.chunk.scaling == 0 else 0]
        return scale * (2 * q + 1)


class PackedChunk:
    """The first chunk of level 0."""

    def __init__(self, sections):
        record = sections.bytes(80)[:32]
        (offset, _, self.n_rows, blocks_bytes, self.n_children, encoding, _, _, _, self.low_bits, self.value_bits,
         self.scaling, *self.widths) = struct.unpack("<QIIIHBBBBBBB3B", record)
        expect(encoding == 4, "the chunk is not packed")
        self.k = max(1, (sections.json(1)["n_features"] - 1).bit_length())
        n_groups = 1 << self.k - self.low_bits
        self.groups_of_block = min(n_groups, 64)
        data = sections.bytes(82)[offset:]
        n_scales = 0 if self.value_bits == 16 or self.scaling > 1 else self.n_children if self.scaling == 0 else 1
        self.scales = [scale_of(bits) for bits in struct.unpack_from(f"<{n_scales}H", data)]
        n_blocks, kind = max(1, n_groups // 64), "I" if blocks_bytes > 0xFFFF else "H"
        begins = struct.unpack_from(f"<{n_blocks}{kind}", data, 2 * n_scales)
        blocks = data[2 * n_scales + struct.calcsize(f"<{n_blocks}{kind}"):][:blocks_bytes]
        self.blocks = [Block(self, blocks[begin:end]) for begin, end in zip(begins, [*begins[1:], blocks_bytes])]
        expect(sum(len(block.rows) for block in self.blocks) == self.n_rows, "number of rows")

    def row(self, feature):
        number = feature * 0x9E3779B1 & (1 << self.k) - 1
        width = 6 + self.low_bits if self.groups_of_block == 64 else self.k
        return self.blocks[number >> width].rows.get(number & (1 << width) - 1, [])


# Answers.

def margins(sections, text):
    keys, chunk = Keys(sections), PackedChunk(sections)
    numbers = {keys.find(h) for h in hashes_of(text, sections.json(32)["options"])} - {None}
    row = {number: keys.idf(number) for number in numbers}
    norm = math.sqrt(sum(value * value for value in row.values())) or 1
    sums = list(sections.numbers(81))
    for feature, value in row.items():
        for child, weight in chunk.row(feature):
            sums[child] += value / norm * weight
    return sums


def main():
    path, answers, text = sys.argv[1:]
    with open(path, "rb") as file:
        image = file.read()
    sections = Sections(image, read_directory(image, read_header(image)["n_sections"]))
    expect(sections.json(1)["post_processor"] == "l3_hinge", "post-processor")
    names = [name for name, _ in labels(sections)]
    leaves = sections.numbers(65)
    scores = [(names[leaves[child]], math.exp(-max(0, 1 - margin) ** 3))
              for child, margin in enumerate(margins(sections, text))]
    best = sorted(scores, key=lambda label: -label[1])[:5]
    with open(answers, encoding="utf-8") as file:
        lines = [line.rsplit(" ", 1) for line in file]
    wanted = [(name, float(score)) for name, score in lines]
    runs = [wanted[i:i + 5] for i in range(len(wanted) - 4)]
    same = [run for run in runs if all(a[0] == b[0] and abs(a[1] - b[1]) < 1e-5 for a, b in zip(run, best))]
    print(*(f"{name} {score:.6f}" for name, score in best), sep="\n")
    sys.exit(0 if same else "these are not among the answers")


if __name__ == "__main__":
    main()
