// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <utility>

#include "coppice/core/json_text.h"
#include "coppice/core/options.h"
#include "coppice/core/read_file.h"
#include "coppice/flow/checks/checks.h"
#include "coppice/flow/json/json_schema.h"
#include "coppice/flow/workflow/output_path.h"
#include "coppice/flow/workflow/sound_parts.h"
#include "coppice/flow/workflow/step_order.h"
#include "coppice/flow/workflow/trusted_places.h"
#include "coppice/flow/workflow/workflow.h"
#include "coppice/flow/workflow/workflow_prices.h"
#include "coppice/flow/workflow/workflow_references.h"
#include "coppice/flow/workflow/workflow_settings.h"
#include "coppice/flow/workflow/workflow_types.h"
#include "coppice/flow/workflow/workflow_variant.h"
#include "coppice/http/url.h"

namespace coppice {
namespace {

using Ordered = nlohmann::ordered_json;

constexpr uint64_t kMostFileBytes = uint64_t{64} << 20;  // of a text that templates may use; the journal keeps it

/// Of `with` as written. Where a template stands in the place of what decides, nobody knows yet.
bool is_pure(const StepKind& kind, const nlohmann::json& with) {
  try {
    return kind.effect(with) == Effect::pure;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

/// Builds a workflow of a document, and gathers all that is wrong with it. What has a fault is left out of what is
/// looked at next, so that a fault brings no second one with it.
class Builder {
 public:
  Builder(YamlDocument document, const StepKinds& kinds, std::filesystem::path folder,
          std::vector<Error> faults_of_variant = {})
      : document_(std::move(document)),
        kinds_(kinds),
        folder_(std::move(folder)),
        faults_of_variant_(std::move(faults_of_variant)) {}

  Workflow build() {
    check_schema();
    add_faults(std::move(faults_of_variant_));
    read_top();
    read_endpoints();
    const Ordered steps = document_.value.value("steps", Ordered::object());
    for (const auto& [name, step] : steps.items()) read_step(name, step);
    if (document_.value.contains("outputs")) read_outputs(document_.value["outputs"]);
    add_faults(check_references(workflow_, broken_steps_, broken_, document_));
    if (!broken_.prices) add_faults(check_prices(workflow_, document_));
    sort_steps();
    add_faults(check_types(workflow_, document_));
    add_faults(check_trusted_places(workflow_.steps, document_));
    add_faults(check_trusted_places(broken_steps_, document_));
    raise();
    workflow_.text = resolved_text();
    return std::move(workflow_);
  }

 private:
  void fault(const std::string& pointer, const std::string& what, const std::string& hint = {}) {
    faults_.emplace_back(ErrorCode::data, what, place_text(document_.place_of(pointer)), hint);
  }
  void add_faults(std::vector<Error> faults) {
    faults_.insert(faults_.end(), std::make_move_iterator(faults.begin()), std::make_move_iterator(faults.end()));
  }
  /// A file that cannot be read is an error of its own, unless something else is wrong, too.
  void raise() {
    if (unreadable_ && faults_.size() == n_unreadable_) throw Error(*unreadable_);
    if (faults_.empty()) return;
    sort_by_place(faults_);
    throw FaultyWorkflow(std::move(faults_));
  }

  /// What `work` throws is a fault, at its own place or at `pointer`. Returns whether it threw nothing.
  template <class Work>
  bool attempt(const std::string& pointer, Work&& work) {
    try {
      work();
      return true;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::io) {
        ++n_unreadable_;
        if (!unreadable_) unreadable_ = error;
        fault(pointer, error.message());
      } else {
        add_fault(pointer, error);
      }
      return false;
    }
  }

  /// At its own place, or at `pointer`.
  void add_fault(const std::string& pointer, const Error& error) {
    faults_.emplace_back(ErrorCode::data, error.what(),
                         error.where().empty() ? place_text(document_.place_of(pointer)) : error.where(), error.hint());
  }

  /// Those whose `where()` is a pointer into what stands at `pointer`, but for texts that are no templates: these have
  /// been told.
  void add_faults_in(const std::string& pointer, const TemplatedValue& value, const std::vector<Error>& faults) {
    for (const Error& one : faults) {
      if (!is_unread(value, one.where())) fault(pointer + one.where(), one.what(), one.hint());
    }
  }
  static bool is_unread(const TemplatedValue& value, const std::string& pointer) {
    const auto& all = value.unread();
    return std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.pointer == pointer; });
  }

