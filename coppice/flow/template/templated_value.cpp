// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/template/templated_value.h"

#include <algorithm>
#include <utility>

#include "coppice/flow/json/json_schema.h"

namespace coppice {

using Pointer = nlohmann::json::json_pointer;

namespace {

/// Is it what `above` points to, or in it?
bool is_below(const std::string& pointer, const std::string& above) noexcept {
  return pointer.starts_with(above) && (pointer.size() == above.size() || pointer[above.size()] == '/');
}

}  // namespace

TemplatedValue::TemplatedValue(const YamlDocument& document, const std::string& pointer,
                               const std::vector<std::string>& late)
    : late_(late), written_(document.value.at(nlohmann::ordered_json::json_pointer(pointer))) {
  collect(document, pointer, "");
}

void TemplatedValue::collect(const YamlDocument& document, const std::string& from, const std::string& pointer) {
  const nlohmann::json& value = written_.at(Pointer(pointer));
  if (value.is_string()) {
    try {
      Template parsed = Template::parse(value.get_ref<const std::string&>(), document.place_of(from + pointer));
      if (parsed.is_plain_text()) return;
      leaves_.push_back({Pointer(pointer), pointer, std::move(parsed), is_late(pointer), false});
    } catch (const Error& error) {
      unread_.push_back({pointer, error});
    }
  } else if (value.is_object()) {
    for (const auto& [key, item] : value.items()) collect(document, from, pointer_to(pointer, key));
  } else if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) collect(document, from, pointer_to(pointer, std::to_string(i)));
  }
}

bool TemplatedValue::is_late(const std::string& pointer) const noexcept {
  return std::any_of(late_.begin(), late_.end(), [&](const std::string& late) { return is_below(pointer, late); });
}

nlohmann::json TemplatedValue::Leaf::evaluate(const TemplateScope& scope) const {
  nlohmann::json value = text.evaluate(scope);
  const bool is_scalar = value.is_number() || value.is_boolean();
  return is_text && is_scalar ? nlohmann::json(text.render(scope)) : value;
}

nlohmann::json TemplatedValue::evaluate(const TemplateScope& scope) const {
  nlohmann::json value = written_;
  for (const Leaf& leaf : leaves_) {
    if (!leaf.is_late) value.at(leaf.pointer) = leaf.evaluate(scope);
  }
  return value;
}

void TemplatedValue::write_texts_by(const nlohmann::json& schema) {
  for (Leaf& leaf : leaves_) {
    std::vector<std::string> names;
    for (Pointer at = leaf.pointer; !at.empty(); at.pop_back()) names.insert(names.begin(), at.back());
    leaf.is_text = look_up(schema, names).types == std::vector<std::string>{"string"};
  }
}

bool TemplatedValue::has_single_expressions() const noexcept {
  return std::any_of(leaves_.begin(), leaves_.end(), [](const Leaf& leaf) { return leaf.text.is_single_expression(); });
}

nlohmann::json TemplatedValue::evaluate_late(const std::string& pointer, const TemplateScope& scope) const {
  nlohmann::json value = written_;
  for (const Leaf& leaf : leaves_) {
    if (leaf.is_late && is_below(leaf.pointer_text, pointer)) value.at(leaf.pointer) = leaf.evaluate(scope);
  }
  return value.at(Pointer(pointer));
}

std::vector<TemplateReference> TemplatedValue::references(Which which) const {
  std::vector<TemplateReference> all;
  for (const Leaf& leaf : leaves_) {
    if (leaf.is_late != (which == Which::late)) continue;
    for (TemplateReference& reference : leaf.text.references()) all.push_back(std::move(reference));
  }
  return all;
}

const Template* TemplatedValue::find(const std::string& pointer) const noexcept {
  for (const Leaf& leaf : leaves_) {
    if (leaf.pointer_text == pointer) return &leaf.text;
  }
  return nullptr;
}

}  // namespace coppice
