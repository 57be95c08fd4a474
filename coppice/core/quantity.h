// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace coppice {

/// "1 row", "2 rows"; "1 child", "2 children": the count and the noun, which gets an s where no plural is given.
std::string counted(uint64_t count, std::string_view noun, std::string_view plural = {});

/// 12,345,678 -> "12.3 MB". Units: powers of 1000.
std::string bytes_text(double bytes);

/// What a size without a unit counts.
enum class BareSize { gigabytes, bytes };

/// A size as people write it, in bytes: "20G", "1.5 GB", "500M", "512Mi"; `bare` says what a number alone counts.
///
/// Units: k, M, G, T are powers of 1000; Ki, Mi, Gi, Ti of 1024; a B may follow, case does not matter.
/// Throws `ErrorCode::usage` naming `option` for any other text, and for a size of 2^63 bytes or more.
uint64_t parse_bytes(std::string_view text, std::string_view option, BareSize bare = BareSize::gigabytes);

}  // namespace coppice