  void check_schema() {
    if (document_.value.is_null()) fault("", "nothing stands here, expected a workflow");
    raise();
    nlohmann::json schema = workflow_schema(kinds_);
    schema["$defs"]["step"].erase("allOf");  // what stands under `with` is looked at step by step
    const auto found = JsonSchema(schema).faults(nlohmann::json(document_.value), kMostSchemaFaults);
    for (const SchemaFault& each : found) fault(each.path, each.message);
    if (!document_.value.is_object() || found.size() == kMostSchemaFaults) raise();
    broken_ = take_out_faulty(document_.value, found, schema);
  }

  void read_top() {
    const Ordered& top = document_.value;
    workflow_.name = top.value("workflow", std::string());
    workflow_.description = top.value("description", std::string());
    workflow_.timeout_seconds = top.value("timeout", 0.0);
    if (top.contains("inputs")) {
      attempt("/inputs", [&] {
        const nlohmann::json schema(top["inputs"]);
        (void)JsonSchema(schema);
        workflow_.input_schema = schema;
      });
    }
    if (top.contains("budget")) {
      broken_.prices |= !attempt("/budget", [&] { workflow_.budget = read_budget(top["budget"]); });
    }
    if (top.contains("files")) {
      for (const auto& [name, file] : top["files"].items()) {
        const bool is_there = attempt(pointer_to("/files", name), [&, &name = name, &file = file] {
          workflow_.files[name] =
              file.is_object() ? nlohmann::json(file["text"]) : text_of_file(file.get<std::string>());
        });
        if (!is_there) broken_.files.names.insert(name);
      }
    }
    if (top.contains("prices")) broken_.prices |= !attempt("/prices", [&] { read_prices(top["prices"]); });
  }

  /// Links followed.
  bool is_outside(const std::string& path) const {
    namespace fs = std::filesystem;
    const fs::path folder = folder_.empty() ? fs::path(".") : folder_;
    const fs::path inside = fs::weakly_canonical(folder / path).lexically_relative(fs::weakly_canonical(folder));
    return inside.empty() || *inside.begin() == "..";
  }

  nlohmann::json text_of_file(const std::string& path) {
    if (is_outside(path)) workflow_.must_allow.insert(kOutsideFiles);
    const std::filesystem::path folder = folder_.empty() ? std::filesystem::path(".") : folder_;
    add_read_path(path);
    return read_file((folder / path).string(), kMostFileBytes);
  }

  void add_read_path(const std::string& path) {
    workflow_.read_paths.insert(std::filesystem::absolute(folder_ / path).string());
  }

  /// What a step loads, opens or runs.
  void add_paths_of_step(const StepKind& kind, const nlohmann::json& with) {
    std::vector<std::string> pointers = kind.reads_folder() ? kind.trusted_places() : std::vector<std::string>();
    for (const NeededFile& needed : kind.needed_files()) pointers.push_back(needed.pointer);
    for (const std::string& pointer : pointers) {
      const nlohmann::json::json_pointer place(pointer);
      if (with.contains(place) && with[place].is_string()) add_read_path(with[place].get<std::string>());
    }
  }

  void read_prices(const Ordered& written) {
    if (written.is_string()) add_read_path(written.get<std::string>());
    workflow_.prices = written.is_string() ? PriceTable::load((folder_ / written.get<std::string>()).string())
                                           : PriceTable::parse(written.dump(), document_.file);
  }

  void read_endpoints() {
    const Ordered none = Ordered::object();
    const Ordered endpoints = document_.value.value("endpoints", none);
    for (const auto& [name, written] : endpoints.items()) {
      workflow_.endpoints.emplace(name, read_endpoint(name, written));
    }
    const Ordered models = document_.value.value("models", none);
    for (const auto& [name, written] : models.items()) {
      workflow_.models.emplace(name, read_model(written));
      if (!written.contains("price")) continue;
      broken_.prices |= !attempt(pointer_to("/models", name) + "/price", [&, &name = name, &written = written] {
        workflow_.models[name].price = read_price(written["price"], document_.file);
      });
    }
    for (const auto& [name, model] : workflow_.models) {
      const std::string at = pointer_to("/models", name);
      expect_endpoint(model.endpoint, at + "/endpoint");
      if (!model.cheaper.empty()) expect_model(model.cheaper, at + "/cheaper");
      expect_end_of_cheaper(name, at);
    }
  }

