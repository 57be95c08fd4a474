// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/workflow_prices.h"

#include <fmt/core.h>

#include <map>

namespace coppice {
namespace {

/// Why each model that may be asked within a budget must have a price.
std::map<std::string, std::string> models_within_budgets(const Workflow& workflow) {
  const bool all = workflow.budget.run || workflow.budget.day || workflow.budget.tenant;
  std::map<std::string, std::string> found;
  for (const StepSpec& step : workflow.steps) {
    if (!all && !step.budget) continue;
    for (std::string model : step.kind->models(step.with.written())) {
      // Circles of `cheaper`, and names that are not there, are faults that were told already.
      for (size_t i = 0; i <= workflow.models.size() && !model.empty(); ++i) {
        found.emplace(model, all ? "the workflow has a budget" : fmt::format("the step '{}' has a budget", step.name));
        const auto spec = workflow.models.find(model);
        model = spec == workflow.models.end() ? std::string() : spec->second.cheaper;
      }
    }
  }
  return found;
}

}  // namespace

ModelPrice read_price(const nlohmann::ordered_json& written, const std::string& file) {
  if (written.is_string()) return {};
  const PriceTable table = PriceTable::parse(nlohmann::ordered_json({{"price", written}}).dump(), file);
  if (const auto price = table.find("price")) return *price;
  throw Error(ErrorCode::data, "the price says nothing of a token, nor of an image", {},
              "input_cost_per_token and output_cost_per_token, in dollars; or the word free");
}

std::vector<Error> check_prices(const Workflow& workflow, const YamlDocument& document) {
  std::vector<Error> faults;
  for (const auto& [name, why] : models_within_budgets(workflow)) {
    const auto model = workflow.models.find(name);
    if (model == workflow.models.end() || workflow.price_of(model->second)) continue;
    const std::string nearest = workflow.prices.nearest(model->second.model);
    faults.emplace_back(
        ErrorCode::data, fmt::format("{}, and nobody knows what the model '{}' costs", why, model->second.model),
        place_text(document.place_of(pointer_to("/models", name))),
        nearest.empty() ? std::string("name it in the table of prices, or say 'price: free' here if it is")
                        : fmt::format("the table of prices has '{}'; or say 'price: free' here if it is", nearest));
  }
  return faults;
}

std::optional<ModelPrice> Workflow::price_of(const ModelSpec& model) const {
  return model.price ? model.price : prices.find(model.model, endpoints.at(model.endpoint).provider);
}

}  // namespace coppice
