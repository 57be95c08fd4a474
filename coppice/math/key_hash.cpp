// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/key_hash.h"

#include <xxhash.h>

namespace coppice {

KeyHash hash_key(std::string_view bytes, uint64_t seed) noexcept {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {hash.low64, hash.high64};
}

}  // namespace coppice