  void expect_end_of_cheaper(const std::string& first, const std::string& at) {
    std::string name = first;
    for (size_t i = 0; i <= workflow_.models.size(); ++i) {
      const auto found = workflow_.models.find(name);
      if (found == workflow_.models.end() || found->second.cheaper.empty()) return;
      name = found->second.cheaper;
    }
    fault(at + "/cheaper", fmt::format("the cheaper models of '{}' go round in a circle", first));
  }

  /// Of a model whose endpoint is not known no price is.
  void expect_endpoint(const std::string& name, const std::string& pointer) {
    expect_name(workflow_.endpoints, broken_.endpoints, name, "endpoint", pointer);
    if (!workflow_.endpoints.contains(name)) broken_.prices = true;
  }

  void expect_model(const std::string& name, const std::string& pointer) {
    expect_name(workflow_.models, broken_.models, name, "model", pointer);
  }

  template <class Map>
  void expect_name(const Map& map, const BrokenNames& broken, const std::string& name, const char* what,
                   const std::string& pointer) {
    if (map.contains(name) || broken.contains(name)) return;
    std::vector<std::string> names;
    for (const auto& [key, value] : map) names.push_back(key);
    const std::string nearest = nearest_name(name, names);
    fault(pointer, fmt::format("unknown {} '{}'", what, name),
          nearest.empty() ? fmt::format("name it under {}s", what) : fmt::format("did you mean '{}'?", nearest));
  }

  /// One that is not as its kind wants it is broken: what depends on it is not judged.
  void read_step(const std::string& name, const Ordered& written) {
    const std::string at = pointer_to("/steps", name);
    StepSpec step;
    step.name = name;
    step.place = document_.place_of(at);
    step.kind = kinds_.find(written["kind"].get<std::string>());
    check(step.kind != nullptr, "the schema names the kinds");
    attempt(at, [&] { read_step_settings(written, step); });
    bool is_sound = !broken_.steps.names.contains(name);
    const bool has_with = is_sound || written.contains("with");  // else its key may be misspelled
    is_sound &= read_templates(written, at, step);
    if (has_with) is_sound &= check_with(at, step);
    if (!is_sound) broken_.steps.names.insert(name);
    (is_sound ? workflow_.steps : broken_steps_).push_back(std::move(step));
  }

  /// What could not be read of it is a fault.
  bool is_read_whole(const TemplatedValue& value) {
    for (const auto& [pointer, error] : value.unread()) add_fault("", error);
    return value.unread().empty();
  }

  /// Returns whether all could be read.
  bool read_templates(const Ordered& written, const std::string& at, StepSpec& step) {
    bool is_read = true;
    if (const auto condition = written.find("if"); condition != written.end()) {
      const std::string text = condition->is_boolean() ? condition->dump() : condition->get<std::string>();
      is_read &=
          attempt(at, [&] { step.condition = Template::parse_expression(text, document_.place_of(at + "/if")); });
    }
    if (written.contains("foreach")) {
      is_read &= attempt(at, [&] {
        step.foreach = Template::parse(written["foreach"].get<std::string>(), document_.place_of(at + "/foreach"));
      });
    }
    if (written.contains("with")) {
      step.with = TemplatedValue(document_, at + "/with", step.kind->late().pointers);
      is_read &= is_read_whole(step.with);
    }
    return is_read;
  }

