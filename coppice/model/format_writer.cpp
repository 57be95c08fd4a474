// SPDX-License-Identifier: Apache-2.0
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/model/format.h"
#include "coppice/model/format_hash.h"

namespace coppice {
namespace {

std::span<const std::byte> bytes_of_object(const auto& object) {
  return std::as_bytes(std::span(&object, 1));
}

void write_zeros(OutputFile& file, uint64_t until) {
  static constexpr std::byte kZeros[FileHeader::kHeaderBytes]{};
  while (file.size_bytes() < until) {
    file.write(std::span(kZeros).first(std::min<uint64_t>(until - file.size_bytes(), sizeof kZeros)));
  }
}

}  // namespace

ModelFileWriter::ModelFileWriter(std::string_view producer) : producer_(producer) {
  check(producer_.size() < sizeof(FileHeader::producer), "the producer's name fits into the header");
}

void ModelFileWriter::add_text(SectionKey key, ElementType type, std::string text, SectionNeed need) {
  auto kept = std::make_shared<const std::string>(std::move(text));
  add_bytes(key, need, {type, 1, std::as_bytes(std::span(*kept))});
  keepers_.push_back(std::move(kept));
}

void ModelFileWriter::add_bytes(SectionKey key, SectionNeed need, const Values& values) {
  SectionEntry entry{};
  entry.type = static_cast<uint32_t>(key.type);
  entry.index = key.index;
  entry.flags = static_cast<uint32_t>(need);
  entry.element_type = static_cast<uint16_t>(values.type);
  entry.element_size_bytes = static_cast<uint16_t>(values.element_bytes);
  entry.size_bytes = values.bytes.size();
  entry.count = values.bytes.size() / values.element_bytes;
  entry.hash = XXH3_64bits(values.bytes.data(), values.bytes.size());
  sections_.push_back({entry, values.bytes});
}

uint64_t ModelFileWriter::size_bytes() const {
  uint64_t offset = aligned_to_section(FileHeader::kHeaderBytes + sections_.size() * sizeof(SectionEntry));
  for (const Section& section : sections_)
    offset = aligned_to_section(offset + section.entry.size_bytes + kSectionTailBytes);
  return offset;
}

void ModelFileWriter::write(OutputFile& file) const {
  std::vector<Section> sections = sections_;
  const auto key = [](const Section& s) { return std::pair(s.entry.type, s.entry.index); };
  std::sort(sections.begin(), sections.end(), [&](const Section& a, const Section& b) { return key(a) < key(b); });
  check(sections.size() <= kMostSections, "a model file has few sections");

  std::vector<SectionEntry> directory;
  uint64_t offset = aligned_to_section(FileHeader::kHeaderBytes + sections.size() * sizeof(SectionEntry));
  for (Section& section : sections) {
    section.entry.offset = offset;
    offset = aligned_to_section(offset + section.entry.size_bytes + kSectionTailBytes);
    directory.push_back(section.entry);
  }
  const auto directory_bytes = std::as_bytes(std::span(directory));

  FileHeader header{};
  header.magic = FileHeader::kMagic;
  header.format_version = kFormatVersion;
  header.min_reader_version = 1;
  std::copy(producer_.begin(), producer_.end(), header.producer.begin());
  header.endian_tag = FileHeader::kEndianTag;
  header.header_bytes = FileHeader::kHeaderBytes;
  header.file_bytes = offset;
  header.section_count = static_cast<uint32_t>(directory.size());
  header.entry_bytes = sizeof(SectionEntry);
  header.directory_offset = FileHeader::kHeaderBytes;
  header.uuid = uuid_of(directory_bytes);
  const std::vector<std::byte> rest(FileHeader::kHeaderBytes - sizeof header);
  header.hash = hash_header(header, rest, directory_bytes);

  file.write(bytes_of_object(header));
  file.write(rest);
  file.write(directory_bytes);
  for (const Section& section : sections) {
    write_zeros(file, section.entry.offset);
    file.write(section.bytes);
  }
  write_zeros(file, header.file_bytes);
}

ModelFile ModelFile::read(const std::string& path) {
  if (std::filesystem::is_directory(path)) throw Error(ErrorCode::io, "this is a directory, expected a file", path);
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw_io_error("open the file", path, errno);
  const auto size = static_cast<size_t>(file.tellg());
  auto words = std::make_shared<std::vector<uint64_t>>((size + 7) / 8);
  file.seekg(0);
  if (!file.read(reinterpret_cast<char*>(words->data()), static_cast<std::streamsize>(size))) {
    throw_io_error("read the file", path, errno);
  }
  const auto bytes = std::as_bytes(std::span(*words)).first(size);
  return ModelFile(bytes, std::move(words), path);
}

}  // namespace coppice
