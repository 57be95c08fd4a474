// SPDX-License-Identifier: Apache-2.0
#include "bench/key_structures.h"

#include <malloc.h>

#include <array>
#include <functional>
#include <map>
#include <unordered_map>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/parallel.h"
#include "coppice/math/key_hash.h"
#include "coppice/math/key_index.h"

#if defined(COPPICE_BENCH_KEY_PEERS)
#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>
#include <cmph.h>

// Before BBHash, whose header prints and warns.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include <BooPHF.h>
#pragma GCC diagnostic pop
#endif

namespace coppice::bench {
namespace {

constexpr uint64_t kSeed = 7;

class CoppiceKeys final : public KeyStructure {
 public:
  CoppiceKeys(std::span<const std::string> keys, uint32_t threads, const KeyIndexOptions& options) {
    ThreadPool pool(threads);
    std::vector<KeyHash> hashes(keys.size());
    pool.run(keys.size() / kBlock + 1, [&](size_t block, size_t) {
      for (size_t i = block * kBlock; i < std::min(keys.size(), (block + 1) * kBlock); ++i) {
        hashes[i] = hash_key(keys[i], kSeed);
      }
    });
    index_ = KeyIndex::build(hashes, pool, options);
  }

  uint32_t find(std::string_view key) const override { return index_.find(hash_key(key, kSeed)); }

  void find(std::span<const std::string_view> keys, uint32_t* numbers) const override {
    std::array<KeyHash, 32> hashes;
    for (size_t begin = 0; begin < keys.size(); begin += hashes.size()) {
      const size_t count = std::min(hashes.size(), keys.size() - begin);
      for (size_t i = 0; i < count; ++i) hashes[i] = hash_key(keys[begin + i], kSeed);
      index_.find({hashes.data(), count}, numbers + begin);
    }
  }
  uint64_t size_bytes() const override { return index_.size_bytes(); }
  uint64_t hash_bytes() const override { return index_.size_bytes() - index_.fingerprints().size_bytes(); }

 private:
  static constexpr size_t kBlock = 4096;
  KeyIndex index_;
};

uint64_t heap_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// A hash table that keeps the strings, and is asked with its own kind of view.
template <class Map, class View>
class StringMap final : public KeyStructure {
 public:
  explicit StringMap(std::span<const std::string> keys) {
    const uint64_t before = heap_bytes();
    map_.reserve(keys.size());
    for (uint32_t i = 0; i < keys.size(); ++i) map_.emplace(keys[i], i);
    bytes_ = heap_bytes() - before;
  }

  uint32_t find(std::string_view key) const override {
    const auto found = map_.find(View(key.data(), key.size()));
    return found == map_.end() ? kNone : found->second;
  }
  uint64_t size_bytes() const override { return bytes_; }
  uint64_t hash_bytes() const override { return 0; }

 private:
  Map map_;
  uint64_t bytes_ = 0;
};

/// Lets std::unordered_map be asked with a view.
struct ViewHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
};

#if defined(COPPICE_BENCH_KEY_PEERS)

/// BBHash as its users feed it: a 64-bit hash of the string.
class BbHash final : public KeyStructure {
 public:
  BbHash(std::span<const std::string> keys, uint32_t threads, double gamma) {
    std::vector<uint64_t> hashes;
    hashes.reserve(keys.size());
    for (const std::string& key : keys) hashes.push_back(hash_key(key, kSeed).low);
    const auto range = boomphf::range(hashes.cbegin(), hashes.cend());
    hash_ = std::make_unique<Hash>(hashes.size(), range, static_cast<int>(threads), gamma, false, false);
    bytes_ = hash_->totalBitSize() / 8;
  }

  uint32_t find(std::string_view key) const override {
    return static_cast<uint32_t>(hash_->lookup(hash_key(key, kSeed).low));
  }
  uint64_t size_bytes() const override { return bytes_; }
  uint64_t hash_bytes() const override { return bytes_; }

