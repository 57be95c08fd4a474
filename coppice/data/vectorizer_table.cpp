// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/vectorizer_table.h"

#include <algorithm>

#include "coppice/core/error.h"
#include "coppice/data/vectorizer_hash.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "coppice/data/vectorizer_table.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace coppice::feature_table {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct Home {
  size_t bucket;
  uint32_t fingerprint;  ///< never 0, which free slots hold
};

HWY_INLINE Home HomeOf(uint64_t hash, uint64_t seed, size_t n_buckets) {
  const uint64_t mixed = fold_multiply(hash ^ seed, kHashMix[5]);
  return {static_cast<size_t>((static_cast<Wide>(mixed) * n_buckets) >> 64),
          std::max(static_cast<uint32_t>(mixed), 1u)};
}

/// The slot of the bucket that holds the fingerprint, or kSlots.
HWY_INLINE size_t SlotOf(const uint32_t* bucket, uint32_t fingerprint) {
  const hn::CappedTag<uint32_t, kSlots> d;
  for (size_t i = 0; i < kSlots; i += hn::Lanes(d)) {
    const auto same = hn::Eq(hn::LoadU(d, bucket + i), hn::Set(d, fingerprint));
    const auto slot = hn::FindFirstTrue(d, same);
    if (slot >= 0) return i + static_cast<size_t>(slot);
  }
  return kSlots;
}

/// The number found from that bucket on, or kEmpty.
HWY_INLINE uint32_t Probe(const uint32_t* buckets, size_t n_buckets, Home home) {
  for (size_t probe = 0; probe < kMostProbes; ++probe) {
    const uint32_t* const bucket = buckets + home.bucket * kWords;
    const size_t slot = SlotOf(bucket, home.fingerprint);
    if (HWY_LIKELY(slot < kSlots)) {
      return bucket[kSlots + slot] & ~kPassed;
    }
    if (HWY_LIKELY((bucket[kWords - 1] & kPassed) == 0)) break;
    if (++home.bucket == n_buckets) home.bucket = 0;
  }
  return kEmpty;
}

size_t Find(const uint32_t* buckets, size_t n_buckets, uint64_t seed, uint32_t n_features,
            std::span<const uint64_t> hashes, uint32_t* found) {
  constexpr size_t kAhead = 16;
  size_t count = 0;
  const size_t n = hashes.size();
  Home homes[kAhead];
  for (size_t i = 0; i < std::min(n, kAhead); ++i) {
    homes[i] = HomeOf(hashes[i], seed, n_buckets);
    __builtin_prefetch(buckets + homes[i].bucket * kWords);
  }
  for (size_t i = 0; i < n; ++i) {
    const Home home = homes[i % kAhead];
    if (i + kAhead < n) {
      const Home next = HomeOf(hashes[i + kAhead], seed, n_buckets);
      __builtin_prefetch(buckets + next.bucket * kWords);
      homes[i % kAhead] = next;
    }
    const uint32_t number = Probe(buckets, n_buckets, home);
    found[count] = number;
    count += number < n_features ? 1 : 0;
  }
  return count;
}

}  // namespace HWY_NAMESPACE
}  // namespace coppice::feature_table
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace coppice::feature_table {
namespace {

HWY_EXPORT(Find);

struct PlainHome {
  size_t bucket;
  uint32_t fingerprint;
};

PlainHome home_of(uint64_t hash, uint64_t seed, size_t n_buckets) {
  const uint64_t mixed = fold_multiply(hash ^ seed, kHashMix[5]);
  return {static_cast<size_t>((static_cast<Wide>(mixed) * n_buckets) >> 64),
          std::max(static_cast<uint32_t>(mixed), 1u)};
}

/// Puts a feature into the table; false when its way is too long or meets its own fingerprint.
bool insert(std::vector<uint32_t>& buckets, uint64_t seed, uint64_t hash, uint32_t number) {
  const size_t n_buckets = buckets.size() / kWords;
  PlainHome home = home_of(hash, seed, n_buckets);
  for (size_t probe = 0; probe < kMostProbes; ++probe) {
    uint32_t* const bucket = buckets.data() + home.bucket * kWords;
    for (size_t slot = 0; slot < kSlots; ++slot) {
      const uint32_t there = bucket[kSlots + slot] & ~kPassed;
      if (there == kEmpty) {
        bucket[slot] = home.fingerprint;
        bucket[kSlots + slot] = number;
        return true;
      }
      if (bucket[slot] == home.fingerprint) return false;
    }
    bucket[kWords - 1] |= kPassed;
    if (++home.bucket == n_buckets) home.bucket = 0;
  }
  return false;
}

bool try_build(Built& built, std::span<const uint64_t> hashes) {
  for (size_t i = 0; i < built.buckets.size(); ++i) built.buckets[i] = i % kWords < kSlots ? 0 : kEmpty;
  constexpr size_t kAhead = 16;
  const size_t n_buckets = built.buckets.size() / kWords;
  for (size_t i = 0; i < hashes.size(); ++i) {
    if (i + kAhead < hashes.size()) {
      __builtin_prefetch(built.buckets.data() + home_of(hashes[i + kAhead], built.seed, n_buckets).bucket * kWords);
    }
    if (!insert(built.buckets, built.seed, hashes[i], static_cast<uint32_t>(i))) return false;
  }
  return true;
}

}  // namespace

Built build(std::span<const uint64_t> hashes) {
  check(hashes.size() <= kMostFeatures, "a vocabulary has at most 2^31 - 2 features");
  Built built;
  if (hashes.empty()) return built;
  // Three quarters full: 10.7 bytes a feature, and one bucket in seven is ever passed by.
  built.buckets.resize((hashes.size() * 4 / 3 / kSlots + 1) * kWords);
  for (size_t attempt = 0; attempt < 64; ++attempt) {
    built.seed = attempt * kHashMix[6];
    if (try_build(built, hashes)) return built;
  }
  throw Error(ErrorCode::internal, "no table for these feature hashes: are two of them equal?");
}

size_t find(std::span<const uint32_t> buckets, uint64_t seed, uint32_t n_features, std::span<const uint64_t> hashes,
            uint32_t* found) {
  const size_t n_buckets = buckets.size() / kWords;
  if (n_buckets == 0) return 0;
  return HWY_DYNAMIC_DISPATCH(Find)(buckets.data(), n_buckets, seed, n_features, hashes, found);
}

size_t find_plain(std::span<const uint32_t> buckets, uint64_t seed, uint32_t n_features,
                  std::span<const uint64_t> hashes, uint32_t* found) {
  const size_t n_buckets = buckets.size() / kWords;
  size_t count = 0;
  for (const uint64_t hash : hashes) {
    if (n_buckets == 0) break;
    PlainHome home = home_of(hash, seed, n_buckets);
    for (size_t probe = 0; probe < kMostProbes; ++probe) {
      const uint32_t* const bucket = buckets.data() + home.bucket * kWords;
      const uint32_t* const slot = std::find(bucket, bucket + kSlots, home.fingerprint);
      if (slot != bucket + kSlots) {
        const uint32_t number = slot[kSlots] & ~kPassed;
        if (number < n_features) found[count++] = number;
        break;
      }
      if ((bucket[kWords - 1] & kPassed) == 0) break;
      home.bucket = (home.bucket + 1) % n_buckets;
    }
  }
  return count;
}

}  // namespace coppice::feature_table
#endif
