// SPDX-License-Identifier: Apache-2.0
//
// generate_unicode > unicode_tables.inc: the tables of unicode_tables.cpp, of what utf8proc knows of each code point.
// Runs on the machine that builds, also when it builds for another.
#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "coppice/data/unicode.h"

namespace coppice {
namespace {

constexpr char32_t kCodePoints = 0x110000;

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

bool is_unspaced(char32_t c) {
  return std::any_of(std::begin(kUnspaced), std::end(kUnspaced),
                     [c](const Range& range) { return c >= range.first && c <= range.last; });
}

const utf8proc_property_t& property(char32_t c) {
  return *utf8proc_get_property(static_cast<utf8proc_int32_t>(c));
}

CharClass class_of(char32_t c) {
  if (c == kReplacement) return CharClass::space;
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

// utf8proc's comb_index: below 0x8000 a row of the composition table, from 0x8000 on a column; 0xFFFF neither.
bool is_first(char32_t c) {
  return property(c).comb_index < 0x8000;
}
bool is_second(char32_t c) {
  return property(c).comb_index >= 0x8000 && property(c).comb_index != 0xFFFF;
}

bool is_syllable(char32_t c) {
  return c >= 0xAC00 && c <= 0xD7A3;
}

std::vector<char32_t> decomposed(char32_t c, int more_options) {
  utf8proc_int32_t parts[64];
  int boundary = 0;
  const auto options =
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | more_options);
  const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts, 64, options, &boundary);
  if (count < 0 || count > 64) std::exit(1);
  return {parts, parts + count};
}

/// The results of decomposition, each once, as UTF-16 behind their length.
class Sequences {
 public:
  Sequences() : units_{0} {}

  /// Where the units of `sequence` begin.
  uint32_t add(const std::vector<char32_t>& sequence) {
    std::vector<uint32_t> units{0};
    for (const char32_t c : sequence) {
      if (c >= 0x10000) units.push_back(0xD800 + ((c - 0x10000) >> 10));
      units.push_back(c < 0x10000 ? c : 0xDC00 + ((c - 0x10000) & 0x3FF));
    }
    units[0] = static_cast<uint32_t>(units.size()) - 1;
    const auto [known, is_new] = places_.try_emplace(units, static_cast<uint32_t>(units_.size()) + 1);
    if (is_new) units_.insert(units_.end(), units.begin(), units.end());
    return known->second;
  }

  const std::vector<uint32_t>& units() const { return units_; }

 private:
  std::vector<uint32_t> units_;
  std::map<std::vector<uint32_t>, uint32_t> places_;
};

void print_array(const char* type, const std::string& name, const std::vector<uint32_t>& values) {
  std::printf("constexpr %s %s[] = {", type, name.c_str());
  for (size_t i = 0; i < values.size(); ++i) std::printf("%s%u,", i % 24 == 0 ? "\n" : "", values[i]);
  std::printf("};\n");
}

/// Values cut into runs of 2^bits, each different run once.
struct Runs {
  Runs(const std::vector<uint32_t>& values, uint32_t run_bits) : bits(run_bits) {
    const size_t size = size_t{1} << bits;
    std::map<std::vector<uint32_t>, uint32_t> known;
    for (size_t i = 0; i < values.size(); i += size) {
      std::vector<uint32_t> run(size);
      std::copy(values.begin() + static_cast<ptrdiff_t>(i),
                values.begin() + static_cast<ptrdiff_t>(std::min(values.size(), i + size)), run.begin());
      const auto [place, is_new] = known.try_emplace(run, static_cast<uint32_t>(known.size()));
      if (is_new) content.insert(content.end(), run.begin(), run.end());
      places.push_back(place->second);
    }
  }

