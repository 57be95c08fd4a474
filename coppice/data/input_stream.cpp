// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/input_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/data/decompress.h"

namespace coppice {
namespace {

constexpr size_t kSignatureBytes = 6;
constexpr int kAskMilliseconds = 200;  // a signal that comes just before the wait begins is noticed this late

std::string name_of(const std::string& path) {
  return path == "-" ? "stdin" : path;
}

std::shared_ptr<const int> owned(int descriptor) {
  return {new int(descriptor), [](const int* p) {
            ::close(*p);
            delete p;
          }};
}

/// An open descriptor of `path`, with what it is; throws for what cannot be read as a file.
std::shared_ptr<const int> open_descriptor(const std::string& path, struct stat& status, const Progress* stop) {
  int number = -1;
  do {
    if (stop != nullptr) stop->throw_if_stopped();
    number = path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  } while (number < 0 && errno == EINTR);  // a named pipe without a writer keeps us waiting here
  if (number < 0) throw_io_error("open the file", name_of(path), errno);
  std::shared_ptr<const int> descriptor = owned(number);
  if (::fstat(number, &status) != 0) throw_io_error("read the size of the file", name_of(path), errno);
  if (S_ISDIR(status.st_mode)) throw Error(ErrorCode::io, "this is a directory, expected a file", name_of(path));
  return descriptor;
}

class DescriptorSource final : public InputStream::Source {
 public:
  DescriptorSource(std::shared_ptr<const int> descriptor, std::string name, const Progress* stop)
      : descriptor_(std::move(descriptor)), name_(std::move(name)), stop_(stop) {}

  size_t read(std::span<char> space) override {
    for (;;) {
      wait();
      const ssize_t count = ::read(*descriptor_, space.data(), space.size());
      if (count >= 0) return static_cast<size_t>(count);
      if (errno != EINTR) throw_io_error("read the file", name_, errno);
    }
  }

 private:
  /// Until there is something to read; a file always has (its end, at least).
  void wait() const {
    if (stop_ == nullptr) return;
    pollfd wanted{*descriptor_, POLLIN, 0};
    int ready = 0;
    do {
      stop_->throw_if_stopped();
      ready = ::poll(&wanted, 1, kAskMilliseconds);
    } while (ready == 0 || (ready < 0 && errno == EINTR));
  }

  std::shared_ptr<const int> descriptor_;
  std::string name_;
  const Progress* stop_;
};

/// Reads at an offset of its own, so that several may share one descriptor.
class PositionedSource final : public InputStream::Source {
 public:
  PositionedSource(std::shared_ptr<const int> descriptor, uint64_t offset, std::string name)
      : descriptor_(std::move(descriptor)), offset_(offset), name_(std::move(name)) {}

  size_t read(std::span<char> space) override {
    for (;;) {
      const ssize_t count = ::pread(*descriptor_, space.data(), space.size(), static_cast<off_t>(offset_));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw_io_error("read the file", name_, errno);
      offset_ += static_cast<uint64_t>(count);
      return static_cast<size_t>(count);
    }
  }

 private:
  std::shared_ptr<const int> descriptor_;
  uint64_t offset_;
  std::string name_;
};

class MemorySource final : public InputStream::Source {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}

  size_t read(std::span<char> space) override {
    const size_t count = std::min(space.size(), bytes_.size());
    if (count == 0) return 0;
    std::memcpy(space.data(), bytes_.data(), count);
    bytes_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view bytes_;
};

/// Gives the bytes that were read for a first look, then those of the source behind.
class PrefixedSource final : public InputStream::Source {
 public:
  PrefixedSource(std::string prefix, std::unique_ptr<Source> rest)
      : prefix_(std::move(prefix)), rest_(std::move(rest)) {}

  size_t read(std::span<char> space) override {
    if (used_ == prefix_.size()) return rest_->read(space);
    const size_t count = std::min(space.size(), prefix_.size() - used_);
    std::memcpy(space.data(), prefix_.data() + used_, count);
    used_ += count;
    return count;
  }

