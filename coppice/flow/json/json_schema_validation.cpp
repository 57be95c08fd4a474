// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/options.h"
#include "coppice/flow/json/code_points.h"
#include "coppice/flow/json/json_compare.h"
#include "coppice/flow/json/json_schema_document.h"
#include "coppice/flow/json/json_schema_multiple.h"
#include "coppice/flow/json/json_schema_rules.h"

namespace coppice::schema {
namespace {

using nlohmann::json;

constexpr size_t kMostSteps = 5'000'000;  ///< alternatives within alternatives can be many
constexpr size_t kDeepest = 1'000;        ///< schemas within schemas, for one value within another
constexpr size_t kMostFound = 1'000;
constexpr size_t kMostShown = 10, kMostShownBytes = 60;

/// A step into a value: the name of a member, or the number of an item.
struct Step {
  const std::string* name = nullptr;
  size_t index = 0;

  auto operator<=>(const Step& other) const {
    if (name && other.name) return *name <=> *other.name;
    if (!name && !other.name) return index <=> other.index;
    return name ? std::strong_ordering::greater : std::strong_ordering::less;
  }
  bool operator==(const Step& other) const { return (*this <=> other) == 0; }
};

struct Found {
  std::vector<Step> path;
  std::string message;
};

std::string pointer_of(const std::vector<Step>& path) {
  std::string pointer;
  for (const Step& step : path) pointer += "/" + (step.name ? pointer_step(*step.name) : std::to_string(step.index));
  return pointer;
}

std::string cut(std::string text) {
  if (text.size() <= kMostShownBytes) return text;
  size_t end = kMostShownBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;
  return text.substr(0, end) + "...";
}

/// A value as messages show it: short ones in full, lists and objects by their kind.
std::string shown(const json& value) {
  if (value.is_structured()) return std::string(type_text(value));
  return cut(json_value_text(value));
}

std::string shown_choices(const json& choices) {
  std::string text;
  for (size_t i = 0; i < choices.size() && i < kMostShown; ++i) text += (i > 0 ? ", " : "") + shown(choices[i]);
  return choices.size() > kMostShown ? text + ", ..." : text;
}

std::string quoted(const std::string& name) {
  return "'" + cut(name) + "'";
}

/// One value and all that is in it, against one schema and all that is in that.
class Validation {
 public:
  explicit Validation(const std::vector<Rule>& rules) : rules_(rules) {}

  std::vector<Found> all(const json& value) {
    std::vector<Found> found;
    found_ = &found;
    check(0, value);
    return found;
  }

 private:
  using Part = bool (Validation::*)(const Rule&, const json&);

  bool check(RuleNumber number, const json& value) {
    const Rule& rule = rules_[number];
    if (++n_steps_ > kMostSteps)
      throw Error(ErrorCode::data, "the schema takes too long for this value", "#" + rule.place);
    if (++depth_ > kDeepest) throw Error(ErrorCode::data, "the value nests too deep for the schema", "#" + rule.place);
    static constexpr std::array<Part, 5> kParts{&Validation::check_reference, &Validation::check_content,
                                                &Validation::check_array, &Validation::check_object,
                                                &Validation::check_combined};
    bool is_valid = check_kind(rule, value);
    if (is_valid) {
      for (const Part part : kParts) {
        if (!(this->*part)(rule, value)) is_valid = false;
        if (!is_valid && !found_) break;
      }
    }
    --depth_;
    return is_valid;
  }

  /// Only whether it is valid.
  bool holds(RuleNumber number, const json& value) {
    auto* const found = std::exchange(found_, nullptr);
    const bool result = check(number, value);
    found_ = found;
    return result;
  }

  bool check_at(const Step& step, RuleNumber number, const json& value) {
    path_.push_back(step);
    const bool result = check(number, value);
    path_.pop_back();
    return result;
  }

  bool is_listening() const { return found_ && found_->size() < kMostFound; }

  bool fault(const std::string& message) {
    if (is_listening()) found_->push_back({path_, message});
    return false;
  }
  bool fault_at(const Step& step, const std::string& message) {
    path_.push_back(step);
    fault(message);
    path_.pop_back();
    return false;
  }

