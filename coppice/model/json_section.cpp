// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/json_section.h"

#include <nlohmann/json.hpp>

#include "coppice/core/error.h"

namespace coppice {

void refuse_file(const ModelFile& file, const std::string& what) {
  throw Error(ErrorCode::data, "the model file is damaged: " + what, file.where());
}

HeldJson json_section(const ModelFile& file, SectionType type) {
  HeldJson section = parse_held_json(file.text({type}, ElementType::json));
  if (section.value.is_object()) return section;
  refuse_file(file, "the section " + std::string(section_name(static_cast<uint32_t>(type))) + " is no JSON object");
}

uint64_t number_at(const nlohmann::json& object, const char* key, uint64_t most, const ModelFile& file) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned() || found->get<uint64_t>() > most) {
    refuse_file(file, std::string("there is no number \"") + key + "\" in range");
  }
  return found->get<uint64_t>();
}

const std::string& text_at(const nlohmann::json& object, const char* key, const ModelFile& file) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) {
    refuse_file(file, std::string("there is no text \"") + key + "\"");
  }
  return found->get_ref<const std::string&>();
}

bool holds_numbers(const nlohmann::json& list, std::span<const uint64_t> numbers) noexcept {
  if (!list.is_array() || list.size() != numbers.size()) return false;
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (!list[i].is_number_unsigned() || list[i].get<uint64_t>() != numbers[i]) return false;
  }
  return true;
}

const nlohmann::json& list_at(const nlohmann::json& object, const char* key, size_t most, const ModelFile& file) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array() || found->size() > most) {
    refuse_file(file, std::string("there is no list \"") + key + "\", or one that is too long");
  }
  return *found;
}

std::vector<std::string> texts_at(const nlohmann::json& object, const char* key, size_t most, const ModelFile& file) {
  std::vector<std::string> texts;
  for (const nlohmann::json& entry : list_at(object, key, most, file)) {
    if (!entry.is_string()) refuse_file(file, std::string("an entry of \"") + key + "\" is no text");
    texts.push_back(entry.get<std::string>());
  }
  return texts;
}

}  // namespace coppice
