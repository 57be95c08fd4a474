// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/json/json_schema_document.h"

#include <array>
#include <charconv>
#include <optional>
#include <vector>

namespace coppice::schema {

using nlohmann::json;

Holds what_keyword_holds(std::string_view keyword) {
  static constexpr std::array<std::pair<std::string_view, Holds>, 17> kHolders{{{"items", Holds::schema},
                                                                                {"contains", Holds::schema},
                                                                                {"additionalProperties", Holds::schema},
                                                                                {"propertyNames", Holds::schema},
                                                                                {"not", Holds::schema},
                                                                                {"if", Holds::schema},
                                                                                {"then", Holds::schema},
                                                                                {"else", Holds::schema},
                                                                                {"prefixItems", Holds::list},
                                                                                {"allOf", Holds::list},
                                                                                {"anyOf", Holds::list},
                                                                                {"oneOf", Holds::list},
                                                                                {"properties", Holds::members},
                                                                                {"patternProperties", Holds::members},
                                                                                {"dependentSchemas", Holds::members},
                                                                                {"$defs", Holds::members},
                                                                                {"definitions", Holds::members}}};
  for (const auto& [name, holds] : kHolders) {
    if (name == keyword) return holds;
  }
  return Holds::nothing;
}

namespace {

/// The text of a member, null where it is none.
const std::string* text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : found->get_ptr<const std::string*>();
}

std::string without_empty_fragment(std::string_view id) {
  return std::string(id.substr(0, id.find('#')));
}

}  // namespace

Document::Document(const json& root) : root_(&root) {
  std::vector<std::pair<const json*, const json*>> pending{{&root, &root}};
  while (!pending.empty()) {
    const auto [schema, around] = pending.back();
    pending.pop_back();
    if (!schema->is_object()) continue;
    const json* const resource = text_of(*schema, "$id") ? schema : around;
    enter(*schema, resource);
    for (auto keyword = schema->begin(); keyword != schema->end(); ++keyword) {
      const Holds holds = what_keyword_holds(keyword.key());
      if (holds == Holds::schema) pending.emplace_back(&*keyword, resource);
      const bool has_many =
          (holds == Holds::list && keyword->is_array()) || (holds == Holds::members && keyword->is_object());
      if (!has_many) continue;
      for (const json& each : *keyword) pending.emplace_back(&each, resource);
    }
  }
}

void Document::enter(const json& schema, const json* resource) {
  resources_[&schema] = resource;
  if (const std::string* const id = text_of(schema, "$id")) by_id_[without_empty_fragment(*id)] = &schema;
  if (const std::string* const anchor = text_of(schema, "$anchor")) anchors_[{resource, *anchor}] = &schema;
}

namespace {

std::optional<std::string> without_percents(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    unsigned byte = 0;
    const char* const begin = text.data() + i + 1;
    if (i + 2 >= text.size() || std::from_chars(begin, begin + 2, byte, 16).ptr != begin + 2) return std::nullopt;
    result += static_cast<char>(byte);
    i += 2;
  }
  return result;
}

std::string without_tildes(std::string_view step) {
  std::string result;
  for (size_t i = 0; i < step.size(); ++i) {
    const bool is_escape = step[i] == '~' && i + 1 < step.size() && (step[i + 1] == '0' || step[i + 1] == '1');
    if (is_escape) ++i;
    result += !is_escape ? step[i] : step[i] == '0' ? '~' : '/';
  }
  return result;
}

}  // namespace

const json* Document::find(const json& schema, std::string_view reference) const {
  const auto around = resources_.find(&schema);
  const json* resource = around == resources_.end() ? root_ : around->second;
  const size_t mark = reference.find('#');
  if (mark != 0 && !reference.empty()) {
    const auto other = by_id_.find(reference.substr(0, mark));
    if (other == by_id_.end()) return nullptr;
    resource = other->second;
  }
  const auto fragment = without_percents(mark == std::string_view::npos ? "" : reference.substr(mark + 1));
  if (!fragment) return nullptr;
  if (fragment->empty() || fragment->front() == '/') return at_pointer(*resource, *fragment);
  const auto anchor = anchors_.find({resource, *fragment});
  return anchor == anchors_.end() ? nullptr : anchor->second;
}

const json* at_pointer(const json& value, std::string_view pointer) {
  const json* at = &value;
  while (!pointer.empty()) {
    if (pointer[0] != '/') return nullptr;
    const size_t end = std::min(pointer.find('/', 1), pointer.size());
    const std::string step = without_tildes(pointer.substr(1, end - 1));
    pointer.remove_prefix(end);
    if (at->is_object()) {
      const auto member = at->find(step);
      if (member == at->end()) return nullptr;
      at = &*member;
      continue;
    }
    size_t index = 0;
    const auto number = std::from_chars(step.data(), step.data() + step.size(), index);
    const bool is_index = number.ec == std::errc() && number.ptr == step.data() + step.size();
    if (!at->is_array() || !is_index || index >= at->size()) return nullptr;
    at = &(*at)[index];
  }
  return at;
}

std::string pointer_step(std::string_view name) {
  std::string step;
  for (const char c : name) {
    if (c == '~') {
      step += "~0";
    } else if (c == '/') {
      step += "~1";
    } else {
      step += c;
    }
  }
  return step;
}

}  // namespace coppice::schema
