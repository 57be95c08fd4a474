// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/net_input.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/data/block_builder.h"
#include "coppice/data/reader.h"
#include "coppice/model/answer.h"
#include "coppice/net/recording.h"
#include "coppice/net/recording_list.h"
#include "coppice/train/content_hash.h"
#include "coppice/train/training_set.h"

namespace coppice {
namespace {

namespace fs = std::filesystem;

/// Recordings that are known by their files alone.
struct SpeechList {
  std::vector<std::string> paths;
  std::vector<std::string> ids;  ///< that rows brought, "" = none; or empty
  NetRows rows;                  ///< without the examples' frames
};

SpeechList list_folder(const NetInput& input, LabelIndex& labels) {
  SpeechList list;
  CsrBuilder truth;
  const std::string& folder = input.path;
  for (RecordingFile& file : find_recordings(folder, input.rows)) {
    if (input.rows == RowsAre::examples) truth.add(labels.add(file.label), 1);
    truth.end_row();
    list.rows.ids.push_back(fs::path(file.path).filename());
    list.paths.push_back(std::move(file.path));
    list.rows.speakers.push_back(std::move(file.speaker));
  }
  truth.set_columns(labels.size());
  list.rows.examples.labels = truth.build();
  list.rows.report.input = folder;
  list.rows.report.rows = list.paths.size();
  if (input.rows == RowsAre::examples) list.rows.report.label_entries = list.paths.size();
  return list;
}

/// Labels of examples are collected.
std::unique_ptr<ExampleReader> open_rows(const NetInput& input, const ReadOptions& read, LabelIndex& labels) {
  return input.rows == RowsAre::queries ? open_queries(input.path, read) : open_examples(input.path, read, labels);
}

/// JSON lines with "audio" in place of "text".
SpeechList list_lines(const NetInput& input, LabelIndex& labels) {
  ReadOptions read = input.read;
  if (read.text_field == ReadOptions{}.text_field) read.text_field = {"audio"};
  const fs::path folder = fs::path(input.path).parent_path();
  SpeechList list;
  std::vector<Csr> truth;
  const auto reader = open_rows(input, read, labels);
  for (Examples block; reader->next(block);) {
    append_weights(block, list.paths.size(), list.rows.examples.weights);
    for (size_t i = 0; i < block.texts.size(); ++i) {
      list.paths.push_back(folder / std::string(block.texts[i]));
      list.rows.ids.push_back(block.ids.empty() || block.ids[i].empty() ? std::string(block.texts[i]) : block.ids[i]);
    }
    truth.push_back(std::move(block.labels));
    block.ids.resize(block.size());
    for (std::string& id : block.ids) list.ids.push_back(std::move(id));
  }
  list.rows.examples.labels = concatenate_rows(std::move(truth));
  list.rows.speakers.resize(list.paths.size());
  list.rows.report = reader->report();
  return list;
}

SpeechList list_recordings(const NetInput& input, LabelIndex& labels) {
  if (fs::is_directory(input.path)) return list_folder(input, labels);
  const std::string& path = input.path;
  const bool is_list = path.ends_with(".jsonl") || path.ends_with(".jsonl.gz") || path.ends_with(".jsonl.zst");
  if (is_list || input.read.format == Format::jsonl || input.path == "-") return list_lines(input, labels);
  SpeechList one;
  one.paths = {input.path};
  one.rows.ids = {fs::path(input.path).filename()};
  one.rows.speakers.resize(1);
  CsrBuilder unlabelled(labels.size());
  unlabelled.end_row();
  one.rows.examples.labels = unlabelled.build();
  one.rows.report.input = input.path;
  one.rows.report.rows = 1;
  return one;
}

/// An error names the recording.
Recording resampled(const std::string& path, uint32_t sample_rate) {
  Recording recording = read_recording(path);
  try {
    return resample(std::move(recording), sample_rate);
  } catch (const Error& error) {
    throw Error(error.code(), error.what(), path);
  }
}

Frames frames_of(const std::vector<std::string>& paths, const LogMel& log_mel, Job job) {
  job.progress.stage("listening", paths.size());
  std::vector<std::vector<float>> all(paths.size());
  job.pool.run(paths.size(), [&](size_t i, size_t) {
    job.progress.throw_if_stopped();
    all[i] = log_mel.features(resampled(paths[i], log_mel.sample_rate()).samples);
    job.progress.advance(1);
  });
  Frames frames;
  frames.n_bands = log_mel.n_bands();
  for (std::vector<float>& own : all) {
    frames.add(own);
    own = {};
  }
  return frames;
}

/// Puts those that a model has labelled behind the others.
void add_annotated(const NetInput& input, LabelIndex& labels, SpeechList& list) {
  if (input.annotated.path.empty()) return;
  const bool had_names = labels.has_names();
  SpeechList more =
      list_lines({input.annotated.path, annotated_read_options(input.read), RowsAre::examples, {}}, labels);
  require_labels(more.rows.report);
  if (labels.has_names() != had_names) {
    throw Error(ErrorCode::data, "labels are names in one input, numbers in the other", input.annotated.path);
  }
  Examples annotated;
  annotated.ids = more.rows.ids;
  annotated.weights = std::move(more.rows.examples.weights);
  weigh(annotated, input.annotated.weight);
  append_weights(annotated, list.paths.size(), list.rows.examples.weights);
  list.rows.examples.labels = concatenate_rows(list.rows.examples.labels, more.rows.examples.labels);
  const auto append = [](std::vector<std::string>& to, const std::vector<std::string>& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  append(list.paths, more.paths);
  append(list.rows.ids, more.rows.ids);
  const std::set<std::string> known(list.rows.speakers.begin(), list.rows.speakers.end());
  for (const std::string& path : more.paths) list.rows.speakers.push_back(speaker_in(path, known));
  list.rows.annotated = more.rows.report;
}

/// Paths stand for the recordings.
Examples asked_of(const SpeechList& list) {
  Examples asked;
  for (const std::string& path : list.paths) asked.texts.add(path);
  asked.ids = list.ids;
  asked.weights = list.rows.examples.weights;
  return asked;
}

NetRows with_frames(SpeechList list, const LogMelOptions& options, Job job) {
  NetRows rows = std::move(list.rows);
  rows.examples.frames = frames_of(list.paths, LogMel(options), job);
  return rows;
}

NetSet read_speech_set(const NetInput& input, const NetReadOptions& options, Job job) {
  LabelIndex labels;
  SpeechList list = list_recordings(input, labels);
  require_rows(list.rows.report);
  require_labels(list.rows.report);
  add_annotated(input, labels, list);
  NetSet set;
  set.features.task = NetTask::speech;
  set.features.log_mel = options.log_mel;
  if (options.log_mel.sample_rate == 0) set.features.log_mel.sample_rate = read_recording(list.paths[0]).sample_rate;
  set.rows = with_frames(std::move(list), set.features.log_mel, job);
  set.label_names = labels.names();
  set.n_labels = labels.size();
  set.rows.examples.labels.n_columns = set.n_labels;
  return set;
}

NetRows read_speech_rows(const NetFeatures& features, const NetInput& input, LabelIndex& labels, Job job) {
  SpeechList list = list_recordings(input, labels);
  Examples asked;
  if (input.rows == RowsAre::queries) asked = asked_of(list);
  NetRows rows = with_frames(std::move(list), features.log_mel, job);
  rows.asked = std::move(asked);
  return rows;
}

NetSet read_other_set(NetTask task, const NetInput& input, const NetReadOptions& options, Job job) {
  TrainingSet read = read_training_set({input.path, input.read, "", 1, input.annotated}, options.vectorizer, job);
  if (task == NetTask::features && read.vectorizer) {
    throw Error(ErrorCode::usage, "the rows are texts, expected features", input.path, "--task text");
  }
  NetSet set;
  set.features = {task, {}, std::move(read.vectorizer), read.features.n_columns};
  set.rows.examples = {{}, std::move(read.features), std::move(read.labels), std::move(read.weights)};
  set.rows.report = std::move(read.report);
  set.rows.annotated = std::move(read.annotated);
  set.label_names = std::move(read.label_names);
  set.n_labels = set.rows.examples.labels.n_columns;
  return set;
}

/// Features beyond those of training mean nothing to the network.
Csr features_of(const NetFeatures& features, const Examples& block, ThreadPool& pool) {
  const Vectorizer* const vectorizer = features.vectorizer ? &*features.vectorizer : nullptr;
  expect_fitting(block, {vectorizer != nullptr, vectorizer != nullptr ? 0 : features.n_features, 0});
  return join_features(vectorizer, block, vectorizer != nullptr ? 0 : features.n_features, pool);
}

NetRows read_other_rows(const NetFeatures& features, const NetInput& input, LabelIndex& labels, Job job) {
  NetRows rows;
  std::vector<Csr> pieces, truth;
  size_t n_rows = 0;
  ExamplesJoiner asked;
  uint32_t n_asked_features = 0;
  const auto reader = open_rows(input, input.read, labels);
  for (Examples block; reader->next(block);) {
    job.progress.throw_if_stopped();
    if (input.rows == RowsAre::queries) asked.add(block);
    n_asked_features = std::max(n_asked_features, block.features.n_columns);
    pieces.push_back(features_of(features, block, job.pool));
    append_weights(block, n_rows, rows.examples.weights);
    n_rows += block.size();
    block.ids.resize(block.size());
    for (std::string& id : block.ids) rows.ids.push_back(std::move(id));
    truth.push_back(std::move(block.labels));
  }
  rows.examples.features = concatenate_rows(std::move(pieces));
  rows.examples.labels = concatenate_rows(std::move(truth));
  rows.asked = asked.take(n_asked_features, 0);
  rows.report = reader->report();
  return rows;
}

}  // namespace

NetSet read_net_set(NetTask task, const NetInput& input, const NetReadOptions& options, Job job) {
  return task == NetTask::speech ? read_speech_set(input, options, job) : read_other_set(task, input, options, job);
}

NetRows read_net_rows(const NetFeatures& features, const NetInput& input, LabelIndex& labels, Job job) {
  NetRows rows = features.task == NetTask::speech ? read_speech_rows(features, input, labels, job)
                                                  : read_other_rows(features, input, labels, job);
  require_rows(rows.report);
  return rows;
}

std::string fingerprint(const NetSet& set) {
  ContentHash hash;
  hash.add(std::span(set.rows.examples.frames.offsets));
  hash.add(std::span(set.rows.examples.frames.values));
  hash.add(set.rows.examples.features);
  hash.add(set.rows.examples.labels);
  hash.add(std::span(set.rows.examples.weights));
  hash.add(set.label_names.bytes().span());
  return hash.text();
}

}  // namespace coppice
