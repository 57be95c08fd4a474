// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xxhash.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "coppice/model/model.h"

namespace coppice::testing {

/// Opens an image in memory, in a block of exactly its size, so that asan sees a read past its end.
inline Model load_image(const std::string& image, Verify verify = Verify::structure) {
  auto block = std::make_shared<std::vector<std::byte>>(image.size());
  if (!image.empty()) std::memcpy(block->data(), image.data(), image.size());
  const std::span<const std::byte> bytes(*block);
  return Model::load(ModelFile(bytes, std::move(block), "test"), verify);
}

inline size_t end_of_directory(const std::string& image) {
  FileHeader header;
  std::memcpy(&header, image.data(), sizeof header);
  return header.directory_offset + header.section_count * sizeof(SectionEntry);
}

/// Makes the UUID and the hash those of the header and directory as they stand.
inline void repair_header(std::string& image) {
  XXH128_canonical_t uuid;
  XXH128_canonicalFromHash(
      &uuid, XXH3_128bits(image.data() + FileHeader::kHeaderBytes, end_of_directory(image) - FileHeader::kHeaderBytes));
  uuid.digest[6] = static_cast<unsigned char>((uuid.digest[6] & 0x0F) | 0x80);
  uuid.digest[8] = static_cast<unsigned char>((uuid.digest[8] & 0x3F) | 0x80);
  std::memcpy(image.data() + offsetof(FileHeader, uuid), &uuid, sizeof uuid);
  const uint64_t zero = 0;
  std::memcpy(image.data() + offsetof(FileHeader, hash), &zero, sizeof zero);
  const uint64_t hash = XXH3_64bits(image.data(), end_of_directory(image));
  std::memcpy(image.data() + offsetof(FileHeader, hash), &hash, sizeof hash);
}

}  // namespace coppice::testing
