// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/step_kind.h"

#include <fmt/core.h>

#include <utility>

#include "coppice/core/error.h"

namespace coppice {
namespace {

void add_texts(const nlohmann::json& value, std::string& text) {
  if (value.is_string()) text += value.get_ref<const std::string&>() + "\n";
  if (!value.is_structured()) return;
  for (const auto& item : value) add_texts(item, text);
}

}  // namespace

std::string StepKind::words_of(const nlohmann::json& /*with*/, const nlohmann::json& output) const {
  std::string text;
  add_texts(output, text);
  return text;
}

StaticType StepKind::output_type(const nlohmann::json& with, const GivenTypes& /*given*/) const {
  return StaticType::of_schema(known_output_schema(*this, with));
}

std::vector<Error> StepKind::faults(const nlohmann::json& with) const {
  try {
    expect_sound(with);
    return {};
  } catch (const Error& error) {
    return {error};
  }
}

std::vector<std::string> StepKind::models(const nlohmann::json& with) const {
  std::vector<std::string> found;
  for (const std::string& place : model_places()) {
    const nlohmann::json::json_pointer pointer(place);
    if (with.contains(pointer) && with[pointer].is_string()) found.push_back(with[pointer].get<std::string>());
  }
  return found;
}

nlohmann::json known_output_schema(const StepKind& kind, const nlohmann::json& with) {
  try {
    return kind.output_schema(with);
  } catch (const nlohmann::json::exception&) {
    return true;
  }
}

void StepKinds::add(std::unique_ptr<StepKind> kind) {
  if (find(kind->name()) != nullptr) {
    throw Error(ErrorCode::usage, fmt::format("there is a kind of step called '{}' already", kind->name()));
  }
  kinds_.push_back(std::move(kind));
}

const StepKind* StepKinds::find(const std::string& name) const noexcept {
  for (const auto& kind : kinds_) {
    if (kind->name() == name) return kind.get();
  }
  return nullptr;
}

std::vector<std::string> StepKinds::names() const {
  std::vector<std::string> names;
  for (const auto& kind : kinds_) names.push_back(kind->name());
  return names;
}

}  // namespace coppice
