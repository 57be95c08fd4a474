// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstring>

namespace coppice {
namespace {

constexpr char32_t kLast = 0x10FFFF;

struct Range {
  char32_t first, last;
};

/// Blocks of scripts that put no spaces between words. Source: Unicode 15 Blocks.txt.
constexpr Range kUnspaced[] = {
    {0x0E00, 0x0EFF}, {0x1000, 0x109F}, {0x1780, 0x17FF}, {0x1950, 0x19DF},   {0x1A20, 0x1AAF},   {0x2E80, 0x2FDF},
    {0x3005, 0x3007}, {0x3021, 0x3029}, {0x3031, 0x3035}, {0x3038, 0x303C},   {0x3041, 0x312F},   {0x31A0, 0x31BF},
    {0x31F0, 0x31FF}, {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xA000, 0xA4CF},   {0xA9E0, 0xA9FF},   {0xAA60, 0xAA7F},
    {0xAA80, 0xAADF}, {0xF900, 0xFAFF}, {0xFF66, 0xFF9F}, {0x16FE0, 0x18D8F}, {0x1AFF0, 0x1B2FF}, {0x20000, 0x3FFFF},
};

bool is_unspaced(char32_t c) noexcept {
  if (c < kUnspaced[0].first) return false;
  return std::any_of(std::begin(kUnspaced), std::end(kUnspaced),
                     [c](const Range& range) { return c >= range.first && c <= range.last; });
}

bool is_hangul_second(char32_t c) noexcept {
  return (c >= 0x1161 && c <= 0x1175) || (c >= 0x11A8 && c <= 0x11C2);
}
bool is_hangul_first(char32_t c) noexcept {
  return (c >= 0x1100 && c <= 0x1112) || (c >= 0xAC00 && c <= 0xD7A3 && (c - 0xAC00) % 28 == 0);
}

const utf8proc_property_t& property(char32_t c) noexcept {
  return *utf8proc_get_property(static_cast<utf8proc_int32_t>(c));
}

// utf8proc's comb_index: below 0x8000 a row of the composition table, from 0x8000 on a column; 0xFFFF neither.
bool composes_as_first(char32_t c) noexcept {
  return property(c).comb_index < 0x8000 || is_hangul_first(c);
}
bool composes_as_second(char32_t c) noexcept {
  const uint16_t index = property(c).comb_index;
  return (index >= 0x8000 && index != 0xFFFF) || is_hangul_second(c);
}

utf8proc_option_t decompose_options(Normalization normalization) noexcept {
  int options = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
  if (normalization == Normalization::fold) options |= UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
  return static_cast<utf8proc_option_t>(options);
}

/// Canonical order: runs of non-starters sorted by their class, stable.
void reorder_marks(std::vector<char32_t>& text) {
  const auto class_of = [](char32_t c) { return property(c).combining_class; };
  for (size_t i = 0; i < text.size();) {
    if (class_of(text[i]) == 0) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < text.size() && class_of(text[end]) != 0) ++end;
    std::stable_sort(text.begin() + static_cast<ptrdiff_t>(i), text.begin() + static_cast<ptrdiff_t>(end),
                     [&](char32_t a, char32_t b) { return class_of(a) < class_of(b); });
    i = end;
  }
}

void decompose(char32_t c, utf8proc_option_t options, std::vector<char32_t>& out) {
  utf8proc_int32_t parts[64];
  int boundary = 0;
  const auto count =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts, std::size(parts), options, &boundary);
  if (count < 0 || static_cast<size_t>(count) > std::size(parts)) {
    out.push_back(kReplacement);
    return;
  }
  for (utf8proc_ssize_t i = 0; i < count; ++i) out.push_back(static_cast<char32_t>(parts[i]));
}

FoldedChar fold_one(char32_t c, const UnicodeTable& table) {
  FoldedChar folded{};
  std::vector<char32_t> parts{c};
  table.normalize_segment(parts);
  folded.char_class = parts.empty() ? CharClass::space : char_class(parts[0]);
  if (table.normalization() != Normalization::none && !parts.empty()) {
    folded.combining_class = static_cast<uint8_t>(property(parts[0]).combining_class);
    if (composes_as_second(parts[0])) folded.flags |= FoldedChar::kSecond;
    // A composed character may be taken apart by a mark that goes before its own: look at what it is made of.
    std::vector<char32_t> apart;
    decompose(c, decompose_options(table.normalization()), apart);
    if (std::any_of(apart.begin(), apart.end(), composes_as_first)) folded.flags |= FoldedChar::kFirst;
  }
  char bytes[64 * 4];
  uint32_t size = 0;
  const bool ordered = table.normalization() != Normalization::none;
  for (const char32_t part : parts) {
    const CharClass of_part = char_class(part);
    const bool same = of_part == folded.char_class || (of_part == CharClass::mark && part != parts[0]);
    // A mark inside the result keeps the run going, but its combining class is then no longer that of the first.
    const bool same_order = !ordered || property(part).combining_class == folded.combining_class;
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
  if (c == kReplacement || c > kLast) return CharClass::space;
  const auto category = static_cast<utf8proc_category_t>(property(c).category);
  switch (category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_NL:
      if (is_unspaced(c)) return CharClass::ideograph;
      return category == UTF8PROC_CATEGORY_NL ? CharClass::number : CharClass::letter;
    case UTF8PROC_CATEGORY_PC:
      return CharClass::letter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NO:
      return CharClass::number;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return CharClass::mark;
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return CharClass::punctuation;
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
      return CharClass::symbol;
    case UTF8PROC_CATEGORY_SK:
      return c >= 0x1F3FB && c <= 0x1F3FF ? CharClass::pictograph : CharClass::symbol;
    case UTF8PROC_CATEGORY_SO:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
      return CharClass::pictograph;
    default:
      return CharClass::space;  // Z*, Cc, Cf, Cs
  }
}

UnicodeTable::UnicodeTable(Normalization normalization)
    : normalization_(normalization), page_of_((kLast >> 6) + 1), pages_(64) {}

uint16_t UnicodeTable::fill(size_t page) {
  // 17,408 pages at most, so that 16 bits suffice.
  const size_t number = pages_.size() / 64;
  pages_.resize(pages_.size() + 64);
  for (size_t i = 0; i < 64; ++i) pages_[number * 64 + i] = fold_one(static_cast<char32_t>(page * 64 + i), *this);
  return page_of_[page] = static_cast<uint16_t>(number);
}

void UnicodeTable::normalize_segment(std::vector<char32_t>& segment) const {
  if (normalization_ == Normalization::none) return;
  const utf8proc_option_t options = decompose_options(normalization_);
  std::vector<char32_t> parts;
  parts.reserve(segment.size() + 8);
  for (const char32_t c : segment) decompose(c, options, parts);
  reorder_marks(parts);
  static_assert(sizeof(char32_t) == sizeof(utf8proc_int32_t));
  const auto count =
      utf8proc_normalize_utf32(reinterpret_cast<utf8proc_int32_t*>(parts.data()),
                               static_cast<utf8proc_ssize_t>(parts.size()), decompose_options(normalization_));
  parts.resize(count < 0 ? 0 : static_cast<size_t>(count));
  segment = std::move(parts);
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
