// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_rules.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/flow/json/compact_text.h"
#include "coppice/flow/stand_in/stand_in_fields.h"
#include "coppice/flow/stand_in/stand_in_words.h"

namespace coppice {
namespace {

using nlohmann::json;

constexpr size_t kMostWords = 64;
constexpr std::string_view kChatPath = "/v1/chat/completions";
constexpr std::array<std::string_view, 9> kNames = {"prompt", "system", "messages", "model", "words",
                                                    "schema", "seed",   "draw",     "found"};

/// Calls `act` with each text in the value, lists and objects in order.
template <class Value, class Act>
void each_text(Value& value, const Act& act) {
  if (value.is_string()) return act(value);
  if (!value.is_structured()) return;
  for (auto& item : value) each_text(item, act);
}

bool is_one_of(const std::string& name, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool has_properties(const json& schema, const std::vector<std::string>& names) {
  if (names.empty()) return true;
  const auto properties = schema.is_object() ? schema.find("properties") : schema.end();
  if (!schema.is_object() || properties == schema.end()) return false;
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) { return properties->contains(name); });
}

bool is_list_of_texts(const json& value) {
  const auto is_text = [](const json& item) { return item.is_string(); };
  return value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), is_text);
}

bool is_pointer(const std::string& text) {
  try {
    return !json::json_pointer(text).empty();
  } catch (const json::parse_error&) {
    return false;
  }
}

/// A list of objects of texts, one for each of the texts.
std::vector<GivenTexts> read_given(const json& value, size_t texts, const std::string& place) {
  const auto is_given = [](const json& item) {
    return item.is_object() && std::all_of(item.begin(), item.end(), [](const json& text) { return text.is_string(); });
  };
  if (!value.is_array() || value.size() != texts || !std::all_of(value.begin(), value.end(), is_given)) {
    refuse_field(value, "a list with an object of texts for each of 'one_of'", place);
  }
  for (const json& item : value) {
    for (const auto& [pointer, text] : item.items()) {
      if (!is_pointer(pointer)) refuse_field(pointer, "a JSON pointer", place);
    }
  }
  return value.get<std::vector<GivenTexts>>();
}

StandInMark read_mark(const std::string& name, const json& value, const std::string& place) {
  const auto texts = [](const json& list) {
    return std::all_of(list.begin(), list.end(), [](const json& item) { return item.is_string(); });
  };
  const bool is_mark = value.is_array() && (value.size() == 2 || value.size() == 3) && texts(value);
  if (!is_mark) refuse_field(value, "the texts before and after it, and what it is where they are not there", place);
  if (value[0].get_ref<const std::string&>().empty()) refuse_field(value[0], "a text that is not empty", place);
  if (std::find(kNames.begin(), kNames.end(), name) != kNames.end()) {
    throw Error(ErrorCode::usage, fmt::format("got the name '{}', which templates have already", name), place);
  }
  StandInMark mark{name, value[0].get<std::string>(), value[1].get<std::string>(), std::nullopt};
  if (value.size() == 3) mark.otherwise = value[2].get<std::string>();
  return mark;
}

void read_when(const json& value, const std::string& place, StandInRule& rule) {
  StandInFields fields(value, place);
  rule.models = fields.texts("model");
  rule.paths = fields.texts("path");
  rule.steps = fields.texts("step");
  rule.step_texts = fields.texts("step_texts");
  rule.contains = fields.texts("contains");
  rule.all_of = fields.texts("all_of");
  rule.schema_properties = fields.texts("schema_has_property");
  fields.expect_no_others();
}

void read_quality(const json& value, const std::string& place, StandInRule& rule) {
  if (!value.is_object()) {
    rule.quality["*"] = number_at(value, place, 0, 1);
    return;
  }
  for (const auto& [model, quality] : value.items()) {
    rule.quality[model] = number_at(quality, field_place(place, model), 0, 1);
  }
}

std::vector<StandInFlaw> read_flaws(const json& value, const std::string& place) {
  if (!value.is_array()) refuse_field(value, "a list", place);
  std::vector<StandInFlaw> flaws;
  for (const json& item : value) {
    StandInFields fields(item, fmt::format("{}[{}]", place, flaws.size()));
    StandInFlaw flaw;
    flaw.name = fields.text("name", fmt::format("flaw {}", flaws.size() + 1));
    const bool is_header = std::none_of(flaw.name.begin(), flaw.name.end(), [](char c) { return c >= 0 && c < ' '; });
    if (!is_header) refuse_field(flaw.name, "a name without control characters", fields.place("name"));
    flaw.rate = fields.number("rate", 1, 0, 1e6);
    flaw.content = StandInContent::read(fields);
    fields.expect_no_others();
    flaws.push_back(std::move(flaw));
  }
  return flaws;
}

StandInRule read_rule(const json& value, const std::string& place) {
  StandInFields fields(value, place);
  StandInRule rule;
  rule.place = place;
  if (const json* when = fields.find("when")) read_when(*when, fields.place("when"), rule);
  if (const json* find = fields.find("find")) {
    if (!find->is_object()) refuse_field(*find, "an object", fields.place("find"));
    for (const auto& [name, mark] : find->items()) {
      rule.find.push_back(read_mark(name, mark, field_place(fields.place("find"), name)));
    }
  }
  if (const json* quality = fields.find("quality")) read_quality(*quality, fields.place("quality"), rule);
  rule.content = StandInContent::read(fields);
  if (const json* flawed = fields.find("flawed")) rule.flawed = read_flaws(*flawed, fields.place("flawed"));
  fields.expect_no_others();
  return rule;
}

