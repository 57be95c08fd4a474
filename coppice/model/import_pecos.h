// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/core/parallel.h"
#include "coppice/data/vectorizer.h"
#include "coppice/model/model.h"

namespace coppice {

/// What to import.
struct ImportPecosOptions {
  std::string vectorizer;   ///< the folder of the tf-idf vectorizer; empty = the model takes features
  std::string label_names;  ///< a file with one name per line; empty = the names are the numbers 0, 1, ...
};

void describe(OptionTable& table, ImportPecosOptions& options);

/// Turns a PECOS XR-Linear model folder into a model with equal scores: tree, weights, biases, post-processor.
///
/// `folder` is what `XLinearModel.save` wrote, or its folder `ranker`, or one `N.model` in it (then a model of one
/// level). A label in several clusters is kept in all of them. The beam and the number of results that PECOS used by
/// default are kept in the options of the model, for people to read: a search takes its own.
/// Label names are read as `read_label_names` does. Throws `io`, `data` with the file at fault, `unsupported` for a
/// model compiled for memory mapping, one that is no tree, or levels with different post-processors.
/// Threads: the same model for any number of them. Memory: the model, and one level of PECOS' matrices.
Model import_pecos(const std::string& folder, const ImportPecosOptions& options, ThreadPool& pool);

/// A PECOS tf-idf vectorizer with equal features and values. Throws as `import_pecos`; `unsupported` also for several
/// vectorizers joined that analyse alike or are weighted differently.
/// The texts differ in one thing: where PECOS makes n-grams of characters, it keeps runs of white space as they are,
/// and stops at a byte that is no UTF-8; here each run counts as one space.
Vectorizer import_pecos_vectorizer(const std::string& folder);

}  // namespace coppice
