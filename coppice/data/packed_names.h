// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/math/array.h"

namespace coppice {

/// Names in few bytes, each read where it lies: in ascending order, sixteen to a block, of each only what differs from
/// the one before (front coding), and that in symbols that stand for frequent runs of bytes (byte-pair encoding).
///
/// An entry is a byte 16 s + c, where s bytes are those of the name before and c symbols follow; where s or c is 15,
/// the rest of it follows as LEB128, s first; then the symbols, a byte each. The first entry of a block has s = 0.
/// Immutable. Threads: const methods are thread-safe. Whatever the tables hold, nothing is read out of bounds.
/// Source of the symbols: Gage, "A New Algorithm for Data Compression", 1994.
class PackedNames {
 public:
  static constexpr uint32_t kBlock = 16;

  struct Tables {
    uint32_t n_names = 0;
    Array<char> symbol_bytes;       ///< what the symbols stand for, one after the other
    Array<uint32_t> symbol_begins;  ///< symbols + 1
    Array<char> bytes;              ///< the entries
    Array<uint32_t> block_begins;   ///< blocks + 1: where they begin in `bytes`
    /// The place of each name in the order, `rank_bits()` bits each, and 8 bytes of zeros; empty: the names are in it.
    Array<uint8_t> ranks;
  };

  /// Throws `ErrorCode::data` unless the tables have the sizes they need.
  explicit PackedNames(Tables tables);

  /// Throws `ErrorCode::unsupported` beyond 4 GiB of entries. Cost: O(n log n), and some 200 passes over at most 1 MiB
  /// of them.
  static PackedNames pack(const std::vector<std::string>& names);

  uint32_t size() const noexcept { return tables_.n_names; }
  uint64_t size_bytes() const noexcept;
  const Tables& tables() const noexcept { return tables_; }

  /// A name by its number; "" for what the tables do not tell.
  std::string name(uint32_t number) const;
  /// The same, put together in `scratch`.
  std::string_view name(uint32_t number, std::string& scratch) const;

  /// The number of that name, the least in the order where several have it. Cost: O(log n) and, where names are not in
  /// their order, O(n).
  std::optional<uint32_t> find(std::string_view wanted) const;
  bool is_repeated(std::string_view wanted) const;

  /// Throws `ErrorCode::data` naming the first invariant that does not hold. Cost: O(bytes).
  void verify() const;

  /// Bits of a number below n_names.
  uint32_t rank_bits() const noexcept;

 private:
  class Reader;

  uint32_t rank_of(uint32_t number) const noexcept;
  uint32_t number_of(uint32_t rank) const noexcept;
  /// The place of the first of that name in the order.
  std::optional<uint32_t> find_rank(std::string_view wanted) const;

  Tables tables_;
};

}  // namespace coppice
