// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/stop_words.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "coppice/core/error.h"
#include "coppice/data/line_reader.h"
#include "coppice/data/row.h"
#include "coppice/data/utf8.h"

namespace coppice {
namespace {

constexpr uint64_t kMostBytes = uint64_t{64} << 20;

/// Throws for what is no line of a text file.
void expect_text(std::string_view line, const LineReader& reader) {
  const size_t nul = line.find('\0');
  const size_t valid = is_valid_utf8(line) ? line.size() : valid_utf8_bytes(line);
  if (nul == std::string_view::npos && valid == line.size()) return;
  const bool bad_byte = valid < nul;  // the first fault of the line is told
  throw Error(ErrorCode::data, bad_byte ? "the stop word is not valid UTF-8" : "a NUL byte, expected a stop word",
              reader.where() + ":" + std::to_string((bad_byte ? valid : nul) + 1),
              bad_byte ? "is this a text file, and is it UTF-8?" : "is this a binary file?");
}

}  // namespace

std::vector<std::string> read_stop_words(const std::string& path) {
  LineReader reader(InputStream::open(path));
  std::vector<std::string> words;
  while (const std::optional<Line> line = reader.next()) {
    if (reader.bytes() > kMostBytes) throw Error(ErrorCode::data, "a file of stop words above 64 MiB", reader.name());
    expect_text(line->text, reader);
    if (trimmed(line->text).empty() || line->text.front() == '#') continue;
    words.emplace_back(line->text);
  }
  if (words.empty()) {
    throw Error(ErrorCode::data, "the file holds no stop word, expected one a line", reader.name(),
                "without stop_words_file no word is left out");
  }
  return words;
}

}  // namespace coppice
