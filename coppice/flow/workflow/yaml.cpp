// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/yaml.h"

#include <fmt/core.h>
#include <yaml-cpp/yaml.h>
#include <algorithm>

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"

namespace coppice {
namespace {

using Json = nlohmann::ordered_json;

/// YAML 1.2.2, section 10.3.2: the plain scalars that are no text.
std::optional<Json> core_value(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return Json(nullptr);
  if (text == "true" || text == "True" || text == "TRUE") return Json(true);
  if (text == "false" || text == "False" || text == "FALSE") return Json(false);
  const char* begin = text.data();
  const char* const end = begin + text.size();
  if (*begin == '+') ++begin;
  if (begin == end || (*begin != '-' && *begin != '.' && (*begin < '0' || *begin > '9'))) return std::nullopt;
  int64_t whole = 0;
  if (const auto [at, fault] = std::from_chars(begin, end, whole); at == end && fault == std::errc())
    return Json(whole);
  double number = 0;  // "-inf" and "nan" begin as no number does
  if (const auto [at, fault] = std::from_chars(begin, end, number); at == end && fault == std::errc()) {
    if (std::isfinite(number)) return Json(number);
  }
  return std::nullopt;
}

/// As nlohmann sees it, who refuses to write anything else.
bool is_utf8(const std::string& text) {
  try {
    (void)Json(text).dump();
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

class Reader {
 public:
  Reader(std::string_view text, YamlDocument& document) : text_(text), document_(document) {}

  Json read(const YAML::Node& node, const std::string& pointer, size_t depth) {
    const TextPlace place = place_of_text(node);
    document_.places.emplace(pointer, place);
    if (depth > kDeepestJson) fail(place, "lists and objects nest too deep");
    if (++values_ > kMostYamlValues) fail(place, "too many values, counting those that aliases repeat");
    switch (node.Type()) {
      case YAML::NodeType::Sequence:
        return sequence(node, pointer, depth);
      case YAML::NodeType::Map:
        return map(node, pointer, depth);
      case YAML::NodeType::Scalar:
        return scalar(node, place);
      default:
        return nullptr;
    }
  }

 private:
  [[noreturn]] void fail(const TextPlace& place, const std::string& what) const {
    throw Error(ErrorCode::data, what, place_text(place));
  }

  Json sequence(const YAML::Node& node, const std::string& pointer, size_t depth) {
    Json list = Json::array();
    for (const YAML::Node& item : node)
      list.push_back(read(item, pointer_to(pointer, std::to_string(list.size())), depth + 1));
    return list;
  }

  Json map(const YAML::Node& node, const std::string& pointer, size_t depth) {
    Json object = Json::object();
    for (const auto& pair : node) {
      const TextPlace place = place_of_text(pair.first);
      if (!pair.first.IsScalar()) fail(place, "a key that is a list or an object, expected a text");
      const std::string& key = pair.first.Scalar();
      if (!is_utf8(key)) fail(place, "bytes that are no UTF-8");
      if (object.contains(key)) fail(place, fmt::format("the key '{}' stands twice", key));
      const std::string to = pointer_to(pointer, key);
      Json value = read(pair.second, to, depth + 1);
      if (value.is_null()) document_.places[to] = place;  // what is not written stands nowhere
      object.emplace(key, std::move(value));
    }
    return object;
  }

  Json scalar(const YAML::Node& node, const TextPlace& place) const {
    const std::string& text = node.Scalar();
    if (!is_utf8(text)) fail(place, "bytes that are no UTF-8");
    if (node.Tag() == "?") {
      if (std::optional<Json> value = core_value(text)) return *value;
    }
    return text;
  }

  /// Of a text its first character: behind a quote, or on the line below `|`.
  TextPlace place_of_text(const YAML::Node& node) const {
    const YAML::Mark mark = node.Mark();
    if (mark.is_null()) return {document_.file, 1, 1};  // of a text without a document
    TextPlace place{document_.file, static_cast<size_t>(mark.line) + 1, static_cast<size_t>(mark.column) + 1};
    const size_t at = mark.pos < 0 ? text_.size() : static_cast<size_t>(mark.pos);
    if (!node.IsScalar() || at >= text_.size()) return place;
    if (text_[at] == '"' || text_[at] == '\'') ++place.column;
    if (text_[at] != '|' && text_[at] != '>') return place;
    const size_t line = text_.find('\n', at);
    const size_t first = line == text_.npos ? line : text_.find_first_not_of(" \n\r", line);
    if (first == text_.npos) return place;
    const size_t line_begin = text_.rfind('\n', first) + 1;
    return {document_.file, place.line + 1, first - line_begin + 1, first - line_begin};
  }

  std::string_view text_;
  YamlDocument& document_;
  size_t values_ = 0;
};

}  // namespace

std::string place_text(const TextPlace& place) {
  return fmt::format("{}:{}:{}", place.file, place.line, place.column);
}

std::string pointer_to(std::string_view parent, std::string_view key) {
  std::string pointer(parent);
  pointer += '/';
  for (const char c : key) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

std::vector<std::string> pointer_names(const std::string& pointer) {
  std::vector<std::string> names;
  for (nlohmann::json::json_pointer at(pointer); !at.empty(); at.pop_back()) names.push_back(at.back());
  std::reverse(names.begin(), names.end());
  return names;
}

TextPlace YamlDocument::place_of(std::string_view pointer) const {
  for (std::string at(pointer);; at.resize(at.rfind('/'))) {
    if (const auto found = places.find(at); found != places.end()) return found->second;
    if (at.empty() || at.find('/') == at.npos) return {file, 1, 1};
  }
}

YamlDocument read_yaml(std::string_view text, const std::string& file) {
  YamlDocument document{{}, file, {}};
  if (text.size() > kMostYamlBytes) {
    throw Error(ErrorCode::data, fmt::format("{} bytes, expected at most {}", text.size(), kMostYamlBytes), file);
  }
  try {
    const std::string copy(text);
    const YAML::Node node = YAML::Load(copy);
    document.value = Reader(text, document).read(node, "", 0);
  } catch (const YAML::Exception& error) {
    const TextPlace place{file, static_cast<size_t>(error.mark.line + 1), static_cast<size_t>(error.mark.column + 1)};
    throw Error(ErrorCode::data, "no YAML: " + error.msg, error.mark.is_null() ? file : place_text(place));
  }
  return document;
}

}  // namespace coppice
