// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "coppice/core/output_file.h"
#include "coppice/math/array.h"

namespace coppice {

static_assert(std::endian::native == std::endian::little,
              "a model file is mapped as it is: little-endian machines only");

/// The version of docs/model_format.md that this program writes, and the latest that it reads.
inline constexpr uint32_t kFormatVersion = 1;

/// What a section holds. Numbers are never used again once released; docs/model_format.md says which are kept free for
/// what. The order is that of the file.
enum class SectionType : uint32_t {
  shape = 1,
  options = 2,
  metrics = 3,
  fingerprint = 4,

  label_name_bytes = 16,
  label_name_offsets = 17,
  label_name_slots = 18,
  label_counts = 19,
  label_name_entries = 20,
  label_name_blocks = 21,
  label_name_symbols = 22,
  label_name_symbol_begins = 23,
  label_name_ranks = 24,
  domain_names = 25,
  label_domains = 26,

  vectorizer = 32,
  vectorizer_buckets = 33,
  vectorizer_idf = 34,
  vectorizer_name_offsets = 35,
  vectorizer_name_bytes = 36,

  feature_keys = 48,
  feature_parts = 49,
  feature_pilots = 50,
  feature_remap = 51,
  feature_levels = 52,
  feature_bits = 53,
  feature_ranks = 54,
  feature_fingerprints = 55,
  feature_idf_codes = 56,
  feature_name_entries = 57,
  feature_name_blocks = 58,
  feature_name_symbols = 59,
  feature_name_symbol_begins = 60,
  feature_name_ranks = 61,

  tree_first_child = 64,
  tree_leaf_label = 65,

  weights_chunks = 80,
  weights_bias = 81,
  weights_payload = 82,

  tagger = 96,
  tagger_hashes = 97,
  tagger_parts = 98,
  tagger_pilots = 99,
  tagger_remap = 100,
  tagger_levels = 101,
  tagger_bits = 102,
  tagger_ranks = 103,
  tagger_fingerprints = 104,
  tagger_chunk = 105,
  tagger_bias = 106,
  tagger_payload = 107,

  gazetteer_parts = 112,
  gazetteer_pilots = 113,
  gazetteer_remap = 114,
  gazetteer_fingerprints = 115,

  passage_bytes = 136,
  passage_offsets = 137,

  network = 144,
  network_parameters = 145,
  network_buffers = 146,
  network_module = 147,
};

/// What the elements of a section are.
enum class ElementType : uint16_t {
  bytes = 1,
  text = 2,
  json = 3,
  u8 = 4,
  u16 = 5,
  u32 = 6,
  u64 = 7,
  f32 = 8,
  record = 9
};

/// One entry of the directory, as it lies in the file.
struct SectionEntry {
  uint32_t type;          ///< SectionType
  uint32_t index;         ///< which of several of one type: the level of the tree, the gazetteer; 0 otherwise
  uint32_t flags;         ///< bit 0: required, a reader that does not know the type must refuse the file; others 0
  uint16_t element_type;  ///< ElementType
  uint16_t element_size_bytes;
  uint64_t offset;      ///< from the start of the file, a multiple of 64
  uint64_t size_bytes;  ///< count * element_size_bytes
  uint64_t count;
  uint64_t hash;      ///< XXH3-64 of the section's bytes
  uint32_t encoding;  ///< 0 = plain; other values belong to the type
  uint32_t reserved[3];

  bool required() const noexcept { return (flags & 1) != 0; }
};
static_assert(sizeof(SectionEntry) == 64);

/// The first bytes of the file; zeros follow up to `kHeaderBytes`.
struct FileHeader {
  static constexpr uint32_t kHeaderBytes = 4096;
  static constexpr uint32_t kEndianTag = 0x01020304;
  static constexpr std::array<unsigned char, 8> kMagic{0x89, 'C', 'P', 'C', '\r', '\n', 0x1A, '\n'};

  std::array<unsigned char, 8> magic;
  uint32_t format_version;
  uint32_t min_reader_version;    ///< a reader that knows this version can read the file
  std::array<char, 64> producer;  ///< "coppice 0.1.0", zero-padded; at this place in every version
  uint32_t endian_tag;
  uint32_t header_bytes;
  uint64_t file_bytes;
  uint32_t section_count;
  uint32_t entry_bytes;
  uint64_t directory_offset;
  uint64_t required_features;  ///< bits a reader must know; none defined in version 1
  uint64_t optional_features;
  std::array<unsigned char, 16> uuid;  ///< XXH3-128 of the directory, marked as a UUID of version 8
  uint64_t hash;                       ///< XXH3-64 of the header with this field zero, and the directory

