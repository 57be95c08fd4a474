// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/key_index.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/math/bits.h"

namespace coppice {
namespace {

constexpr size_t kBatch = 32;  // misses that one core keeps in flight, and some

uint64_t fingerprint_bytes(uint64_t n_keys, uint32_t bits) noexcept {
  return (n_keys * bits + 7) / 8;
}

std::vector<uint8_t> fingerprints_of(std::span<const KeyHash> keys, const KeyIndex::Hash& hash, uint32_t bits) {
  std::vector<uint8_t> fingerprints(fingerprint_bytes(keys.size(), bits));
  for (const KeyHash key : keys) {
    const uint64_t slot = std::visit([&](const auto& kind) { return kind.slot(key); }, hash);
    if (bits == 4) fingerprints[slot / 2] |= static_cast<uint8_t>((key.high & 15) << slot % 2 * 4);
    if (bits >= 8) fingerprints[slot * bits / 8] = static_cast<uint8_t>(key.high);
    if (bits == 16) fingerprints[slot * 2 + 1] = static_cast<uint8_t>(key.high >> 8);
  }
  return fingerprints;
}

}  // namespace

KeyIndex::KeyIndex(Hash hash, uint32_t fingerprint_bits, Array<uint8_t> fingerprints)
    : hash_(std::move(hash)), fingerprint_bits_(fingerprint_bits), fingerprints_(std::move(fingerprints)) {
  if (fingerprint_bits_ != 0 && fingerprint_bits_ != 4 && fingerprint_bits_ != 8 && fingerprint_bits_ != 16) {
    throw Error(ErrorCode::data, "fingerprints of " + std::to_string(fingerprint_bits_) + " bits");
  }
  if (fingerprints_.size() != fingerprint_bytes(size(), fingerprint_bits_)) {
    throw Error(ErrorCode::data, counted(fingerprints_.size(), "byte") + " of fingerprints for " +
                                     counted(size(), "key") + " of " + std::to_string(fingerprint_bits_) + " bits");
  }
}

KeyIndex KeyIndex::build(std::span<const KeyHash> keys, ThreadPool& pool, const KeyIndexOptions& options) {
  Hash hash;
  if (options.perfect_hash == PerfectHash::pilots) {
    hash = PilotHash::build(keys, pool, options.pilots);
  } else {
    hash = LevelHash::build(keys, options.gamma);
  }
  std::vector<uint8_t> fingerprints = fingerprints_of(keys, hash, options.fingerprint_bits);
  return {std::move(hash), options.fingerprint_bits, std::move(fingerprints)};
}

uint64_t KeyIndex::size() const noexcept {
  return std::visit([](const auto& kind) { return kind.size(); }, hash_);
}

uint64_t KeyIndex::size_bytes() const noexcept {
  return std::visit([](const auto& kind) { return kind.size_bytes(); }, hash_) + fingerprints_.size_bytes();
}

bool KeyIndex::has_fingerprint(KeyHash key, uint32_t slot) const noexcept {
  const uint8_t* const bytes = fingerprints_.data();
  switch (fingerprint_bits_) {
    case 4:
      return (bytes[slot / 2] >> slot % 2 * 4 & 15) == (key.high & 15);
    case 8:
      return bytes[slot] == static_cast<uint8_t>(key.high);
    case 16:
      return bytes[size_t{slot} * 2] == static_cast<uint8_t>(key.high) &&
             bytes[size_t{slot} * 2 + 1] == static_cast<uint8_t>(key.high >> 8);
    default:
      return true;
  }
}

uint32_t KeyIndex::find(KeyHash key) const noexcept {
  const uint32_t slot = std::visit([&](const auto& kind) { return kind.slot(key); }, hash_);
  return slot != kNone && has_fingerprint(key, slot) ? slot : kNone;
}

void KeyIndex::find(std::span<const KeyHash> keys, uint32_t* numbers) const noexcept {
  const auto* const pilots = std::get_if<PilotHash>(&hash_);
  if (pilots == nullptr) {
    for (size_t i = 0; i < keys.size(); ++i) numbers[i] = find(keys[i]);
    return;
  }
  std::array<PilotHash::Bucket, kBatch> buckets;
  const uint8_t* const pilot_bytes = pilots->tables().pilots.data();
  for (size_t begin = 0; begin < keys.size(); begin += kBatch) {
    const size_t count = std::min(kBatch, keys.size() - begin);
    for (size_t i = 0; i < count; ++i) {
      buckets[i] = pilots->bucket_of(keys[begin + i]);
      touch(pilot_bytes + buckets[i].pilot);
    }
    for (size_t i = 0; i < count; ++i) {
      const uint32_t slot = pilots->slot_of(keys[begin + i], buckets[i]);
      if (fingerprint_bits_ > 0) touch(fingerprints_.data() + uint64_t{slot} * fingerprint_bits_ / 8);
      numbers[begin + i] = slot;
    }
    for (size_t i = begin; i < begin + count; ++i) {
      if (!has_fingerprint(keys[i], numbers[i])) numbers[i] = kNone;
    }
  }
}

void KeyIndex::verify() const {
  std::visit([](const auto& kind) { kind.verify(); }, hash_);
}

}  // namespace coppice
