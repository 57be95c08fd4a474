// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/format.h"

#include <xxhash.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/mapped_file.h"
#include "coppice/core/quantity.h"
#include "coppice/model/format_hash.h"

namespace coppice {
namespace {

struct TypeName {
  SectionType type;
  std::string_view name;
};

constexpr TypeName kSectionNames[] = {
    {SectionType::shape, "shape"},
    {SectionType::options, "options"},
    {SectionType::metrics, "metrics"},
    {SectionType::fingerprint, "fingerprint"},
    {SectionType::label_name_bytes, "label_name_bytes"},
    {SectionType::label_name_offsets, "label_name_offsets"},
    {SectionType::label_name_slots, "label_name_slots"},
    {SectionType::label_counts, "label_counts"},
    {SectionType::label_name_entries, "label_name_entries"},
    {SectionType::label_name_blocks, "label_name_blocks"},
    {SectionType::label_name_symbols, "label_name_symbols"},
    {SectionType::label_name_symbol_begins, "label_name_symbol_begins"},
    {SectionType::label_name_ranks, "label_name_ranks"},
    {SectionType::domain_names, "domain_names"},
    {SectionType::label_domains, "label_domains"},
    {SectionType::vectorizer, "vectorizer"},
    {SectionType::vectorizer_buckets, "vectorizer_buckets"},
    {SectionType::vectorizer_idf, "vectorizer_idf"},
    {SectionType::vectorizer_name_offsets, "vectorizer_name_offsets"},
    {SectionType::vectorizer_name_bytes, "vectorizer_name_bytes"},
    {SectionType::feature_keys, "feature_keys"},
    {SectionType::feature_parts, "feature_parts"},
    {SectionType::feature_pilots, "feature_pilots"},
    {SectionType::feature_remap, "feature_remap"},
    {SectionType::feature_levels, "feature_levels"},
    {SectionType::feature_bits, "feature_bits"},
    {SectionType::feature_ranks, "feature_ranks"},
    {SectionType::feature_fingerprints, "feature_fingerprints"},
    {SectionType::feature_idf_codes, "feature_idf_codes"},
    {SectionType::feature_name_entries, "feature_name_entries"},
    {SectionType::feature_name_blocks, "feature_name_blocks"},
    {SectionType::feature_name_symbols, "feature_name_symbols"},
    {SectionType::feature_name_symbol_begins, "feature_name_symbol_begins"},
    {SectionType::feature_name_ranks, "feature_name_ranks"},
    {SectionType::tree_first_child, "tree_first_child"},
    {SectionType::tree_leaf_label, "tree_leaf_label"},
    {SectionType::weights_chunks, "weights_chunks"},
    {SectionType::weights_bias, "weights_bias"},
    {SectionType::weights_payload, "weights_payload"},
    {SectionType::tagger, "tagger"},
    {SectionType::tagger_hashes, "tagger_hashes"},
    {SectionType::tagger_parts, "tagger_parts"},
    {SectionType::tagger_pilots, "tagger_pilots"},
    {SectionType::tagger_remap, "tagger_remap"},
    {SectionType::tagger_levels, "tagger_levels"},
    {SectionType::tagger_bits, "tagger_bits"},
    {SectionType::tagger_ranks, "tagger_ranks"},
    {SectionType::tagger_fingerprints, "tagger_fingerprints"},
    {SectionType::tagger_chunk, "tagger_chunk"},
    {SectionType::tagger_bias, "tagger_bias"},
    {SectionType::tagger_payload, "tagger_payload"},
    {SectionType::gazetteer_parts, "gazetteer_parts"},
    {SectionType::gazetteer_pilots, "gazetteer_pilots"},
    {SectionType::gazetteer_remap, "gazetteer_remap"},
    {SectionType::gazetteer_fingerprints, "gazetteer_fingerprints"},
    {SectionType::passage_bytes, "passage_bytes"},
    {SectionType::passage_offsets, "passage_offsets"},
    {SectionType::network, "network"},
    {SectionType::network_parameters, "network_parameters"},
    {SectionType::network_buffers, "network_buffers"},
    {SectionType::network_module, "network_module"},
};

constexpr std::string_view kElementNames[] = {"", "bytes", "text", "json", "u8", "u16", "u32", "u64", "f32", "record"};

bool all_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

std::string looks_like(std::span<const std::byte> bytes) {
  const auto begins_with = [&](std::string_view start) {
    return bytes.size() >= start.size() && std::memcmp(bytes.data(), start.data(), start.size()) == 0;
  };
  if (begins_with("\x89"
                  "CPC")) {
    return "its first line end was changed: the file was transferred in text mode";
  }
  if (begins_with("\x1F\x8B")) return "it is a gzip file";
  if (begins_with("\x28\xB5\x2F\xFD")) return "it is a zstd file";
  if (begins_with("PK\x03\x04")) return "it is a zip or npz file";
  const auto is_text = [](std::byte b) {
    const auto c = static_cast<unsigned char>(b);
    return c >= 0x80 || std::isprint(c) != 0 || std::isspace(c) != 0;
  };
  const auto start = bytes.first(std::min<size_t>(bytes.size(), 64));
  if (std::all_of(start.begin(), start.end(), is_text)) return "it looks like a text file";
  return "it does not begin with the mark of one";
}

}  // namespace

std::string FileHeader::producer_text() const {
  std::string text(producer.data(), strnlen(producer.data(), producer.size()));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) c = '?';
  }
  return text;
}

