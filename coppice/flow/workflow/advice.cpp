// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/advice.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "coppice/flow/llm/token_estimate.h"
#include "coppice/flow/workflow/repeated_text.h"
#include "coppice/flow/workflow/shape.h"
#include "coppice/flow/workflow/trusted_places.h"

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

size_t readers_of(const Workflow& workflow, size_t number) {
  size_t readers = 0;
  for (const StepSpec& step : workflow.steps) {
    readers += static_cast<size_t>(std::count(step.reads.begin(), step.reads.end(), number));
  }
  return readers;
}

std::set<std::string> files_in(const Template& text) {
  std::set<std::string> files;
  for (const TemplateReference& reference : text.references()) {
    if (reference.path.front() == "files" && reference.path.size() > 1) files.insert(reference.path[1]);
  }
  return files;
}

/// "'a', 'b' (for each item) and 'c'".
std::string names_text(const std::vector<const StepSpec*>& steps) {
  std::string text;
  for (const StepSpec* const step : steps) {
    if (!text.empty()) text += step == steps.back() ? " and " : ", ";
    text += "'" + step->name + "'" + (step->foreach ? " (for each item)" : "");
  }
  return text;
}

std::string tokens_text(const RepeatedText& text) {
  if (text.likely_tokens) return fmt::format("some {} tokens", *text.likely_tokens);
  if (text.most_tokens) return fmt::format("at most {} tokens", *text.most_tokens);
  return "how many tokens is known once it runs; coppice flow plan tells";
}

/// Does what is written out of a URL name the server? Of its rest it may be another's.
bool names_server(const Template& url) {
  constexpr std::string_view kStandIn("\0", 1);
  const auto outline = url.outline(kStandIn);
  if (!outline) return false;
  const std::string fixed = outline->substr(0, outline->find(kStandIn));
  const size_t scheme = fixed.find("://");
  return scheme != fixed.npos && fixed.find_first_of("/?#", scheme + 3) != fixed.npos;
}

class Adviser {
 public:
  explicit Adviser(const Workflow& workflow) : workflow_(workflow) {}

  std::vector<Advice> run() {
    for (size_t i = 0; i < workflow_.steps.size(); ++i) {
      say_merge(i);
      say_unused(i);
      for (const std::string& question : question_places(workflow_.steps[i])) {
        say_long_prompt(workflow_.steps[i], question);
      }
      say_open_url(workflow_.steps[i]);
    }
    say_coordination();
    say_repeated_text();
    say_may_be_missing();
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

  void say_long_prompt(const StepSpec& step, const std::string& question) {
    const nlohmann::json::json_pointer place(question + "/prompt");
    const nlohmann::json& with = step.with.written();
    if (!with.contains(place) || !with.at(place).is_string()) return;
    size_t bytes = with.at(place).get_ref<const std::string&>().size();
    if (const Template* const prompt = step.with.find(question + "/prompt")) {
      for (const std::string& file : files_in(*prompt)) bytes += workflow_.files.value(file, std::string()).size();
    }
    const uint64_t tokens = likely_tokens_of_bytes(bytes), most = most_answer_tokens(workflow_, step, question);
    if (most == 0 || bytes < kLongPromptBytes || tokens < kLongPromptRatio * most) return;
    say("long-prompt", step,
        fmt::format("the prompt of '{}' has some {} tokens before anything is filled in, its answer {} at most",
                    step.name, tokens, most));
  }

  void say_open_url(const StepSpec& step) {
    if (step.kind->name() != "http") return;
    const Template* const url = step.with.find("/url");
    if (url == nullptr || !reads_outputs(step, *url) || names_server(*url)) return;
    say("open-url", step,
        fmt::format("what a step puts out decides which server '{}' asks: a model that was misled could send data "
                    "anywhere, and reach servers inside; write scheme and host out",
                    step.name));
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

  void say_repeated_text() {
    for (const RepeatedText& text : repeated_texts(workflow_)) {
      say("repeated-text", *text.steps[1],
          fmt::format("{} is sent by {} ({}): each pays for it", text.name, names_text(text.steps), tokens_text(text)));
    }
  }

  /// Steps that a run may finish without: those that are optional or have an `if`, and those that cannot be without
  /// them.
  std::set<std::string> avoidable_steps() const {
    std::set<std::string> found;
    for (const StepSpec& step : workflow_.steps) {  // each after those that it needs
      const bool is_avoidable = step.optional || step.condition ||
                                std::any_of(step.fails_with.begin(), step.fails_with.end(),
                                            [&](size_t other) { return found.contains(workflow_.steps[other].name); });
      if (is_avoidable) found.insert(step.name);
    }
    return found;
  }

  void say_may_be_missing() {
    const std::set<std::string> avoidable = avoidable_steps();
    std::set<std::string> said;
    const auto look = [&](const Template& text) {
      const std::vector<TemplateReference> references = text.references();
      // Of alternatives, as in strong | default(weak), one may be there whenever the other is not.
      if (std::any_of(references.begin(), references.end(), [](const auto& one) { return one.has_default; })) return;
      for (const TemplateReference& reference : references) {
        const bool reads_step = reference.path.front() == "steps" && reference.path.size() > 2;
        if (!reads_step || reference.path[2] != "output") continue;
        const std::string& step = reference.path[1];
        if (!avoidable.contains(step) || !said.insert(step).second) continue;
        const TextPlace place{workflow_.steps.front().place.file, reference.line, reference.column};
        advice_.push_back({"may-be-missing", place,
                           fmt::format("'{}' may be skipped or fail, and then the run has nothing to give out here: "
                                       "| default(...) says what stands in its place",
                                       step)});
      }
    };
    for (const OutputSpec& output : workflow_.outputs) {
      if (output.foreach) look(*output.foreach);
      look(output.path);
      look(output.content);
    }
    if (!workflow_.result) return;
    for (const TemplatedValue::Leaf& leaf : workflow_.result->leaves()) look(leaf.text);
  }

  const Workflow& workflow_;
  std::vector<Advice> advice_;
};

}  // namespace

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
