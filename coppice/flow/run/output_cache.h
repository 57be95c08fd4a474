// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "coppice/flow/run/run_context.h"

namespace coppice {

/// Of all that a step is given: what its output in a journal is known by.
std::string input_hash(const StepSpec& step, const nlohmann::json& with);

/// Outputs of steps that say `cache`, kept over runs in the journal's store. A store that fails here fails no step: the
/// observer is told, and the step is done as if there were no cache.
class OutputCache {
 public:
  explicit OutputCache(RunContext& run) noexcept : run_(run) {}

  /// Of all that decides what comes out: kind, persona, `with`, what late templates read, the models that may be asked,
  /// and who may take it. Not the step's name. "" where nothing is cached.
  std::string key(const StepSpec& step, const nlohmann::json& with, const TemplateScope& scope) const;

  /// None where `key` is "".
  std::optional<nlohmann::json> find(const std::string& key);

  /// Does nothing where `key` is "".
  void keep(const StepSpec& step, const std::string& key, const nlohmann::json& output);

 private:
  nlohmann::json definition(const std::string& model) const;

  RunContext& run_;
};

}  // namespace coppice
