// SPDX-License-Identifier: Apache-2.0
// Adds a row of a packed chunk to margins. Included once per instruction set, as Highway has it.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "coppice/rank/packed_chunk.h"

#if defined(COPPICE_RANK_PACKED_ROW_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef COPPICE_RANK_PACKED_ROW_INL_H
#undef COPPICE_RANK_PACKED_ROW_INL_H
#else
#define COPPICE_RANK_PACKED_ROW_INL_H
#endif

#include "coppice/rank/mask_spread-inl.h"

HWY_BEFORE_NAMESPACE();
namespace coppice {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// As hn::MulAdd does a lane, so that scalar and vector paths agree to the bit.
HWY_INLINE float multiply_add(float a, float b, float c) {
#if HWY_NATIVE_FMA
  return __builtin_fmaf(a, b, c);
#else
  const volatile float product = a * b;  // no contraction: hn::MulAdd has none here
  return product + c;
#endif
}

#undef COPPICE_RANK_HAS_PDEP
#if HWY_ARCH_X86_64 && HWY_TARGET <= HWY_AVX2
#define COPPICE_RANK_HAS_PDEP 1
using FastSelect = PdepSelect;
#else
#define COPPICE_RANK_HAS_PDEP 0
using FastSelect = SoftwareSelect;
#endif

#if !(HWY_HAVE_SCALABLE || HWY_TARGET == HWY_SCALAR)
/// Eight values of `bits` bits each, the first of them lowest, to the upper ends of eight bytes.
HWY_INLINE uint64_t ValuesToBytes(const std::byte* values, uint64_t at, uint32_t bits) {
  uint64_t packed;
  std::memcpy(&packed, values + at / 8, sizeof packed);
  if (bits == 8) return packed;  // whole bytes; of fewer bits 57 are enough for eight
  packed >>= at % 8;
#if COPPICE_RANK_HAS_PDEP
  return deposit(packed, 0x0101010101010101U * (0xFFU << (8 - bits) & 0xFFU));
#else
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < 8; ++i, packed >>= bits) bytes |= (packed << (8 - bits) & 0xFF) << 8 * i;
  return bytes;
#endif
}

/// The values of a row with a mask, of at most 8 bits: eight children at a time.
HWY_INLINE HWY_ATTR void AddMaskedValues(const PackedChunk& chunk, const PackedRow& row, float value,
                                         float* HWY_RESTRICT margins) {
  const hn::CappedTag<float, 8> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<int8_t, decltype(d)> d8;
  const hn::CappedTag<int8_t, 8> eight;
  constexpr uint32_t kLanes = hn::MaxLanes(d);
  const uint32_t bits = chunk.value_bits;
  const auto down = static_cast<int>(8 - bits);
  const auto x = hn::Set(d, value);
  uint64_t at = chunk.first_value(row);
  PackedChunk::GroupScale scale(chunk, row.scale, 0, at, bits);
  for (uint32_t child = 0; child < chunk.n_children; child += 8) {
    const uint32_t width = std::min(chunk.n_children - child, 8U);
    uint64_t mask = read_bits(chunk.blocks, row.children + child, width);
    const auto count = static_cast<uint64_t>(std::popcount(mask));
    if (count > scale.left()) [[unlikely]] {  // the scale changes among them
      for (; mask != 0; mask &= mask - 1, at += bits) {
        scale.before_value(at);
        float& margin = margins[child + static_cast<uint32_t>(std::countr_zero(mask))];
        margin = multiply_add(value, chunk.number(load_bits(chunk.blocks, at)) * scale.now(), margin);
      }
      continue;
    }
    const auto values = hn::BitCast(
        eight, hn::Set(hn::Repartition<uint64_t, decltype(eight)>(), ValuesToBytes(chunk.blocks, at, bits)));
    const int8_t* const places = kPlaces[mask].data();
    int8_t spread[8];
    hn::StoreU(hn::TableLookupBytesOr0(values, hn::LoadU(eight, places)), eight, spread);
    for (uint32_t lane = 0; lane < 8; lane += kLanes) {
      const auto q = hn::ShiftRightSame(hn::PromoteTo(di, hn::LoadU(d8, spread + lane)), down);
      const auto odd = hn::ConvertTo(d, hn::Add(hn::Add(q, q), hn::Set(di, 1)));
      const auto weight = hn::Mul(odd, hn::Set(d, scale.now()));
      const auto margin = hn::LoadU(d, margins + child + lane);
      const auto taken = hn::RebindMask(d, hn::Gt(hn::PromoteTo(di, hn::LoadU(d8, places + lane)), hn::Set(di, -1)));
      hn::StoreU(hn::IfThenElse(taken, hn::MulAdd(x, weight, margin), margin), d, margins + child + lane);
    }
    at += count * bits;
    scale.skip(count);
  }
}
#endif

/// margins[c] += value * weight for each child c that the row has, but for what sums are scaled by. Margins up to the
/// next multiple of eight from n_children are read and written, or up to the next power of two.
HWY_INLINE HWY_ATTR void AddPackedRow(const PackedChunk& chunk, const PackedRow& row, float value,
                                      float* HWY_RESTRICT margins) {
#if !(HWY_HAVE_SCALABLE || HWY_TARGET == HWY_SCALAR)
  if (row.has_mask && row.n > 0 && chunk.value_bits <= PackOptions::kMostValueBits) {
    return AddMaskedValues(chunk, row, value, margins);
  }
#endif
  chunk.for_each_weight(row, [&](uint32_t child, float weight)
                                 HWY_ATTR { margins[child] = multiply_add(value, weight, margins[child]); });
}

}  // namespace HWY_NAMESPACE
}  // namespace coppice
HWY_AFTER_NAMESPACE();

#endif  // include guard
