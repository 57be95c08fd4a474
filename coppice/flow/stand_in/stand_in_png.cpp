// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_png.h"

#include <zlib.h>

#include <array>
#include <string_view>
#include <vector>

#include "coppice/core/error.h"

namespace coppice {
namespace {

void append_big_endian(std::string& bytes, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFF);
}

void append_chunk(std::string& file, std::string_view type, std::string_view content) {
  append_big_endian(file, static_cast<uint32_t>(content.size()));
  std::string checked(type);
  checked += content;
  file += checked;
  const uLong sum = crc32_z(0, reinterpret_cast<const Bytef*>(checked.data()), checked.size());
  append_big_endian(file, static_cast<uint32_t>(sum));
}

/// A zlib stream that is written piece by piece.
class Deflater {
 public:
  Deflater() { check(deflateInit(&stream_, Z_BEST_SPEED) == Z_OK, "zlib begins a stream"); }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  void write(std::span<uint8_t> bytes, int flush) {
    stream_.next_in = bytes.data();
    stream_.avail_in = static_cast<uInt>(bytes.size());
    std::array<char, 16384> out;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(out.data());
      stream_.avail_out = out.size();
      deflate(&stream_, flush);
      written_.append(out.data(), out.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  const std::string& written() const noexcept { return written_; }

 private:
  z_stream stream_{};
  std::string written_;
};

}  // namespace

std::string png_file(const PngSize& size, const std::function<void(uint32_t, std::span<uint8_t>)>& draw_row) {
  constexpr char kDepthBits = 8, kRedGreenBlue = 2;
  constexpr uint8_t kFilterUp = 2;
  std::string header;
  append_big_endian(header, size.width);
  append_big_endian(header, size.height);
  header += {kDepthBits, kRedGreenBlue, 0, 0, 0};

  const size_t row_bytes = size_t{size.width} * 3;
  std::vector<uint8_t> row(row_bytes), above(row_bytes, 0), filtered(row_bytes + 1);
  Deflater deflater;
  for (uint32_t y = 0; y < size.height; ++y) {
    draw_row(y, row);
    filtered[0] = kFilterUp;
    for (size_t i = 0; i < row_bytes; ++i) filtered[i + 1] = static_cast<uint8_t>(row[i] - above[i]);
    deflater.write(filtered, y + 1 == size.height ? Z_FINISH : Z_NO_FLUSH);
    row.swap(above);
  }
  std::string file("\x89PNG\r\n\x1A\n", 8);
  append_chunk(file, "IHDR", header);
  append_chunk(file, "IDAT", deflater.written());
  append_chunk(file, "IEND", "");
  return file;
}

}  // namespace coppice