std::string_view section_name(uint32_t type) noexcept {
  for (const TypeName& entry : kSectionNames) {
    if (static_cast<uint32_t>(entry.type) == type) return entry.name;
  }
  return "";
}

std::string describe_section(const SectionEntry& entry) {
  const std::string_view known = section_name(entry.type);
  std::string text = "section ";
  text += known.empty() ? "of type " + std::to_string(entry.type) : std::string(known);
  return text + " (index " + std::to_string(entry.index) + ")";
}

std::string_view element_name(uint16_t type) noexcept {
  return type < std::size(kElementNames) ? kElementNames[type] : std::string_view();
}

std::string uuid_text(const std::array<unsigned char, 16>& uuid) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[uuid[i] >> 4];
    text += kDigits[uuid[i] & 15];
  }
  return text;
}

ModelFile ModelFile::map(const std::string& path) {
  const MappedFile file(path);
  return ModelFile(file.bytes(), file.keeper(), path);
}

ModelFile::ModelFile(std::span<const std::byte> bytes, std::shared_ptr<const void> keeper, std::string where)
    : bytes_(bytes), keeper_(std::move(keeper)), where_(std::move(where)) {
  check(reinterpret_cast<uintptr_t>(bytes_.data()) % 8 == 0, "a model file's bytes are aligned to 8");
  check_first_bytes();
  std::memcpy(&header_, bytes_.data(), sizeof header_);
  check_version();
  check_header();
  const auto* first = reinterpret_cast<const SectionEntry*>(bytes_.data() + header_.directory_offset);
  entries_ = {first, header_.section_count};
  check_directory();
}

void ModelFile::fail(const std::string& what) const {
  throw Error(ErrorCode::data, "the model file is damaged: " + what, where_,
              "Copy it again from where it was made, or train again");
}

void ModelFile::check_first_bytes() const {
  if (bytes_.empty()) throw Error(ErrorCode::data, "the file is empty, expected a Coppice model", where_);
  const auto& magic = FileHeader::kMagic;
  const size_t n = std::min(bytes_.size(), magic.size());
  if (std::memcmp(bytes_.data(), magic.data(), n) != 0) {
    throw Error(ErrorCode::data, "this is not a Coppice model: " + looks_like(bytes_), where_,
                "Models are made by `coppice train`");
  }
  if (bytes_.size() < FileHeader::kHeaderBytes) {
    fail("it ends after " + counted(bytes_.size(), "byte") + ", within its header of 4096 bytes");
  }
}

void ModelFile::check_version() const {
  if (header_.min_reader_version <= kFormatVersion && header_.format_version >= 1 && header_.min_reader_version >= 1) {
    return;
  }
  if (header_.min_reader_version == 0 || header_.format_version == 0) fail("its format version is 0");
  throw Error(ErrorCode::unsupported,
              "this model has format version " + std::to_string(header_.format_version) +
                  " and needs a program that reads version " + std::to_string(header_.min_reader_version) +
                  "; this one reads versions up to " + std::to_string(kFormatVersion),
              where_, "Use " + header_.producer_text() + ", which wrote it, or a later one");
}

void ModelFile::check_header() const {
  if (header_.endian_tag != FileHeader::kEndianTag) fail("its byte order is not little-endian");
  if (header_.file_bytes != bytes_.size()) {
    fail("it has " + counted(bytes_.size(), "byte") + ", its header says " + std::to_string(header_.file_bytes) +
         (bytes_.size() < header_.file_bytes ? " (truncated?)" : ""));
  }
  if (header_.header_bytes != FileHeader::kHeaderBytes || header_.entry_bytes != sizeof(SectionEntry) ||
      header_.directory_offset != FileHeader::kHeaderBytes) {
    fail("its header gives impossible sizes");
  }
  if (header_.section_count > kMostSections ||
      header_.section_count * sizeof(SectionEntry) > bytes_.size() - FileHeader::kHeaderBytes) {
    fail("its directory of " + counted(header_.section_count, "section") + " does not fit");
  }
  const auto directory = bytes_.subspan(header_.directory_offset, header_.section_count * sizeof(SectionEntry));
  const auto rest = bytes_.first(FileHeader::kHeaderBytes).subspan(sizeof(FileHeader));
  if (hash_header(header_, rest, directory) != header_.hash) fail("the checksum of its header and directory is wrong");
  if (header_.required_features != 0) {
    throw Error(ErrorCode::unsupported,
                "this model uses a feature that this program, which reads format versions up to " +
                    std::to_string(kFormatVersion) + ", does not know",
                where_, "Use " + header_.producer_text() + ", which wrote it, or a later one");
  }
}

