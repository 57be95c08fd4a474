// SPDX-License-Identifier: Apache-2.0
// coppice annotate: rows in, the same rows with a trained model's labels out, to train another one on.
#include <filesystem>
#include <memory>
#include <utility>

#include "coppice/app/annotation_writer.h"
#include "coppice/app/command.h"
#include "coppice/app/output.h"
#include "coppice/app/signals.h"
#include "coppice/app/unused_options.h"
#include "coppice/core/error.h"
#include "coppice/data/reader.h"
#include "coppice/model/answer.h"
#include "coppice/model/model.h"
#include "coppice/rank/batch_prediction.h"
#include "coppice/train/row_parts.h"

namespace coppice::app {
namespace {

struct AnnotateByRanker : AnnotateArguments {
  PredictOptions search;
};

/// Is that a network's file, for the other program? What is wrong with it, whoever reads it says.
bool is_network(const std::string& path) {
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(path, unknown)) return false;
  try {
    return ModelFile::map(path).has({SectionType::network});
  } catch (const Error&) {
    return false;
  }
}

Model load_teacher(const std::string& path) {
  Model model = Model::load(path);
  if (model.n_dense() == 0) return model;
  throw Error(ErrorCode::unsupported,
              "the model takes features of a file beside the rows, which annotated rows have no place for", path);
}

void run(AnnotateByRanker& arguments) {
  Progress progress;
  const StopOnSignals stop(progress);
  const Model model = load_teacher(arguments.model_path);
  const PostProcessor scores = arguments.search.post_processor == PostProcessor::of_model
                                   ? model.ranker().post_processor
                                   : arguments.search.post_processor;
  AnnotationWriter output(arguments, scale_of(scores), {model.label_names(), model.n_labels()}, progress);
  PredictOptions search = arguments.search;
  search.top_k = output.top_k();
  ThreadPool pool(arguments.common.threads);
  ReadOptions read = arguments.read;
  read.stop = &progress;
  const auto reader = open_queries(arguments.input, read);
  for (Examples block; reader->next(block);) {
    const Csr features = features_for(model, block, pool);
    for_row_parts(block.size(), pool, &progress, [&](size_t begin, size_t end) {
      output.add(block, begin, predict_batch(model.ranker(), rows_between(features, begin, end), search, pool));
    });
  }
  require_rows(reader->report());
  progress.throw_if_stopped();
  output.commit(reader->report());
}

std::vector<Unused> unused(const AnnotateByRanker& arguments) {
  return {{true, {"label_names", "labels_path", "n_labels"}, "the labels are those of the model"},
          {!arguments.search.beam_per_level.empty(), {"beam"}, "--beam-per-level says it for every level"}};
}

}  // namespace

void add_annotate(CommandList& commands, char** argv) {
  Command command(commands, "annotate", "Label rows by a trained model, to train another one on.",
                  "  coppice annotate packages.coppice unlabelled.jsonl -o annotated.jsonl --floor 0.5\n"
                  "  coppice annotate tags.coppice unlabelled.txt --format text --labels hard -o annotated.jsonl\n"
                  "  coppice train-net --data packages.jsonl --annotated annotated.jsonl -o network.coppice\n");
  auto arguments = std::make_shared<AnnotateByRanker>();
  add_places(command, *arguments);
  OptionTable annotation, search, read, common;
  describe(annotation, arguments->annotation);
  describe_search(search, arguments->search);
  describe(read, arguments->read);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(annotation), "Annotation");
  command.flags().add(command.app(), std::move(search), "Search of a ranker");
  command.flags().add(command.app(), std::move(read), "Reading");
  command.flags().add(command.app(), std::move(common), "Common");
  command.before([arguments, argv] {
    if (is_network(arguments->model_path)) start_coppice_net(argv);
  });
  command.action([arguments, &flags = command.flags()] {
    check_places(*arguments, flags);
    note_unused(flags, unused(*arguments), arguments->common);
    run(*arguments);
  });
}

}  // namespace coppice::app
