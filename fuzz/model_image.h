// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xxhash.h>

#include <cstdint>
#include <cstring>
#include <string_view>

#include "coppice/model/format.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

namespace coppice {

/// Makes sizes and checksums of a file in the format of models right, so that mutations get behind them.
inline void repair_image(uint8_t* data, size_t size) {
  if (size < FileHeader::kHeaderBytes) return;
  FileHeader header;
  std::memcpy(&header, data, sizeof header);
  header.magic = FileHeader::kMagic;
  header.file_bytes = size;
  const size_t room = (size - FileHeader::kHeaderBytes) / sizeof(SectionEntry);
  const size_t count = header.section_count < room ? header.section_count : room;
  for (size_t i = 0; i < count; ++i) {
    uint8_t* place = data + FileHeader::kHeaderBytes + i * sizeof(SectionEntry);
    SectionEntry entry;
    std::memcpy(&entry, place, sizeof entry);
    if (entry.offset > size || entry.size_bytes > size - entry.offset) continue;
    entry.hash = XXH3_64bits(data + entry.offset, entry.size_bytes);
    std::memcpy(place, &entry, sizeof entry);
  }
  header.hash = 0;
  std::memcpy(data, &header, sizeof header);
  header.hash = XXH3_64bits(data, FileHeader::kHeaderBytes + count * sizeof(SectionEntry));
  std::memcpy(data, &header, sizeof header);
}

/// What a custom mutator does for such files: `seed` where there is no corpus yet, a mutation, most times a repair.
inline size_t mutate_image(std::string_view seed, uint8_t* data, size_t size, size_t most, unsigned int choice) {
  if (size < FileHeader::kHeaderBytes && seed.size() <= most && choice % 8 != 0) {
    std::memcpy(data, seed.data(), seed.size());
    size = seed.size();
  }
  size = LLVMFuzzerMutate(data, size, most);
  if (choice % 4 != 0) repair_image(data, size);
  return size;
}

}  // namespace coppice