  bool check_kind(const Rule& rule, const json& value) {
    if (rule.allows_nothing) return fault("nothing is allowed here");
    if (rule.types == 0 || (rule.types & types_of(value)) != 0) return true;
    if (!found_) return false;
    const bool is_fraction = value.is_number() && (rule.types & kInteger) != 0;
    return fault("got " + (is_fraction ? shown(value) : std::string(type_text(value))) + ", expected " +
                 types_text(rule.types));
  }

  bool check_reference(const Rule& rule, const json& value) { return !rule.reference || check(*rule.reference, value); }

  bool check_content(const Rule& rule, const json& value) {
    bool is_valid = check_choices(rule, value);
    if (value.is_number()) return check_number(rule, value) && is_valid;
    return value.is_string() ? check_text(rule, value) && is_valid : is_valid;
  }

  bool check_choices(const Rule& rule, const json& value) {
    bool is_valid = true;
    if (rule.constant && !equal_json(*rule.constant, value)) {
      is_valid = found_ ? fault("got " + shown(value) + ", expected " + shown(*rule.constant)) : false;
    }
    if (!rule.choices) return is_valid;
    n_steps_ += rule.choices->size();
    for (const json& choice : *rule.choices) {
      if (equal_json(choice, value)) return is_valid;
    }
    return found_ ? fault(choice_message(rule, value)) : false;
  }

  static std::string choice_message(const Rule& rule, const json& value) {
    if (rule.choices->empty()) return "nothing is allowed here";
    const std::string message = "got " + shown(value) + ", expected one of " + shown_choices(*rule.choices);
    std::vector<std::string> names;
    for (const json& choice : *rule.choices) {
      if (choice.is_string() && choice.get_ref<const std::string&>().size() <= kMostShownBytes) names.push_back(choice);
    }
    if (!value.is_string() || rule.choices->size() <= kMostShown) return message;
    const auto& text = value.get_ref<const std::string&>();
    const std::string nearest = text.size() > kMostShownBytes ? std::string() : nearest_name(text, names);
    return nearest.empty() ? message : message + "; did you mean '" + nearest + "'?";
  }

  bool check_number(const Rule& rule, const json& value) {
    bool is_valid = true;
    const auto expect = [&](bool holds, const char* words, const std::optional<json>& bound) {
      if (!holds)
        is_valid = found_ ? fault("got " + shown(value) + ", expected " + words + " " + shown(*bound)) : false;
    };
    if (rule.minimum) expect(compare_numbers(value, *rule.minimum) >= 0, "at least", rule.minimum);
    if (rule.maximum) expect(compare_numbers(value, *rule.maximum) <= 0, "at most", rule.maximum);
    if (rule.above) expect(compare_numbers(value, *rule.above) > 0, "more than", rule.above);
    if (rule.below) expect(compare_numbers(value, *rule.below) < 0, "less than", rule.below);
    if (rule.multiple_of) expect(is_multiple(value, *rule.multiple_of), "a multiple of", rule.multiple_of);
    return is_valid;
  }

  bool check_text(const Rule& rule, const json& value) {
    const auto& text = value.get_ref<const std::string&>();
    bool is_valid = true;
    if (rule.min_length || rule.max_length) {
      is_valid = check_size(count_code_points(text), rule.min_length, rule.max_length, "characters");
    }
    if (rule.pattern && !rule.pattern->expression.matches_in(text)) {
      is_valid =
          found_ ? fault("got " + shown(value) + ", expected a string that matches " + rule.pattern->text) : false;
    }
    if (rule.format && !fits(*rule.format, text)) {
      is_valid =
          found_ ? fault("got " + shown(value) + ", expected a string of the format " + std::string(name(*rule.format)))
                 : false;
    }
    return is_valid;
  }

  bool check_size(size_t size, std::optional<uint64_t> least, std::optional<uint64_t> most, const char* what) {
    const bool is_small = least && size < *least, is_large = most && size > *most;
    if (!is_small && !is_large) return true;
    return fault("got " + std::to_string(size) + " " + what + ", expected at " +
                 (is_small ? "least " + std::to_string(*least) : "most " + std::to_string(*most)));
  }

