// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/model/model.h"

namespace coppice::testing {

/// Opens an image in memory, in a block of exactly its size, so that asan sees a read past its end.
inline ModelFile file_of_image(const std::string& image) {
  auto block = std::make_shared<std::vector<std::byte>>(image.size());
  if (!image.empty()) std::memcpy(block->data(), image.data(), image.size());
  const std::span<const std::byte> bytes(*block);
  return ModelFile(bytes, std::move(block), "test");
}

inline Model load_image(const std::string& image, Verify verify = Verify::structure) {
  return Model::load(file_of_image(image), verify);
}

/// What is wrong with a model of these parts, or nothing.
inline std::string fault_of(ModelParts parts) {
  try {
    Model(std::move(parts)).verify();
  } catch (const Error& error) {
    return error.code() == ErrorCode::data ? error.message() : "no fault of data: " + error.message();
  }
  return "";
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

/// The directory, where it lies.
inline std::span<SectionEntry> entries_of(std::string& image) {
  auto* const first = reinterpret_cast<SectionEntry*>(image.data() + FileHeader::kHeaderBytes);
  return {first, (end_of_directory(image) - FileHeader::kHeaderBytes) / sizeof(SectionEntry)};
}

inline SectionEntry& entry_of(std::span<SectionEntry> entries, SectionType type) {
  for (SectionEntry& entry : entries) {
    if (entry.type == static_cast<uint32_t>(type)) return entry;
  }
  throw Error(ErrorCode::internal, "the image has no such section");
}

/// Calls change(header, entries) for the image's header and directory, and repairs their checksum.
template <class Change>
std::string changed(std::string image, const Change& change) {
  FileHeader header;
  std::memcpy(&header, image.data(), sizeof header);
  std::vector<SectionEntry> entries(header.section_count);
  const size_t directory_bytes = entries.size() * sizeof(SectionEntry);
  std::memcpy(entries.data(), image.data() + FileHeader::kHeaderBytes, directory_bytes);
  change(header, entries);
  std::memcpy(image.data() + FileHeader::kHeaderBytes, entries.data(), directory_bytes);
  std::memcpy(image.data(), &header, sizeof header);
  repair_header(bytes_of_image(image), FileHeader::kHeaderBytes + directory_bytes);
  return image;
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
