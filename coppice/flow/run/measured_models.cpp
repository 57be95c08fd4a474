// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/measured_models.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coppice/core/json_text.h"
#include "coppice/flow/json/json_field.h"
#include "coppice/flow/report/statistics.h"
#include "coppice/flow/run/step_texts.h"
#include "coppice/flow/stand_in/stand_in_given.h"
#include "coppice/flow/stand_in/stand_in_words.h"

namespace coppice {
namespace {

using nlohmann::json;

/// Of each step and model: more would make the settings large and say little.
constexpr size_t kMostAnswers = 200;
constexpr double kLeastSeconds = 1e-6;

struct MeasuredCall {
  double seconds = 0, first_token_seconds = 0;  ///< 0 = not streamed
  double tokens = 1;                            ///< of the answer
};

/// How much a run's step is that of the workflow that is planned.
enum class Likeness { name, step, all };

struct MeasuredAnswers {
  Likeness likeness = Likeness::name;
  std::vector<std::string> texts;
  std::vector<GivenTexts> given;        ///< of each text: what of its run's input it has
  std::vector<std::string> step_texts;  ///< by which a server knows the step
};

struct MeasuredModel {
  std::vector<MeasuredCall> calls;
  std::map<std::string, MeasuredAnswers> answers;  ///< by step
};

using MeasuredModels = std::map<std::string, MeasuredModel>;

/// What a model said, as the journal has it; "" of an answer that is no chat's.
std::string content_of(const json& answer) {
  if (!answer.is_object()) return {};
  return answer.value(json::json_pointer("/choices/0/message/content"), std::string());
}

/// Of a run's steps to those that are planned.
class Likenesses {
 public:
  Likenesses(const RunRecord& run, const json& planned_steps)
      : planned_(planned_steps), workflow_(parse_json(run.workflow_text)) {
    if (planned_.is_object()) steps_ = field(workflow_, "steps");
    is_all_ = steps_ == planned_;
  }

  Likeness of(const std::string& step) const {
    if (is_all_) return Likeness::all;
    return planned_.is_object() && field(steps_, step.c_str()) == field(planned_, step.c_str()) ? Likeness::step
                                                                                                : Likeness::name;
  }

  std::vector<std::string> texts_of(const std::string& step) const { return step_texts(workflow_, step); }

