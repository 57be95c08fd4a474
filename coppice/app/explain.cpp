// SPDX-License-Identifier: Apache-2.0
// coppice explain: why a label got its score.
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "coppice/app/command.h"
#include "coppice/app/input_files.h"
#include "coppice/app/messages.h"
#include "coppice/app/named_label.h"
#include "coppice/app/output.h"
#include "coppice/app/unused_options.h"
#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/index/tree_view.h"
#include "coppice/model/answer.h"
#include "coppice/rank/explain.h"
#include "coppice/train/dense_features.h"

namespace coppice::app {
namespace {

using nlohmann::ordered_json;

struct ExplainArguments {
  CommonOptions common;
  PredictOptions predict;
  std::string model_path;
  std::string text;
  std::string label;
  std::string dense;
  uint32_t words = 8;
  bool json = false;

  ExplainArguments() { predict.top_k = 3; }
};

void describe(OptionTable& table, ExplainArguments& arguments) {
  table.add("label", arguments.label, "Explain this label's score; without it, the best labels are explained.");
  table.add("dense", arguments.dense,
            "The text's dense features, for a model that was trained with some: a .npy or .npz file of one row.");
  table.add("words", arguments.words, 0, 1000000, "How many features per level are shown, largest contribution first.");
  table.add("json", arguments.json, "Print one JSON object for machines, with all features.");
}

std::vector<Unused> unused(const ExplainArguments& arguments) {
  return {{!arguments.label.empty(), {"beam", "beam_per_level", "top_k", "threshold"}, "--label searches for nothing"},
          {arguments.label.empty() && !arguments.predict.beam_per_level.empty(),
           {"beam"},
           "--beam-per-level says it for every level"},
          {arguments.json, {"words"}, "--json shows all features"}};
}

std::string feature_text(const Model& model, uint32_t feature) {
  std::string name;
  if (model.vectorizer() != nullptr && feature < model.vectorizer()->n_features()) {
    name = model.vectorizer()->feature_name(feature);
  }
  return name.empty() ? fmt::format("feature {}", feature) : name;
}

/// The first labels below a node stand for it; a leaf is its label.
std::string node_text(const Model& model, size_t level, uint32_t node) {
  const LabelTree& tree = model.ranker().tree;
  if (level == tree.depth()) return label_text(model, tree.leaf_label[node]);
  const TreeNames names{[&model](uint32_t label) { return label_text(model, label); }};
  const TreeView view(tree, names);
  const TreePlace place{level, node};
  const uint32_t n_labels = view.n_labels(place);
  const std::vector<std::string> shown = view.examples(place, 3);
  std::string text;
  for (const std::string& label : shown) text += (text.empty() ? "" : ", ") + label;
  return fmt::format("{}: {}{}", counted(n_labels, "label"), text, n_labels > shown.size() ? ", ..." : "");
}

std::string to_text(const Model& model, const Explanation& explanation, uint32_t words) {
  std::string text = fmt::format("{}  score {:.4f}\n", label_text(model, explanation.label), explanation.score);
  for (size_t i = 0; i < explanation.levels.size(); ++i) {
    const LevelExplanation& level = explanation.levels[i];
    text += fmt::format("  level {}  margin {:+.3f}  score {:.4f}  path {:.4f}  {}\n", i + 1, level.margin, level.score,
                        level.path_score, node_text(model, i + 1, level.node));
    text += fmt::format("    {:+8.3f}  (bias)\n", level.bias);
    for (size_t j = 0; j < level.features.size() && j < words; ++j) {
      text += fmt::format("    {:+8.3f}  {}\n", level.features[j].contribution,
                          feature_text(model, level.features[j].feature));
    }
    if (level.features.size() > words)
      text += fmt::format("              and {} more\n", level.features.size() - words);
  }
  return text;
}

ordered_json to_json(const Model& model, const Explanation& explanation) {
  ordered_json levels = ordered_json::array();
  for (size_t i = 0; i < explanation.levels.size(); ++i) {
    const LevelExplanation& level = explanation.levels[i];
    ordered_json features = ordered_json::array();
    for (const FeatureContribution& one : level.features) {
      features.push_back({{"feature", feature_text(model, one.feature)},
                          {"value", shortest_decimal(one.value)},
                          {"weight", shortest_decimal(one.weight)},
                          {"contribution", shortest_decimal(one.contribution)}});
    }
    levels.push_back({{"node", level.node},
                      {"stands_for", node_text(model, i + 1, level.node)},
                      {"bias", shortest_decimal(level.bias)},
                      {"margin", shortest_decimal(level.margin)},
                      {"score", shortest_decimal(level.score)},
                      {"path_score", shortest_decimal(level.path_score)},
                      {"features", std::move(features)}});
  }
  return {{"label", label_text(model, explanation.label)},
          {"score", shortest_decimal(explanation.score)},
          {"levels", std::move(levels)}};
}

std::vector<Explanation> explanations(const Model& model, const ExplainArguments& arguments) {
  const Ranker& ranker = model.ranker();
  Examples row;
  row.texts.add(arguments.text);
  DenseFeatures dense(arguments.dense);
  dense.join(row);
  dense.expect_end();
  ThreadPool pool(1);
  const Csr features = features_for(model, row, pool);
  if (features.row(0).size() == 0) {
    note("the model knows nothing of this text; only biases make the scores", arguments.common);
  }
  if (arguments.label.empty()) return explain_best(ranker, features.row(0), arguments.predict);
  return {
      explain_label(ranker, features.row(0), named_label(model, arguments.label), arguments.predict.post_processor)};
}

void run(const ExplainArguments& arguments) {
  const Model model = Model::load(arguments.model_path);
  std::string text;
  ordered_json all = ordered_json::array();
  for (const Explanation& explanation : explanations(model, arguments)) {
    if (arguments.json) {
      all.push_back(to_json(model, explanation));
    } else {
      text += (text.empty() ? "" : "\n") + to_text(model, explanation, arguments.words);
    }
  }
  print_out(arguments.json ? json_text({{"text", arguments.text}, {"explanations", all}}) : text);
}

}  // namespace

void add_explain(CommandList& commands) {
  Command command(commands, "explain",
                  "Show why labels are predicted: path through the tree, score per level, contribution per word.",
                  "  coppice explain packages.coppice \"window manager for X11\"\n"
                  "  coppice explain packages.coppice \"window manager for X11\" --label libx11-6 --json\n");
  auto arguments = std::make_shared<ExplainArguments>();
  command.app().add_option("model", arguments->model_path, "the model file")->required();
  command.app().add_option("text", arguments->text, "the text to explain")->required();
  OptionTable own, search, common;
  describe(own, *arguments);
  describe(search, arguments->predict);
  describe_quiet(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Explanation");
  command.flags().add(command.app(), std::move(search), "Search");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments, &flags = command.flags()] {
    const std::vector<InputFile> inputs{{"model", arguments->model_path, kModel},
                                        {"--dense", arguments->dense, kMatrix}};
    expect_named(inputs, flags);
    expect_readable(inputs);
    note_unused(flags, unused(*arguments), arguments->common);
    run(*arguments);
  });
}

}  // namespace coppice::app
