// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
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

/// Makes the UUID and the hash those of the header and of the directory, which ends at `directory_end`, as they stand.
inline void repair_header(std::span<unsigned char> image, size_t directory_end) {
  const auto hash_from = [&](size_t begin) { return image.subspan(begin, directory_end - begin); };
  const auto directory = hash_from(FileHeader::kHeaderBytes);
  XXH128_canonical_t uuid;
  XXH128_canonicalFromHash(&uuid, XXH3_128bits(directory.data(), directory.size()));
  uuid.digest[6] = static_cast<unsigned char>((uuid.digest[6] & 0x0F) | 0x80);
  uuid.digest[8] = static_cast<unsigned char>((uuid.digest[8] & 0x3F) | 0x80);
  std::memcpy(image.data() + offsetof(FileHeader, uuid), &uuid, sizeof uuid);
  const uint64_t zero = 0;
  std::memcpy(image.data() + offsetof(FileHeader, hash), &zero, sizeof zero);
  const uint64_t hash = XXH3_64bits(image.data(), directory_end);
  std::memcpy(image.data() + offsetof(FileHeader, hash), &hash, sizeof hash);
}

inline std::span<unsigned char> bytes_of_image(std::string& image) {
  return {reinterpret_cast<unsigned char*>(image.data()), image.size()};
}

inline void repair_header(std::string& image) {
  repair_header(bytes_of_image(image), end_of_directory(image));
}

/// Makes sizes and checksums of a file in the format of models right, whatever else is wrong with it, so that damage
/// gets behind them.
inline void repair_image(std::span<unsigned char> image) {
  if (image.size() < FileHeader::kHeaderBytes) return;
  FileHeader header;
  std::memcpy(&header, image.data(), sizeof header);
  header.magic = FileHeader::kMagic;
  header.file_bytes = image.size();
  std::memcpy(image.data(), &header, sizeof header);
  const size_t room = (image.size() - FileHeader::kHeaderBytes) / sizeof(SectionEntry);
  const size_t count = std::min<size_t>(header.section_count, room);
  for (size_t i = 0; i < count; ++i) {
    unsigned char* const place = image.data() + FileHeader::kHeaderBytes + i * sizeof(SectionEntry);
    SectionEntry entry;
    std::memcpy(&entry, place, sizeof entry);
    if (entry.offset > image.size() || entry.size_bytes > image.size() - entry.offset) continue;
    entry.hash = XXH3_64bits(image.data() + entry.offset, entry.size_bytes);
    std::memcpy(place, &entry, sizeof entry);
  }
  repair_header(image, FileHeader::kHeaderBytes + count * sizeof(SectionEntry));
}

}  // namespace coppice::testing
