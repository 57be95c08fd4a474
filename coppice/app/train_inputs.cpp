// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/train_inputs.h"

#include <fmt/core.h>

#include <algorithm>

#include "coppice/core/error.h"
#include "coppice/core/mapped_file.h"
#include "coppice/core/quantity.h"
#include "coppice/data/domains_json.h"
#include "coppice/data/matrix_example_reader.h"
#include "coppice/index/tree_import.h"

namespace coppice::app {
namespace {

std::string_view text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

/// A tree of the user's: nested JSON, or cluster matrices C0.npz, C1.npz, ... named one by one.
LabelTree read_tree(const std::vector<std::string>& paths, const TrainingSet& set, std::vector<std::string>& remarks) {
  const LabelNames& names = set.label_names;
  TreeImportOptions options;
  options.n_labels = set.labels.n_columns;
  if (names.size() > 0) {
    options.label_of = [&names](std::string_view name) { return names.find(name); };
    options.is_repeated = [&names](std::string_view name) { return names.is_repeated(name); };
  }
  options.missing = MissingLabels::gather;
  options.on_gathered = [&](size_t count) {
    remarks.push_back(fmt::format("{} of {} are not in {}: gathered in a branch of their own", count,
                                  counted(set.labels.n_columns, "label"), paths.front()));
  };
  if (paths.size() == 1 && !paths.front().ends_with(".npz")) {
    const MappedFile file(paths.front());
    return tree_from_json(text_of(file), options, paths.front());
  }
  std::vector<Csr> chain;
  for (const std::string& path : paths) chain.push_back(read_matrix(path));
  if (chain.back().n_rows() != set.labels.n_columns) {
    throw Error(
        ErrorCode::data,
        fmt::format("the tree has {}, the examples {}", counted(chain.back().n_rows(), "label"), set.labels.n_columns),
        paths.back(), "give the examples all labels of the tree: label_names, or n_labels where labels are numbers");
  }
  return tree_from_clusters(chain, options, paths.front());
}

void read_vectors(const TrainInputs& inputs, const TrainingSet& set, const Progress& progress,
                  TrainMaterial& material) {
  const LabelNameList names{set.labels.n_columns, [&set](uint32_t label) { return set.label_names.name(label); }};
  LabelVectors vectors =
      read_label_vectors(InputStream::open(inputs.label_vectors, &progress), names, inputs.word_vectors);
  material.label_features = std::move(vectors.features);
  material.remarks.push_back(fmt::format("{} of {} got a vector from {}", vectors.n_found,
                                         counted(set.labels.n_columns, "label"),
                                         inputs.label_vectors == "-" ? "standard input" : inputs.label_vectors));
}

void read_domains(const std::string& path, const TrainingSet& set, TrainMaterial& material) {
  const MappedFile file(path);
  DomainList list = domains_from_json(text_of(file), set.label_names, path);
  if (list.n_without > 0) {
    material.remarks.push_back(
        fmt::format("{} of {} are in no domain of {}", list.n_without, counted(set.labels.n_columns, "label"), path));
  }
  if (list.n_unknown > 0) {
    material.remarks.push_back(fmt::format("no label of the examples has {} of {}, {} for one",
                                           counted(list.n_unknown, "name"), path, list.some_unknown));
  }
  material.domains = std::move(list.domains);
}

bool uses_label_features(EmbeddingMethod method) {
  return method != EmbeddingMethod::pifa && method != EmbeddingMethod::pii;
}

bool any_level(const RankerOptions& options, bool Negatives::*kind) {
  return std::any_of(options.negatives.begin(), options.negatives.end(),
                     [kind](const std::string& names) { return negatives_from_name(names).*kind; });
}

/// Of label features and label vectors, at most one may be given; and one must, for an embedding made of them.
void expect_features_used(const TrainInputs& inputs, EmbeddingMethod method) {
  const bool features = !inputs.label_features.empty(), vectors = !inputs.label_vectors.empty();
  const std::string given = vectors ? "label_vectors" : "label_features";
  if (features && vectors) {
    throw Error(ErrorCode::usage, "both label_features and label_vectors are given, expected one of them");
  }
  if ((features || vectors) && !inputs.tree.empty()) {
    throw Error(ErrorCode::usage, given + " is given, but nothing would use it: the tree is given too");
  }
  if ((features || vectors) && !uses_label_features(method)) {
    throw Error(ErrorCode::usage, given + " is given, but the label embedding chosen does not use it", {},
                "--label-embedding pifa_concat joins it with pifa, features takes it alone");
  }
  if (!features && !vectors && inputs.tree.empty() && uses_label_features(method)) {
    throw Error(ErrorCode::usage, "the label embedding chosen is made of label features, but none are given", {},
                "--label-features FILE or --label-vectors FILE brings them");
  }
}

}  // namespace

bool uses_matcher(const RankerOptions& options) {
  return any_level(options, &Negatives::man);
}

void describe(OptionTable& table, TrainInputs& inputs) {
  table.add("label_features", inputs.label_features,
            "Features of the labels (.npz or .npy, one row per label) for the embeddings that use them: features, "
            "pifa_concat and pifa_convex.");
  table.add("label_vectors", inputs.label_vectors,
            "Word vectors in word2vec's text or binary format: a label's features are the mean of the vectors of its "
            "name's words. For the same embeddings.");
  table.add(
      "tree", inputs.tree,
      "A tree of your own in place of the index: a JSON file of nested children, or the .npz cluster matrices of a "
      "chain from the root down (PECOS: C), separated by commas. A label may stand in several leaves; labels that it "
      "does not hold are gathered in a branch of their own.");
  table.add("negatives_matrix", inputs.negatives,
            "Negatives of your own, for negatives usn: a .npz matrix, one row per example, whose columns are labels.");
  table.add("domains", inputs.domains,
            "Domains that the labels belong to, for understand to answer with: a JSON file of lists of label names by "
            "domain, {\"banking\": [\"pin_change\", \"balance\"]}. A label is in one domain or in none. They play no "
            "part in training.");
  describe(table, inputs.word_vectors);
}

std::vector<InputFile> input_files(const TrainInputs& inputs) {
  std::vector<InputFile> files{{"--label-features", inputs.label_features, kMatrix},
                               {"--label-vectors", inputs.label_vectors},
                               {"--negatives-matrix", inputs.negatives, kMatrix},
                               {"--domains", inputs.domains, "a list of domains"}};
  for (const std::string& path : one_at_least(inputs.tree)) files.push_back({"--tree", path, "a tree"});
  return files;
}

void expect_used(const TrainInputs& inputs, const TrainOptions& options) {
  expect_features_used(inputs, options.embedding.method);
  if (options.ranker.negatives.empty()) {
    throw Error(ErrorCode::usage, "negatives is empty, expected tfn, man, usn or several joined by '+'");
  }
  const bool uses_negatives = any_level(options.ranker, &Negatives::usn);
  if (!inputs.negatives.empty() && !uses_negatives) {
    throw Error(ErrorCode::usage, "negatives_matrix is given, but the negatives chosen do not use it", {},
                "--negatives tfn+usn does");
  }
  if (inputs.negatives.empty() && uses_negatives) {
    throw Error(ErrorCode::usage, "negatives usn are asked for, but negatives_matrix is not given", {},
                "--negatives-matrix FILE names the negatives of your own");
  }
  const std::vector<uint32_t>& widths = options.index.level_widths;
  const auto narrower = std::is_sorted_until(widths.begin(), widths.end());
  if (inputs.tree.empty() && narrower != widths.end()) {
    throw Error(ErrorCode::usage, fmt::format("level_widths has {} below a level of {}, expected at least as many",
                                              counted(*narrower, "node"), *(narrower - 1)));
  }
}

TrainExtras TrainMaterial::extras() const {
  TrainExtras extras;
  if (label_features) extras.label_features = &*label_features;
  if (tree) extras.tree = &*tree;
  if (negatives) extras.negatives = &*negatives;
  if (domains) extras.domains = &*domains;
  return extras;
}

TrainMaterial read_train_material(const TrainInputs& inputs, const TrainingSet& set, const Progress& progress) {
  TrainMaterial material;
  if (!inputs.label_features.empty()) material.label_features = read_matrix(inputs.label_features);
  if (!inputs.label_vectors.empty()) read_vectors(inputs, set, progress, material);
  if (!inputs.tree.empty()) material.tree = read_tree(inputs.tree, set, material.remarks);
  if (!inputs.negatives.empty()) material.negatives = read_matrix(inputs.negatives);
  if (!inputs.domains.empty()) read_domains(inputs.domains, set, material);
  return material;
}

}  // namespace coppice::app
