// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/read_file.h"

#include <fcntl.h>
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

std::string read_file(const std::string& path, uint64_t most_bytes) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.value < 0) throw_io_error("read", path, errno);
  struct stat status {};
  if (::fstat(file.value, &status) != 0) throw_io_error("read", path, errno);
  if (S_ISDIR(status.st_mode)) throw Error(ErrorCode::io, "this is a directory, expected a file", path);
  constexpr size_t kPiece = size_t{64} << 10;
  std::string bytes;
  for (;;) {
    const size_t before = bytes.size();
    bytes.resize(before + kPiece);
    const ssize_t got = ::read(file.value, bytes.data() + before, kPiece);
    if (got < 0 && errno != EINTR) throw_io_error("read", path, errno);
    bytes.resize(before + static_cast<size_t>(got > 0 ? got : 0));
    if (bytes.size() > most_bytes) {
      throw Error(ErrorCode::data, "the file has more than " + std::to_string(most_bytes) + " bytes", path);
    }
    if (got == 0) return bytes;
  }
}

}  // namespace coppice
