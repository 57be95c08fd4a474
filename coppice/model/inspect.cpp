// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "coppice/core/quantity.h"
#include "coppice/model/json_section.h"
#include "coppice/rank/chunk_view.h"

namespace coppice {
namespace {

using Json = nlohmann::ordered_json;

LevelReport inspect_level(const Array<uint32_t>& first_child, const LevelWeights& weights) {
  LevelReport report;
  report.n_nodes = weights.n_nodes();
  report.n_chunks = weights.n_chunks();
  report.size_bytes = weights.size_bytes();
  report.fewest_children = UINT32_MAX;
  for (size_t p = 0; p < report.n_chunks; ++p) {
    const uint32_t children = first_child[p + 1] - first_child[p];
    report.fewest_children = std::min(report.fewest_children, children);
    report.most_children = std::max(report.most_children, children);
  }
  report.mean_children = double(report.n_nodes) / double(report.n_chunks);
  report.n_weights = n_weights(weights);
  for (const ChunkEntry& chunk : weights.arrays().chunks) {
    report.n_rows += std::min(chunk.n_rows, weights.n_features());  // the record of a damaged file may say anything
    report.n_empty += chunk.encoding == ChunkEncoding::empty;
    report.n_direct += chunk.encoding == ChunkEncoding::direct;
    report.n_hashed += chunk.encoding == ChunkEncoding::hashed;
    report.n_masked += chunk.encoding == ChunkEncoding::masked;
    report.n_packed += chunk.encoding == ChunkEncoding::packed;
  }
  return report;
}

SectionReport inspect_section(const SectionEntry& entry) {
  const std::string_view known = section_name(entry.type);
  return {known.empty() ? fmt::format("type {}", entry.type) : std::string(known),
          entry.index,
          entry.required(),
          std::string(element_name(entry.element_type)),
          entry.count,
          entry.size_bytes};
}

Json to_json(const LevelReport& level) {
  return {{"n_nodes", level.n_nodes},
          {"n_chunks", level.n_chunks},
          {"fewest_children", level.fewest_children},
          {"mean_children", level.mean_children},
          {"most_children", level.most_children},
          {"n_rows", level.n_rows},
          {"n_weights", level.n_weights},
          {"size_bytes", level.size_bytes},
          {"bits_per_weight", level.bits_per_weight()},
          {"n_empty_chunks", level.n_empty},
          {"n_direct_chunks", level.n_direct},
          {"n_hashed_chunks", level.n_hashed},
          {"n_masked_chunks", level.n_masked},
          {"n_packed_chunks", level.n_packed}};
}

Json to_json(const SectionReport& section) {
  return {{"name", section.name},         {"index", section.index},
          {"required", section.required}, {"element_type", section.element_type},
          {"count", section.count},       {"size_bytes", section.size_bytes}};
}

/// "  name   value" for each member of a JSON object, nested ones with dots.
void append_members(std::string& text, const Json& object, const std::string& prefix) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object()) {
      append_members(text, value, prefix + key + ".");
    } else {
      text += fmt::format("  {:<34} {}\n", prefix + key, value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
}

void append_json(std::string& text, const char* title, const std::string& json) {
  const Json object = Json::parse(json);
  if (object.empty()) return;
  text += fmt::format("\n{}\n", title);
  append_members(text, object, "");
}

std::string levels_text(const ModelReport& report) {
  std::string text = fmt::format("\n{:<6} {:>10} {:>10} {:>8} {:>8} {:>8} {:>13} {:>13} {:>10} {:>11}\n", "level",
                                 "nodes", "chunks", "fewest", "mean", "most", "rows", "weights", "size", "bits/weight");
  for (size_t t = 0; t < report.levels.size(); ++t) {
    const LevelReport& level = report.levels[t];
    text += fmt::format("{:<6} {:>10} {:>10} {:>8} {:>8.1f} {:>8} {:>13} {:>13} {:>10} {:>11.2f}\n", t + 1,
                        level.n_nodes, level.n_chunks, level.fewest_children, level.mean_children, level.most_children,
                        level.n_rows, level.n_weights, bytes_text(double(level.size_bytes)), level.bits_per_weight());
  }
  return text;
}

std::string sections_text(const ModelReport& report) {
  std::string text =
      fmt::format("\n{:<28} {:>5}  {:<6} {:>13} {:>10} {:>7}\n", "section", "index", "type", "count", "size", "share");
  for (const SectionReport& section : report.sections) {
    text += fmt::format("{:<28} {:>5}  {:<6} {:>13} {:>10} {:>6.1f}%\n", section.name, section.index,
                        section.element_type, section.count, bytes_text(double(section.size_bytes)),
                        100 * double(section.size_bytes) / double(report.file_bytes));
  }
  return text;
}

TaggerReport inspect_tagger(const Tagger& tagger) {
  TaggerReport report;
  report.slots = tagger.slot_names();
  for (const Gazetteer& gazetteer : tagger.parts().gazetteers) report.gazetteers.push_back(gazetteer.name());
  report.n_features = tagger.parts().features.size();
  report.n_weights = tagger.n_weights();
  report.size_bytes = tagger.size_bytes();
  const uint64_t key_bytes = tagger.parts().features.size_bytes();
  report.bits_per_key = 8 * double(key_bytes) / double(std::max<uint64_t>(1, report.n_features));
  report.bits_per_weight =
      8 * double(tagger.parts().weights.size_bytes()) / double(std::max<uint64_t>(1, report.n_weights));
  return report;
}

Json to_json(const TaggerReport& tagger) {
  return {{"slots", tagger.slots},
          {"gazetteers", tagger.gazetteers},
          {"n_features", tagger.n_features},
          {"n_weights", tagger.n_weights},
          {"bits_per_key", tagger.bits_per_key},
          {"bits_per_weight", tagger.bits_per_weight},
          {"size_bytes", tagger.size_bytes}};
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string tagger_text(const TaggerReport& tagger) {
  std::string text =
      fmt::format("finds {} of slots by {} ({:.2f} bits each) and {} ({:.2f} bits each): {}\nslots: {}\n",
                  counted(tagger.slots.size(), "type"), counted(tagger.n_features, "feature"), tagger.bits_per_key,
                  counted(tagger.n_weights, "weight"), tagger.bits_per_weight, bytes_text(double(tagger.size_bytes)),
                  listed(tagger.slots));
  if (!tagger.gazetteers.empty()) text += fmt::format("gazetteers: {}\n", listed(tagger.gazetteers));
  return text;
}

/// "text and 50 dense features".
std::string inputs_text(const ModelReport& report) {
  const std::string main = report.takes_text ? "text" : "features";
  return report.n_dense == 0 ? main : fmt::format("{} and {} dense features", main, report.n_dense);
}

/// By which features of texts are told: names, or a perfect hash and fingerprints, without names that were kept.
double bits_per_key(const Model& model) {
  if (model.vectorizer() == nullptr) return 0;
  const VectorizerTables& tables = model.vectorizer()->tables();
  const uint64_t bytes =
      tables.keys ? tables.keys->size_bytes()
                  : tables.buckets.size_bytes() + tables.name_offsets.size_bytes() + tables.name_bytes.size_bytes();
  return 8 * double(bytes) / std::max(1U, model.vectorizer()->n_features());
}

/// What every file has.
ModelReport inspect_file(const ModelFile& file) {
  ModelReport report;
  report.path = file.where();
  report.producer = file.header().producer_text();
  report.uuid = uuid_text(file.header().uuid);
  report.format_version = file.header().format_version;
  report.file_bytes = file.header().file_bytes;
  for (const SectionEntry& entry : file.sections()) report.sections.push_back(inspect_section(entry));
  return report;
}

/// The text of a JSON section; of none, an empty object.
std::string json_text_of(const ModelFile& file, SectionType type) {
  return file.has({type}) ? json_section(file, type).value.dump() : "{}";
}

}  // namespace

ModelReport inspect_network(const ModelFile& file) {
  ModelReport report = inspect_file(file);
  report.has_ranker = false;
  report.network_json = json_text_of(file, SectionType::network);
  report.options_json = json_text_of(file, SectionType::options);
  report.metrics_json = json_text_of(file, SectionType::metrics);
  const Json network = Json::parse(report.network_json);
  report.n_labels = static_cast<uint32_t>(number_at(network, "n_labels", UINT32_MAX, file));
  report.n_features = static_cast<uint32_t>(number_at(network, "n_features", UINT32_MAX, file));
  if (file.has({SectionType::fingerprint}))
    report.fingerprint = file.text({SectionType::fingerprint}, ElementType::text);
  return report;
}

ModelReport inspect(const ModelFile& file, const Model& model) {
  ModelReport report = inspect_file(file);
  report.n_labels = model.n_labels();
  report.n_features = model.n_features();
  report.n_training_rows = model.n_training_rows();
  report.has_ranker = model.has_ranker();
  report.post_processor = name(model.parts().ranker.post_processor);
  report.takes_text = model.vectorizer() != nullptr;
  report.n_dense = model.n_dense();
  report.bits_per_key = bits_per_key(model);
  report.fingerprint = model.fingerprint();
  report.options_json = model.options_json();
  report.metrics_json = model.metrics_json();
  const Ranker& ranker = model.parts().ranker;
  for (size_t t = 0; t < ranker.levels.size(); ++t) {
    report.levels.push_back(inspect_level(ranker.tree.first_child[t], ranker.levels[t]));
  }
  if (!model.domains().names().empty()) {
    report.domains = DomainsReport{model.domains().names(), n_labels_in_domains(model.domains())};
  }
  if (model.passages().size() > 0) {
    report.passages = PassagesReport{model.passages().size(), model.passages().bytes().size_bytes()};
  }
  if (model.tagger() != nullptr) report.tagger = inspect_tagger(*model.tagger());
  return report;
}

Json to_json(const ModelReport& report) {
  Json json{{"path", report.path},
            {"producer", report.producer},
            {"uuid", report.uuid},
            {"format_version", report.format_version},
            {"file_bytes", report.file_bytes},
            {"n_labels", report.n_labels},
            {"n_features", report.n_features},
            {"n_training_rows", report.n_training_rows},
            {"post_processor", report.post_processor},
            {"takes_text", report.takes_text},
            {"n_dense", report.n_dense},
            {"bits_per_key", report.bits_per_key},
            {"fingerprint", report.fingerprint},
            {"options", Json::parse(report.options_json)},
            {"metrics", Json::parse(report.metrics_json)},
            {"levels", Json::array()},
            {"sections", Json::array()}};
  for (const LevelReport& level : report.levels) json["levels"].push_back(to_json(level));
  for (const SectionReport& section : report.sections) json["sections"].push_back(to_json(section));
  if (report.domains) json["domains"] = {{"names", report.domains->names}, {"n_labels", report.domains->n_labels}};
  if (report.passages) {
    json["passages"] = {{"n_passages", report.passages->n_passages}, {"size_bytes", report.passages->size_bytes}};
  }
  if (report.tagger) json["tagger"] = to_json(*report.tagger);
  if (report.network_json != "{}") json["network"] = Json::parse(report.network_json);
  return json;
}

std::string to_text(const ModelReport& report) {
  std::string text =
      fmt::format("{}: {}, format version {}, written by {}\ncontent {}\n", report.path,
                  bytes_text(double(report.file_bytes)), report.format_version, report.producer, report.uuid);
  if (report.has_ranker) {
    text += fmt::format("{}, {}, takes {}, scores by {}\n", counted(report.n_labels, "label"),
                        counted(report.n_features, "feature"), inputs_text(report), report.post_processor);
  }
  if (report.domains) {
    text += fmt::format("{} of the labels in {}\n", report.domains->n_labels,
                        counted(report.domains->names.size(), "domain"));
  }
  if (report.passages) {
    text +=
        fmt::format("the labels stand for {}: {} with what is known of them\n",
                    counted(report.passages->n_passages, "passage"), bytes_text(double(report.passages->size_bytes)));
  }
  if (report.bits_per_key > 0)
    text += fmt::format("a feature of the text is known by {:.2f} bits\n", report.bits_per_key);
  if (report.tagger) text += tagger_text(*report.tagger);
  if (report.n_training_rows > 0) text += "trained on " + counted(report.n_training_rows, "row") + "\n";
  if (report.has_ranker) text += levels_text(report);
  append_json(text, "network", report.network_json);
  text += sections_text(report);
  append_json(text, "options", report.options_json);
  append_json(text, "metrics", report.metrics_json);
  return text;
}

}  // namespace coppice