  /// Faults of templates can only be judged when the step begins; the rest is judged now. Returns whether it is as the
  /// kind wants it.
  bool check_with(const std::string& at, StepSpec& step) {
    if (step.kind->must_be_allowed()) workflow_.must_allow.insert(step.kind->name());
    nlohmann::json with = step.with.written();
    for (const NeededFile& needed : step.kind->needed_files()) {
      const nlohmann::json::json_pointer place(needed.pointer);
      const bool is_named = needed.is_handed_on && with.contains(place) && with[place].is_string();
      if (is_named && is_outside(with[place].get<std::string>())) workflow_.must_allow.insert(kOutsideFiles);
    }
    if (with.is_null()) with = nlohmann::json::object();
    add_paths_of_step(*step.kind, with);
    const size_t faults_before = faults_.size();
    auto schema = std::make_shared<const JsonSchema>(step.kind->with_schema());
    bool is_checked_later = step.with.has_single_expressions();
    for (const SchemaFault& found : schema->faults(with, 20)) {
      const bool has_place = look_up(schema->schema(), pointer_names(found.path)).may_exist;
      if (has_place && step.with.find(found.path) != nullptr) {
        is_checked_later = true;
      } else if (!is_unread(step.with, found.path)) {
        fault(at + "/with" + found.path, found.message);
      }
    }
    step.with.write_texts_by(schema->schema());
    if (is_checked_later) step.with_schema = std::move(schema);
    for (const std::string& model : step.kind->models(with)) {
      if (!is_unread(step.with, "/model")) expect_model(model, at + "/with/model");
    }
    if (faults_.size() > faults_before) return false;
    add_faults_in(at + "/with", step.with, step.kind->faults(with));
    const bool is_sound = faults_.size() == faults_before;
    if (step.cache && !is_pure(*step.kind, with)) {
      fault(at + "/cache", fmt::format("'{}' changes something in the world: its output cannot be cached", step.name),
            "only what is done for its answer alone can be");
    }
    return is_sound;
  }

  void read_outputs(const Ordered& written) {
    if (written.contains("files")) {
      size_t number = 0;
      for (const Ordered& file : written["files"]) {
        const std::string at = "/outputs/files/" + std::to_string(number++);
        if (file.is_null()) continue;  // it breaks the schema
        read_output(file, at);
      }
    }
    if (written.contains("checks")) {
      workflow_.checks = TemplatedValue(document_, "/outputs/checks");
      workflow_.check_kinds = &kinds_.checks();
      is_read_whole(*workflow_.checks);
      add_faults_in("/outputs/checks", *workflow_.checks, kinds_.checks().faults(workflow_.checks->written()));
    }
    if (written.contains("result")) {
      workflow_.result = TemplatedValue(document_, "/outputs/result");
      is_read_whole(*workflow_.result);
    }
  }

  void read_output(const Ordered& file, const std::string& at) {
    const auto parsed = [&](const char* key) {
      std::optional<Template> made;
      const std::string place = at + "/" + key;
      attempt(place, [&] { made = Template::parse(file[key].get<std::string>(), document_.place_of(place)); });
      return made;
    };
    const std::optional<Template> path = parsed("path"), content = parsed("content");
    const std::optional<Template> foreach = file.contains("foreach") ? parsed("foreach") : std::nullopt;
    if (!path || !content || foreach.has_value() != file.contains("foreach")) return;
    workflow_.outputs.push_back({foreach, *path, *content});
    expect_path(workflow_.outputs.back(), at + "/path");
  }

  /// As far as it is written out: an expression counts as a name.
  void expect_path(const OutputSpec& output, const std::string& pointer) {
    const std::optional<std::string> outline = output.path.outline("name");
    if (!outline) return;
    if (const std::string wrong = fault_of_output_path(*outline); !wrong.empty()) {
      return fault(pointer, wrong, "paths of outputs start at the output folder, and stay in it");
    }
    if (!output.path.is_plain_text() || output.foreach) return;
    if (!output_paths_.insert(*outline).second) fault(pointer, fmt::format("two outputs are called '{}'", *outline));
  }

  /// Steps in a circle are faults, and stand as if they needed nothing.
  void sort_steps() {
    Needs needs;
    for (const StepSpec& step : workflow_.steps) needs.push_back(step.needs);
    StepOrder order = order_steps(needs);
    for (; !order.circle.empty(); order = order_steps(needs)) {
      fault_of_circle(order.circle);
      for (const size_t step : order.circle) needs[step].clear();
    }
    std::vector<size_t> new_number(needs.size());
    for (size_t i = 0; i < order.order.size(); ++i) new_number[order.order[i]] = i;
    std::vector<StepSpec> sorted;
    for (const size_t old : order.order) sorted.push_back(std::move(workflow_.steps[old]));
    for (StepSpec& step : sorted) {
      for (std::vector<size_t>* numbers : {&step.needs, &step.reads, &step.fails_with}) {
        for (size_t& other : *numbers) other = new_number[other];
      }
    }
    workflow_.steps = std::move(sorted);
  }

