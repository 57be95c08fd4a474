// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/stop_words.h"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr size_t kMostBytes = size_t{64} << 20;

std::string read_all(const std::string& path) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
  if (!file) throw_io_error("open the file of stop words", path, errno);
  std::string bytes;
  char buffer[65536];
  while (const size_t count = std::fread(buffer, 1, sizeof buffer, file.get())) {
    bytes.append(buffer, count);
    if (bytes.size() > kMostBytes) throw Error(ErrorCode::data, "a file of stop words above 64 MiB", path);
  }
  if (std::ferror(file.get())) throw_io_error("read the file of stop words", path, errno);
  return bytes;
}

}  // namespace

std::vector<std::string> read_stop_words(const std::string& path) {
  const std::string bytes = read_all(path);
  std::vector<std::string> words;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    words.emplace_back(line);
  }
  return words;
}

}  // namespace coppice
