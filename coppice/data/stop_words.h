// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace coppice {

/// Reads stop words from a text file: one entry a line, "#" starts a comment line, CRLF and blank lines are fine; gzip
/// and zstd, and "-" for standard input, as everywhere.
///
/// Entries go through the same tokenizer as texts; one that is cut into several tokens ("don't") stops each of them.
/// Throws `ErrorCode::io` when the file cannot be read; `ErrorCode::data` with the place of what is no UTF-8 and of a
/// NUL byte, for a file without an entry, and for one larger than 64 MiB (unpacked).
std::vector<std::string> read_stop_words(const std::string& path);

}  // namespace coppice
