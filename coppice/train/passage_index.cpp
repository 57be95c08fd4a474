// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/passage_index.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/rank/bounding_ranker.h"
#include "coppice/train/content_hash.h"

namespace coppice {
namespace {

/// How passages are counted: each feature as often as it is there.
VectorizerOptions counting(VectorizerOptions options) {
  options.tf = TermFrequency::count;
  options.idf = InverseDocumentFrequency::none;
  options.norm = FeatureNorm::none;
  options.word_weight = options.char_weight = options.char_wb_weight = 1;
  options.hash_bits = 0;
  return options;
}

/// What queries are asked with: the same features, weighed as the user likes.
Vectorizer for_queries(const Vectorizer& counter, const PassageIndexOptions& options) {
  VectorizerOptions asked = counter.options();
  asked.tf = options.query_tf;
  asked.word_weight = options.vectorizer.word_weight;
  asked.char_weight = options.vectorizer.char_weight;
  asked.char_wb_weight = options.vectorizer.char_wb_weight;
  asked.stop_words_file.clear();
  return Vectorizer(std::move(asked), counter.tables());
}

/// The features of all passages, and how often each passage has each.
struct Counted {
  Vectorizer counter;
  Csr counts;
};

Counted count_features(const std::vector<Passage>& passages, const VectorizerOptions& options, Job job) {
  VectorizerBuilder builder(counting(options), job.pool);  // what is wrong with options is told before texts are copied
  Texts texts;
  for (const Passage& passage : passages) texts.add(passage.searched());
  job.progress.stage("looking for words", 0);
  builder.add(texts);
  Counted result{builder.build(), {}};
  job.progress.throw_if_stopped();
  job.progress.stage("counting words", 0);
  result.counts = result.counter.transform(texts, job.pool);
  return result;
}

void expect_features(const Csr& counts, Progress& progress) {
  uint64_t n_empty = 0;
  for (size_t p = 0; p < counts.n_rows(); ++p) n_empty += counts.row(p).size() == 0 ? 1 : 0;
  if (n_empty == counts.n_rows()) {
    throw Error(ErrorCode::data, "no passage has a word that could be searched for", {},
                "are all of them stop words, or left out by min_df or max_df?");
  }
  if (n_empty == 0) return;
  progress.note("note: " + counted(n_empty, "passage") + " without a word that could be searched for: no query finds " +
                (n_empty == 1 ? "it" : "them"));
}

std::string fingerprint_of(const ModelParts& parts, const Csr& counts) {
  ContentHash hash;
  hash.add(counts);
  hash.add(parts.passages.bytes().span());
  hash.add(parts.passages.offsets().span());
  hash.add(parts.label_names.bytes().span());
  return hash.text();
}

std::string options_text(PassageIndexOptions options) {
  options.vectorizer.stop_words_file.clear();
  OptionTable table;
  describe(table, options);
  return table.get().dump();
}

LabelTree tree_over(const Csr& weights, const PassageIndexOptions& options, Job job) {
  const auto n = static_cast<uint32_t>(weights.n_rows());
  if (n <= options.max_flat) return flat_tree(n);
  job.progress.stage("grouping passages", 0);
  return build_label_tree(normalize_rows_l2(weights, job.pool), options.tree, job);
}

}  // namespace

PassageIndexOptions::PassageIndexOptions() {
  vectorizer.word_ngrams = {1, 1};
  tree.branching = 256;
  tree.max_leaf = 500;
}

void describe(OptionTable& table, PassageIndexOptions& options) {
  describe(table, options.bm25);
  table.add(
      "query_tf", options.query_tf,
      {{TermFrequency::count, "count"}, {TermFrequency::sublinear, "sublinear"}, {TermFrequency::binary, "binary"}},
      "What a word counts that stands t times in a query: count = t, as in Lucene; sublinear = 1 + ln t; binary = "
      "1.");
  describe_features(table, options.vectorizer);
  const char* const weight = "With several analyzers: what a feature of this one counts in a query. ";
  table.add("word_weight", options.vectorizer.word_weight, 0, 1e6, std::string(weight) + "Word n-grams and compounds.");
  table.add("char_weight", options.vectorizer.char_weight, 0, 1e6, std::string(weight) + "Character n-grams.");
  table.add("char_wb_weight", options.vectorizer.char_wb_weight, 0, 1e6, std::string(weight) + "N-grams inside words.");
  table.add("max_flat", options.max_flat, 0, LabelTree::kMostChildren,
            "Up to so many passages stand side by side. More stand in a tree of passages that are alike, in which a "
            "search may leave parts out: see the option beam of retrieve.");
  table.add("branching", options.tree.branching, 2, LabelTree::kMostChildren,
            "Of a tree: groups that a node is parted into.");
  table.add("max_leaf", options.tree.max_leaf, 1, LabelTree::kMostChildren, "Of a tree: the most passages of a group.");
}

Model index_passages(const std::vector<Passage>& passages, const PassageIndexOptions& options, Job job) {
  if (passages.empty()) throw Error(ErrorCode::data, "there are no passages to index");
  const auto [counter, counts] = count_features(passages, options.vectorizer, job);
  expect_features(counts, job.progress);
  const Csr weights = bm25_weights(counts, options.bm25, job.pool);
  const LabelTree tree = tree_over(weights, options, job);
  job.progress.throw_if_stopped();
  job.progress.stage("packing weights", 0);
  ModelParts parts;
  parts.ranker = bounding_ranker(tree, weights, job.pool);
  PassagesBuilder kept;
  std::vector<std::string> ids;
  for (const Passage& passage : passages) {
    kept.add(passage.text, passage.metadata);
    ids.push_back(passage.id);
  }
  parts.label_names = LabelNames::from(ids);
  parts.passages = kept.build();
  parts.vectorizer = for_queries(counter, options);
  PassageIndexOptions resolved = options;
  resolved.vectorizer.stop_words = counter.options().stop_words;
  parts.options_json = options_text(resolved);
  parts.fingerprint = fingerprint_of(parts, counts);
  return Model(std::move(parts));
}

}  // namespace coppice
