// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/net_sections.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/model/json_section.h"
#include "coppice/model/label_name_sections.h"
#include "coppice/model/model.h"
#include "coppice/model/vectorizer_sections.h"

namespace coppice {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMostLayers = 64;

template <class Options>
Json to_json(Options options) {
  OptionTable table;
  describe(table, options);
  return table.get();
}

/// Options as they were written: by their table, which checks their ranges.
template <class Options>
Options options_at(const nlohmann::json& object, const char* key, const ModelFile& file) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_object())
    refuse_file(file, std::string("there are no options \"") + key + '"');
  Options options;
  OptionTable table;
  describe(table, options);
  try {
    table.set(*found);
  } catch (const Error& error) {
    refuse_file(file, std::string("its options \"") + key + "\": " + error.what());
  }
  return options;
}

NetTask task_at(const nlohmann::json& object, const ModelFile& file) {
  const std::string& text = text_at(object, "task", file);
  for (const NetTask task : {NetTask::speech, NetTask::text, NetTask::features}) {
    if (name(task) == text) return task;
  }
  throw Error(ErrorCode::unsupported, "the network is for the task '" + text + "', which this program does not know",
              file.where());
}

NetFeatures features_at(const nlohmann::json& object, const ModelFile& file) {
  NetFeatures features;
  features.task = task_at(object, file);
  features.vectorizer = read_vectorizer(file);
  features.n_features = static_cast<uint32_t>(number_at(object, "n_features", UINT32_MAX, file));
  if (features.task == NetTask::speech) features.log_mel = options_at<LogMelOptions>(object, "log_mel", file);
  if (features.vectorizer && features.vectorizer->n_features() != features.n_features) {
    refuse_file(file, "its network takes another number of features than its vectorizer gives");
  }
  return features;
}

}  // namespace

ModelFileWriter network_sections(const NetModelParts& parts) {
  Json object{{"task", std::string(name(parts.features.task))},
              {"n_labels", parts.n_labels},
              {"n_features", parts.features.n_features},
              {"layers", to_json(parts.network)}};
  if (parts.features.task == NetTask::speech) object["log_mel"] = to_json(parts.features.log_mel);
  ModelFileWriter writer(Model::default_producer());
  writer.add_text({SectionType::options}, ElementType::json, parts.options_json, SectionNeed::optional);
  writer.add_text({SectionType::metrics}, ElementType::json, parts.metrics_json, SectionNeed::optional);
  writer.add_text({SectionType::fingerprint}, ElementType::text, parts.fingerprint, SectionNeed::optional);
  add_label_names(writer, parts.label_names);
  if (parts.features.vectorizer) add_vectorizer(writer, *parts.features.vectorizer);
  writer.add_text({SectionType::network}, ElementType::json, object.dump());
  writer.add({SectionType::network_parameters}, parts.parameters);
  if (!parts.buffers.empty()) writer.add({SectionType::network_buffers}, parts.buffers);
  if (!parts.module.empty()) writer.add({SectionType::network_module}, parts.module);
  return writer;
}

NetModelParts read_network(const ModelFile& file) {
  if (!file.has({SectionType::network})) {
    throw Error(ErrorCode::unsupported, "the file holds no network", file.where(),
                "coppice predict and evaluate take linear models");
  }
  const HeldJson section = json_section(file, SectionType::network);
  const nlohmann::json& object = section.value;
  NetModelParts parts;
  parts.n_labels = static_cast<uint32_t>(number_at(object, "n_labels", UINT32_MAX - 1, file));
  parts.network = options_at<NetworkOptions>(object, "layers", file);
  if (parts.network.hidden.size() > kMostLayers) refuse_file(file, "its network has more layers than there can be");
  parts.features = features_at(object, file);
  parts.label_names = read_label_names(file, parts.n_labels);
  if (parts.label_names.size() > 0 && parts.label_names.size() != parts.n_labels) {
    refuse_file(file, "its network has another number of labels than there are names");
  }
  parts.parameters = file.array<float>({SectionType::network_parameters});
  if (file.has({SectionType::network_buffers})) parts.buffers = file.array<float>({SectionType::network_buffers});
  if (file.has({SectionType::network_module})) parts.module = file.array<char>({SectionType::network_module});
  if (file.has({SectionType::options})) parts.options_json = file.text({SectionType::options}, ElementType::json);
  if (file.has({SectionType::metrics})) parts.metrics_json = file.text({SectionType::metrics}, ElementType::json);
  if (file.has({SectionType::fingerprint}))
    parts.fingerprint = file.text({SectionType::fingerprint}, ElementType::text);
  return parts;
}

}  // namespace coppice
