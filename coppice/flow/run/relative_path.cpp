// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/relative_path.h"

#include <algorithm>

namespace coppice {

bool is_below_its_folder(const std::string& path) {
  constexpr size_t kLongest = 1000;
  if (path.empty() || path.size() > kLongest || path.front() == '/') return false;
  const auto is_bad = [](unsigned char c) { return c < 0x20 || c == 0x7F || c == '\\'; };
  if (std::any_of(path.begin(), path.end(), is_bad)) return false;
  size_t begin = 0;
  for (size_t end = path.find('/'); begin <= path.size(); end = path.find('/', begin)) {
    const std::string part = path.substr(begin, end == path.npos ? path.npos : end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    if (end == path.npos) break;
    begin = end + 1;
  }
  return true;
}

}  // namespace coppice
