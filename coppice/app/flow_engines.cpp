// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/flow_engines.h"

#include <fmt/core.h>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "coppice/app/output.h"
#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/model/answer.h"
#include "coppice/model/model.h"
#include "coppice/model/retrieve.h"

namespace coppice::app {
namespace {

/// Models by path. Several threads may ask.
class OpenModels {
 public:
  /// `made_by` is the command that makes such a model, for a hint.
  std::shared_ptr<const Model> find(const std::string& path, const char* made_by) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<const Model>& model = models_[path];
    if (!model) model = std::make_shared<const Model>(loaded(path, made_by));
    return model;
  }

 private:
  static Model loaded(const std::string& path, const char* made_by) {
    try {
      return Model::load(path);
    } catch (const Error& error) {
      std::error_code failed;
      if (error.code() != ErrorCode::io || std::filesystem::exists(path, failed)) throw;
      throw Error(ErrorCode::io, error.what(), error.where(), fmt::format("{} {} makes it", made_by, path));
    }
  }

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Model>> models_;
};

nlohmann::json classify(OpenModels& models, const std::string& path, const std::string& text, size_t top_k) {
  PredictOptions options;
  options.top_k = static_cast<uint32_t>(top_k);
  nlohmann::json answers = nlohmann::json::array();
  for (const NamedScore& answer : predict_text(*models.find(path, "coppice train EXAMPLES -o"), text, options)) {
    answers.push_back({{"label", answer.name}, {"score", shortest_decimal(answer.score)}});
  }
  return answers;
}

/// What else the index knows of a passage stands beside its text.
nlohmann::json passages(OpenModels& models, const std::string& path, const std::string& query, size_t top_k) {
  RetrieveOptions options;
  options.top_k = static_cast<uint32_t>(top_k);
  nlohmann::json found = nlohmann::json::array();
  for (const RetrievedPassage& passage : retrieve(*models.find(path, "coppice index PASSAGES -o"), query, options)) {
    nlohmann::json one = passage.metadata.empty() ? nlohmann::json::object() : parse_json(passage.metadata);
    one["id"] = passage.id;
    one["score"] = shortest_decimal(passage.score);
    one["text"] = passage.text;
    found.push_back(std::move(one));
  }
  return found;
}

}  // namespace

Engines make_engines() {
  auto models = std::make_shared<OpenModels>();
  return {[models](const std::string& path, const std::string& query, size_t top_k) {
            return passages(*models, path, query, top_k);
          },
          [models](const std::string& path, const std::string& text, size_t top_k) {
            return classify(*models, path, text, top_k);
          }};
}

StepKinds make_kinds() {
  StepKinds kinds;
  add_kinds(kinds, make_engines());
  return kinds;
}

}  // namespace coppice::app
