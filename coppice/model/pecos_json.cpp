// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/pecos_json.h"

#include "coppice/core/json_text.h"
#include "coppice/core/mapped_file.h"

namespace coppice {

std::string read_whole_file(const std::string& path) {
  const MappedFile file(path);
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

PecosJson::PecosJson(const std::string& path) : path_(path) {
  const std::string text = read_whole_file(path);
  if (nests_deeper(text, kDeepestJson)) {
    fail("lists or objects nest deeper than " + std::to_string(kDeepestJson) + " levels");
  }
  object_ = parse_json(text);
  if (!object_.is_object()) fail("this is no JSON object");
}

const nlohmann::json& PecosJson::at(const char* key) const {
  const auto found = object_.find(key);
  if (found == object_.end()) fail(std::string("the key \"") + key + "\" is missing");
  return *found;
}

PecosJson PecosJson::object(const char* key) const {
  if (!at(key).is_object()) fail(std::string("the value of \"") + key + "\" is no object");
  return PecosJson(at(key), path_);
}

void PecosJson::fail(const std::string& what) const {
  throw Error(ErrorCode::data, what, path_);
}

}  // namespace coppice
