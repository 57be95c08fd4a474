// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/json/text_hash.h"

#include <xxhash.h>

#include <cstdint>

namespace coppice {
namespace {

void write_hexadecimal(char* digits, uint64_t value) noexcept {
  for (int i = 15; i >= 0; --i, value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
}

}  // namespace

std::string text_hash(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  std::string digits(32, '0');
  write_hexadecimal(digits.data(), hash.high64);
  write_hexadecimal(digits.data() + 16, hash.low64);
  return digits;
}

}  // namespace coppice
