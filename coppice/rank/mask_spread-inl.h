// SPDX-License-Identifier: Apache-2.0
// Spreads packed weights over the lanes of their mask. Included once per instruction set, as Highway has it.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#ifndef COPPICE_RANK_MASK_SPREAD_PLACES
#define COPPICE_RANK_MASK_SPREAD_PLACES
namespace coppice {

/// For each mask of eight lanes: which of the packed values a lane takes, -1 for none.
inline constexpr std::array<std::array<int8_t, 8>, 256> kPlaces = [] {
  std::array<std::array<int8_t, 8>, 256> places{};
  for (size_t mask = 0; mask < 256; ++mask) {
    int8_t next = 0;
    for (size_t lane = 0; lane < 8; ++lane) places[mask][lane] = (mask >> lane & 1) != 0 ? next++ : int8_t{-1};
  }
  return places;
}();

}  // namespace coppice
#endif

#if defined(COPPICE_RANK_MASK_SPREAD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef COPPICE_RANK_MASK_SPREAD_INL_H
#undef COPPICE_RANK_MASK_SPREAD_INL_H
#else
#define COPPICE_RANK_MASK_SPREAD_INL_H
#endif

HWY_BEFORE_NAMESPACE();
namespace coppice {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if !(HWY_HAVE_SCALABLE || HWY_TARGET == HWY_SCALAR)

/// For each lane the place of its weight among the packed ones, -1 for none. `bits`: one for each lane of `d`.
template <class D>
HWY_INLINE HWY_ATTR hn::Vec<hn::RebindToSigned<D>> PlacesOf(D d, uint32_t bits) {
  const hn::RebindToSigned<D> di;
  const hn::Rebind<int8_t, D> d8;
  (void)d;
  return hn::PromoteTo(di, hn::LoadU(d8, kPlaces[bits].data()));
}

template <class D, class Places>
HWY_INLINE HWY_ATTR hn::Mask<D> IsTaken(D d, Places places) {
  const hn::RebindToSigned<D> di;
  return hn::RebindMask(d, hn::Gt(places, hn::Set(di, -1)));
}

/// The packed weights at their lanes; lanes that take none hold any of them. A whole vector of weights is read.
template <class D, class Places>
HWY_INLINE HWY_ATTR hn::Vec<D> TakePlaces(D d, const float* HWY_RESTRICT weights, Places places) {
  const hn::RebindToSigned<D> di;
  const auto inside = hn::And(places, hn::Set(di, static_cast<int32_t>(hn::MaxLanes(d)) - 1));
  return hn::TableLookupLanes(hn::LoadU(d, weights), hn::IndicesFromVec(d, inside));
}

#endif

/// row[c] = the weight of each child c of the mask, zero for the others: eight floats a byte of it. The weights lie
/// packed at `weights`; up to eight behind them are read.
template <class MaskBytes>
HWY_INLINE HWY_ATTR void SpreadMasked(const std::byte* mask, MaskBytes mask_bytes, const float* HWY_RESTRICT weights,
                                      float* HWY_RESTRICT row) {
#if HWY_HAVE_SCALABLE || HWY_TARGET == HWY_SCALAR
  for (size_t child = 0; child < 8 * mask_bytes; ++child) {
    const bool taken = (std::to_integer<uint32_t>(mask[child / 8]) >> (child % 8) & 1) != 0;
    row[child] = taken ? *weights++ : 0;
  }
#else
  const hn::CappedTag<float, 8> d;
  constexpr size_t kLanes = hn::MaxLanes(d);
  for (size_t i = 0; i < mask_bytes; ++i) {
    for (size_t lane = 0; lane < 8; lane += kLanes, row += kLanes) {
      const uint32_t bits = std::to_integer<uint32_t>(mask[i]) >> lane & ((1U << kLanes) - 1);
      const auto places = PlacesOf(d, bits);
      hn::StoreU(hn::IfThenElseZero(IsTaken(d, places), TakePlaces(d, weights, places)), d, row);
      weights += std::popcount(bits);
    }
  }
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace coppice
HWY_AFTER_NAMESPACE();

#endif  // include guard
