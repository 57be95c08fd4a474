// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "coppice/data/input_stream.h"

namespace coppice {

enum class Compression { none, gzip, zstd };

/// What the first bytes of a stream say. Throws `ErrorCode::unsupported` for bzip2, xz and lz4.
Compression compression_of(std::string_view first_bytes, const std::string& name);

/// Throws `ErrorCode::unsupported` for a matrix file that gzip or zstd compressed: it is read in place.
void refuse_compressed(std::span<const std::byte> bytes, const std::string& name);

/// The decompressed bytes of `raw`, which starts with the signature of `compression`.
/// Throws (from `read`): `ErrorCode::data` for damaged or truncated input, naming the offset in the compressed file.
std::unique_ptr<InputStream::Source> decompress(std::unique_ptr<InputStream::Source> raw, Compression compression,
                                                const std::string& name);

}  // namespace coppice
