// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/model/model.h"
#include "coppice/rank/beam_search.h"

namespace coppice {

struct RetrieveOptions {
  uint32_t top_k = 5;
  float threshold = 0;
  uint32_t beam = 0;
};

void describe(OptionTable& table, RetrieveOptions& options);

/// A passage that a query found.
struct RetrievedPassage {
  uint32_t label = 0;  ///< its number in the model
  float score = 0;
  std::string id;
  std::string text;      ///< "" where the model holds labels alone
  std::string metadata;  ///< a JSON object, or "": nothing is known
};

/// The scratch memory of one thread that retrieves from one model.
struct RetrieveState {
  Vectorizer::State text;
  SearchState search;
};

/// The passages of the model (see `index_passages`) that fit the query best, best first, ties by their order in the
/// index; only those whose score is above the threshold.
///
/// Of a model that was trained, the best labels. Throws `ErrorCode::usage` for a model that takes anything but text.
/// Cost: without a beam every passage that has a word of the query is scored, about 1 ns for each and word.
/// Threads: one state per thread.
std::vector<RetrievedPassage> retrieve(const Model& model, std::string_view query, const RetrieveOptions& options,
                                       RetrieveState& state);
std::vector<RetrievedPassage> retrieve(const Model& model, std::string_view query, const RetrieveOptions& options = {});

}  // namespace coppice
