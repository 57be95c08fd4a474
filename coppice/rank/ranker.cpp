// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/ranker.h"

#include <string>

#include "coppice/core/error.h"
#include "coppice/rank/chunk_view.h"

namespace coppice {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::data, "ranker: " + why);
}

void expect_same(uint64_t got, uint64_t expected, const std::string& what) {
  if (got != expected) refuse(what + ": " + std::to_string(got) + ", expected " + std::to_string(expected));
}

}  // namespace

void Ranker::check_shapes() const {
  if (tree.depth() == 0) refuse("a tree without levels");
  expect_same(levels.size(), tree.depth(), "levels of weights");
  if (name(post_processor).empty() || post_processor == PostProcessor::of_model) refuse("an unknown post-processor");
  for (size_t level = 0; level < levels.size(); ++level) {
    const std::string place = "level " + std::to_string(level);
    if (tree.first_child[level].empty()) refuse(place + ": no child offsets");
    expect_same(levels[level].n_features(), n_features, place + ": features");
    expect_same(levels[level].n_chunks(), tree.n_chunks(level), place + ": chunks");
    expect_same(levels[level].n_nodes(), tree.n_nodes(level + 1), place + ": nodes");
    expect_same(tree.first_child[level].size(), tree.n_nodes(level) + 1, place + ": child offsets");
  }
  expect_same(tree.leaf_label.size(), tree.n_nodes(tree.depth()), "leaf labels");
}

void Ranker::verify() const {
  check_shapes();
  tree.validate();
  for (size_t level = 0; level < levels.size(); ++level) {
    levels[level].verify(tree.first_child[level], "weights of level " + std::to_string(level));
  }
}

uint64_t Ranker::n_weights() const noexcept {
  uint64_t count = 0;
  for (const LevelWeights& level : levels) count += coppice::n_weights(level);
  return count;
}

uint64_t Ranker::size_bytes() const noexcept {
  uint64_t bytes = tree.leaf_label.size_bytes();
  for (const LevelWeights& level : levels) bytes += level.size_bytes();
  for (const Array<uint32_t>& first : tree.first_child) bytes += first.size_bytes();
  return bytes;
}

}  // namespace coppice
