// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/symbol_table.h"

#include <algorithm>
#include <cstdint>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr uint32_t kFewestUses = 4;

using Symbols = std::vector<uint16_t>;

/// Puts one symbol for each pair (left, right), from the left.
void merge_pairs(Symbols& text, uint16_t left, uint16_t right, uint16_t merged) {
  size_t kept = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_pair = text[i] == left && i + 1 < text.size() && text[i + 1] == right;
    text[kept++] = is_pair ? merged : text[i];
    i += is_pair;
  }
  text.resize(kept);
}

}  // namespace

SymbolTable::SymbolTable(const std::vector<std::string>& sample) : symbol_of_byte_(256, -1) {
  add_bytes_of(sample);
  first_merged_ = symbols_.size();
  std::vector<Symbols> texts = in_bytes(sample);
  std::vector<uint32_t> counts(kMostSymbols * kMostSymbols);
  while (symbols_.size() < kMostSymbols) {
    std::fill(counts.begin(), counts.end(), 0);
    for (const Symbols& text : texts) {
      for (size_t i = 0; i + 1 < text.size(); ++i) {
        const size_t length = symbols_[text[i]].size() + symbols_[text[i + 1]].size();
        counts[text[i] * kMostSymbols + text[i + 1]] += length <= kLongestSymbol;
      }
    }
    const auto best = std::max_element(counts.begin(), counts.end());
    if (*best < kFewestUses) return;
    const auto pair = static_cast<size_t>(best - counts.begin());
    const Merge merge{static_cast<uint16_t>(pair / kMostSymbols), static_cast<uint16_t>(pair % kMostSymbols)};
    for (Symbols& text : texts) merge_pairs(text, merge.left, merge.right, static_cast<uint16_t>(symbols_.size()));
    merges_.push_back(merge);
    symbols_.push_back(symbols_[merge.left] + symbols_[merge.right]);
  }
}

void SymbolTable::add_bytes_of(const std::vector<std::string>& sample) {
  std::vector<bool> occurs(256);
  for (const std::string& text : sample) {
    for (const char byte : text) occurs[static_cast<unsigned char>(byte)] = true;
  }
  for (size_t byte = 0; byte < occurs.size(); ++byte) {
    if (!occurs[byte]) continue;
    symbol_of_byte_[byte] = static_cast<int>(symbols_.size());
    symbols_.emplace_back(1, static_cast<char>(byte));
  }
}

std::vector<Symbols> SymbolTable::in_bytes(const std::vector<std::string>& texts) const {
  std::vector<Symbols> all;
  for (const std::string& text : texts) {
    Symbols symbols;
    for (const char byte : text) {
      const int symbol = symbol_of_byte_[static_cast<unsigned char>(byte)];
      check(symbol >= 0, "the bytes of a text are those of the sample");
      symbols.push_back(static_cast<uint16_t>(symbol));
    }
    all.push_back(std::move(symbols));
  }
  return all;
}

std::string SymbolTable::encode(const std::string& text) const {
  Symbols symbols = std::move(in_bytes({text}).front());
  for (size_t i = 0; i < merges_.size() && symbols.size() > 1; ++i) {
    merge_pairs(symbols, merges_[i].left, merges_[i].right, static_cast<uint16_t>(first_merged_ + i));
  }
  return {symbols.begin(), symbols.end()};
}

}  // namespace coppice
