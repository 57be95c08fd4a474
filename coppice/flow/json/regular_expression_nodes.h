// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace coppice::regular {

/// A set of characters: ranges, general categories of Unicode as bits of utf8proc's numbers, and other sets, such as
/// the \S of [\S\n].
struct CharacterSet {
  std::vector<std::pair<uint32_t, uint32_t>> ranges;
  uint32_t categories = 0;
  bool is_negated = false;
  std::vector<CharacterSet> others;

  bool contains(uint32_t character) const noexcept;
};

enum class NodeKind { empty, character, set, begin, end, word_edge, no_word_edge, sequence, choice, repeat };

constexpr uint32_t kNoMost = UINT32_MAX;

struct Node {
  NodeKind kind = NodeKind::empty;
  uint32_t character = 0;
  CharacterSet set = {};
  std::vector<Node> children = {};
  uint32_t least = 0, most = kNoMost;  ///< of a repeat
};

/// Throws as RegularExpression does.
Node parse(std::string_view pattern);

/// \s and \w, for \b too.
const CharacterSet& blanks();
const CharacterSet& word_characters();

}  // namespace coppice::regular