std::optional<std::string> found_text(const StandInMark& mark, const std::string& text) {
  const size_t before = text.find(mark.before);
  if (before == text.npos) return mark.otherwise;
  const size_t begin = before + mark.before.size();
  const size_t end = mark.after.empty() ? text.size() : text.find(mark.after, begin);
  return end == text.npos ? mark.otherwise : text.substr(begin, end - begin);
}

/// A server is not told of steps: it knows them by what their questions say.
bool fits_step(const StandInRule& rule, const StandInQuestion& question) {
  if (rule.steps.empty()) return true;
  if (!question.step.empty() || rule.step_texts.empty()) return is_one_of(question.step, rule.steps);
  return std::all_of(rule.step_texts.begin(), rule.step_texts.end(),
                     [&](const std::string& part) { return question.text.find(part) != std::string::npos; });
}

bool fits_conditions(const StandInRule& rule, const StandInQuestion& question) {
  const auto is_in_text = [&](const std::string& part) { return question.text.find(part) != std::string::npos; };
  const bool fits_path = rule.paths.empty() ? question.path == kChatPath : is_one_of(question.path, rule.paths);
  if (!fits_path || !(rule.models.empty() || is_one_of(question.model, rule.models))) return false;
  if (!fits_step(rule, question)) return false;
  if (!has_properties(question.schema, rule.schema_properties)) return false;
  if (!rule.contains.empty() && std::none_of(rule.contains.begin(), rule.contains.end(), is_in_text)) return false;
  return std::all_of(rule.all_of.begin(), rule.all_of.end(), is_in_text);
}

}  // namespace

StandInContent StandInContent::read(StandInFields& fields) {
  StandInContent content;
  std::vector<std::string> there;
  for (const char* key : {"text", "one_of", "json", "template"}) {
    const json* value = fields.find(key);
    if (value == nullptr) continue;
    there.push_back(key);
    content.value_ = *value;
    if (there.back() == "text" && !value->is_string()) refuse_field(*value, "a text", fields.place(key));
    if (there.back() == "one_of") {
      content.is_choice_ = is_list_of_texts(*value);
      if (!content.is_choice_) refuse_field(*value, "a list of texts", fields.place(key));
      if (const json* given = fields.find("given")) {
        content.given_ = read_given(*given, value->size(), fields.place("given"));
      }
    }
    if (there.back() == "json") content.value_ = compact_text(*value);
    if (there.back() != "template") continue;
    const TextPlace place{fields.place(key)};
    each_text(*value, [&](const json& text) {
      content.templates_.push_back(Template::parse(text.get_ref<const std::string&>(), place));
    });
  }
  if (there.size() == 1) return content;
  throw Error(ErrorCode::usage,
              fmt::format("got {}, expected one of the keys 'text', 'one_of', 'json' and 'template'",
                          there.empty() ? "no answer" : fmt::format("both '{}' and '{}'", there[0], there[1])),
              fields.place("text"));
}

std::string StandInContent::chosen(const StandInQuestion& question) const {
  const auto which = static_cast<size_t>(question.draw * static_cast<double>(value_.size()));
  auto text = value_[which].get<std::string>();
  if (question.inputs == nullptr || given_.empty()) return text;
  return with_given(text, given_[which], *question.inputs);
}

std::string StandInContent::text(const TemplateScope& scope, const StandInQuestion& question) const {
  if (is_choice_) return chosen(question);
  if (templates_.empty() && value_.is_string()) return value_.get<std::string>();
  if (value_.is_string()) return templates_.front().render(scope);
  json made = value_;
  auto next = templates_.begin();
  each_text(made, [&](json& text) { text = (next++)->evaluate(scope); });
  return compact_text(made);
}

std::vector<StandInRule> read_rules(const json& settings, const std::string& place) {
  if (!settings.is_array()) refuse_field(settings, "a list", place);
  std::vector<StandInRule> rules;
  for (const json& item : settings) rules.push_back(read_rule(item, fmt::format("{}[{}]", place, rules.size())));
  return rules;
}

std::optional<json> fits(const StandInRule& rule, const StandInQuestion& question) {
  if (!fits_conditions(rule, question)) return std::nullopt;
  json found = json::object();
  for (const StandInMark& mark : rule.find) {
    auto text = found_text(mark, question.text);
    if (!text) return std::nullopt;
    found[mark.name] = std::move(*text);
  }
  return found;
}

std::string rule_text(const StandInContent& content, const StandInQuestion& question, const json& found) {
  const json prompt = question.prompt, system = question.system, model = question.model;
  const json words = stand_in_keywords(question.prompt, kMostWords);
  const json seed = question.seed, draw = question.draw;
  TemplateScope scope = {{"prompt", &prompt}, {"system", &system}, {"messages", &question.messages},
                         {"model", &model},   {"words", &words},   {"schema", &question.schema},
                         {"seed", &seed},     {"draw", &draw},     {"found", &found}};
  for (const auto& [name, value] : found.items()) scope.emplace_back(name, &value);
  return content.text(scope, question);
}

}  // namespace coppice
