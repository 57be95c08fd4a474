// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/output_cache.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "coppice/core/json_text.h"
#include "coppice/flow/json/compact_text.h"
#include "coppice/flow/json/text_hash.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

const Json* member(const Json& value, const std::string& name) {
  if (value.is_object()) {
    const auto found = value.find(name);
    return found == value.end() ? nullptr : &*found;
  }
  size_t number = 0;
  const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool is_number = failed == std::errc() && end == name.data() + name.size();
  return value.is_array() && is_number && number < value.size() ? &value[number] : nullptr;
}

/// What stands at the path, or where it can be followed no further.
Json value_of(const TemplateReference& reference, const TemplateScope& scope) {
  const auto named =
      std::find_if(scope.rbegin(), scope.rend(), [&](const auto& one) { return one.first == reference.path.front(); });
  if (named == scope.rend()) return nullptr;  // a name of the kind's own
  const Json* at = named->second;
  for (size_t i = 1; i < reference.path.size(); ++i) {
    const Json* next = member(*at, reference.path[i]);
    if (next == nullptr) break;
    at = next;
  }
  return *at;
}

}  // namespace

std::string input_hash(const StepSpec& step, const Json& with) {
  return text_hash(step.kind->name() + '\n' + step.persona + '\n' + compact_text(with) + '\n' +
                   (step.kind->late().pointers.empty() ? std::string() : compact_text(step.with.written())));
}

Json OutputCache::definition(const std::string& name) const {
  const ModelSpec& model = run_.workflow.models.at(name);
  const Endpoint& endpoint = run_.workflow.endpoints.at(model.endpoint);
  Json made = {{"url", endpoint.url},
               {"structured_output", static_cast<int>(endpoint.structured_output)},
               {"model", model.model},
               {"max_output_tokens", model.max_output_tokens},
               {"reasoning_effort", model.reasoning_effort},
               {"extra", model.extra}};
  if (model.temperature) made["temperature"] = *model.temperature;
  if (model.top_p) made["top_p"] = *model.top_p;
  if (model.seed) made["seed"] = *model.seed;
  return made;
}

std::string OutputCache::key(const StepSpec& step, const Json& with, const TemplateScope& scope) const {
  if (!step.cache || !run_.settings.uses_cache || step.kind->effect(with) != Effect::pure) return {};
  const bool is_of_workflow = step.cache->scope == CacheSpec::Scope::workflow;
  Json asked = {{"of", is_of_workflow ? "workflow" : "tenant"},
                {"owner", is_of_workflow ? run_.workflow.name : run_.settings.tenant},
                {"input", input_hash(step, with)},
                {"models", Json::array()},
                {"late", Json::array()}};
  for (const std::string& model : step.kind->models(with)) asked["models"].push_back(definition(model));
  for (const TemplateReference& reference : step.with.references(TemplatedValue::Which::late)) {
    asked["late"].push_back(value_of(reference, scope));
  }
  if (step.kind->reads_folder()) asked["folder"] = run_.settings.folder;
  return text_hash(compact_text(asked));
}

std::optional<Json> OutputCache::find(const std::string& key) {
  if (key.empty()) return std::nullopt;
  try {
    const std::optional<std::string> kept = run_.services.journal.cached(key);
    if (!kept) return std::nullopt;
    Json output = parse_json(*kept);
    if (!output.is_discarded()) return output;
  } catch (const Error& error) {
    run_.services.observer.remark("nothing is taken from the cache: " + error.message());
  }
  return std::nullopt;
}

void OutputCache::keep(const StepSpec& step, const std::string& key, const Json& output) {
  if (key.empty()) return;
  try {
    run_.services.journal.cache(key, compact_text(output), step.cache->seconds);
  } catch (const Error& error) {
    run_.services.observer.remark(fmt::format("the output of '{}' is not cached: {}", step.name, error.message()));
  }
}

}  // namespace coppice
