// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/data/packed_names.h"
#include "coppice/math/array.h"

namespace coppice {

/// The names of the labels 0..L-1: all names in one buffer, and a hash table over them; or packed. Both mappable.
///
/// Threads: const methods are thread-safe.
class LabelNames {
 public:
  LabelNames() = default;

  /// Arrays as in the model file: offsets L + 1 into `bytes`; `slots` an open-addressing table (a power of two, at
  /// most half full; label + 1, 0 = free; slot = XXH3-64 of the name, then linear probing). Of several labels of one
  /// name, at least two are in it.
  LabelNames(Array<char> bytes, Array<uint64_t> offsets, Array<uint32_t> slots)
      : bytes_(std::move(bytes)), offsets_(std::move(offsets)), slots_(std::move(slots)) {}

  explicit LabelNames(PackedNames packed) : packed_(std::move(packed)) {}

  static LabelNames from(const std::vector<std::string>& names);

  /// The same names, packed. No names stay none.
  LabelNames packed() const;

  size_t size() const noexcept {
    if (packed_) return packed_->size();
    return offsets_.empty() ? 0 : offsets_.size() - 1;
  }

  /// The name of a label; never reads out of bounds, whatever the arrays hold (an empty name then).
  std::string name(uint32_t label) const;
  /// The same without allocating, once `scratch` has grown; valid until `scratch` changes.
  std::string_view name(uint32_t label, std::string& scratch) const;

  /// The label of that name. Terminates whatever the slots hold.
  std::optional<uint32_t> find(std::string_view name) const;

  /// Do several labels have that name? `find` gives one of them then.
  bool is_repeated(std::string_view name) const;

  /// Null unless they are packed; the arrays below are empty then.
  const PackedNames* packed_names() const noexcept { return packed_ ? &*packed_ : nullptr; }

  const Array<char>& bytes() const noexcept { return bytes_; }
  const Array<uint64_t>& offsets() const noexcept { return offsets_; }
  const Array<uint32_t>& slots() const noexcept { return slots_; }

 private:
  /// The label of that name that comes after `others` of the same name.
  std::optional<uint32_t> find_after(size_t others, std::string_view name) const noexcept;

  std::string_view plain_name(uint32_t label) const noexcept;

  std::optional<PackedNames> packed_;
  Array<char> bytes_;
  Array<uint64_t> offsets_;
  Array<uint32_t> slots_;
};

}  // namespace coppice