  bool check_array(const Rule& rule, const json& value) {
    if (!value.is_array()) return true;
    bool is_valid = check_size(value.size(), rule.min_items, rule.max_items, "items");
    for (size_t i = 0; i < value.size() && (is_valid || found_); ++i) {
      const std::optional<RuleNumber> item = i < rule.prefix_items.size() ? rule.prefix_items[i] : rule.items;
      if (!item) break;
      if (!check_at({nullptr, i}, *item, value[i])) is_valid = false;
    }
    if (rule.has_unique_items && !check_unique(value)) is_valid = false;
    if (rule.contains && (is_valid || found_) && !check_contains(rule, value)) is_valid = false;
    return is_valid;
  }

  bool check_unique(const json& value) {
    std::vector<size_t> order(value.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return order_json(value[a], value[b]) < 0; });
    for (size_t i = 0; i + 1 < order.size(); ++i) {
      if (order_json(value[order[i]], value[order[i + 1]]) != 0) continue;
      return fault("items " + std::to_string(order[i]) + " and " + std::to_string(order[i + 1]) +
                   " are equal, expected all to differ");
    }
    return true;
  }

  bool check_contains(const Rule& rule, const json& value) {
    const uint64_t least = rule.min_contains.value_or(1);
    uint64_t n_fitting = 0;
    for (const json& item : value) n_fitting += holds(*rule.contains, item) ? 1 : 0;
    return check_size(n_fitting, least, rule.max_contains, "items of the kind that it has to contain");
  }

  bool check_object(const Rule& rule, const json& value) {
    if (!value.is_object()) return true;
    bool is_valid = check_size(value.size(), rule.min_properties, rule.max_properties, "members");
    for (const std::string& name : rule.required) {
      if (!value.contains(name)) is_valid = fault(quoted(name) + " is missing");
    }
    for (const auto& [name, others] : rule.dependent_required) {
      if (!value.contains(name)) continue;
      for (const std::string& other : others) {
        if (!value.contains(other)) is_valid = fault(quoted(other) + " is missing, which " + quoted(name) + " needs");
      }
    }
    for (const auto& [name, number] : rule.dependent_schemas) {
      if (value.contains(name) && !check(number, value)) is_valid = false;
    }
    for (auto member = value.begin(); member != value.end() && (is_valid || found_); ++member) {
      if (!check_member(rule, member.key(), *member)) is_valid = false;
    }
    return is_valid;
  }

  bool check_member(const Rule& rule, const std::string& name, const json& value) {
    bool is_valid = true, is_known = false;
    const Step step{&name};
    if (const auto known = rule.properties.find(name); known != rule.properties.end()) {
      is_known = true;
      is_valid = check_at(step, known->second, value);
    }
    for (const auto& [pattern, number] : rule.pattern_properties) {
      if (!pattern.expression.matches_in(name)) continue;
      is_known = true;
      if (!check_at(step, number, value)) is_valid = false;
    }
    if (!is_known && rule.additional_properties) {
      const RuleNumber number = *rule.additional_properties;
      const bool is_refused = rules_[number].allows_nothing;
      if (is_refused && found_) fault_at(step, unknown_message(rule, name));
      if (is_refused || !check_at(step, number, value)) is_valid = false;
    }
    if (rule.property_names && !check_name(*rule.property_names, name)) is_valid = false;
    return is_valid;
  }

  static std::string unknown_message(const Rule& rule, const std::string& name) {
    std::vector<std::string> names;
    for (const auto& [known, number] : rule.properties) names.push_back(known);
    const std::string nearest = name.size() > kMostShownBytes ? std::string() : nearest_name(name, names);
    return quoted(name) + " is not allowed here" + (nearest.empty() ? "" : "; did you mean '" + nearest + "'?");
  }

