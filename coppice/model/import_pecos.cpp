// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/import_pecos.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/data/label_resolver.h"
#include "coppice/data/npz.h"
#include "coppice/model/pecos_json.h"
#include "coppice/model/pecos_tfidf.h"
#include "coppice/model/pecos_tree.h"

namespace coppice {
namespace {

constexpr uint32_t kMostLevels = 100;
constexpr size_t kChunksAtATime = 256;

/// What param.json of one level says.
struct LevelParameters {
  uint32_t n_features = 0;
  uint32_t n_children = 0;
  uint32_t n_parents = 0;
  float bias = 0;
  uint32_t top_k = 0;
  PostProcessor post_processor = PostProcessor::l3_hinge;
};

[[noreturn]] void refuse_compiled(const std::string& where) {
  throw Error(ErrorCode::unsupported, "this PECOS model was compiled for memory mapping, expected its npz form", where,
              "Import the folder that compile_mmap_model was given");
}

LevelParameters read_parameters(const std::string& folder) {
  const PecosJson json(folder + "/param.json");
  if (json.has("is_mmap") && json.get<bool>("is_mmap")) refuse_compiled(folder);
  LevelParameters parameters;
  parameters.n_features = json.get<uint32_t>("nr_features");
  parameters.n_children = json.get<uint32_t>("nr_labels");
  parameters.n_parents = json.get<uint32_t>("nr_codes");
  const auto bias = json.get<float>("bias");
  if (!std::isfinite(bias)) json.fail("the bias is not finite");
  parameters.bias = std::max(bias, 0.0F);
  const PecosJson prediction = json.object("pred_kwargs");
  parameters.top_k = prediction.get<uint32_t>("only_topk");
  parameters.post_processor = post_processor_from_name(prediction.get<std::string>("post_processor"));
  return parameters;
}

/// Throws for a path that cannot be a model of PECOS.
void expect_model_folder(const std::string& folder) {
  std::error_code unknown;
  if (std::filesystem::exists(folder + "/param.json", unknown)) return;
  const bool there = std::filesystem::exists(folder, unknown);
  const bool is_folder = std::filesystem::is_directory(folder, unknown);
  throw Error(there ? ErrorCode::data : ErrorCode::io,
              !there      ? "there is no such folder"
              : is_folder ? "this is no folder of a PECOS model: it holds no param.json"
                          : "this is a file, expected the folder of a PECOS model",
              folder,
              "XLinearModel.save writes a folder with param.json and ranker/, which holds param.json and 0.model/, "
              "1.model/, ...; each of those holds param.json, C.npz and W.npz");
}

/// The folders of the levels, top level first.
std::vector<std::string> level_folders(const std::string& given) {
  const std::string folder = std::filesystem::is_directory(given + "/ranker") ? given + "/ranker" : given;
  expect_model_folder(folder);
  const PecosJson json(folder + "/param.json");
  if (json.has("is_mmap") && json.get<bool>("is_mmap")) refuse_compiled(folder);
  const auto kind = json.get<std::string>("model");
  if (kind == "MLModel") return {folder};
  if (kind != "HierarchicalMLModel") json.fail("the model is a " + kind + ", expected HierarchicalMLModel or MLModel");
  const auto depth = json.get<uint32_t>("depth");
  if (depth == 0 || depth > kMostLevels) json.fail("a depth of " + std::to_string(depth) + ", expected 1 to 100");
  std::vector<std::string> folders;
  for (uint32_t t = 0; t < depth; ++t) folders.push_back(folder + "/" + std::to_string(t) + ".model");
  return folders;
}

void expect_shape(const Csr& transposed, uint64_t n_rows, uint64_t n_columns, const std::string& path) {
  if (transposed.n_columns == n_rows && transposed.n_rows() == n_columns) return;
  throw Error(ErrorCode::data,
              "a matrix of " + std::to_string(transposed.n_columns) + " x " + std::to_string(transposed.n_rows()) +
                  ", param.json says " + std::to_string(n_rows) + " x " + std::to_string(n_columns),
              path);
}

/// A missing cluster matrix means one cluster of everything.
Csr read_clusters(const std::string& folder, const LevelParameters& parameters) {
  const std::string path = folder + "/C.npz";
  if (!std::filesystem::exists(path) && parameters.n_parents <= 1) {
    CsrBuilder builder(parameters.n_children);
    for (uint32_t child = 0; child < parameters.n_children; ++child) builder.add(child, 1.0F);
    builder.end_row();
    return builder.build();
  }
  Csr clusters = read_npz_transposed(path);
  expect_shape(clusters, parameters.n_children, parameters.n_parents, path);
  return clusters;
}

PecosWeights read_weights(const std::string& folder, const LevelParameters& parameters) {
  const std::string path = folder + "/W.npz";
  PecosWeights weights{read_npz_transposed(path), parameters.n_features, parameters.bias};
  const uint64_t n_rows = uint64_t{parameters.n_features} + (parameters.bias > 0 ? 1 : 0);
  expect_shape(weights.weights, n_rows, parameters.n_children, path);
  return weights;
}

/// Packs the chunks in parallel, and appends them in order.
LevelWeights build_level(const PecosWeights& weights, const Array<uint32_t>& first_child,
                         std::span<const uint32_t> numbers, ThreadPool& pool) {
  LevelWeightsBuilder builder(weights.n_features);
  const size_t n_chunks = first_child.size() - 1;
  std::vector<EncodedChunk> encoded(std::min(kChunksAtATime, n_chunks));
  for (size_t begin = 0; begin < n_chunks; begin += kChunksAtATime) {
    const size_t count = std::min(kChunksAtATime, n_chunks - begin);
    pool.run(count, [&](size_t i, size_t /*worker*/) {
      const uint32_t first = first_child[begin + i];
      const auto children = numbers.subspan(first, first_child[begin + i + 1] - first);
      encoded[i] = encode_chunk(pecos_chunk(weights, children), weights.n_features);
    });
    for (size_t i = 0; i < count; ++i) builder.add(encoded[i]);
  }
  return builder.build();
}

void expect_same_everywhere(const std::vector<LevelParameters>& levels, const std::string& folder) {
  for (const LevelParameters& level : levels) {
    if (level.post_processor != levels[0].post_processor) {
      throw Error(ErrorCode::unsupported,
                  "levels with different post-processors: " + std::string(name(levels[0].post_processor)) + " and " +
                      std::string(name(level.post_processor)),
                  folder);
    }
    if (level.n_features != levels[0].n_features) {
      throw Error(ErrorCode::data,
                  "levels with different features: " + std::to_string(levels[0].n_features) + " and " +
                      std::to_string(level.n_features),
                  folder);
    }
  }
}

Ranker import_ranker(const std::vector<std::string>& folders, const std::vector<LevelParameters>& levels,
                     ThreadPool& pool) {
  std::vector<Csr> clusters;
  for (size_t t = 0; t < folders.size(); ++t) clusters.push_back(read_clusters(folders[t], levels[t]));
  PecosTree tree = pecos_tree(clusters);
  Ranker ranker;
  ranker.tree = std::move(tree.tree);
  ranker.n_features = levels[0].n_features;
  ranker.post_processor = levels[0].post_processor;
  for (size_t t = 0; t < folders.size(); ++t) {
    ranker.levels.push_back(
        build_level(read_weights(folders[t], levels[t]), ranker.tree.first_child[t], tree.numbers[t], pool));
  }
  return ranker;
}

LabelNames numbers_as_names(uint32_t n_labels) {
  std::vector<std::string> names;
  for (uint32_t label = 0; label < n_labels; ++label) names.push_back(std::to_string(label));
  return LabelNames::from(names);
}

void expect_a_name_each(const LabelNames& names, uint32_t n_labels, const std::string& path) {
  if (names.size() == n_labels) return;
  throw Error(ErrorCode::data, counted(names.size(), "label name") + ", the model has " + counted(n_labels, "label"),
              path);
}

ImportedFeature::Analyzer analyzer_of(const PecosTfidf::Part& part) {
  return part.analyzer == PecosTfidf::Analyzer::word ? ImportedFeature::Analyzer::word
                                                     : ImportedFeature::Analyzer::character;
}

[[noreturn]] void refuse_parts(const std::string& folder, const std::string& why) {
  throw Error(ErrorCode::unsupported, "several PECOS vectorizers joined: " + why, folder,
              "Import the model without its vectorizer and give it features (svm or npz)");
}

/// Parts side by side become analyzers side by side; they share all other settings.
void expect_joinable(const PecosTfidf& tfidf, const std::string& folder) {
  const PecosTfidf::Part& first = tfidf.parts[0];
  if (first.analyzer == PecosTfidf::Analyzer::character && first.max_tokens != 0) {
    throw Error(ErrorCode::unsupported, "a limit of the length in characters", folder);
  }
  if (tfidf.parts.size() > 2) refuse_parts(folder, "more than two");
  for (size_t i = 1; i < tfidf.parts.size(); ++i) {
    const PecosTfidf::Part& part = tfidf.parts[i];
    if (part.analyzer == first.analyzer) refuse_parts(folder, "two of the same analyzer");
    if (part.max_tokens != 0 || first.max_tokens != 0) refuse_parts(folder, "a limit of the length");
    if (part.binary != first.binary || part.sublinear_tf != first.sublinear_tf || part.norm != first.norm ||
        part.norm != tfidf.norm) {
      refuse_parts(folder, "weighted differently");
    }
  }
}

VectorizerOptions options_of(const PecosTfidf& tfidf) {
  VectorizerOptions options;
  options.tokenizer.normalization = Normalization::none;
  options.tokenizer.split = TokenSplit::space;
  options.word_ngrams.clear();
  for (const PecosTfidf::Part& part : tfidf.parts) {
    auto& range = part.analyzer == PecosTfidf::Analyzer::word ? options.word_ngrams : options.char_ngrams;
    range = {part.min_ngram, part.max_ngram};
  }
  const PecosTfidf::Part& first = tfidf.parts[0];
  options.max_tokens = first.max_tokens;
  options.tf = first.binary         ? TermFrequency::binary
               : first.sublinear_tf ? TermFrequency::sublinear
                                    : TermFrequency::count;
  options.idf = InverseDocumentFrequency::pecos;
  options.norm = tfidf.norm == PecosTfidf::Norm::l1 ? FeatureNorm::l1 : FeatureNorm::l2;
  return options;
}

}  // namespace

void describe(OptionTable& table, ImportPecosOptions& options) {
  table.add(
      "vectorizer", options.vectorizer,
      "The folder of PECOS' tf-idf vectorizer, so that the model takes text. Without it the model takes features.");
  table.add("label_names", options.label_names,
            "A file with one label name a line (UTF-8; gzip or zstd compressed, a pipe or -, too), in the order of the "
            "columns of Y. Without it labels are named by their numbers.");
}

Model import_pecos(const std::string& folder, const ImportPecosOptions& options, ThreadPool& pool) {
  const std::vector<std::string> folders = level_folders(folder);
  std::vector<LevelParameters> levels;
  for (const std::string& level : folders) levels.push_back(read_parameters(level));
  expect_same_everywhere(levels, folder);
  ModelParts parts;
  const bool named = !options.label_names.empty();
  if (named) parts.label_names = read_label_names(options.label_names);  // before what takes long
  parts.ranker = import_ranker(folders, levels, pool);
  const uint32_t n_labels = parts.ranker.tree.n_labels;
  if (!named) parts.label_names = numbers_as_names(n_labels);
  expect_a_name_each(parts.label_names, n_labels, options.label_names);
  if (!options.vectorizer.empty()) parts.vectorizer = import_pecos_vectorizer(options.vectorizer);
  nlohmann::ordered_json beams = nlohmann::ordered_json::array();
  for (size_t t = 0; t + 1 < levels.size(); ++t) beams.push_back(levels[t].top_k);
  parts.options_json =
      nlohmann::ordered_json{{"imported_from", "PECOS XR-Linear"},
                             {"predict", {{"beam_per_level", std::move(beams)}, {"top_k", levels.back().top_k}}}}
          .dump();
  return Model(std::move(parts));
}

Vectorizer import_pecos_vectorizer(const std::string& folder) {
  PecosTfidf tfidf = read_pecos_tfidf(folder);
  expect_joinable(tfidf, folder);
  std::vector<ImportedFeature> features;
  for (PecosTfidf::Part& part : tfidf.parts) {
    for (size_t i = 0; i < part.features.size(); ++i) {
      features.push_back({analyzer_of(part), std::move(part.features[i]), part.use_idf ? part.idf[i] : 1.0F});
    }
  }
  return make_vectorizer(options_of(tfidf), features);
}

}  // namespace coppice
