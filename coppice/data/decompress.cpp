// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/decompress.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr size_t kInputBytes = size_t{256} << 10;

/// The compressed side of a decoder: a window of bytes that is refilled when it is used up.
class Window {
 public:
  explicit Window(std::unique_ptr<InputStream::Source> raw) : raw_(std::move(raw)), bytes_(kInputBytes) {}

  /// The bytes not used yet; empty at the end of the file only.
  std::span<char> bytes() {
    if (begin_ == end_) {
      passed_ += end_;
      begin_ = 0;
      end_ = raw_->read(bytes_);
    }
    return {bytes_.data() + begin_, end_ - begin_};
  }
  void use(size_t count) noexcept { begin_ += count; }
  uint64_t offset() const noexcept { return passed_ + begin_; }

 private:
  std::unique_ptr<InputStream::Source> raw_;
  std::vector<char> bytes_;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t passed_ = 0;
};

[[noreturn]] void refuse(const std::string& name, uint64_t offset, const std::string& what, const char* hint) {
  throw Error(ErrorCode::data, what, name + ": byte " + std::to_string(offset), hint);
}

class GzipSource final : public InputStream::Source {
 public:
  GzipSource(std::unique_ptr<InputStream::Source> raw, std::string name)
      : window_(std::move(raw)), name_(std::move(name)) {
    // 15 = the largest history window, 16 = expect a gzip header and check its CRC.
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) throw Error(ErrorCode::memory, "no memory to decompress gzip", name_);
  }
  ~GzipSource() override { inflateEnd(&stream_); }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  size_t read(std::span<char> space) override {
    size_t written = 0;
    while (written == 0 && !at_end_) written = step(space);
    return written;
  }

 private:
  size_t step(std::span<char> space) {
    const std::span<char> input = window_.bytes();
    if (input.empty()) refuse(name_, window_.offset(), "the gzip data ends early", "is the file cut off?");
    stream_.next_in = reinterpret_cast<Bytef*>(input.data());
    stream_.avail_in = static_cast<uInt>(input.size());
    const auto room = static_cast<uInt>(std::min<size_t>(space.size(), size_t{1} << 30));
    stream_.next_out = reinterpret_cast<Bytef*>(space.data());
    stream_.avail_out = room;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    window_.use(input.size() - stream_.avail_in);
    if (status == Z_MEM_ERROR) throw Error(ErrorCode::memory, "no memory to decompress gzip", name_);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
      refuse(name_, window_.offset(),
             std::string("the gzip data is damaged: ") + (stream_.msg ? stream_.msg : "unknown method"), "");
    }
    if (status == Z_STREAM_END) next_member();
    return room - stream_.avail_out;
  }

  /// Another member may follow; so may zero bytes, with which tape tools fill their last block up.
  void next_member() {
    bool zeros = false;
    for (std::span<char> input = window_.bytes(); !input.empty(); input = window_.bytes()) {
      if (input.front() != 0) {
        if (zeros || input.front() != '\x1f') {
          refuse(name_, window_.offset(), "something else follows the gzip data", "is this one gzip file?");
        }
        inflateReset(&stream_);
        return;
      }
      zeros = true;
      window_.use(1);
    }
    at_end_ = true;
  }

  Window window_;
  std::string name_;
  z_stream stream_{};
  bool at_end_ = false;
};

class ZstdSource final : public InputStream::Source {
 public:
  ZstdSource(std::unique_ptr<InputStream::Source> raw, std::string name)
      : window_(std::move(raw)), name_(std::move(name)), stream_(ZSTD_createDStream(), ZSTD_freeDStream) {
    if (!stream_) throw Error(ErrorCode::memory, "no memory to decompress zstd", name_);
  }

  size_t read(std::span<char> space) override {
    ZSTD_outBuffer output{space.data(), space.size(), 0};
    while (output.pos == 0) {
      const std::span<char> bytes = window_.bytes();
      // With no input left, output may still wait inside the decoder: between frames it is empty-handed.
      if (bytes.empty() && frame_done_) return 0;
      ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
      const size_t expected = ZSTD_decompressStream(stream_.get(), &output, &input);
      window_.use(input.pos);
      if (ZSTD_isError(expected)) {
        refuse(name_, window_.offset(), std::string("the zstd data is damaged: ") + ZSTD_getErrorName(expected), "");
      }
      frame_done_ = expected == 0;
      if (bytes.empty() && output.pos == 0 && !frame_done_) {
        refuse(name_, window_.offset(), "the zstd data ends early", "is the file cut off?");
      }
    }
    return output.pos;
  }

 private:
  Window window_;
  std::string name_;
  std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream_;
  bool frame_done_ = false;
};

bool starts_with(std::string_view bytes, std::string_view signature) {
  return bytes.substr(0, signature.size()) == signature;
}

[[noreturn]] void refuse_method(const char* method, const std::string& name) {
  throw Error(ErrorCode::unsupported,
              std::string("the input is compressed with ") + method + ", expected gzip, zstd or no compression", name,
              std::string("decompress it first: ") + method + " -dc FILE | coppice ... -");
}

}  // namespace

Compression compression_of(std::string_view first_bytes, const std::string& name) {
  if (starts_with(first_bytes, "\x1f\x8b")) return Compression::gzip;
  if (starts_with(first_bytes, "\x28\xb5\x2f\xfd")) return Compression::zstd;
  // A skippable frame (0x184D2A5?), which `zstd --adapt` and pzstd may write first.
  if (first_bytes.size() >= 4 && (first_bytes[0] & 0xf0) == 0x50 && first_bytes.substr(1, 3) == "\x2a\x4d\x18") {
    return Compression::zstd;
  }
  // "BZh" alone may start a text; a block's magic number follows the digit for its size.
  if (starts_with(first_bytes, "BZh") && first_bytes.size() >= 6 && first_bytes.substr(4, 2) == "1A") {
    refuse_method("bzip2", name);
  }
  if (starts_with(first_bytes, std::string_view("\xfd"
                                                "7zXZ\0",
                                                6)))
    refuse_method("xz", name);
  if (starts_with(first_bytes, "\x04\x22\x4d\x18")) refuse_method("lz4", name);
  return Compression::none;
}

void refuse_compressed(std::span<const std::byte> bytes, const std::string& name) {
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()), std::min<size_t>(bytes.size(), 8));
  const Compression compression = compression_of(start, name);
  if (compression == Compression::none) return;
  const std::string method = compression == Compression::gzip ? "gzip" : "zstd";
  throw Error(ErrorCode::unsupported,
              "the matrix is compressed by " + method + ", expected the .npz or .npy file itself", name,
              "decompress it first (" + method + " -d); a .npz that SciPy wrote is compressed inside");
}

std::unique_ptr<InputStream::Source> decompress(std::unique_ptr<InputStream::Source> raw, Compression compression,
                                                const std::string& name) {
  switch (compression) {
    case Compression::gzip:
      return std::make_unique<GzipSource>(std::move(raw), name);
    case Compression::zstd:
      return std::make_unique<ZstdSource>(std::move(raw), name);
    case Compression::none:
      return raw;
  }
  return raw;
}

}  // namespace coppice
