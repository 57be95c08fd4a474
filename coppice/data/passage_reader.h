// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/core/progress.h"
#include "coppice/data/line_reader.h"

namespace coppice {

/// A text that a search may find.
struct Passage {
  std::string id;
  std::string title;     ///< "" = none; searched as the text is
  std::string text;      ///< valid UTF-8
  std::string metadata;  ///< all that its row holds beside id and text, as a JSON object; "" = nothing

  /// What its features are made of.
  std::string searched() const { return title.empty() ? text : title + "\n" + text; }
};

enum class PassageFormat { automatic, jsonl, text };

struct PassageReadOptions {
  PassageFormat format = PassageFormat::automatic;
  std::string id_field = "id";
  std::string text_field = "text";
  std::string title_field = "title";
  uint32_t chunk_words = 0;
  uint32_t chunk_overlap = 0;
  uint64_t max_line_bytes = LineReader::kDefaultMaxLineBytes;
  // What follows is no option by name.
  const Progress* stop = nullptr;  ///< asked while a pipe keeps us waiting

  /// Words of a part of a text file where nothing is said.
  static constexpr uint32_t kWordsOfTextFiles = 200;
};

void describe(OptionTable& table, PassageReadOptions& options);

/// How the file is read: as the options say, or as its name does.
PassageFormat format_of(const std::string& path, const PassageReadOptions& options);

/// What was read, and what was repaired or done on the way.
struct PassageReport {
  uint64_t files = 0;
  uint64_t texts = 0;     ///< rows, and files of text
  uint64_t split = 0;     ///< of them, those that were cut into parts
  uint64_t empty = 0;     ///< files of text without any
  uint64_t repaired = 0;  ///< those with bytes that were no UTF-8, which became U+FFFD

  /// One remark for each thing that a user should know of.
  std::vector<std::string> remarks() const;
};

struct PassageList {
  std::vector<Passage> passages;
  PassageReport report;
};

/// Reads passages from files of JSON lines {"id": ..., "text": ...}, with an optional title and any other fields, and
/// from files of text, whole ones or in parts (see `chunk_text`). "-" is standard input; gzip and zstd are unpacked.
///
/// A text file's id is its path. The parts of a text with the id x are x#1, x#2, ..., and say in the field "part" of
/// their metadata of which text they are and which bytes of it. Passages stand in the order in which they were read.
/// Throws `ErrorCode::data` with file:line:column for a line that is no passage, and for an id that is there twice; for
/// no passage at all; `ErrorCode::io`, `ErrorCode::cancelled`; `ErrorCode::usage` as `chunk_text` does.
PassageList read_passages(const std::vector<std::string>& paths, const PassageReadOptions& options);

}  // namespace coppice
