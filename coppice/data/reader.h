// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "coppice/data/examples.h"
#include "coppice/data/input_stream.h"
#include "coppice/data/label_index.h"
#include "coppice/data/read_options.h"

namespace coppice {

/// A format, and what told it.
struct Recognised {
  Format format = Format::automatic;
  std::string by;             ///< "the extension .jsonl", "the first line", "the option format"
  bool named_labels = false;  ///< of labelled_text: what stands before the tab are names
};

/// The format of a file by its extension (before .gz and .zst), else by its first bytes. Files ending in .tsv are of
/// two kinds: with a header of single words, or lines `name<TAB>text` with a text of several words. Throws
/// `ErrorCode::io`; `ErrorCode::data` for an empty file and for one that looks like none of the formats.
Recognised recognise(const std::string& path);

/// As `recognise`, and nothing for a file that looks like none of the formats.
std::optional<Recognised> find_format(const std::string& path);

/// The format of a stream; `path` is only looked at for its extension. Takes no bytes from the stream.
Recognised recognise(const std::string& path, InputStream& stream);

/// Opens `path` ("-" = standard input) for one pass in blocks. `labels` collects the labels and must outlive the
/// reader. Throws as `recognise`, and what the reader of the format throws.
std::unique_ptr<ExampleReader> open_examples(const std::string& path, const ReadOptions& options, LabelIndex& labels);

/// Opens rows whose labels, if they have any, play no part: blocks come without labels, no label makes a row bad, and
/// the options about label names and numbers are not looked at. A row must be in its format all the same.
std::unique_ptr<ExampleReader> open_queries(const std::string& path, const ReadOptions& options);

/// As `open_examples`, for a stream of lines that is open already; matrices cannot be streamed
/// (`ErrorCode::unsupported`).
std::unique_ptr<ExampleReader> open_examples(InputStream stream, const ReadOptions& options, LabelIndex& labels);

/// An input that is read more than once, to fit and then to transform, say, without holding it in memory: see
/// `RereadableInput` for what becomes of standard input.
class ExampleSource {
 public:
  ExampleSource(std::string path, ReadOptions options);

  /// A new reader at the start.
  std::unique_ptr<ExampleReader> open(LabelIndex& labels) const;

  /// The same rows once more, in the same order, without their labels; `first`, the report of a reader at its end, says
  /// which they are. The reader throws `ErrorCode::data` at the end if there are more or fewer rows than then.
  std::unique_ptr<ExampleReader> open_again(const ReadReport& first) const;

  const ReadOptions& options() const noexcept { return options_; }

 private:
  std::string path_;
  ReadOptions options_;
  std::optional<RereadableInput> input_;  ///< none for matrices, which are mapped
};

/// All examples of an input in memory.
struct Dataset {
  Examples examples;
  LabelNames names;  ///< empty if labels are given by number
  uint32_t n_labels = 0;
  ReadReport report;
};

/// Reads everything. Throws `ErrorCode::data` if there is no row.
Dataset read_all(const std::string& path, const ReadOptions& options, LabelIndex& labels);
Dataset read_all(ExampleReader& reader, LabelIndex& labels);

/// Throws `ErrorCode::data` unless some row has a label: nothing could be learned.
void require_labels(const ReadReport& report);

/// Throws `ErrorCode::data` unless there is a row.
void require_rows(const ReadReport& report);

}  // namespace coppice
