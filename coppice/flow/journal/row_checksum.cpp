// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/journal/row_checksum.h"

#include <xxhash.h>

#include <bit>
#include <cstring>

namespace coppice {

// Little-endian, as are all machines that we build for: a journal may move to another one.
static_assert(std::endian::native == std::endian::little);

RowChecksum& RowChecksum::operator<<(int64_t number) {
  char bytes[sizeof(number)];
  std::memcpy(bytes, &number, sizeof(number));
  bytes_.append(bytes, sizeof(number));
  return *this;
}

RowChecksum& RowChecksum::operator<<(std::string_view text) {
  *this << static_cast<int64_t>(text.size());
  bytes_.append(text);
  return *this;
}

int64_t RowChecksum::value() const noexcept {
  return static_cast<int64_t>(XXH3_64bits(bytes_.data(), bytes_.size()));
}

}  // namespace coppice