void ModelFile::check_directory() const {
  uint64_t end = header_.directory_offset + entries_.size_bytes();
  for (size_t i = 0; i < entries_.size(); ++i) {
    check_entry(i, end);
    end = entries_[i].offset + entries_[i].size_bytes + kSectionTailBytes;
  }
  if (aligned_to_section(end) != header_.file_bytes) fail("its last section does not end where the file does");
}

void ModelFile::check_entry(size_t i, uint64_t earliest_offset) const {
  const SectionEntry& entry = entries_[i];
  const std::string name = describe_section(entry);
  if (i > 0 && std::pair(entries_[i - 1].type, entries_[i - 1].index) >= std::pair(entry.type, entry.index)) {
    fail(name + " is out of order");
  }
  if (entry.offset % kSectionAlignmentBytes != 0) fail(name + " is not aligned to 64 bytes");
  if (entry.offset < earliest_offset || entry.offset > bytes_.size() ||
      entry.size_bytes > bytes_.size() - entry.offset ||
      kSectionTailBytes > bytes_.size() - entry.offset - entry.size_bytes) {
    fail(name + " overlaps another or lies outside the file");
  }
  uint64_t product = 0;
  if (entry.element_size_bytes == 0 || __builtin_mul_overflow(entry.count, entry.element_size_bytes, &product) ||
      product != entry.size_bytes) {
    fail(name + " has a size that is not its count of elements times their size");
  }
  if (entry.required() && (section_name(entry.type).empty() || entry.encoding != 0)) {
    throw Error(ErrorCode::unsupported,
                "this model has a required " + name + " with encoding " + std::to_string(entry.encoding) +
                    ", which this program, reading format versions up to " + std::to_string(kFormatVersion) +
                    ", does not know; the model has version " + std::to_string(header_.format_version),
                where_, "Use " + header_.producer_text() + ", which wrote it, or a later one");
  }
}

void ModelFile::check_reserved() const {
  // A later version may use what this one leaves free, and still let this one read its files.
  if (header_.format_version > kFormatVersion) return;
  const auto header = bytes_.first(FileHeader::kHeaderBytes);
  const auto producer = std::as_bytes(std::span(header_.producer));
  if (!all_zero(producer.subspan(strnlen(header_.producer.data(), producer.size())))) {
    fail("the name of its producer does not end in zeros");
  }
  if (header_.optional_features != 0) fail("its header has feature bits that are not of its version");
  if (!all_zero(header.subspan(sizeof(FileHeader)))) fail("reserved bytes of its header are not zero");
  for (const SectionEntry& entry : entries_) {
    if ((entry.flags & ~1U) != 0 || !all_zero(std::as_bytes(std::span(entry.reserved)))) {
      fail("reserved bits or bytes in the entry of " + describe_section(entry) + " are not zero");
    }
    if (entry.encoding != 0 && !section_name(entry.type).empty()) {
      fail(describe_section(entry) + " has encoding " + std::to_string(entry.encoding) +
           ", which is not of the file's version");
    }
  }
}

const SectionEntry* ModelFile::find(SectionKey key) const noexcept {
  const auto wanted = std::pair(static_cast<uint32_t>(key.type), key.index);
  const auto found = std::lower_bound(
      entries_.begin(), entries_.end(), wanted,
      [](const SectionEntry& entry, const auto& value) { return std::pair(entry.type, entry.index) < value; });
  if (found == entries_.end() || std::pair(found->type, found->index) != wanted || found->encoding != 0) {
    return nullptr;
  }
  return &*found;
}

std::span<const std::byte> ModelFile::bytes_of(SectionKey key, ElementType type, size_t element_bytes) const {
  const SectionEntry* entry = find(key);
  if (entry == nullptr) {
    fail("section " + std::string(section_name(static_cast<uint32_t>(key.type))) + " (index " +
         std::to_string(key.index) + ") is missing");
  }
  if (entry->element_type != static_cast<uint16_t>(type) || entry->element_size_bytes != element_bytes) {
    fail(describe_section(*entry) + " has elements of type " + std::to_string(entry->element_type) + " and " +
         counted(entry->element_size_bytes, "byte") + ", expected " +
         std::string(element_name(static_cast<uint16_t>(type))) + " of " + std::to_string(element_bytes));
  }
  return bytes_of(*entry);
}

std::string_view ModelFile::text(SectionKey key, ElementType type) const {
  const std::span<const std::byte> bytes = bytes_of(key, type, 1);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void ModelFile::verify() const {
  if (uuid_of(std::as_bytes(entries_)) != header_.uuid) fail("its UUID is not that of its content");
  check_reserved();
  uint64_t end = header_.directory_offset + entries_.size_bytes();
  for (const SectionEntry& entry : entries_) {
    if (!all_zero(bytes_.subspan(end, entry.offset - end))) {
      fail("the bytes before " + describe_section(entry) + " are not zero");
    }
    const auto bytes = bytes_of(entry);
    if (XXH3_64bits(bytes.data(), bytes.size()) != entry.hash) {
      fail("the checksum of " + describe_section(entry) + " is wrong");
    }
    end = entry.offset + entry.size_bytes;
  }
  if (!all_zero(bytes_.subspan(end))) fail("the bytes after its last section are not zero");
}

}  // namespace coppice