  uint32_t bits;
  std::vector<uint32_t> content;
  std::vector<uint32_t> places;
};

/// Chooses the lengths of runs that make the smallest table.
void print_table(const std::string& name, const char* type, size_t value_bytes, const std::vector<uint32_t>& values) {
  size_t best_bytes = SIZE_MAX;
  uint32_t best_leaf = 0, best_middle = 0;
  for (uint32_t leaf = 2; leaf <= 8; ++leaf) {
    const Runs leaves(values, leaf);
    for (uint32_t middle = 2; middle <= 8; ++middle) {
      const Runs middles(leaves.places, middle);
      const size_t bytes = leaves.content.size() * value_bytes + 2 * (middles.content.size() + middles.places.size());
      if (bytes >= best_bytes) continue;
      best_bytes = bytes;
      best_leaf = leaf;
      best_middle = middle;
    }
  }
  const Runs leaves(values, best_leaf);
  const Runs middles(leaves.places, best_middle);
  print_array("uint16_t", name + "Top", middles.places);
  print_array("uint16_t", name + "Middle", middles.content);
  print_array(type, name + "Leaves", leaves.content);
  std::printf("constexpr Table<%s> %s{%sTop, %sMiddle, %sLeaves, %u, %u};  // %zu bytes\n\n", type, name.c_str(),
              name.c_str(), name.c_str(), name.c_str(), best_middle, best_leaf, best_bytes);
}

/// Where the sequence of each code point lies; 0 where it is the same as `otherwise(c)`.
template <class Otherwise>
std::vector<uint32_t> decompositions(int options, Sequences& sequences, Otherwise&& otherwise) {
  std::vector<uint32_t> places(kCodePoints);
  for (char32_t c = 0; c < kCodePoints; ++c) {
    const std::vector<char32_t> parts = decomposed(c, options);
    if (!is_syllable(c) && parts != otherwise(c)) places[c] = sequences.add(parts);
  }
  return places;
}

struct Composition {
  char32_t first, second, composed;
};

/// Every pair that utf8proc makes one character of, but for Hangul.
std::vector<Composition> compositions() {
  std::vector<char32_t> firsts, seconds;
  for (char32_t c = 0; c < kCodePoints; ++c) {
    if (is_first(c)) firsts.push_back(c);
    if (is_second(c)) seconds.push_back(c);
  }
  std::vector<Composition> all;
  for (const char32_t first : firsts) {
    for (const char32_t second : seconds) {
      utf8proc_int32_t pair[] = {static_cast<utf8proc_int32_t>(first), static_cast<utf8proc_int32_t>(second)};
      const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
      if (utf8proc_normalize_utf32(pair, 2, options) == 1) {
        all.push_back({first, second, static_cast<char32_t>(pair[0])});
      }
    }
  }
  return all;
}

bool is_far(const Composition& c) {
  return std::max({c.first, c.second, c.composed}) > 0xFFFF;
}

/// Those of 16 bits by themselves: they are most.
void print_compositions(const char* name, const char* type, const std::vector<Composition>& all, bool far) {
  std::printf("constexpr Composition<%s> %s[] = {\n", type, name);
  for (const Composition& c : all) {
    if (is_far(c) != far) continue;
    std::printf("{%u,%u,%u},\n", static_cast<unsigned>(c.first), static_cast<unsigned>(c.second),
                static_cast<unsigned>(c.composed));
  }
  std::printf("};\n");
}

void print_all() {
  std::printf("// Made by generate_unicode of utf8proc %s, Unicode %s.\n", utf8proc_version(),
              utf8proc_unicode_version());
  std::vector<uint32_t> kinds(kCodePoints), combining_classes(kCodePoints);
  for (char32_t c = 0; c < kCodePoints; ++c) {
    kinds[c] = static_cast<uint32_t>(class_of(c)) | (is_first(c) ? 8U : 0U) | (is_second(c) ? 16U : 0U);
    combining_classes[c] = static_cast<uint32_t>(property(c).combining_class);
  }
  print_table("kKinds", "uint8_t", 1, kinds);
  print_table("kCombiningClasses", "uint8_t", 1, combining_classes);
  Sequences sequences;
  const auto itself = [](char32_t c) { return std::vector<char32_t>{c}; };
  const auto of_nfkc = [](char32_t c) { return decomposed(c, 0); };
  const std::vector<uint32_t> nfkc = decompositions(0, sequences, itself);
  const std::vector<uint32_t> fold = decompositions(UTF8PROC_CASEFOLD | UTF8PROC_IGNORE, sequences, of_nfkc);
  if (sequences.units().size() > UINT16_MAX) std::exit(1);
  print_table("kNfkc", "uint16_t", 2, nfkc);
  print_table("kFold", "uint16_t", 2, fold);
  print_array("uint16_t", "kSequences", sequences.units());
  const std::vector<Composition> all = compositions();
  print_compositions("kCompositions", "uint16_t", all, false);
  print_compositions("kFarCompositions", "char32_t", all, true);
}

}  // namespace
}  // namespace coppice

int main() {
  coppice::print_all();
  return std::fflush(stdout) == 0 ? 0 : 1;
}
