// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/step_verdicts.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "coppice/core/json_text.h"
#include "coppice/flow/json/json_field.h"

namespace coppice {
namespace {

using nlohmann::json;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// What the journal has of one step, by item.
struct StepRecord {
  std::map<int64_t, json> outputs;
  std::map<int64_t, std::vector<json>> rounds;  ///< the notes of a repair
  std::string failed_by;                        ///< the type of its error; "" = it did not fail
};

std::map<std::string, StepRecord> records_of(const std::vector<Event>& events) {
  std::map<std::string, StepRecord> records;
  for (const Event& event : events) {
    StepRecord& record = records[event.step];
    if (event.kind == EventKind::step_done) {
      record.outputs[event.item] = parse_json(event.payload).value("output", json());
    } else if (event.kind == EventKind::step_failed) {
      record.failed_by = parse_json(event.payload).value("code", std::string());
    } else if (event.kind == EventKind::note) {
      json note = parse_json(event.payload);
      if (note.contains("round") && note.contains("score")) record.rounds[event.item].push_back(std::move(note));
    }
  }
  return records;
}

/// Means over items.
class VerdictSum {
 public:
  void add(double passed, double score) {
    passed_ += passed;
    score_ += score;
    ++items_;
  }
  /// Of `passed` and `score` in an object.
  void add(const json& report) { add(report.value("passed", false) ? 1 : 0, report.value("score", kNaN)); }

  bool empty() const noexcept { return items_ == 0; }
  StepVerdict verdict(std::string by, std::vector<std::string> of) const {
    return {std::move(by), std::move(of), passed_ / items_, score_ / items_};
  }

 private:
  double passed_ = 0, score_ = 0, items_ = 0;
};

class Judges {
 public:
  Judges(const Workflow& workflow, const std::vector<Event>& events)
      : workflow_(workflow), records_(records_of(events)) {}

  std::vector<StepVerdict> verdicts(const std::optional<CheckReport>& outputs) {
    for (const StepSpec& step : workflow_.steps) {
      const std::string kind = step.kind->name();
      const StepRecord& record = records_[step.name];
      if (kind == "check") judge_by_check(step, record);
      if (kind == "repair") judge_by_repair(step, record);
      if (kind == "llm") judge_by_model(step, record);
    }
    if (outputs && workflow_.checks) {
      VerdictSum sum;
      sum.add(outputs->passed ? 1 : 0, outputs->score);
      add(sum, kOutputChecks, makers(workflow_.file_steps));
    }
    return std::move(verdicts_);
  }

 private:
  void add(const VerdictSum& sum, const std::string& by, std::vector<std::string> of) {
    if (!sum.empty() && !of.empty()) verdicts_.push_back(sum.verdict(by, std::move(of)));
  }

  /// Of steps those that ask models, where there are any.
  std::vector<std::string> makers(const std::set<std::string>& names) const {
    std::vector<std::string> asking, all(names.begin(), names.end());
    for (const std::string& name : names) {
      const StepSpec* const step = workflow_.find(name);
      if (step != nullptr && !step->kind->models(step->with.written()).empty()) asking.push_back(name);
    }
    return asking.empty() ? all : asking;
  }

  static void add_steps(const std::vector<TemplateReference>& references, std::set<std::string>& names) {
    for (const TemplateReference& reference : references) {
      const auto& path = reference.path;
      if (path.front() == "steps" && path.size() > 1 && (path.size() < 3 || path[2] == "output")) names.insert(path[1]);
    }
  }

  /// The steps whose outputs stand at and below a pointer into `with`, as items too.
  std::vector<std::string> looked_at(const StepSpec& step, const std::vector<std::string>& pointers) const {
    std::set<std::string> names;
    for (const TemplatedValue::Leaf& leaf : step.with.leaves()) {
      const bool is_below = std::any_of(pointers.begin(), pointers.end(), [&](const std::string& pointer) {
        return leaf.pointer_text.starts_with(pointer);
      });
      if (!is_below) continue;
      const std::vector<TemplateReference> references = leaf.text.references();
      add_steps(references, names);
      const bool has_item = std::any_of(references.begin(), references.end(),
                                        [](const auto& reference) { return reference.path.front() == "item"; });
      if (has_item && step.foreach) add_steps(step.foreach->references(), names);
    }
    return makers(names);
  }

  /// Did it fail for what it was to check, and not on the way?
  static bool has_refused(const StepSpec& step, const StepRecord& record) {
    const json& with = step.with.written();
    const bool must_pass = with.contains("must_pass") && with["must_pass"] == true;
    return must_pass && !step.foreach && record.outputs.empty() && record.failed_by == "data";
  }

  void judge_by_check(const StepSpec& step, const StepRecord& record) {
    VerdictSum sum;
    for (const auto& [item, report] : record.outputs) sum.add(report);
    if (has_refused(step, record)) sum.add(0, kNaN);  // its report is not in the journal
    add(sum, step.name, looked_at(step, {"/files"}));
  }

  void judge_by_repair(const StepSpec& step, const StepRecord& record) {
    VerdictSum first, end;
    for (const auto& [item, rounds] : record.rounds) first.add(rounds.front());
    add(first, step.name, looked_at(step, {"/value", "/files"}));
    for (const auto& [item, output] : record.outputs) end.add(output.value("report", json::object()));
    if (has_refused(step, record) && !record.rounds.empty()) {
      double best = 0;
      for (const json& round : record.rounds.begin()->second) best = std::max(best, round.value("score", 0.0));
      end.add(0, best);
    }
    add(end, step.name, {step.name});
  }

  void judge_by_model(const StepSpec& step, const StepRecord& record) {
    const json schema = known_output_schema(*step.kind, step.with.written());
    const json& properties = field(schema, "properties");
    const bool says_passed = field(field(properties, "passed"), "type") == "boolean";
    const auto number = [&](const char* key) {
      const json& limit = field(field(properties, "score"), key);
      return limit.is_number() ? limit.get<double>() : kNaN;
    };
    const double low = number("minimum"), high = number("maximum");
    const bool says_score = low < high;
    if (!says_passed && !says_score) return;
    VerdictSum sum;
    for (const auto& [item, output] : record.outputs) {
      const json &said_passed = field(output, "passed"), &said_score = field(output, "score");
      const bool knows_passed = says_passed && said_passed.is_boolean();
      const bool knows_score = says_score && said_score.is_number();
      sum.add(knows_passed ? (said_passed.get<bool>() ? 1 : 0) : kNaN,
              knows_score ? (said_score.get<double>() - low) / (high - low) : kNaN);
    }
    add(sum, step.name, looked_at(step, {""}));
  }

  const Workflow& workflow_;
  std::map<std::string, StepRecord> records_;
  std::vector<StepVerdict> verdicts_;
};

}  // namespace

std::vector<StepVerdict> step_verdicts(const Workflow& workflow, const std::vector<Event>& events,
                                       const std::optional<CheckReport>& outputs) {
  return Judges(workflow, events).verdicts(outputs);
}

}  // namespace coppice
