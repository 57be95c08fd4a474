// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/shape.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

namespace coppice {
namespace {

/// Where coordination may cost more than it brings.
constexpr double kHighExponent = 1.6;
constexpr size_t kManyModelSteps = 4;
/// A prompt this many times longer than its answer may be, and long at all.
constexpr size_t kLongPromptRatio = 20, kLongPromptBytes = 4000;

std::vector<std::string> models_of(const StepSpec& step) {
  return step.kind->models(step.with.written());
}

bool asks_model(const StepSpec& step) {
  return !models_of(step).empty();
}

/// For each step the model-calling steps whose output reaches it, not through another one of them.
std::vector<std::set<size_t>> nearest_model_steps(const Workflow& workflow) {
  std::vector<std::set<size_t>> sources(workflow.steps.size());
  for (size_t i = 0; i < workflow.steps.size(); ++i) {
    for (const size_t other : workflow.steps[i].reads) {
      if (asks_model(workflow.steps[other])) {
        sources[i].insert(other);
      } else {
        sources[i].insert(sources[other].begin(), sources[other].end());
      }
    }
  }
  return sources;
}

size_t readers_of(const Workflow& workflow, size_t number) {
  size_t readers = 0;
  for (const StepSpec& step : workflow.steps) {
    readers += static_cast<size_t>(std::count(step.reads.begin(), step.reads.end(), number));
  }
  return readers;
}

class Adviser {
 public:
  explicit Adviser(const Workflow& workflow) : workflow_(workflow) {}

  std::vector<Advice> run() {
    for (size_t i = 0; i < workflow_.steps.size(); ++i) {
      say_merge(i);
      say_unused(i);
      say_long_prompt(i);
    }
    say_coordination();
    say_repeated_text();
    return std::move(advice_);
  }

 private:
  void say(const char* rule, const StepSpec& step, std::string text) {
    advice_.push_back({rule, step.place, std::move(text)});
  }

  /// The step reads one step alone, which nobody else reads, and asks the same model.
  void say_merge(size_t number) {
    const StepSpec& step = workflow_.steps[number];
    if (step.reads.size() != 1 || step.kind->name() != "llm" || step.foreach || step.condition) return;
    const size_t other = step.reads.front();
    const StepSpec& before = workflow_.steps[other];
    if (before.foreach || models_of(before) != models_of(step) || readers_of(workflow_, other) != 1) return;
    if (workflow_.is_output(before.name)) return;
    say("merge", step,
        fmt::format("'{}' and '{}' ask the same model, and nobody else reads '{}': one prompt may do for both",
                    before.name, step.name, before.name));
  }

  void say_unused(size_t number) {
    const StepSpec& step = workflow_.steps[number];
    if (!asks_model(step) || readers_of(workflow_, number) > 0 || workflow_.is_output(step.name)) return;
    say("unused", step, fmt::format("nobody reads the output of '{}', which asks a model", step.name));
  }

  void say_long_prompt(size_t number) {
    const StepSpec& step = workflow_.steps[number];
    const nlohmann::json& with = step.with.written();
    if (!asks_model(step) || !with.is_object() || !with.contains("prompt")) return;
    size_t bytes = with["prompt"].get_ref<const std::string&>().size();
    for (const std::string& file : files_in(step)) bytes += workflow_.files.value(file, std::string()).size();
    const auto model = workflow_.models.find(models_of(step).front());
    uint64_t most = model == workflow_.models.end() ? 0 : model->second.max_output_tokens;
    if (const auto own = with.find("max_output_tokens"); own != with.end()) {
      most = own->is_number_unsigned() ? own->get<uint64_t>() : 0;  // of a template nobody knows
    }
    if (most == 0 || bytes < kLongPromptBytes || bytes / 4 < kLongPromptRatio * most) return;
    say("long-prompt", step,
        fmt::format("the prompt of '{}' has some {} tokens before anything is filled in, its answer {} at most",
                    step.name, bytes / 4, most));
  }

  void say_coordination() {
    const Shape shape = shape_of(workflow_);
    if (shape.model_steps < kManyModelSteps || shape.exponent < kHighExponent) return;
    say("coordination", workflow_.steps.front(),
        fmt::format(
            "{} steps ask models and {} pairs of them hand data on: m = {:.2f}, where 1 is a chain and 2 is all with "
            "all; what is saved by small models may go into coordination: coppice flow compare measures it",
            shape.model_steps, shape.edges, shape.exponent));
  }

  static std::set<std::string> files_in(const StepSpec& step) {
    std::set<std::string> files;
    for (const auto which : {TemplatedValue::Which::early, TemplatedValue::Which::late}) {
      for (const TemplateReference& reference : step.with.references(which)) {
        if (reference.path.front() == "files" && reference.path.size() > 1) files.insert(reference.path[1]);
      }
    }
    return files;
  }

  void say_repeated_text() {
    std::map<std::string, std::vector<const StepSpec*>> readers;
    for (const StepSpec& step : workflow_.steps) {
      if (!asks_model(step)) continue;
      for (const std::string& file : files_in(step)) readers[file].push_back(&step);
    }
    for (const auto& [file, steps] : readers) {
      const size_t bytes = workflow_.files.value(file, std::string()).size();
      if (steps.size() < 2 || bytes < 400) continue;
      say("repeated-text", *steps[1],
          fmt::format("files.{} ({} bytes) is sent {} times, by '{}' and others: each pays for it", file, bytes,
                      steps.size(), steps.front()->name));
    }
  }

  const Workflow& workflow_;
  std::vector<Advice> advice_;
};

}  // namespace

double coordination_exponent(size_t model_steps, size_t edges) noexcept {
  if (edges == 0) return 0;
  if (model_steps <= 2) return 1;
  const double k = static_cast<double>(model_steps);
  return 1 + std::log(static_cast<double>(edges) / (k - 1)) / std::log(k / 2);
}

Shape shape_of(const Workflow& workflow) {
  Shape shape;
  shape.steps = workflow.steps.size();
  const std::vector<std::set<size_t>> sources = nearest_model_steps(workflow);
  for (size_t i = 0; i < workflow.steps.size(); ++i) {
    if (!asks_model(workflow.steps[i])) continue;
    ++shape.model_steps;
    shape.edges += sources[i].size();
  }
  shape.exponent = coordination_exponent(shape.model_steps, shape.edges);
  return shape;
}

std::vector<Advice> advise(const Workflow& workflow) {
  return Adviser(workflow).run();
}

std::vector<Advice> missing_files(const Workflow& workflow, const std::string& folder) {
  std::vector<Advice> advice;
  for (const StepSpec& step : workflow.steps) {
    for (const NeededFile& needed : step.kind->needed_files()) {
      const nlohmann::json::json_pointer place(needed.pointer);
      if (step.with.find(needed.pointer) != nullptr || !step.with.written().contains(place)) continue;
      const std::string path = step.with.written()[place];
      std::error_code failed;
      if (std::filesystem::exists(std::filesystem::path(folder) / path, failed)) continue;
      std::string text = fmt::format("'{}' needs '{}', which is not there", step.name, path);
      if (!needed.made_by.empty()) text += fmt::format(": {} {} makes it", needed.made_by, path);
      advice.push_back({"missing-file", step.place, std::move(text)});
    }
  }
  return advice;
}

}  // namespace coppice
