// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/retrieve.h"

#include "coppice/core/error.h"
#include "coppice/model/answer.h"

namespace coppice {
namespace {

void expect_text_alone(const Model& model) {
  const uint32_t n_text = model.vectorizer() == nullptr ? 0 : model.vectorizer()->n_features();
  if (n_text > 0 && n_text == model.n_features()) return;
  throw Error(ErrorCode::usage,
              "the model takes features beside or in place of text, expected one that takes text alone", {},
              "coppice index makes such a model of passages");
}

PredictOptions search_of(const RetrieveOptions& options) {
  PredictOptions search;
  search.top_k = options.top_k;
  search.threshold = options.threshold;
  search.beam = options.beam > 0 ? options.beam : UINT32_MAX;  // as wide as the tree
  return search;
}

}  // namespace

void describe(OptionTable& table, RetrieveOptions& options) {
  table.add("top_k", options.top_k, 1, UINT32_MAX, "How many passages come out at most, best first.");
  table.add("threshold", options.threshold, PredictOptions::kNoThreshold, 1e30,
            "Only passages with a higher score come out. 0: those that have a word of the query.");
  table.add("beam", options.beam, 0, UINT32_MAX,
            "How many groups of passages the search looks into on each level of a tree; 0 = all of them, which finds "
            "the best passages for certain. What fewer cost and save: docs/retrieval.md. Without effect for an index "
            "without a tree.");
}

std::vector<RetrievedPassage> retrieve(const Model& model, std::string_view query, const RetrieveOptions& options,
                                       RetrieveState& state) {
  const Ranker& ranker = model.ranker();
  expect_text_alone(model);
  const SparseRow features = model.vectorizer()->transform(query, state.text);
  std::vector<RetrievedPassage> found;
  for (const ScoredLabel& best : predict(ranker, features, search_of(options), state.search)) {
    if (!(best.score > options.threshold)) break;
    found.push_back({best.label, best.score, label_text(model, best.label),
                     std::string(model.passages().text(best.label)),
                     std::string(model.passages().metadata(best.label))});
  }
  return found;
}

std::vector<RetrievedPassage> retrieve(const Model& model, std::string_view query, const RetrieveOptions& options) {
  RetrieveState state;
  return retrieve(model, query, options, state);
}

}  // namespace coppice