 private:
  const json& planned_;
  json workflow_, steps_;
  bool is_all_ = false;
};

/// `inputs` is what the event's run was given.
void add(const Event& event, const json& inputs, const Likenesses& likenesses, MeasuredModels& models) {
  if (event.kind != EventKind::call_answered) return;
  const json said = parse_json(event.payload);
  const std::string name = text_field(said, "model");
  if (name.empty()) return;
  MeasuredCall call;
  call.seconds = said.value("seconds", 0.0);
  call.first_token_seconds = said.value("first_token_seconds", 0.0);
  MeasuredModel& model = models[name];
  const std::string content = content_of(field(said, "answer"));
  call.tokens = std::max(1.0, static_cast<double>(stand_in_tokens(content)));
  model.calls.push_back(call);
  MeasuredAnswers& answers = model.answers[event.step];
  const Likeness likeness = likenesses.of(event.step);
  if (content.empty() || likeness < answers.likeness) return;
  if (likeness > answers.likeness) answers = {likeness, {}, {}, {}};
  if (answers.texts.size() >= kMostAnswers) return;
  if (answers.texts.empty()) answers.step_texts = likenesses.texts_of(event.step);
  answers.texts.push_back(content);
  answers.given.push_back(given_texts(content, inputs));
}

json spread_json(const std::vector<double>& values) {
  const double median = std::max(quantile(values, 0.5), kLeastSeconds);
  return {{"median", median}, {"p95", std::max(quantile(values, 0.95), median)}};
}

/// Seconds that a token more takes, by least squares; 0 where lengths do not tell.
double seconds_per_token(const std::vector<MeasuredCall>& calls) {
  double mean_tokens = 0, mean_seconds = 0, together = 0, spread = 0;
  for (const MeasuredCall& call : calls) {
    mean_tokens += call.tokens / static_cast<double>(calls.size());
    mean_seconds += call.seconds / static_cast<double>(calls.size());
  }
  for (const MeasuredCall& call : calls) {
    together += (call.tokens - mean_tokens) * (call.seconds - mean_seconds);
    spread += (call.tokens - mean_tokens) * (call.tokens - mean_tokens);
  }
  if (calls.size() < 3 || spread == 0) return 0;
  return std::max(0.0, together / spread);
}

/// Seconds of calls, parted.
struct Parts {
  std::vector<double> first, later;  ///< to the first token; from one token to the next, of some calls
};

Parts parts_of_streams(const std::vector<MeasuredCall>& calls) {
  Parts parts;
  for (const MeasuredCall& call : calls) {
    if (call.first_token_seconds == 0) continue;
    parts.first.push_back(call.first_token_seconds);
    if (call.tokens > 1) parts.later.push_back((call.seconds - call.first_token_seconds) / (call.tokens - 1));
  }
  return parts;
}

/// Of answers that came whole. Both times differ from call to call: that to the first token shows in short answers, and
/// that from one token to the next, which each call has one of, in long ones.
Parts parts_by_length(const std::vector<MeasuredCall>& calls) {
  Parts parts;
  const double slope = seconds_per_token(calls);
  std::vector<double> tokens;
  for (const MeasuredCall& call : calls) tokens.push_back(call.tokens);
  const double middle = quantile(tokens, 0.5);
  for (const MeasuredCall& call : calls) {
    const bool is_short = slope == 0 || call.tokens <= middle;
    if (is_short) parts.first.push_back(std::max(kLeastSeconds, call.seconds - slope * (call.tokens - 1)));
  }
  const double first = quantile(parts.first, 0.5);
  for (const MeasuredCall& call : calls) {
    if (slope == 0 || call.tokens <= middle) continue;
    parts.later.push_back(std::max(0.0, (call.seconds - first) / (call.tokens - 1)));
  }
  return parts;
}

json speed_json(const std::vector<MeasuredCall>& calls) {
  const bool is_streamed =
      std::any_of(calls.begin(), calls.end(), [](const MeasuredCall& call) { return call.first_token_seconds > 0; });
  const Parts parts = is_streamed ? parts_of_streams(calls) : parts_by_length(calls);
  json speed = {{"first_token_seconds", spread_json(parts.first)}};
  if (!parts.later.empty()) speed["output_token_seconds"] = spread_json(parts.later);
  return speed;
}

/// What says more of its step comes first: what one step's questions say another's may, too.
void sort_by_texts(json& rules) {
  const auto length = [](const json& rule) {
    size_t bytes = 0;
    for (const json& text : field(field(rule, "when"), "step_texts"))
      bytes += text.get_ref<const std::string&>().size();
    return bytes;
  };
  std::stable_sort(rules.begin(), rules.end(),
                   [&](const json& one, const json& other) { return length(one) > length(other); });
}

}  // namespace

json measured_models(JournalStore& journal, size_t most_runs, const Workflow* planned) {
  MeasuredModels models;
  const json planned_steps = planned == nullptr ? json() : field(parse_json(planned->text), "steps");
  for (const RunRecord& record : journal.list(most_runs)) {
    const json inputs = parse_json(record.inputs);
    const Likenesses likenesses(record, planned_steps);
    for (const Event& event : journal.events(record.id)) add(event, inputs, likenesses, models);
  }
  json settings = {{"models", json::object()}, {"answers", json::array()}};
  for (const auto& [name, model] : models) {
    std::vector<double> tokens;
    for (const MeasuredCall& call : model.calls) tokens.push_back(call.tokens);
    settings["models"][name] = {{"speed", speed_json(model.calls)}, {"answer_tokens", spread_json(tokens)}};
    for (const auto& [step, answers] : model.answers) {
      if (answers.texts.empty()) continue;
      json when = {{"step", step}, {"model", name}};
      if (!answers.step_texts.empty()) when["step_texts"] = answers.step_texts;
      settings["answers"].push_back({{"when", when}, {"one_of", answers.texts}, {"given", answers.given}});
    }
  }
  sort_by_texts(settings["answers"]);
  return settings;
}

}  // namespace coppice
