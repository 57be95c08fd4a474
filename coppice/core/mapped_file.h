// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace coppice {

/// A file mapped read-only, kept mapped as long as any copy of `keeper()` lives.
class MappedFile {
 public:
  /// Throws `ErrorCode::io` when `path` cannot be opened or is no regular file.
  explicit MappedFile(const std::string& path);

  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  const std::shared_ptr<const void>& keeper() const noexcept { return keeper_; }

 private:
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> keeper_;
};

}  // namespace coppice
