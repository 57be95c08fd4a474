// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "coppice/core/error.h"

namespace coppice {
namespace {

struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

}  // namespace

MappedFile::MappedFile(const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.value < 0) throw_io_error("open the file", path, errno);
  struct stat status {};
  if (::fstat(file.value, &status) != 0) throw_io_error("read the size of the file", path, errno);
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::io,
                S_ISDIR(status.st_mode) ? "this is a directory, expected a file"
                                        : "this is no regular file, so it cannot be mapped",
                path);
  }
  const size_t size = static_cast<size_t>(status.st_size);
  if (size == 0) return;
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.value, 0);
  if (address == MAP_FAILED) throw_io_error("map the file", path, errno);
  keeper_ = std::shared_ptr<const void>(address, [size](const void* p) { ::munmap(const_cast<void*>(p), size); });
  bytes_ = {static_cast<const std::byte*>(address), size};
}

}  // namespace coppice
