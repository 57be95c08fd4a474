// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace coppice {

/// XXH3 of the fields of a row, in their order: texts with their lengths, so that no two rows look the same.
class RowChecksum {
 public:
  RowChecksum& operator<<(int64_t number);
  RowChecksum& operator<<(std::string_view text);
  int64_t value() const noexcept;

 private:
  std::string bytes_;
};

}  // namespace coppice
