// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace coppice::bench {

/// What knows a set of keys: ours and others', behind one face.
class KeyStructure {
 public:
  static constexpr uint32_t kNone = 0xFFFFFFFF;

  virtual ~KeyStructure() = default;

  /// The number of a key; for what is no key kNone, or some number where the structure cannot tell.
  virtual uint32_t find(std::string_view key) const = 0;

  /// As many as there are, in the way the structure does it best.
  virtual void find(std::span<const std::string_view> keys, uint32_t* numbers) const {
    for (size_t i = 0; i < keys.size(); ++i) numbers[i] = find(keys[i]);
  }

  /// All memory it holds.
  virtual uint64_t size_bytes() const = 0;
  /// Of that, the perfect hash alone; 0 where there is none.
  virtual uint64_t hash_bytes() const = 0;
};

/// Throws `ErrorCode::usage` for a name that there is not; the keys are borrowed while it is built.
std::unique_ptr<KeyStructure> build_structure(const std::string& name, std::span<const std::string> keys,
                                              uint32_t threads);

/// All names, between commas.
std::string structure_names();

}  // namespace coppice::bench
