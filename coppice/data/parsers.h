// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "coppice/data/read_options.h"
#include "coppice/data/row.h"

namespace coppice {

/// The parsers of the line formats; docs/formats.md has their grammars.

/// {"text": ..., "labels": [...]} per line. Cost: simdjson's first pass over the line, then the fields used, and a walk
/// over the others that finds what is no JSON.
std::unique_ptr<RowParser> make_jsonl_parser(const ReadOptions& options);

/// `id,id<TAB>text`, `id::relevance`; with `named_labels` `name,name<TAB>text`.
std::unique_ptr<RowParser> make_labelled_text_parser(const ReadOptions& options);

/// `id,id index:value index:value`, with or without the header `n d L`.
std::unique_ptr<RowParser> make_svm_parser(const ReadOptions& options);

/// `__label__name __label__name text`.
std::unique_ptr<RowParser> make_fasttext_parser(const ReadOptions& options);

/// A text per line, without labels.
std::unique_ptr<RowParser> make_text_parser();

/// RFC 4180 with a header line; `separator` between the fields.
std::unique_ptr<RowParser> make_csv_parser(const ReadOptions& options, char separator);

/// The parser of a line format; throws `ErrorCode::internal` for a matrix format.
std::unique_ptr<RowParser> make_parser(Format format, const ReadOptions& options);

}  // namespace coppice
