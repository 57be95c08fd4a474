// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "coppice/math/array.h"

namespace coppice {

/// The texts that the labels 0..L-1 stand for, and what else is known of each: what an answer quotes.
///
/// Threads: const methods are thread-safe.
class Passages {
 public:
  Passages() = default;

  /// Arrays as in the model file: the text of label l is the bytes [offsets[2 l], offsets[2 l + 1]), what is known of
  /// it [offsets[2 l + 1], offsets[2 l + 2]); 2 L + 1 offsets, or none at all.
  Passages(Array<char> bytes, Array<uint64_t> offsets) : bytes_(std::move(bytes)), offsets_(std::move(offsets)) {}

  size_t size() const noexcept { return offsets_.size() / 2; }

  /// Never read out of bounds, whatever the arrays hold ("" then).
  std::string_view text(uint32_t label) const noexcept { return part(2 * uint64_t{label}); }
  /// A JSON object as text, or "": nothing is known.
  std::string_view metadata(uint32_t label) const noexcept { return part(2 * uint64_t{label} + 1); }

  const Array<char>& bytes() const noexcept { return bytes_; }
  const Array<uint64_t>& offsets() const noexcept { return offsets_; }

  /// Throws `ErrorCode::data` unless each text is valid UTF-8 and all metadata are JSON objects.
  void verify() const;

 private:
  std::string_view part(uint64_t i) const noexcept {
    if (i + 1 >= offsets_.size()) return {};
    const uint64_t begin = offsets_[i], end = offsets_[i + 1];
    return begin <= end && end <= bytes_.size() ? std::string_view(bytes_.data() + begin, end - begin)
                                                : std::string_view();
  }

  Array<char> bytes_;
  Array<uint64_t> offsets_;
};

/// Puts passages together, one after the other.
class PassagesBuilder {
 public:
  void add(std::string_view text, std::string_view metadata);

  /// Leaves the builder empty.
  Passages build();

 private:
  std::vector<char> bytes_;
  std::vector<uint64_t> offsets_{0};
};

}  // namespace coppice
