// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace coppice {

/// Writes texts in at most 256 symbols: bytes that occur in them, and runs of bytes for which it pays.
class SymbolTable {
 public:
  static constexpr size_t kMostSymbols = 256;
  static constexpr size_t kLongestSymbol = 16;  ///< bytes

  /// Made for texts like `sample`, and able to write those whose bytes all occur in it.
  explicit SymbolTable(const std::vector<std::string>& sample);

  const std::vector<std::string>& symbols() const noexcept { return symbols_; }

  /// The numbers of the symbols, a byte each.
  std::string encode(const std::string& text) const;

 private:
  struct Merge {
    uint16_t left, right;
  };

  void add_bytes_of(const std::vector<std::string>& sample);
  std::vector<std::vector<uint16_t>> in_bytes(const std::vector<std::string>& texts) const;

  std::vector<std::string> symbols_;
  std::vector<int> symbol_of_byte_;
  std::vector<Merge> merges_;  ///< symbol first_merged_ + i is that of merge i
  size_t first_merged_ = 0;
};

}  // namespace coppice
