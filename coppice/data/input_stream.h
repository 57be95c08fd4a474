// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/progress.h"

namespace coppice {

/// The bytes of a file, of standard input or of memory, front to back, decompressed when they are gzip or zstd.
///
/// Compression is recognised by its first bytes, never by the file's name, so it works for standard input too. Several
/// gzip members or zstd frames in a row are one stream, as `cat a.gz b.gz` makes them; a stream that ends early or is
/// damaged is `ErrorCode::data`. bzip2 and xz are recognised and refused (`ErrorCode::unsupported`).
/// Threads: one thread at a time.
class InputStream {
 public:
  /// A source of bytes: returns how many it wrote to the front of `space`, 0 at the end.
  class Source {
   public:
    virtual ~Source() = default;
    virtual size_t read(std::span<char> space) = 0;
  };

  /// Opens `path`; "-" is standard input, named "stdin" in messages. `stop`, if given, outlives the stream and is asked
  /// while a pipe or a terminal keeps us waiting.
  /// Throws `ErrorCode::io`: no such file, no permission, a directory; `ErrorCode::cancelled` when told to stop.
  static InputStream open(const std::string& path, const Progress* stop = nullptr);

  /// Reads from memory that outlives the stream; `name` stands for the path in messages.
  static InputStream from_memory(std::string_view bytes, std::string name);

  /// Reads `raw`, which may be compressed.
  InputStream(std::unique_ptr<Source> raw, std::string name);
  ~InputStream();
  InputStream(InputStream&&) noexcept;
  InputStream& operator=(InputStream&&) noexcept;

  /// Fills the front of `space`; returns the number of bytes, 0 at the end only.
  size_t read(std::span<char> space);

  /// The next bytes without taking them, `size` of them unless the stream ends before. Valid until the next call.
  std::string_view peek(size_t size);

  const std::string& name() const noexcept { return name_; }

 private:
  std::unique_ptr<Source> source_;
  std::string name_;
  std::vector<char> peeked_;
  size_t peeked_begin_ = 0;
};

/// Is this what can be read once only, and not be mapped: "-" (standard input), a named pipe, a device, a socket?
/// What is not there is none of them.
bool is_stream(const std::string& path);

/// An input that can be read from its start more than once.
///
/// A file is opened anew each time. Standard input, a pipe or a device cannot be, so its bytes (still compressed) are
/// copied first to a temporary file in $TMPDIR, which has no name and vanishes with this object or the process.
/// Throws `ErrorCode::io` (a full disk, too), `ErrorCode::cancelled`. Threads: const methods are thread-safe.
class RereadableInput {
 public:
  /// `stop` as in `InputStream::open`.
  explicit RereadableInput(const std::string& path, const Progress* stop = nullptr);

  /// A new stream at the start of the input; streams do not disturb each other.
  InputStream open() const;

  const std::string& name() const noexcept { return name_; }

  /// Bytes as stored, that is before decompression.
  uint64_t size_bytes() const noexcept { return end_ - begin_; }

 private:
  std::shared_ptr<const int> descriptor_;
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
  std::string name_;
};

}  // namespace coppice
