// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/zip_archive.h"

#include <zip.h>
#include <zlib.h>

#include <algorithm>
#include <concepts>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/data/decompress.h"

namespace coppice {
namespace {

constexpr uint64_t kLargest32 = 0xffffffffu;
constexpr uint16_t kVersionStored = 20;
constexpr uint16_t kVersionZip64 = 45;
constexpr uint16_t kDate1980 = (1 << 5) | 1;

[[noreturn]] void refuse(const std::string& name, zip_error_t* error) {
  const std::string reason = zip_error_strerror(error);
  throw Error(ErrorCode::data, "the zip archive cannot be read: " + reason, name, "is the file cut off?");
}

template <std::unsigned_integral T>
void append(std::string& bytes, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xff);
}

uint32_t crc_of(std::span<const std::span<const std::byte>> parts) {
  uLong crc = crc32(0, nullptr, 0);
  for (const std::span<const std::byte> part : parts) {
    if (part.empty()) continue;  // zlib takes a null pointer for the wish to start anew
    crc = crc32_z(crc, reinterpret_cast<const Bytef*>(part.data()), part.size());
  }
  return static_cast<uint32_t>(crc);
}

/// The fields that local header and directory share, from the version needed to the length of the extra field.
void append_shared(std::string& bytes, uint16_t version, uint32_t crc, uint64_t size, size_t name_length,
                   size_t extra_length) {
  append(bytes, version);
  append(bytes, uint16_t{0});  // flags
  append(bytes, uint16_t{0});  // stored
  append(bytes, uint16_t{0});  // time
  append(bytes, kDate1980);
  append(bytes, crc);
  append(bytes, static_cast<uint32_t>(std::min(size, kLargest32)));
  append(bytes, static_cast<uint32_t>(std::min(size, kLargest32)));
  append(bytes, static_cast<uint16_t>(name_length));
  append(bytes, static_cast<uint16_t>(extra_length));
}

void append_zip64_end(std::string& bytes, uint64_t n_members, uint64_t size, uint64_t offset) {
  const uint64_t place = offset + size;
  append(bytes, uint32_t{0x06064b50});
  append(bytes, uint64_t{44});  // bytes of this record behind this field
  append(bytes, kVersionZip64);
  append(bytes, kVersionZip64);
  append(bytes, uint32_t{0});
  append(bytes, uint32_t{0});
  append(bytes, n_members);
  append(bytes, n_members);
  append(bytes, size);
  append(bytes, offset);
  append(bytes, uint32_t{0x07064b50});
  append(bytes, uint32_t{0});
  append(bytes, place);
  append(bytes, uint32_t{1});
}

}  // namespace

struct ZipEntry::Handle {
  explicit Handle(zip_file_t* opened) : file(opened) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  zip_file_t* file;
  ~Handle() { zip_fclose(file); }
};

ZipEntry::ZipEntry(std::unique_ptr<Handle> handle, uint64_t size, std::string name)
    : handle_(std::move(handle)), size_(size), name_(std::move(name)) {}
ZipEntry::~ZipEntry() = default;
ZipEntry::ZipEntry(ZipEntry&&) noexcept = default;

size_t ZipEntry::read(std::span<char> space) {
  const zip_int64_t count = zip_fread(handle_->file, space.data(), space.size());
  if (count < 0) refuse(name_, zip_file_get_error(handle_->file));
  return static_cast<size_t>(count);
}

struct ZipArchive::Handle {
  explicit Handle(zip_t* opened) : archive(opened) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  zip_t* archive;
  ~Handle() { zip_discard(archive); }
};

ZipArchive::ZipArchive(std::span<const std::byte> bytes, const std::string& name) : name_(name) {
  refuse_compressed(bytes, name);
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source == nullptr) refuse(name_, &error);
  zip_t* archive = zip_open_from_source(source, ZIP_RDONLY, &error);
  if (archive == nullptr) {
    zip_source_free(source);
    refuse(name_, &error);
  }
  handle_ = std::make_unique<Handle>(archive);
}

ZipArchive::~ZipArchive() = default;

std::vector<std::string> ZipArchive::names() const {
  std::vector<std::string> names;
  const zip_int64_t count = zip_get_num_entries(handle_->archive, 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* entry = zip_get_name(handle_->archive, static_cast<zip_uint64_t>(i), 0);
    names.emplace_back(entry == nullptr ? "" : entry);
  }
  return names;
}

std::optional<ZipEntry> ZipArchive::open(const std::string& entry) const {
  zip_stat_t status;
  zip_stat_init(&status);
  if (zip_stat(handle_->archive, entry.c_str(), 0, &status) != 0) return std::nullopt;
  const std::string place = name_ + ":" + entry;
  if ((status.valid & ZIP_STAT_SIZE) == 0) throw Error(ErrorCode::data, "the archive does not say its size", place);
  zip_file_t* file = zip_fopen_index(handle_->archive, status.index, 0);
  if (file == nullptr) refuse(place, zip_get_error(handle_->archive));
  return ZipEntry(std::make_unique<ZipEntry::Handle>(file), status.size, place);
}

void ZipWriter::add(const std::string& entry, std::span<const std::span<const std::byte>> parts) {
  uint64_t size = 0;
  for (const std::span<const std::byte> part : parts) size += part.size();
  const Member member{entry, crc_of(parts), size, file_.size_bytes() - start_};
  std::string extra;
  if (size >= kLargest32) {
    append(extra, uint16_t{1});
    append(extra, uint16_t{16});
    append(extra, size);
    append(extra, size);
  }
  std::string header;
  append(header, uint32_t{0x04034b50});
  append_shared(header, extra.empty() ? kVersionStored : kVersionZip64, member.crc, size, entry.size(), extra.size());
  file_.write(header + entry + extra);
  for (const std::span<const std::byte> part : parts) file_.write(part);
  members_.push_back(member);
}

void ZipWriter::finish() {
  const uint64_t offset = file_.size_bytes() - start_;
  std::string directory;
  for (const Member& member : members_) {
    std::string extra;
    if (member.size >= kLargest32) {
      append(extra, member.size);
      append(extra, member.size);
    }
    if (member.offset >= kLargest32) append(extra, member.offset);
    std::string prefix;
    if (!extra.empty()) {
      append(prefix, uint16_t{1});
      append(prefix, static_cast<uint16_t>(extra.size()));
    }
    const uint16_t version = extra.empty() ? kVersionStored : kVersionZip64;
    append(directory, uint32_t{0x02014b50});
    append(directory, version);  // made by
    append_shared(directory, version, member.crc, member.size, member.name.size(), prefix.size() + extra.size());
    append(directory, uint16_t{0});  // comment
    append(directory, uint16_t{0});  // disk
    append(directory, uint16_t{0});  // internal attributes
    append(directory, uint32_t{0});  // external attributes
    append(directory, static_cast<uint32_t>(std::min(member.offset, kLargest32)));
    directory += member.name + prefix + extra;
  }
  const uint64_t size = directory.size();
  if (offset + size >= kLargest32) append_zip64_end(directory, members_.size(), size, offset);
  append(directory, uint32_t{0x06054b50});
  append(directory, uint16_t{0});
  append(directory, uint16_t{0});
  append(directory, static_cast<uint16_t>(members_.size()));
  append(directory, static_cast<uint16_t>(members_.size()));
  append(directory, static_cast<uint32_t>(std::min(size, kLargest32)));
  append(directory, static_cast<uint32_t>(std::min(offset, kLargest32)));
  append(directory, uint16_t{0});
  file_.write(directory);
}

}  // namespace coppice