  bool check_name(RuleNumber number, const std::string& name) {
    const json text = name;
    if (!found_) return check(number, text);
    std::vector<Found> inner;
    auto* const outer = std::exchange(found_, &inner);
    const bool result = check(number, text);
    found_ = outer;
    if (!result) fault("the name " + quoted(name) + ": " + (inner.empty() ? "not allowed" : inner[0].message));
    return result;
  }

  bool check_combined(const Rule& rule, const json& value) {
    bool is_valid = true;
    for (const RuleNumber number : rule.all_of) {
      if (!check(number, value)) is_valid = false;
      if (!is_valid && !found_) return false;
    }
    if (!rule.any_of.empty() && !check_any(rule.any_of, value)) is_valid = false;
    if (!rule.one_of.empty() && !check_one(rule.one_of, value)) is_valid = false;
    if (rule.negated && holds(*rule.negated, value)) is_valid = fault("got what the schema excludes with 'not'");
    if (rule.condition && (rule.then || rule.otherwise)) {
      const std::optional<RuleNumber> next = holds(*rule.condition, value) ? rule.then : rule.otherwise;
      if (next && !check(*next, value)) is_valid = false;
    }
    return is_valid;
  }

  bool check_any(const std::vector<RuleNumber>& alternatives, const json& value) {
    for (const RuleNumber number : alternatives) {
      if (holds(number, value)) return true;
    }
    return explain(alternatives, value);
  }

  bool check_one(const std::vector<RuleNumber>& alternatives, const json& value) {
    size_t n_fitting = 0;
    for (const RuleNumber number : alternatives) n_fitting += holds(number, value) ? 1 : 0;
    if (n_fitting == 0) return explain(alternatives, value);
    if (n_fitting == 1) return true;
    return fault("fits " + std::to_string(n_fitting) + " of " + std::to_string(alternatives.size()) +
                 " alternatives, expected one");
  }

  /// Of alternatives none of which holds, the faults of the one that came nearest: that has its first fault deepest.
  bool explain(const std::vector<RuleNumber>& alternatives, const json& value) {
    if (!found_) return false;
    std::vector<Found> best;
    size_t best_depth = 0;
    Types types = 0;
    bool all_by_type = true;
    for (const RuleNumber number : alternatives) {
      std::vector<Found> inner;
      auto* const outer = std::exchange(found_, &inner);
      check(number, value);
      found_ = outer;
      size_t depth = SIZE_MAX;
      for (const Found& each : inner) depth = std::min(depth, each.path.size());
      const Types expected = rules_[number].types;
      all_by_type = all_by_type && expected != 0 && (expected & types_of(value)) == 0;
      types |= expected;
      if (!inner.empty() && (best.empty() || depth > best_depth)) {
        best = std::move(inner);
        best_depth = depth;
      }
    }
    if (all_by_type) return fault("got " + std::string(type_text(value)) + ", expected " + types_text(types));
    if (best_depth > path_.size() || alternatives.size() == 1) {
      for (Found& each : best) {
        if (is_listening()) found_->push_back(std::move(each));
      }
      return false;
    }
    const std::string nearest = best.empty() ? std::string() : "; of the nearest: " + best[0].message;
    return fault("fits none of " + std::to_string(alternatives.size()) + " alternatives" + nearest);
  }

  const std::vector<Rule>& rules_;
  std::vector<Step> path_;
  std::vector<Found>* found_ = nullptr;  ///< null: nobody asks why
  size_t n_steps_ = 0, depth_ = 0;
};

}  // namespace

std::vector<SchemaFault> faults(const std::vector<Rule>& rules, const json& value, size_t most) {
  std::vector<Found> found = Validation(rules).all(value);
  std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.path < b.path; });
  std::vector<SchemaFault> faults;
  for (const Found& each : found) {
    SchemaFault fault{pointer_of(each.path), each.message};
    const bool is_repeated = std::any_of(faults.begin(), faults.end(), [&](const SchemaFault& other) {
      return other.path == fault.path && other.message == fault.message;
    });
    if (is_repeated) continue;
    if (faults.size() >= most) break;
    faults.push_back(std::move(fault));
  }
  return faults;
}

}  // namespace coppice::schema
