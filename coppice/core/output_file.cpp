// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

void write_all(int descriptor, const char* data, size_t size, const std::string& path) {
  while (size > 0) {
    const ssize_t written = ::write(descriptor, data, size);
    if (written < 0) {
      if (errno == EINTR) continue;
      throw_io_error("write the file", path, errno);
    }
    data += written;
    size -= static_cast<size_t>(written);
  }
}

}  // namespace

OutputFile::OutputFile(std::string path) : path_(std::move(path)) {
  if (path_ == "-") {
    descriptor_ = STDOUT_FILENO;
    return;
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(path_, ignored)) {
    throw Error(ErrorCode::io, "cannot write the file: this is a directory", path_);
  }
  temporary_path_ = path_ + ".tmp." + std::to_string(::getpid());
  descriptor_ = ::open(temporary_path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw_io_error("create the file", path_, errno);
}

OutputFile::~OutputFile() {
  if (path_ == "-" || descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_path_.c_str());
}

void OutputFile::write(std::span<const std::byte> bytes) {
  write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void OutputFile::write(std::string_view text) {
  size_ += text.size();
  if (text.size() >= kBufferBytes) {
    flush();
    write_all(descriptor_, text.data(), text.size(), path_);
    return;
  }
  buffer_.append(text);
  if (buffer_.size() >= kBufferBytes) flush();
}

void OutputFile::write_at(uint64_t offset, std::span<const std::byte> bytes) {
  flush();
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written =
        ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (written < 0) {
      if (errno == EINTR) continue;
      throw_io_error("write the file", path_, errno);
    }
    done += static_cast<size_t>(written);
  }
}

void OutputFile::flush() {
  write_all(descriptor_, buffer_.data(), buffer_.size(), path_);
  buffer_.clear();
}

void OutputFile::commit() {
  flush();
  if (path_ == "-") return;
  if (::fsync(descriptor_) != 0) throw_io_error("write the file to disk", path_, errno);
  if (::close(std::exchange(descriptor_, -1)) != 0) throw_io_error("close the file", path_, errno);
  if (::rename(temporary_path_.c_str(), path_.c_str()) != 0) {
    const int reason = errno;
    ::unlink(temporary_path_.c_str());
    throw_io_error("put the finished file in its place", path_, reason);
  }
}

}  // namespace coppice
