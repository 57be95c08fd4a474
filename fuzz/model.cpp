// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a model file: opening throws or gives a model, and a model answers every query without reading out of
// bounds. The mutator repairs checksums, so that mutations get behind them.
#include <xxhash.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/model/format.h"
#include "coppice/model/model.h"
#include "coppice/model/sample_model.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

namespace {

using coppice::FileHeader;
using coppice::SectionEntry;

void repair(uint8_t* data, size_t size) {
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

void open_and_ask(const std::vector<uint64_t>& words, size_t size, coppice::Verify verify) {
  try {
    const auto bytes = std::as_bytes(std::span(words)).first(size);
    coppice::ask_everything(coppice::Model::load(coppice::ModelFile(bytes, nullptr, "fuzz"), verify));
  } catch (const coppice::Error& error) {
    if (error.code() == coppice::ErrorCode::internal) throw;
  }
}

}  // namespace

/// The seed, when there is no corpus: libFuzzer starts from an empty input, which the mutator replaces by a model.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned int seed) {
  static const std::string image = coppice::sample_image(coppice::Model(coppice::sample_parts()));
  if (size < FileHeader::kHeaderBytes && image.size() <= most && seed % 8 != 0) {
    std::memcpy(data, image.data(), image.size());
    size = image.size();
  }
  size = LLVMFuzzerMutate(data, size, most);
  if (seed % 4 != 0) repair(data, size);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint64_t> words((size + 7) / 8);
  if (size > 0) std::memcpy(words.data(), data, size);
  open_and_ask(words, size, coppice::Verify::structure);
  open_and_ask(words, size, coppice::Verify::everything);
  return 0;
}
