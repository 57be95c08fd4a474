// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "coppice/data/tokenizer.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "coppice/data/tokenizer_ascii.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace coppice {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Bytes = hn::CappedTag<uint8_t, 64>;
using Ranges = std::array<AsciiRules::Range, 4>;

template <class V>
HWY_INLINE auto in_range(V v, AsciiRules::Range range) {
  const Bytes d;
  // Unsigned "first <= v <= last" in one subtraction. Not for empty ranges.
  const auto offset = hn::Sub(v, hn::Set(d, range.first));
  const auto width = hn::Set(d, static_cast<uint8_t>(range.last - range.first));
  return hn::Eq(hn::Min(offset, width), offset);
}

HWY_INLINE size_t used(const Ranges& ranges) {
  size_t count = 0;
  while (count < ranges.size() && ranges[count].first <= ranges[count].last) ++count;
  return count;
}

/// Bit i = byte i of the 64 lies in one of the ranges.
HWY_INLINE uint64_t bits_in(const Ranges& ranges, size_t count, const uint8_t* HWY_RESTRICT block) {
  const Bytes d;
  uint8_t bits[8] = {};
  for (size_t i = 0; i < 64; i += hn::Lanes(d)) {
    const auto v = hn::LoadU(d, block + i);
    auto mask = in_range(v, ranges[0]);
    for (size_t r = 1; r < count; ++r) mask = hn::Or(mask, in_range(v, ranges[r]));
    hn::StoreMaskBits(d, mask, bits + i / 8);
  }
  uint64_t result;
  std::memcpy(&result, bits, sizeof result);
  return result;
}

/// Copies 64 bytes, lowered; false when a byte beyond ASCII is among them.
HWY_INLINE bool copy_block(const uint8_t* HWY_RESTRICT from, bool lower, uint8_t* HWY_RESTRICT to) {
  const Bytes d;
  auto all = hn::Zero(d);
  for (size_t i = 0; i < 64; i += hn::Lanes(d)) {
    auto v = hn::LoadU(d, from + i);
    all = hn::Or(all, v);
    if (lower) v = hn::Or(v, hn::IfThenElseZero(in_range(v, {'A', 'Z'}), hn::Set(d, 0x20)));
    hn::StoreU(v, d, to + i);
  }
  return hn::AllTrue(d, hn::Eq(hn::And(all, hn::Set(d, 0x80)), hn::Zero(d)));
}

/// Writes the places of the set bits; up to 63 entries behind the last are scribbled on.
HWY_INLINE uint32_t* list_bits(uint64_t bits, uint32_t base, uint32_t* out) {
  const size_t count = hwy::PopCount(bits);
  for (size_t done = 0; done < count; done += 8) {
    for (size_t i = 0; i < 8; ++i) {
      out[done + i] = base + static_cast<uint32_t>(bits == 0 ? 0 : hwy::Num0BitsBelowLS1Bit_Nonzero64(bits));
      bits &= bits - 1;
    }
  }
  return out + count;
}

struct Masks {
  uint64_t a, b, single;
};

HWY_INLINE Masks table_masks(const AsciiRules& rules, const uint8_t* block) {
  Masks masks{};
  for (size_t i = 0; i < 64; ++i) {
    const uint8_t kind = rules.kinds[block[i]];
    masks.a |= uint64_t{kind == kRunA} << i;
    masks.b |= uint64_t{kind == kRunB} << i;
    masks.single |= uint64_t{kind == kSingle} << i;
  }
  return masks;
}

size_t ScanAscii(const AsciiRules& rules, std::string_view text, char* out, uint32_t* starts, uint32_t* ends) {
  const auto* from = reinterpret_cast<const uint8_t*>(text.data());
  auto* to = reinterpret_cast<uint8_t*>(out);
  const size_t count_a = used(rules.run_a);
  const size_t count_b = used(rules.run_b);
  uint32_t* const first_start = starts;
  uint64_t before_a = 0, before_b = 0, before_single = 0;  // bit 0: the byte before the block
  for (size_t base = 0; base < text.size() + 1; base += 64) {
    const size_t left = text.size() - base;
    uint8_t tail[64];
    if (left < 64) {
      std::memset(tail, 0, sizeof tail);
      if (left > 0) std::memcpy(tail, from + base, left);
    }
    if (!copy_block(left < 64 ? tail : from + base, rules.lower, to + base) && !rules.all_bytes) return kNotAscii;
    Masks now{};
    if (rules.has_singles) {
      now = table_masks(rules, to + base);
    } else {
      now.a = bits_in(rules.run_a, count_a, to + base);
      if (count_b > 0) now.b = bits_in(rules.run_b, count_b, to + base);
    }
    if (left < 64) {
      const uint64_t inside = (uint64_t{1} << left) - 1;
      now = {now.a & inside, now.b & inside, now.single & inside};
    }
    const uint64_t shifted_a = now.a << 1 | before_a;
    const uint64_t shifted_b = now.b << 1 | before_b;
    const uint64_t shifted_single = now.single << 1 | before_single;
    const auto at = static_cast<uint32_t>(base);
    starts = list_bits((now.a & ~shifted_a) | (now.b & ~shifted_b) | now.single, at, starts);
    ends = list_bits((~now.a & shifted_a) | (~now.b & shifted_b) | shifted_single, at, ends);
    before_a = now.a >> 63;
    before_b = now.b >> 63;
    before_single = now.single >> 63;
  }
  return static_cast<size_t>(starts - first_start);
}

}  // namespace HWY_NAMESPACE
}  // namespace coppice
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace coppice {
HWY_EXPORT(ScanAscii);

size_t scan_ascii(const AsciiRules& rules, std::string_view text, char* out, uint32_t* starts, uint32_t* ends) {
  return HWY_DYNAMIC_DISPATCH(ScanAscii)(rules, text, out, starts, ends);
}
}  // namespace coppice
#endif
