// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/unicode.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "coppice/data/unicode_tables.h"

namespace coppice {
namespace {

using unicode_tables::combining_class;

constexpr char32_t kLast = 0x10FFFF;
constexpr size_t kShortRun = 16;

/// Sorts marks by their class, stable. `spare` is scratch.
void sort_marks(std::span<char32_t> marks, std::vector<char32_t>& spare) {
  if (marks.size() <= kShortRun) {
    for (size_t i = 1; i < marks.size(); ++i) {
      const char32_t mark = marks[i];
      size_t place = i;
      for (; place > 0 && combining_class(marks[place - 1]) > combining_class(mark); --place)
        marks[place] = marks[place - 1];
      marks[place] = mark;
    }
    return;
  }
  std::array<size_t, 257> begins{};
  for (const char32_t mark : marks) ++begins[size_t{combining_class(mark)} + 1];
  for (size_t i = 1; i < begins.size(); ++i) begins[i] += begins[i - 1];
  spare.assign(marks.begin(), marks.end());
  for (const char32_t mark : spare) marks[begins[combining_class(mark)]++] = mark;
}

/// Canonical order: runs of non-starters sorted by their class, stable.
void reorder_marks(std::vector<char32_t>& text, std::vector<char32_t>& spare) {
  for (size_t i = 0; i < text.size();) {
    if (combining_class(text[i]) == 0) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < text.size() && combining_class(text[end]) != 0) ++end;
    sort_marks({text.data() + i, end - i}, spare);
    i = end;
  }
}

/// Canonical composition. Source: The Unicode Standard 15.0, section 3.11, D117.
void compose_parts(std::vector<char32_t>& text) {
  constexpr size_t kNone = ~size_t{0};
  size_t starter = kNone, size = 0;
  int highest = -1;  // class of the marks since the starter; -1 where it is the neighbour
  for (const char32_t c : text) {
    const int of_c = combining_class(c);
    if (starter != kNone && of_c > highest) {
      const char32_t composed = unicode_tables::compose(text[starter], c);
      if (composed != 0) {
        text[starter] = composed;
        continue;
      }
    }
    if (of_c == 0) {
      starter = size;
      highest = -1;
    } else {
      highest = std::max(highest, of_c);
    }
    text[size++] = c;
  }
  text.resize(size);
}

FoldedChar fold_one(char32_t c, UnicodeTable& table) {
  FoldedChar folded{};
  std::vector<char32_t> parts{c};
  table.normalize_segment(parts);
  folded.char_class = parts.empty() ? CharClass::space : char_class(parts[0]);
  if (table.normalization() != Normalization::none && !parts.empty()) {
    folded.combining_class = combining_class(parts[0]);
    if (unicode_tables::composes_as_second(parts[0])) folded.flags |= FoldedChar::kSecond;
    // A composed character may be taken apart by a mark that goes before its own: look at what it is made of.
    std::vector<char32_t> apart;
    unicode_tables::decompose(c, table.normalization(), apart);
    if (std::any_of(apart.begin(), apart.end(), unicode_tables::composes_as_first)) folded.flags |= FoldedChar::kFirst;
  }
  char bytes[64 * 4];
  uint32_t size = 0;
  const bool ordered = table.normalization() != Normalization::none;
  for (const char32_t part : parts) {
    const CharClass of_part = char_class(part);
    const bool same = of_part == folded.char_class || (of_part == CharClass::mark && part != parts[0]);
    // A mark inside the result keeps the run going, but its combining class is then no longer that of the first.
    const bool same_order = !ordered || combining_class(part) == folded.combining_class;
    if (!same || !same_order) folded.flags |= FoldedChar::kComplex;
    size += encode_utf8(part, bytes + size);
    if (size > FoldedChar::kMost) {
      folded.flags |= FoldedChar::kComplex;
      return folded;
    }
  }
  folded.size = static_cast<uint8_t>(size);
  std::memcpy(folded.bytes, bytes, size);
  return folded;
}

}  // namespace

Decoded decode_utf8(std::string_view text, size_t at) noexcept {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[at + i]); };
  const size_t left = text.size() - at;
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const uint32_t length = lead >= 0xC2 && lead < 0xE0   ? 2
                          : (lead & 0xF0) == 0xE0       ? 3
                          : lead >= 0xF0 && lead < 0xF5 ? 4
                                                        : 0;
  if (length == 0 || left < 2) return {kReplacement, 1};
  // The second byte's range excludes overlong forms, surrogates and what lies beyond U+10FFFF.
  const uint8_t lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const uint8_t highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < lowest || byte(1) > highest) return {kReplacement, 1};
  char32_t code_point = (lead & (0x7Fu >> length)) << 6 | (byte(1) & 0x3Fu);
  for (uint32_t i = 2; i < length; ++i) {
    if (i >= left || (byte(i) & 0xC0) != 0x80) return {kReplacement, i};
    code_point = code_point << 6 | (byte(i) & 0x3Fu);
  }
  return {code_point, length};
}

uint32_t encode_utf8(char32_t c, char* out) noexcept {
  const auto tail = [c](int shift) { return static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) {
    out[0] = static_cast<char>(c);
    return 1;
  }
  if (c < 0x800) {
    out[0] = static_cast<char>(0xC0 | c >> 6);
    out[1] = tail(0);
    return 2;
  }
  if (c < 0x10000) {
    out[0] = static_cast<char>(0xE0 | c >> 12);
    out[1] = tail(6);
    out[2] = tail(0);
    return 3;
  }
  out[0] = static_cast<char>(0xF0 | c >> 18);
  out[1] = tail(12);
  out[2] = tail(6);
  out[3] = tail(0);
  return 4;
}

CharClass char_class(char32_t c) noexcept {
  return c > kLast ? CharClass::space : unicode_tables::char_class(c);
}

UnicodeTable::UnicodeTable(Normalization normalization)
    : normalization_(normalization), page_of_((kLast >> 6) + 1), pages_(64) {}

uint16_t UnicodeTable::fill(size_t page) {
  // 17,408 pages at most, so that 16 bits suffice.
  std::array<FoldedChar, 64> folded;  // all of them before any is kept, as memory may end
  for (size_t i = 0; i < 64; ++i) folded[i] = fold_one(static_cast<char32_t>(page * 64 + i), *this);
  const size_t number = pages_.size() / 64;
  pages_.insert(pages_.end(), folded.begin(), folded.end());
  return page_of_[page] = static_cast<uint16_t>(number);
}

void UnicodeTable::normalize_segment(std::vector<char32_t>& segment) {
  if (normalization_ == Normalization::none) return;
  parts_.clear();
  for (const char32_t c : segment) unicode_tables::decompose(c, normalization_, parts_);
  reorder_marks(parts_, spare_);
  compose_parts(parts_);
  segment.assign(parts_.begin(), parts_.end());
}

std::string normalize(std::string_view text, Normalization normalization) {
  std::vector<char32_t> characters;
  for (size_t at = 0; at < text.size();) {
    const Decoded decoded = decode_utf8(text, at);
    characters.push_back(decoded.code_point);
    at += decoded.size;
  }
  UnicodeTable(normalization).normalize_segment(characters);
  std::string result;
  char bytes[4];
  for (const char32_t c : characters) result.append(bytes, encode_utf8(c, bytes));
  return result;
}

}  // namespace coppice
