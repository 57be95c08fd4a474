// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "coppice/model/model.h"

namespace coppice {

/// A small model made of fixed numbers, for tests, the golden file and fuzzing: 2 levels, 3 + 13 nodes, 12 labels (one
/// of them in two leaves), 40 features, chunks of every encoding.
ModelParts sample_parts();

/// Another one, of 4 levels, 2 + 4 + 8 + 16 nodes and 16 labels, without a vectorizer.
ModelParts deep_sample_parts();

/// A model of a slot tagger alone, with 2 types of slots and 2 gazetteers.
ModelParts tagger_sample_parts();

/// The first sample with that tagger, and domains that some of its labels belong to.
ModelParts assistant_sample_parts();

/// A flat model of 24 labels and 300 words, of whose weights so many in a hundred are not 0: enough rows that a packed
/// chunk needs all of its parts.
ModelParts flat_sample_parts(uint32_t percent);

/// A flat model whose labels stand for passages; of every third nothing is known beside its text.
ModelParts passages_sample_parts();

/// Three domains, of which the labels have one in turn, and every fourth label none.
LabelDomains sample_domains(uint32_t n_labels);

/// The file of a model, as `save` writes it.
std::string sample_image(const Model& model);

/// Features that the sample model knows, some it does not, and none at all.
Csr sample_queries();

/// Asks a model everything that a query can ask: search, batch, given labels, names, text, filters, explanations,
/// slots. For a model whose payload may hold anything; what comes back does not matter, only that nothing is read out
/// of bounds.
void ask_everything(const Model& model);

}  // namespace coppice
