// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/repeated_text.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "coppice/flow/json/schema_place.h"
#include "coppice/flow/llm/token_estimate.h"
#include "coppice/flow/workflow/shape.h"

namespace coppice {
namespace {

using nlohmann::json;
using Path = std::vector<std::string>;

/// What is shorter may be sent as often as one likes.
constexpr uint64_t kLeastBytes = 400;

/// Stands in paths for whichever item of a list.
constexpr const char* kAnyItem = "*";

bool is_below(const std::string& pointer, const std::string& above) {
  return pointer.starts_with(above) && (pointer.size() == above.size() || pointer[above.size()] == '/');
}

/// What a template of that step reads from outside the step.
Path source_of(const StepSpec& step, const Path& read) {
  if (read.front() != "item" || !step.foreach) return read;
  const auto list = step.foreach->single_reference();
  if (!list) return {};
  Path whole = list->path;
  whole.emplace_back(kAnyItem);
  whole.insert(whole.end(), read.begin() + 1, read.end());
  return whole;
}

/// All that is put into the questions of a step.
std::set<Path> sent_by(const StepSpec& step) {
  const std::vector<std::string> questions = question_places(step);
  std::set<Path> sent;
  for (const TemplatedValue::Leaf& leaf : step.with.leaves()) {
    const bool is_sent = std::any_of(questions.begin(), questions.end(),
                                     [&](const std::string& place) { return is_below(leaf.pointer_text, place); });
    if (!is_sent) continue;
    for (const TemplateReference& reference : leaf.text.references()) {
      Path source = source_of(step, reference.path);
      if (!source.empty()) sent.insert(std::move(source));
    }
  }
  return sent;
}

bool begins_with(const Path& whole, const Path& beginning) {
  return whole.size() >= beginning.size() && std::equal(beginning.begin(), beginning.end(), whole.begin());
}

/// The place that a path leads to in what a schema allows; nothing where the schema leaves it open.
std::optional<SchemaPlace> place_at(const json& schema, const Path& path, size_t skip) {
  SchemaPlace place(std::make_shared<const json>(schema));
  for (size_t i = skip; i < path.size(); ++i) {
    SchemaPlace::Part part = path[i] == kAnyItem ? place.any_item() : place.item_or_member(path[i]);
    if (!part.place) return std::nullopt;
    place = std::move(*part.place);
  }
  return place;
}

bool is_surely_short(const SchemaPlace& place) {
  if ((place.types() & (schema::kArray | schema::kObject)) != 0) return false;
  const std::optional<uint64_t> most = place.most_characters();
  return most && *most < kLeastBytes;
}

/// Reads what is known of the sizes of texts.
class Sizes {
 public:
  explicit Sizes(const Workflow& workflow) : workflow_(workflow) {}

  /// False where it need not be told.
  bool measure(const Path& path, RepeatedText& text) const {
    if (path.front() == "files" && path.size() > 1) {
      const uint64_t bytes = workflow_.files.value(path[1], std::string()).size();
      text.likely_tokens = likely_tokens_of_bytes(bytes);
      return bytes >= kLeastBytes;
    }
    if (path.front() == "inputs") {
      const auto place = place_at(workflow_.input_schema, path, 1);
      return !place || !is_surely_short(*place);
    }
    if (path.front() != "steps" || path.size() < 3 || path[2] != "output") return false;
    const StepSpec* const step = workflow_.find(path[1]);
    return step != nullptr && measure_output(*step, path, text);
  }

 private:
  bool measure_output(const StepSpec& step, const Path& path, RepeatedText& text) const {
    json schema = known_output_schema(*step.kind, step.with.written());
    if (step.foreach) schema = {{"type", "array"}, {"items", std::move(schema)}};
    const auto place = place_at(schema, path, 3);
    if (place && is_surely_short(*place)) return false;
    const bool is_all_items = step.foreach && path.size() == 3;
    if (step.kind->name() != "llm" || is_all_items) return true;
    const uint64_t most = most_answer_tokens(workflow_, step, "");
    if (most > 0) text.most_tokens = most;
    return most == 0 || most >= likely_tokens_of_bytes(kLeastBytes);
  }

  const Workflow& workflow_;
};

std::string name_of(const Path& path) {
  std::string name;
  for (const std::string& part : path) name += part == kAnyItem ? "[]" : (name.empty() ? "" : ".") + part;
  return name;
}

}  // namespace

std::vector<std::string> question_places(const StepSpec& step) {
  std::vector<std::string> places;
  const json& with = step.with.written();
  for (const std::string& model : step.kind->model_places()) {
    if (with.contains(json::json_pointer(model))) places.push_back(model.substr(0, model.rfind('/')));
  }
  return places;
}

uint64_t most_answer_tokens(const Workflow& workflow, const StepSpec& step, const std::string& question) {
  const json& with = step.with.written();
  const json& asked = with.at(json::json_pointer(question));
  if (const auto most = asked.find("max_output_tokens"); most != asked.end()) {
    return most->is_number_integer() && *most > 0 ? most->get<uint64_t>() : 0;
  }
  const auto name = asked.find("model");
  if (name == asked.end() || !name->is_string()) return 0;
  const auto model = workflow.models.find(name->get<std::string>());
  return model == workflow.models.end() ? 0 : model->second.max_output_tokens;
}

std::vector<RepeatedText> repeated_texts(const Workflow& workflow) {
  std::map<Path, std::set<const StepSpec*>> senders;
  std::vector<std::pair<const StepSpec*, std::set<Path>>> sent;
  for (const StepSpec& step : workflow.steps) {
    if (asks_model(step)) sent.emplace_back(&step, sent_by(step));
  }
  for (const auto& [step, paths] : sent) {
    for (const Path& path : paths) senders[path].insert(step);
  }
  std::vector<RepeatedText> repeated;
  std::vector<std::pair<Path, size_t>> told;  // and by how many steps
  for (const auto& sender : senders) {
    const Path& path = sender.first;
    RepeatedText text;
    text.name = name_of(path);
    for (const auto& [step, paths] : sent) {
      const bool sends =
          std::any_of(paths.begin(), paths.end(), [&](const Path& one) { return begins_with(path, one); });
      if (sends) text.steps.push_back(step);
    }
    const bool is_told = std::any_of(told.begin(), told.end(), [&](const auto& one) {
      return begins_with(path, one.first) && one.second == text.steps.size();
    });
    // Of several that each have a condition one alone may run.
    const bool is_sent =
        std::any_of(text.steps.begin(), text.steps.end(), [](const StepSpec* each) { return !each->condition; });
    if (text.steps.size() < 2 || !is_sent || is_told || !Sizes(workflow).measure(path, text)) continue;
    told.emplace_back(path, text.steps.size());
    repeated.push_back(std::move(text));
  }
  return repeated;
}

}  // namespace coppice
