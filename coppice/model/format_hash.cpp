// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/format_hash.h"

#include <xxhash.h>

#include <cstring>

#include "coppice/core/error.h"

namespace coppice {

uint64_t hash_header(FileHeader header, std::span<const std::byte> rest, std::span<const std::byte> directory) {
  header.hash = 0;
  XXH3_state_t* state = XXH3_createState();
  if (state == nullptr) throw Error(ErrorCode::memory, "no memory for a checksum");
  XXH3_64bits_reset(state);
  XXH3_64bits_update(state, &header, sizeof header);
  XXH3_64bits_update(state, rest.data(), rest.size());
  XXH3_64bits_update(state, directory.data(), directory.size());
  const uint64_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return hash;
}

std::array<unsigned char, 16> uuid_of(std::span<const std::byte> directory) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(directory.data(), directory.size()));
  std::array<unsigned char, 16> uuid;
  std::memcpy(uuid.data(), canonical.digest, uuid.size());
  uuid[6] = static_cast<unsigned char>((uuid[6] & 0x0F) | 0x80);
  uuid[8] = static_cast<unsigned char>((uuid[8] & 0x3F) | 0x80);
  return uuid;
}

}  // namespace coppice
