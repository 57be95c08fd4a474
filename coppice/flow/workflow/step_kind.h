// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/flow/checks/checks.h"
#include "coppice/flow/template/static_type.h"
#include "coppice/flow/template/templated_value.h"

namespace coppice {

/// What doing a step twice does to the world. It decides what happens to a step that was under way when its program
/// died.
enum class Effect {
  pure,         ///< nothing beside its cost: it is done again
  idempotent,   ///< the same as doing it once: it is done again, with the same key
  at_most_once  ///< something else: it is not done again until a person has said so
};

/// What a step of some kind is given.
struct StepInput {
  const nlohmann::json& with;  ///< what stands under `with`, its templates filled in, valid by `with_schema`
  const std::string& step;
  const std::string& run;
  int64_t item = -1;                        ///< of a foreach, from 0; -1 = the step has none
  const TemplatedValue* written = nullptr;  ///< `with` as it was written, for late templates
  const TemplateScope* scope = nullptr;     ///< what they may use beside their own names
};

/// Templates that are not filled in before the step begins.
struct LateTemplates {
  std::vector<std::string> pointers;  ///< JSON pointers into `with`: what stands there and below
  std::vector<std::string> names;     ///< that they may use beside those of the workflow
};

/// A file that a step cannot do without.
struct NeededFile {
  std::string pointer;        ///< into `with`: where its path stands, which starts at the workflow's folder
  std::string made_by;        ///< a command, for a hint; "" = it is nothing that we make
  bool is_handed_on = false;  ///< what lies there becomes the output: outside of the workflow's folder only if allowed
};

/// A kind of step: what a workflow calls `kind`. Add one of your own by deriving from `FunctionKind`.
///
/// Threads: const methods are called from any.
class StepKind {
 public:
  virtual ~StepKind() = default;

  virtual std::string name() const = 0;

  /// JSON Schema of `with`: part of the schema of workflows, and what `flow check` holds steps to.
  virtual nlohmann::json with_schema() const = 0;

  /// JSON Schema of the output, as far as `with` (templates not filled in) tells it; true = any value.
  virtual nlohmann::json output_schema(const nlohmann::json& /*with*/) const { return true; }

  /// What is known of the output before anything has run. A kind that hands on what it was given knows more than its
  /// schema: `given` tells what is known of the value at a JSON pointer into `with`.
  using GivenTypes = std::function<StaticType(const std::string& pointer)>;
  virtual StaticType output_type(const nlohmann::json& with, const GivenTypes& given) const;

  virtual Effect effect(const nlohmann::json& /*with*/) const { return Effect::pure; }

  /// Do relative paths in `with` start at the workflow's folder? Then it belongs to what the step is given.
  virtual bool reads_folder() const { return false; }

  virtual std::vector<NeededFile> needed_files() const { return {}; }

  /// Throws `ErrorCode::usage` for what the schema cannot say; `where()` is a JSON pointer into `with`, or empty. Of
  /// `with` as written, valid by the schema.
  virtual void expect_sound(const nlohmann::json& /*with*/) const {}

  /// All that `expect_sound` would throw, of a kind that can tell several at once.
  virtual std::vector<Error> faults(const nlohmann::json& with) const;

  /// JSON pointers into `with` to what no output of a step may decide, since a model may have written it: the program
  /// that a command runs.
  virtual std::vector<std::string> trusted_places() const { return {}; }

  /// JSON pointers into `with` to the names of models (as the workflow has them) that it may ask.
  virtual std::vector<std::string> model_places() const { return {}; }

  /// The names at those places, of those that are there. Of `with` as written.
  std::vector<std::string> models(const nlohmann::json& with) const;

  /// What under `with` is filled in by the kind itself, with names that the workflow does not know: `findings` in a
  /// repair.
  virtual LateTemplates late() const { return {}; }

  /// What an output says in words, for measures of how well outputs go together: all texts in it.
  virtual std::string words_of(const nlohmann::json& with, const nlohmann::json& output) const;

  /// Does it do something that is off unless allowed on the command line (`--allow NAME`)?
  virtual bool must_be_allowed() const { return false; }
};

/// The kind's `output_schema`; true where a template stands in the place of what decides, which nobody knows yet.
nlohmann::json known_output_schema(const StepKind& kind, const nlohmann::json& with);

/// A kind that computes its output from its input, on the spot.
class FunctionKind : public StepKind {
 public:
  /// What it throws fails the step. Takes microseconds, or says so by `is_slow`.
  virtual nlohmann::json run(const StepInput& input) const = 0;

  /// Slow ones are run by threads beside the event loop.
  virtual bool is_slow() const { return false; }
};

/// The kinds of steps that a program knows, by name, and the kinds of checks that their steps and outputs may name.
class StepKinds {
 public:
  /// Throws `ErrorCode::usage` where the name is taken.
  void add(std::unique_ptr<StepKind> kind);
  const StepKind* find(const std::string& name) const noexcept;
  std::vector<std::string> names() const;

  /// Ours to begin with; kinds of steps may hold it: it stays where it is when this is moved.
  CheckRegistry& checks() noexcept { return *checks_; }
  const CheckRegistry& checks() const noexcept { return *checks_; }

 private:
  std::unique_ptr<CheckRegistry> checks_ = std::make_unique<CheckRegistry>();
  std::vector<std::unique_ptr<StepKind>> kinds_;
};

}  // namespace coppice
