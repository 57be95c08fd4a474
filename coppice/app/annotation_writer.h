// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "coppice/app/command.h"
#include "coppice/core/output_file.h"
#include "coppice/data/read_options.h"
#include "coppice/model/same_labels.h"
#include "coppice/train/annotation.h"

namespace coppice::app {

/// What `annotate` takes, whichever kind of model it is given.
struct AnnotateArguments {
  CommonOptions common;
  AnnotationOptions annotation;
  ReadOptions read;
  std::string model_path;
  std::string input = "-";
  std::string output = "-";
};

/// Declares the model, the input and the output.
void add_places(Command& command, AnnotateArguments& arguments);

/// Throws for files that are not there, and where the output would replace one of them, or not be what its name says.
void check_places(const AnnotateArguments& arguments, const Flags& flags);

/// Where annotated rows go, as JSON lines: whole at the end, or not at all.
class AnnotationWriter {
 public:
  /// The arguments, the names of `labels` and `stop` outlive the writer. Fields are named as the arguments read them.
  /// Throws `ErrorCode::usage` for soft labels where labels have no names.
  AnnotationWriter(const AnnotateArguments& arguments, ScoreScale scale, LabelSet labels, const Progress& stop);

  /// How many answers a row is worth asking for.
  uint32_t top_k() const noexcept { return annotator_.top_k(); }

  /// The rows from `begin` on, as many as there are answers.
  void add(const Examples& rows, size_t begin, const Predictions& answers);

  /// Writes the file and says what is in it. Throws `ErrorCode::data` when no row was labelled.
  void commit(const ReadReport& read);

 private:
  void expect_names(const Csr& labels) const;

  const AnnotateArguments& arguments_;
  LabelSet labels_;
  Annotator annotator_;
  OutputFile file_;
};

}  // namespace coppice::app