  std::string producer_text() const;
};
static_assert(sizeof(FileHeader) == 152 && std::is_trivially_copyable_v<FileHeader>);

inline constexpr uint64_t kSectionAlignmentBytes = 64;
/// Zeros after each section at the least, so that SIMD kernels may read past its end.
inline constexpr uint64_t kSectionTailBytes = 64;
inline constexpr uint32_t kMostSections = 4096;

/// "tree_first_child": the word for a section type, or "" when this version does not know it.
std::string_view section_name(uint32_t type) noexcept;
/// "section tree_first_child (index 2)", as messages call it.
std::string describe_section(const SectionEntry& entry);
/// "u32"; "" for an unknown one.
std::string_view element_name(uint16_t type) noexcept;
/// "f81d4fae-7dec-8...".
std::string uuid_text(const std::array<unsigned char, 16>& uuid);

template <class T>
struct ElementTypeOf;
template <>
struct ElementTypeOf<char> {
  static constexpr ElementType value = ElementType::bytes;
};
template <>
struct ElementTypeOf<std::byte> {
  static constexpr ElementType value = ElementType::bytes;
};
template <>
struct ElementTypeOf<uint8_t> {
  static constexpr ElementType value = ElementType::u8;
};
template <>
struct ElementTypeOf<uint16_t> {
  static constexpr ElementType value = ElementType::u16;
};
template <>
struct ElementTypeOf<uint32_t> {
  static constexpr ElementType value = ElementType::u32;
};
template <>
struct ElementTypeOf<uint64_t> {
  static constexpr ElementType value = ElementType::u64;
};
template <>
struct ElementTypeOf<float> {
  static constexpr ElementType value = ElementType::f32;
};

enum class SectionNeed : uint32_t { optional = 0, required = 1 };

/// Names one section: its type, and which of several.
struct SectionKey {
  SectionType type;
  uint32_t index = 0;
};

/// Collects sections and writes them as one file, ordered by (type, index).
///
/// The bytes are a function of the sections and the producer alone.
class ModelFileWriter {
 public:
  explicit ModelFileWriter(std::string_view producer);

  /// Adds a section; shares the array's storage, no copy.
  template <class T>
  void add(SectionKey key, const Array<T>& values, SectionNeed need = SectionNeed::required) {
    keepers_.push_back(std::make_shared<const Array<T>>(values));
    add_bytes(key, need, {ElementTypeOf<T>::value, sizeof(T), std::as_bytes(values.span())});
  }

  /// Adds a text that the writer keeps.
  void add_text(SectionKey key, ElementType type, std::string text, SectionNeed need = SectionNeed::required);

  /// Throws `ErrorCode::io`. Cost: two passes over the data (hash, then write).
  void write(OutputFile& file) const;

  /// What `write` will write. Cost: O(sections).
  uint64_t size_bytes() const;

 private:
  struct Values {
    ElementType type;
    size_t element_bytes;
    std::span<const std::byte> bytes;
  };
  struct Section {
    SectionEntry entry;
    std::span<const std::byte> bytes;
  };
  void add_bytes(SectionKey key, SectionNeed need, const Values& values);

  std::string producer_;
  std::vector<Section> sections_;
  std::vector<std::shared_ptr<const void>> keepers_;
};

/// A model file whose header and directory have been checked: every section lies inside the file, is aligned, and
/// does not overlap another. The payload is not looked at before `verify`.
///
/// Threads: const methods are thread-safe.
class ModelFile {
 public:
  /// Maps `path`. Throws `ErrorCode::io` if it cannot be opened, `data` if it is damaged or no model, `unsupported` if
  /// it needs a later reader. Cost: O(sections), whatever the size.
  static ModelFile map(const std::string& path);
  /// Reads the whole file into memory: for files that another program may truncate while they are in use.
  static ModelFile read(const std::string& path);
  /// Looks at bytes in memory, aligned to 8 bytes; `where` is their name in messages.
  ModelFile(std::span<const std::byte> bytes, std::shared_ptr<const void> keeper, std::string where);

  const FileHeader& header() const noexcept { return header_; }
  std::span<const SectionEntry> sections() const noexcept { return entries_; }
  const std::string& where() const noexcept { return where_; }

  /// The entry, or null when the file has none.
  const SectionEntry* find(SectionKey key) const noexcept;
  bool has(SectionKey key) const noexcept { return find(key) != nullptr; }

  /// The values of a section, not copied. Throws `ErrorCode::data` if it is missing or of another element type.
  template <class T>
  Array<T> array(SectionKey key) const {
    const std::span<const std::byte> bytes = bytes_of(key, ElementTypeOf<T>::value, sizeof(T));
    return {{reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)}, keeper_};
  }
  std::string_view text(SectionKey key, ElementType type) const;
  std::span<const std::byte> bytes_of(const SectionEntry& entry) const noexcept {
    return bytes_.subspan(entry.offset, entry.size_bytes);
  }

  /// Checks every checksum, and that the bytes between the sections and all that is reserved are zero (the latter not
  /// in files of a later version, which may use it). Throws `ErrorCode::data`. Cost: reads the whole file.
  void verify() const;

 private:
  void check_first_bytes() const;
  void check_version() const;
  void check_header() const;
  void check_directory() const;
  void check_entry(size_t i, uint64_t earliest_offset) const;
  void check_reserved() const;
  std::span<const std::byte> bytes_of(SectionKey key, ElementType type, size_t element_bytes) const;
  [[noreturn]] void fail(const std::string& what) const;

  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> keeper_;
  std::string where_;
  FileHeader header_{};
  std::span<const SectionEntry> entries_;
};

}  // namespace coppice
