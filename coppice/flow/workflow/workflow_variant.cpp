// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/workflow_variant.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/options.h"

namespace coppice {
namespace {

using Json = nlohmann::ordered_json;

const Json* find_object(const Json& value, const char* key) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(key);
  return found != value.end() && found->is_object() ? &*found : nullptr;
}

void add_names(const Json* variants, std::vector<std::string>& names) {
  if (variants == nullptr) return;
  for (const auto& [name, patch] : variants->items()) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
}

/// The values below `from` stand below `to` now.
void move_places(YamlDocument& document, const std::string& from, const std::string& to) {
  std::vector<std::pair<std::string, TextPlace>> moved;
  for (auto at = document.places.lower_bound(from); at != document.places.end(); ++at) {
    if (!at->first.starts_with(from)) break;
    if (at->first.size() == from.size() || at->first[from.size()] == '/') {
      moved.emplace_back(to + at->first.substr(from.size()), at->second);
    }
  }
  for (auto& [pointer, place] : moved) document.places[pointer] = std::move(place);
}

/// RFC 7396. `patch` stands at `from` in the document.
void merge(YamlDocument& document, const std::string& to, const Json& patch, const std::string& from) {
  Json& target = document.value[Json::json_pointer(to)];
  if (!patch.is_object()) {
    target = patch;
    move_places(document, from, to);
    return;
  }
  if (!target.is_object()) {
    target = Json::object();
    move_places(document, from, to);
  }
  for (const auto& [key, value] : patch.items()) {
    Json& object = document.value[Json::json_pointer(to)];
    if (value.is_null()) {
      object.erase(key);
    } else {
      if (!object.contains(key)) object[key] = nullptr;
      merge(document, pointer_to(to, key), value, pointer_to(from, key));
    }
  }
}

/// Patches of single steps, and no `variants` any more.
void patch_steps(YamlDocument& document, const std::string& name) {
  const Json* found = find_object(document.value, "steps");
  if (found == nullptr) return;
  std::vector<std::string> steps;
  for (const auto& [step, value] : found->items()) steps.push_back(step);
  for (const std::string& step : steps) {
    const std::string at = pointer_to("/steps", step);
    Json& value = document.value[Json::json_pointer(at)];
    const Json* variants = find_object(value, "variants");
    if (variants == nullptr) continue;
    const auto own = variants->find(name);
    const bool has_own = own != variants->end();
    const Json patch = has_own ? *own : Json();
    value.erase("variants");
    if (has_own && patch.is_null()) {
      document.value["steps"].erase(step);
    } else if (has_own) {
      merge(document, at, patch, pointer_to(at + "/variants", name));
    }
  }
}

}  // namespace

std::vector<std::string> variant_names(const YamlDocument& document) {
  std::vector<std::string> names;
  add_names(find_object(document.value, "variants"), names);
  if (const Json* steps = find_object(document.value, "steps")) {
    for (const auto& [step, value] : steps->items()) add_names(find_object(value, "variants"), names);
  }
  return names;
}

YamlDocument in_variant(const YamlDocument& document, const std::string& name) {
  const std::vector<std::string> names = variant_names(document);
  if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) {
    const std::string nearest = nearest_name(name, names);
    throw Error(ErrorCode::usage, fmt::format("the workflow has no variant '{}'", name), document.file,
                nearest.empty()
                    ? fmt::format("it has {}", names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")))
                    : fmt::format("did you mean '{}'?", nearest));
  }
  YamlDocument made = document;
  if (!made.value.is_object()) return made;
  const Json* variants = find_object(document.value, "variants");
  made.value.erase("variants");
  if (variants != nullptr && variants->contains(name)) {
    merge(made, "", variants->at(name), pointer_to("/variants", name));
  }
  patch_steps(made, name);
  return made;
}

std::vector<Error> faults_of_variant(const YamlDocument& document, const std::string& name) {
  std::vector<Error> faults;
  const Json* const variants = find_object(document.value, "variants");
  const Json* const patch = variants == nullptr ? nullptr : find_object(*variants, name.c_str());
  if (patch == nullptr) return faults;
  for (const char* const section : {"steps", "models", "endpoints", "files"}) {
    const Json* const taken = find_object(*patch, section);
    const Json* const there = find_object(document.value, section);
    if (taken == nullptr) continue;
    std::vector<std::string> names;
    if (there != nullptr) {
      for (const auto& [known, value] : there->items()) names.push_back(known);
    }
    for (const auto& [one, value] : taken->items()) {
      if (!value.is_null() || std::find(names.begin(), names.end(), one) != names.end()) continue;
      const std::string nearest = nearest_name(one, names);
      const std::string at = pointer_to(pointer_to(pointer_to("/variants", name), section), one);
      faults.emplace_back(ErrorCode::data, fmt::format("null takes away '{}', which is not under '{}'", one, section),
                          place_text(document.place_of(at)),
                          nearest.empty() ? "" : fmt::format("did you mean '{}'?", nearest));
    }
  }
  return faults;
}

}  // namespace coppice