 private:
  std::string prefix_;
  size_t used_ = 0;
  std::unique_ptr<Source> rest_;
};

std::string read_prefix(InputStream::Source& source, size_t size) {
  std::string prefix(size, '\0');
  size_t filled = 0;
  while (filled < size) {
    const size_t count = source.read(std::span<char>(prefix).subspan(filled));
    if (count == 0) break;
    filled += count;
  }
  prefix.resize(filled);
  return prefix;
}

/// A file without a name: it is gone when the last descriptor is closed, however the process ends.
std::shared_ptr<const int> temporary_file() {
  const char* folder = std::getenv("TMPDIR");
  std::string path = std::string(folder != nullptr && *folder != '\0' ? folder : "/tmp") + "/coppice-input-XXXXXX";
  const int number = ::mkostemp(path.data(), O_CLOEXEC);
  if (number < 0) throw_io_error("create a temporary file for the input", path, errno);
  ::unlink(path.c_str());
  return owned(number);
}

uint64_t copy_all(InputStream::Source& from, int to) {
  std::vector<char> buffer(size_t{1} << 20);
  uint64_t total = 0;
  for (size_t count = from.read(buffer); count > 0; count = from.read(buffer)) {
    size_t done = 0;
    while (done < count) {
      const ssize_t written = ::write(to, buffer.data() + done, count - done);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw_io_error("keep a temporary copy of the input", "stdin", errno);
      done += static_cast<size_t>(written);
    }
    total += count;
  }
  return total;
}

}  // namespace

InputStream::InputStream(std::unique_ptr<Source> raw, std::string name) : name_(std::move(name)) {
  std::string prefix = read_prefix(*raw, kSignatureBytes);
  const Compression compression = compression_of(prefix, name_);
  source_ = decompress(std::make_unique<PrefixedSource>(std::move(prefix), std::move(raw)), compression, name_);
}

InputStream::~InputStream() = default;
InputStream::InputStream(InputStream&&) noexcept = default;
InputStream& InputStream::operator=(InputStream&&) noexcept = default;

InputStream InputStream::open(const std::string& path, const Progress* stop) {
  struct stat status {};
  std::shared_ptr<const int> descriptor = open_descriptor(path, status, stop);
  return InputStream(std::make_unique<DescriptorSource>(std::move(descriptor), name_of(path), stop), name_of(path));
}

InputStream InputStream::from_memory(std::string_view bytes, std::string name) {
  return InputStream(std::make_unique<MemorySource>(bytes), std::move(name));
}

bool is_stream(const std::string& path) {
  if (path == "-") return true;
  using Type = std::filesystem::file_type;
  std::error_code unknown;
  const Type type = std::filesystem::status(path, unknown).type();
  return type == Type::fifo || type == Type::character || type == Type::block || type == Type::socket;
}

size_t InputStream::read(std::span<char> space) {
  const size_t waiting = peeked_.size() - peeked_begin_;
  if (waiting == 0) return space.empty() ? 0 : source_->read(space);
  const size_t count = std::min(waiting, space.size());
  if (count > 0) std::memcpy(space.data(), peeked_.data() + peeked_begin_, count);
  peeked_begin_ += count;
  if (peeked_begin_ == peeked_.size()) {
    peeked_ = {};
    peeked_begin_ = 0;
  }
  return count;
}

std::string_view InputStream::peek(size_t size) {
  peeked_.erase(peeked_.begin(), peeked_.begin() + static_cast<ptrdiff_t>(std::exchange(peeked_begin_, 0)));
  while (peeked_.size() < size) {
    const size_t before = peeked_.size();
    peeked_.resize(size);
    const size_t count = source_->read(std::span<char>(peeked_).subspan(before));
    peeked_.resize(before + count);
    if (count == 0) break;
  }
  return {peeked_.data(), std::min(size, peeked_.size())};
}

RereadableInput::RereadableInput(const std::string& path, const Progress* stop) : name_(name_of(path)) {
  struct stat status {};
  descriptor_ = open_descriptor(path, status, stop);
  if (S_ISREG(status.st_mode)) {
    // A shell may hand over a file that it has read the start of.
    const off_t position = ::lseek(*descriptor_, 0, SEEK_CUR);
    end_ = static_cast<uint64_t>(status.st_size);
    begin_ = std::min<uint64_t>(end_, position > 0 ? static_cast<uint64_t>(position) : 0);
    return;
  }
  DescriptorSource source(std::move(descriptor_), name_, stop);
  descriptor_ = temporary_file();
  end_ = copy_all(source, *descriptor_);
}

InputStream RereadableInput::open() const {
  return InputStream(std::make_unique<PositionedSource>(descriptor_, begin_, name_), name_);
}

}  // namespace coppice
