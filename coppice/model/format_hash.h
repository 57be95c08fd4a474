// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "coppice/model/format.h"

namespace coppice {

/// Where a section may begin: the next multiple of 64.
constexpr uint64_t aligned_to_section(uint64_t offset) noexcept {
  return (offset + kSectionAlignmentBytes - 1) / kSectionAlignmentBytes * kSectionAlignmentBytes;
}

/// The hash of the whole first 4 KiB (with the hash field zero) and the directory.
uint64_t hash_header(FileHeader header, std::span<const std::byte> rest, std::span<const std::byte> directory);

/// RFC 9562 version 8: the bits are ours, but for the version and the variant.
std::array<unsigned char, 16> uuid_of(std::span<const std::byte> directory);

}  // namespace coppice
