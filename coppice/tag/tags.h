// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace coppice {

/// A slot found in a text, or known to be there: the bytes [begin, end), and the number of its type.
struct Slot {
  uint32_t type;
  uint32_t begin;
  uint32_t end;

  bool operator==(const Slot&) const = default;
};

/// The tags of `n_slots` types of slots, as numbers: 0 is O (no slot), 1 to n_slots are B (a slot begins), and behind
/// them as many I (it goes on). What may be entered from anywhere thus lies together, in front.
struct Tags {
  uint32_t n_slots = 0;

  static constexpr uint32_t kOutside = 0;

  uint32_t count() const noexcept { return 2 * n_slots + 1; }
  /// O and the B tags: those that may follow any tag, and stand first.
  uint32_t n_entered() const noexcept { return n_slots + 1; }
  uint32_t begin(uint32_t type) const noexcept { return 1 + type; }
  uint32_t inside(uint32_t type) const noexcept { return 1 + n_slots + type; }
  bool is_inside(uint32_t tag) const noexcept { return tag > n_slots; }
  /// The type of the slot of a tag that is not O.
  uint32_t type(uint32_t tag) const noexcept { return tag > n_slots ? tag - n_slots - 1 : tag - 1; }
  /// The I tag that may follow a tag that is not O.
  uint32_t continued(uint32_t tag) const noexcept { return inside(type(tag)); }
  /// I may follow B and I of its own type only.
  bool may_follow(uint32_t before, uint32_t tag) const noexcept {
    return !is_inside(tag) || (before != kOutside && type(before) == type(tag));
  }
  bool may_stand_first(uint32_t tag) const noexcept { return !is_inside(tag); }
};

/// What it adds to the score of a path that one tag follows another; for transitions that may not be, there is no
/// place.
///
/// Shapes: `entered` count() x n_entered(), a row for each tag before; `continued` 2 n_slots, one for each tag but O.
template <class Real>
struct TransitionView {
  Tags tags;
  std::span<const Real> entered;
  std::span<const Real> continued;

  /// `values`: `entered`, then `continued`.
  static TransitionView of(Tags tags, std::span<const Real> values) noexcept {
    const size_t n_entered = size_t{tags.count()} * tags.n_entered();
    return {tags, values.first(n_entered), values.subspan(n_entered, size_t{2} * tags.n_slots)};
  }

  static size_t size(Tags tags) noexcept { return size_t{tags.count()} * tags.n_entered() + size_t{2} * tags.n_slots; }

  /// Where the score of an allowed transition stands among `values`.
  static size_t place(Tags tags, uint32_t before, uint32_t tag) noexcept {
    if (!tags.is_inside(tag)) return size_t{before} * tags.n_entered() + tag;
    return size_t{tags.count()} * tags.n_entered() + before - 1;
  }

  const Real* row(uint32_t before) const noexcept { return entered.data() + size_t{before} * tags.n_entered(); }
};

}  // namespace coppice