  void fault_of_circle(const std::vector<size_t>& circle) {
    std::string way;
    for (const size_t step : circle) way += workflow_.steps[step].name + " -> ";
    way += workflow_.steps[circle.front()].name;
    fault(pointer_to("/steps", workflow_.steps[circle.front()].name), "steps that wait for one another: " + way);
  }

  std::string resolved_text() const {
    Ordered whole = document_.value;
    for (const auto& [name, text] : workflow_.files.items()) whole["files"][name] = {{"text", text}};
    if (!workflow_.prices.empty()) whole["prices"] = Ordered::parse(used_prices().text());
    return whole.dump();
  }

  /// The whole table may be megabytes.
  PriceTable used_prices() const {
    PriceTable used;
    for (const auto& [name, model] : workflow_.models) {
      const std::string& provider = workflow_.endpoints.at(model.endpoint).provider;
      if (const auto price = workflow_.prices.find(model.model, provider)) used.set(model.model, *price);
    }
    return used;
  }

  static constexpr size_t kMostSchemaFaults = 500;

  YamlDocument document_;  ///< without what breaks the schema
  const StepKinds& kinds_;
  std::filesystem::path folder_;
  Workflow workflow_;
  BrokenParts broken_;
  std::optional<Error> unreadable_;  ///< the first file that could not be read
  size_t n_unreadable_ = 0;
  std::set<std::string> output_paths_;  ///< that are written out
  std::vector<StepSpec> broken_steps_;  ///< as far as they could be read
  std::vector<Error> faults_, faults_of_variant_;
};

}  // namespace

FaultyWorkflow::FaultyWorkflow(std::vector<Error> faults)
    : Error(ErrorCode::data, faults.front().what(), faults.front().where(), faults.front().hint()),
      faults_(std::move(faults)) {}

const StepSpec* Workflow::find(std::string_view step) const noexcept {
  const auto found = std::find_if(steps.begin(), steps.end(), [&](const StepSpec& one) { return one.name == step; });
  return found == steps.end() ? nullptr : &*found;
}

Workflow read_workflow(const std::string& path, const std::string& variant, const StepKinds& kinds) {
  const YamlDocument written = read_yaml(read_file(path, kMostYamlBytes), path);
  Workflow made = Builder(in_variant(written, variant), kinds, std::filesystem::path(path).parent_path(),
                          faults_of_variant(written, variant))
                      .build();
  made.variant = variant;
  made.read_paths.insert(std::filesystem::absolute(path).string());
  return made;
}

Workflow read_workflow_text(std::string_view text, const StepKinds& kinds) {
  YamlDocument document{Ordered(), "workflow", {}};
  if (!nests_deeper(text, kDeepestJson)) document.value = Ordered::parse(text, nullptr, false);
  if (document.value.is_discarded()) throw Error(ErrorCode::data, "the workflow of a run is no JSON");
  return Builder(document, kinds, {}).build();
}

void redirect(Workflow& workflow, const std::string& endpoint, const std::string& url) {
  const auto found = workflow.endpoints.find(endpoint);
  if (found == workflow.endpoints.end()) {
    std::vector<std::string> names;
    for (const auto& [name, value] : workflow.endpoints) names.push_back(name);
    throw Error(ErrorCode::usage, fmt::format("the workflow has no endpoint '{}'", endpoint), {},
                names.empty() ? "it has none" : fmt::format("it has {}", fmt::join(names, ", ")));
  }
  (void)parse_url(url);
  found->second.url = url;
  Ordered whole = Ordered::parse(workflow.text);
  whole["endpoints"][endpoint]["url"] = url;
  workflow.text = whole.dump();
}

void set_run_budget(Workflow& workflow, Money budget) {
  workflow.budget.run = budget;
  Ordered whole = Ordered::parse(workflow.text);
  whole["budget"]["run"] =
      fmt::format("{}.{:012}", budget.pico_dollars / 1'000'000'000'000, budget.pico_dollars % 1'000'000'000'000);
  workflow.text = whole.dump();
}

std::vector<std::string> variant_names(const std::string& path) {
  return variant_names(read_yaml(read_file(path, kMostYamlBytes), path));
}

}  // namespace coppice
