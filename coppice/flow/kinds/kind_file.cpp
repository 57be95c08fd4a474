// SPDX-License-Identifier: Apache-2.0
// A step that hands on a file of the workflow's folder: a stored picture in the place of one that is painted.
#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "coppice/core/read_file.h"
#include "coppice/flow/kinds/calling_kind.h"
#include "coppice/flow/kinds/kinds.h"
#include "coppice/flow/workflow/output_path.h"
#include "coppice/http/base64.h"

namespace coppice {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr uint64_t kMostBytes = uint64_t{16} << 20;  // it is kept in the journal

std::string media_type_of(const std::string& path) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kTypes = {{{".avif", "image/avif"},
                                                                                     {".css", "text/css"},
                                                                                     {".gif", "image/gif"},
                                                                                     {".html", "text/html"},
                                                                                     {".jpeg", "image/jpeg"},
                                                                                     {".jpg", "image/jpeg"},
                                                                                     {".js", "text/javascript"},
                                                                                     {".json", "application/json"},
                                                                                     {".md", "text/markdown"},
                                                                                     {".pdf", "application/pdf"},
                                                                                     {".png", "image/png"},
                                                                                     {".svg", "image/svg+xml"},
                                                                                     {".txt", "text/plain"},
                                                                                     {".webp", "image/webp"}}};
  std::string extension = fs::path(path).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const auto found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& type) { return type.first == extension; });
  return std::string(found == kTypes.end() ? "application/octet-stream" : found->second);
}

/// Where the file lies, links followed: the path may come from a model, and must not lead out of the folder.
fs::path place_below(const fs::path& folder, const std::string& path) {
  const auto refuse = [&] {
    throw Error(ErrorCode::data, "the path '" + path + "' leaves the folder '" + folder.string() + "', or is none");
  };
  if (!fault_of_output_path(path).empty()) refuse();
  std::error_code failed;
  const fs::path home = fs::canonical(folder, failed);
  if (failed) throw_io_error("read", folder.string(), failed.value());
  const fs::path place = fs::canonical(folder / path, failed);
  if (failed) throw_io_error("read", (folder / path).string(), failed.value());
  if (std::mismatch(home.begin(), home.end(), place.begin(), place.end()).first != home.end()) refuse();
  return place;
}

std::string bytes_of(const fs::path& place) {
  std::error_code failed;
  if (!fs::is_regular_file(place, failed)) throw Error(ErrorCode::io, "no regular file", place.string());
  return read_file(place.string(), kMostBytes);
}

class FileKind : public CallingKind {
 public:
  std::string name() const override { return "file"; }
  bool reads_folder() const override { return true; }
  std::vector<NeededFile> needed_files() const override { return {{"/folder", "", true}}; }
  Json with_schema() const override {
    return Json::parse(R"json({
      "type": "object", "required": ["folder", "path"], "additionalProperties": false,
      "properties": {
        "folder": {"type": "string", "minLength": 1, "not": {"pattern": "\\{"},
                   "description": "Where the file must lie, from the workflow's folder; no template."},
        "path": {"type": "string", "minLength": 1, "description": "The file, below that folder."}
      }
    })json");
  }
  void expect_sound(const Json& with) const override {
    if (with["folder"].get_ref<const std::string&>().find('{') == std::string::npos) return;
    throw Error(ErrorCode::usage, "'folder' has a template", "/folder", "what is not known before goes into 'path'");
  }
  /// As of a picture that a model made.
  Json output_schema(const Json& /*with*/) const override {
    return Json::parse(R"json({
      "type": "object", "required": ["media_type", "base64", "bytes"],
      "properties": {"media_type": {"type": "string"}, "base64": {"type": "string"}, "bytes": {"type": "integer"}},
      "additionalProperties": false
    })json");
  }
  std::string words_of(const Json& with, const Json& /*output*/) const override {
    return with["path"].get<std::string>() + "\n";
  }

  Awaitable<Json> run(StepInput input, StepCalls& calls) const override {
    const std::string path = input.with["path"];
    const std::string bytes =
        bytes_of(place_below(fs::path(calls.folder()) / input.with["folder"].get<std::string>(), path));
    co_return Json{{"media_type", media_type_of(path)}, {"base64", base64(bytes)}, {"bytes", bytes.size()}};
  }
};

}  // namespace

void add_file_kind(StepKinds& kinds) {
  kinds.add(std::make_unique<FileKind>());
}

}  // namespace coppice