 private:
  using Hash = boomphf::mphf<uint64_t, boomphf::SingleHashFunctor<uint64_t>>;
  std::unique_ptr<Hash> hash_;
  uint64_t bytes_;
};

class Cmph final : public KeyStructure {
 public:
  Cmph(std::span<const std::string> keys, CMPH_ALGO algorithm) {
    std::vector<char*> pointers;
    for (const std::string& key : keys) pointers.push_back(const_cast<char*>(key.c_str()));
    cmph_io_adapter_t* const source =
        cmph_io_vector_adapter(pointers.data(), static_cast<cmph_uint32>(pointers.size()));
    cmph_config_t* const config = cmph_config_new(source);
    cmph_config_set_algo(config, algorithm);
    // Slots by keys: by itself CHD fills half of them, which takes twice the bits.
    if (algorithm == CMPH_CHD) cmph_config_set_graphsize(config, 0.99);
    hash_ = cmph_new(config);
    cmph_config_destroy(config);
    cmph_io_vector_adapter_destroy(source);
    if (hash_ == nullptr) throw Error(ErrorCode::internal, "cmph found no perfect hash");
  }
  ~Cmph() override { cmph_destroy(hash_); }
  Cmph(const Cmph&) = delete;
  Cmph& operator=(const Cmph&) = delete;

  uint32_t find(std::string_view key) const override {
    return cmph_search(hash_, key.data(), static_cast<cmph_uint32>(key.size()));
  }
  uint64_t size_bytes() const override { return cmph_packed_size(hash_); }
  uint64_t hash_bytes() const override { return cmph_packed_size(hash_); }

 private:
  cmph_t* hash_;
};

#endif

using Builder = std::function<std::unique_ptr<KeyStructure>(std::span<const std::string>, uint32_t)>;

Builder coppice_keys(PerfectHash hash, uint32_t fingerprint_bits, double gamma) {
  KeyIndexOptions options;
  options.perfect_hash = hash;
  options.fingerprint_bits = fingerprint_bits;
  options.gamma = gamma;
  return [options](std::span<const std::string> keys, uint32_t threads) {
    return std::make_unique<CoppiceKeys>(keys, threads, options);
  };
}

template <class Structure, class... More>
Builder of(More... more) {
  return [more...](std::span<const std::string> keys, uint32_t) { return std::make_unique<Structure>(keys, more...); };
}

const std::map<std::string, Builder>& builders() {
  static const std::map<std::string, Builder> all {
    {"pilots-0", coppice_keys(PerfectHash::pilots, 0, 2)}, {"pilots-4", coppice_keys(PerfectHash::pilots, 4, 2)},
        {"pilots-8", coppice_keys(PerfectHash::pilots, 8, 2)}, {"pilots-16", coppice_keys(PerfectHash::pilots, 16, 2)},
        {"levels-8", coppice_keys(PerfectHash::levels, 8, 2)},
        {"levels-8-dense", coppice_keys(PerfectHash::levels, 8, 1)},
        {"std-map",
         of<StringMap<std::unordered_map<std::string, uint32_t, ViewHash, std::equal_to<>>, std::string_view>>()},
#if defined(COPPICE_BENCH_KEY_PEERS)
        {"absl-map", of<StringMap<absl::flat_hash_map<std::string, uint32_t>, absl::string_view>>()},
        {"bbhash-1", [](auto keys, uint32_t threads) { return std::make_unique<BbHash>(keys, threads, 1); }},
        {"bbhash-2", [](auto keys, uint32_t threads) { return std::make_unique<BbHash>(keys, threads, 2); }},
        {"cmph-chd", of<Cmph>(CMPH_CHD)}, {"cmph-bdz", of<Cmph>(CMPH_BDZ)},
#endif
  };
  return all;
}

}  // namespace

std::unique_ptr<KeyStructure> build_structure(const std::string& name, std::span<const std::string> keys,
                                              uint32_t threads) {
  const auto found = builders().find(name);
  if (found != builders().end()) return found->second(keys, threads);
  throw Error(ErrorCode::usage, "no structure " + name, {}, "there are " + structure_names());
}

std::string structure_names() {
  std::string names;
  for (const auto& [name, builder] : builders()) names += (names.empty() ? "" : ", ") + name;
  return names;
}

}  // namespace coppice::bench
