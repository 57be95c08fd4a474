// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/flow/checks/checks.h"
#include "coppice/flow/json/json_schema.h"
#include "coppice/flow/llm/endpoint.h"
#include "coppice/flow/llm/money.h"
#include "coppice/flow/llm/prices.h"
#include "coppice/flow/template/templated_value.h"
#include "coppice/flow/workflow/step_kind.h"

namespace coppice {

/// A model by the name that steps use, and how it is asked.
struct ModelSpec {
  std::string endpoint;
  std::string model;                ///< as the server calls it
  std::string cheaper;              ///< another name in the workflow, taken when the budget is short; "" = none
  std::optional<ModelPrice> price;  ///< in place of the price table's
  uint32_t max_output_tokens = 0;
  std::optional<double> temperature, top_p;
  std::optional<uint64_t> seed;
  std::string reasoning_effort;
  nlohmann::json extra = nlohmann::json::object();
};

/// How often a step that failed is tried again as a whole; calls have retries of their own.
struct StepRetry {
  uint32_t times = 0;
  double delay_seconds = 1;  ///< doubled each time
};

/// Outputs of a step are kept for later runs that ask the same.
struct CacheSpec {
  enum class Scope {
    tenant,   ///< those of the same tenant take them, whatever their workflow; runs of no tenant are among themselves
    workflow  ///< those of the same workflow take them, whoever their tenant
  };
  double seconds = 30.0 * 24 * 3600;  ///< how long
  Scope scope = Scope::tenant;
};

/// What may be spent.
struct BudgetSpec {
  std::optional<Money> run, day, tenant;
};

struct StepSpec {
  std::string name;
  TextPlace place;
  const StepKind* kind = nullptr;
  std::string persona;             ///< who a model is to be: its system message begins with it
  std::vector<size_t> needs;       ///< the steps that must have ended before, written or referred to, in order
  std::vector<size_t> reads;       ///< those of them whose output it refers to
  std::vector<size_t> fails_with;  ///< those of these without whose output it cannot be
  std::optional<Template> condition;
  std::optional<Template> foreach;
  uint32_t concurrency = 0;  ///< of a foreach: items at a time; 0 = what the endpoint allows
  TemplatedValue with;
  std::shared_ptr<const JsonSchema> with_schema;  ///< what the templates come to is held against it; null = need not be
  StepRetry retry;
  std::optional<CacheSpec> cache;
  double timeout_seconds = 0;  ///< 0 = none
  std::optional<Money> budget;
  bool optional = false;  ///< may fail, or be left out when the budget is short
};

/// One file that a run writes: its place below the output folder, and what it holds.
struct OutputSpec {
  std::optional<Template> foreach;
  Template path, content;
};

/// What is off unless allowed beside kinds of steps: files outside of the workflow's folder.
inline constexpr const char* kOutsideFiles = "files";

/// A workflow, checked: each reference leads somewhere, nothing goes round in a circle. The kinds that it was read with
/// outlive it.
struct Workflow {
  std::string name, description, variant;
  nlohmann::json input_schema = true;
  nlohmann::json files = nlohmann::json::object();  ///< name -> text, of the files it names
  std::map<std::string, Endpoint> endpoints;
  std::map<std::string, ModelSpec> models;
  PriceTable prices;
  BudgetSpec budget;
  double timeout_seconds = 0;   ///< of a run, each time that it is begun or resumed; 0 = none
  std::vector<StepSpec> steps;  ///< each after those that it needs
  std::vector<OutputSpec> outputs;
  std::optional<TemplatedValue> result;
  std::optional<TemplatedValue> checks;        ///< that the output files are to pass
  const CheckRegistry* check_kinds = nullptr;  ///< that `checks` are made by: those of the kinds it was read with
  std::set<std::string> must_allow;            ///< the kinds it uses that are off unless allowed, and `kOutsideFiles`
  std::set<std::string> read_paths;            ///< absolute: its own file, and those that it names; of a file alone
  std::set<std::string> output_steps;          ///< those that outputs refer to
  std::set<std::string> file_steps;            ///< those of them that the files are made of
  std::string text;  ///< all of it as JSON, files and prices too: what `read_workflow_text` reads again

  const StepSpec* find(std::string_view step) const noexcept;
  /// What a model costs; nothing = nobody knows.
  std::optional<ModelPrice> price_of(const ModelSpec& model) const;
  /// Does what the workflow gives out refer to that step?
  bool is_output(const std::string& step) const noexcept { return output_steps.contains(step); }
  size_t number_of(const StepSpec& step) const noexcept { return static_cast<size_t>(&step - steps.data()); }
};

/// A workflow that cannot be run: says the first fault, and holds all that were found.
class FaultyWorkflow : public Error {
 public:
  explicit FaultyWorkflow(std::vector<Error> faults);
  const std::vector<Error>& faults() const noexcept { return faults_; }

 private:
  std::vector<Error> faults_;
};

/// Reads a workflow file in one of its variants ("" = as it is). Paths in it start at its folder.
///
/// Throws `FaultyWorkflow` (`ErrorCode::data`, file:line:column), `usage` for a variant that is not there, and `io`
/// where the file, or one that it names, cannot be read.
Workflow read_workflow(const std::string& path, const std::string& variant, const StepKinds& kinds);

/// Reads what `Workflow::text` holds.
Workflow read_workflow_text(std::string_view text, const StepKinds& kinds);

/// Another server for one of its endpoints; a run that is resumed keeps it. Throws `ErrorCode::usage` for a name that
/// is not there, and for a URL that is none.
void redirect(Workflow& workflow, const std::string& endpoint, const std::string& url);

/// Another budget for a run of it.
void set_run_budget(Workflow& workflow, Money budget);

/// The names under `variants`, and those that steps name, in order.
std::vector<std::string> variant_names(const std::string& path);

/// JSON Schema (2020-12) of workflow files: what docs/workflow.schema.json holds, for editors.
nlohmann::json workflow_schema(const StepKinds& kinds);

}  // namespace coppice
