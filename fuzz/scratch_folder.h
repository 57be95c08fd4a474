// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace coppice {

/// A folder for parsers that take a path; removed with us (not when the target crashes).
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "coppice-fuzz-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string path(std::string_view name) const { return (path_ / name).string(); }

  /// Makes the folders above the file as needed; returns its path.
  std::string write(std::string_view name, std::string_view bytes) const {
    const std::filesystem::path place = path_ / name;
    std::ofstream file(place, std::ios::binary);
    if (!file) {
      std::filesystem::create_directories(place.parent_path());
      file.open(place, std::ios::binary);
    }
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return place.string();
  }

 private:
  std::filesystem::path path_;
};

inline std::string_view text_of(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

/// An input that stands for several files: they are separated by lines of four dashes. `count` parts, the last ones
/// empty when the input has fewer.
inline std::vector<std::string_view> parts_of(std::string_view input, size_t count) {
  constexpr std::string_view kSeparator = "\n----\n";
  std::vector<std::string_view> parts(count);
  for (size_t i = 0; i < count && !input.empty(); ++i) {
    const size_t end = i + 1 < count ? input.find(kSeparator) : std::string_view::npos;
    parts[i] = input.substr(0, end);
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + kSeparator.size());
  }
  return parts;
}

}  // namespace coppice
