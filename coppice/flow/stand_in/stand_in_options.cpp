// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/options.h"
#include "coppice/flow/llm/price_entry.h"
#include "coppice/flow/stand_in/stand_in_fields.h"

namespace coppice {
namespace {

using nlohmann::json;

constexpr double kMostSeconds = 86'400;
constexpr double kMostDollars = 1e6;
constexpr uint64_t kMostTokens = 10'000'000;
constexpr uint64_t kMostAMinute = 1'000'000'000'000;
constexpr uint64_t kMostSlots = 1'000'000;
constexpr uint64_t kMostDimensions = 4096;
constexpr uint64_t kMostSeed = uint64_t{1} << 53;

/// A number, or {"median": 1, "p95": 2}.
Spread read_spread(StandInFields& fields, const std::string& key, const Spread& otherwise, double highest) {
  const json* value = fields.find(key);
  const std::string place = fields.place(key);
  if (value == nullptr) return otherwise;
  if (value->is_number()) {
    const double always = number_at(*value, place, 0, highest);
    return {always, always};
  }
  if (!value->is_object()) refuse_field(*value, "a number, or an object with median and p95", place);
  StandInFields parts(*value, place);
  Spread spread;
  spread.median = parts.number("median", 0, 0, highest);
  spread.p95 = parts.number("p95", spread.median, 0, highest);
  parts.expect_no_others();
  if (spread.median > 0 && spread.p95 >= spread.median) return spread;
  throw Error(ErrorCode::usage,
              fmt::format("got the median {:g} and the 95th percentile {:g}, expected a median above 0, and a 95th "
                          "percentile that is not below it",
                          spread.median, spread.p95),
              place);
}

SpeedProfile read_speed(const json& value, const std::string& place) {
  StandInFields fields(value, place);
  SpeedProfile speed;
  speed.first_token_seconds = read_spread(fields, "first_token_seconds", {}, kMostSeconds);
  speed.input_token_seconds = fields.number("input_token_seconds", 0, 0, kMostSeconds);
  speed.output_token_seconds = read_spread(fields, "output_token_seconds", {}, kMostSeconds);
  speed.slots = static_cast<uint32_t>(fields.whole("slots", 0, kMostSlots));
  fields.expect_no_others();
  return speed;
}

ModelPrice read_price(const json& value, const std::string& place) {
  StandInFields fields(value, place);
  for (const char* key :
       {"input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost",
        "cache_creation_input_token_cost", "output_cost_per_reasoning_token", "output_cost_per_image"}) {
    fields.number(key, 0, 0, kMostDollars);
  }
  for (const auto& [key, amount] : value.items()) {
    if (is_price_key(key)) fields.find(key);  // tiers, and what a model takes at most
  }
  fields.expect_no_others();
  try {
    return read_price_entry(value, place).value_or(ModelPrice());
  } catch (const Error& error) {
    throw Error(ErrorCode::usage, error.what(), place);
  }
}

StandInIgnores read_ignores(StandInFields& fields) {
  StandInIgnores ignores;
  const std::array<std::pair<const char*, bool*>, 5> known = {
      {{"json_schema", &ignores.json_schema},
       {"json_object", &ignores.json_object},
       {"schema_in_prompt", &ignores.schema_in_prompt},
       {"stream_usage", &ignores.stream_usage},
       {"max_completion_tokens", &ignores.max_completion_tokens}}};
  for (const std::string& name : fields.texts("ignores")) {
    const auto found = std::find_if(known.begin(), known.end(), [&](const auto& entry) { return entry.first == name; });
    if (found != known.end()) {
      *found->second = true;
      continue;
    }
    std::vector<std::string> names;
    for (const auto& entry : known) names.emplace_back(entry.first);
    const std::string nearest = nearest_name(name, names);
    throw Error(ErrorCode::usage, fmt::format("got '{}', expected one of {}", name, fmt::join(names, ", ")),
                fields.place("ignores"), nearest.empty() ? std::string() : fmt::format("did you mean '{}'?", nearest));
  }
  return ignores;
}

/// `all` has what holds for every model.
StandInModel read_model(const json& value, const std::string& place, const StandInModel& all) {
  StandInFields fields(value, place);
  StandInModel model;
  model.faults = all.faults;
  if (const json* price = fields.find("price")) {
    model.price_entry = *price;
    model.price = read_price(*price, fields.place("price"));
  }
  if (const json* speed = fields.find("speed")) model.speed = read_speed(*speed, fields.place("speed"));
  model.quality = fields.number("quality", 1, 0, 1);
  model.answer_tokens = read_spread(fields, "answer_tokens", model.answer_tokens, 1e6);
  model.requests_per_minute = fields.whole("requests_per_minute", 0, kMostAMinute);
  model.tokens_per_minute = fields.whole("tokens_per_minute", 0, kMostAMinute);
  model.context_tokens = fields.whole("context_tokens", 0, kMostTokens);
  model.max_output_tokens = fields.whole("max_output_tokens", 0, kMostTokens);
  model.cached_share = fields.number("cached_share", 0, 0, 1);
  model.dimensions = static_cast<uint32_t>(fields.whole("dimensions", model.dimensions, kMostDimensions));
  if (model.dimensions == 0) refuse_field(0, "a whole number from 1 on", fields.place("dimensions"));
  model.ignores = read_ignores(fields);
  if (const json* faults = fields.find("faults")) read_faults(*faults, fields.place("faults"), model.faults);
  if (const json* answers = fields.find("answers")) model.answers = read_rules(*answers, fields.place("answers"));
  model.answers.insert(model.answers.end(), all.answers.begin(), all.answers.end());
  fields.expect_no_others();
  return model;
}

/// A rule that names a model that is not there never fits: a slip.
void expect_models_of_rules(const StandInOptions& options, const std::vector<StandInRule>& rules) {
  std::vector<std::string> names;
  for (const auto& [name, model] : options.models) names.push_back(name);
  const auto expect = [&](const std::string& name, const std::string& place) {
    if (options.models.contains(name) || options.models.contains("*") || name == "*") return;
    const std::string nearest = nearest_name(name, names);
    throw Error(ErrorCode::usage, fmt::format("got the model '{}', which is not among the models", name), place,
                nearest.empty() ? std::string() : fmt::format("did you mean '{}'?", nearest));
  };
  for (const StandInRule& rule : rules) {
    for (const std::string& name : rule.models) expect(name, rule.place + ".when.model");
    for (const auto& [name, quality] : rule.quality) expect(name, rule.place + ".quality");
  }
}

}  // namespace

StandInOptions read_stand_in_options(const json& settings) {
  StandInFields fields(settings, "");
  StandInOptions options;
  options.seed = fields.whole("seed", options.seed, kMostSeed);
  options.times_faster = fields.number("times_faster", options.times_faster, 1e-3, 1e9);
  options.key = fields.text("key", "");
  options.tokens_per_event =
      static_cast<uint32_t>(fields.whole("tokens_per_event", options.tokens_per_event, 1'000'000));
  if (options.tokens_per_event == 0) refuse_field(0, "a whole number from 1 on", "tokens_per_event");
  StandInModel all;
  if (const json* faults = fields.find("faults")) read_faults(*faults, "faults", all.faults);
  if (const json* answers = fields.find("answers")) all.answers = read_rules(*answers, "answers");
  if (const json* models = fields.find("models")) {
    if (!models->is_object()) refuse_field(*models, "an object", "models");
    for (const auto& [name, value] : models->items()) {
      options.models.emplace(name, read_model(value, field_place("models", name), all));
    }
  }
  fields.expect_no_others();
  if (options.models.empty()) options.models.emplace("*", all);
  for (const auto& [name, model] : options.models) expect_models_of_rules(options, model.answers);
  return options;
}

}  // namespace coppice
