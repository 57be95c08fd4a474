// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/feature_names.h"

#include <algorithm>

namespace coppice {
namespace {

void put_number(std::string& out, size_t number) {
  for (; number >= 0x80; number >>= 7) out.push_back(static_cast<char>(number | 0x80));
  out.push_back(static_cast<char>(number));
}

size_t shared_prefix(std::string_view a, std::string_view b) {
  const size_t most = std::min(a.size(), b.size());
  return static_cast<size_t>(std::mismatch(a.begin(), a.begin() + static_cast<ptrdiff_t>(most), b.begin()).first -
                             a.begin());
}

/// Reads names one after the other; `good` turns false at the first damage.
class NameReader {
 public:
  explicit NameReader(std::span<const char> bytes) : bytes_(bytes) {}

  bool next(std::string& name) {
    const uint64_t shared = number();
    const uint64_t more = number();
    if (!good_ || shared > name.size() || more > bytes_.size() - at_) return good_ = false;
    name.resize(shared);
    name.append(bytes_.data() + at_, more);
    at_ += more;
    return true;
  }

  bool at_end() const { return good_ && at_ == bytes_.size(); }

 private:
  uint64_t number() {
    uint64_t result = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      if (at_ >= bytes_.size()) break;
      const auto byte = static_cast<uint8_t>(bytes_[at_++]);
      result |= uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return result;
    }
    good_ = false;
    return 0;
  }

  std::span<const char> bytes_;
  size_t at_ = 0;
  bool good_ = true;
};

/// The bytes of a block, clamped to what there is.
std::span<const char> block_of(std::span<const uint64_t> offsets, std::span<const char> bytes, size_t block) {
  const uint64_t begin = std::min<uint64_t>(offsets[block], bytes.size());
  const uint64_t end = std::clamp<uint64_t>(offsets[block + 1], begin, bytes.size());
  return bytes.subspan(begin, end - begin);
}

}  // namespace

FeatureNames encode_feature_names(std::span<const std::string_view> names, ThreadPool& pool) {
  constexpr size_t kBlock = FeatureNames::kBlock;
  constexpr size_t kBlocksPerPart = 1024;
  const size_t blocks = (names.size() + kBlock - 1) / kBlock;
  const size_t parts = (blocks + kBlocksPerPart - 1) / kBlocksPerPart;
  std::vector<std::string> encoded(parts);
  std::vector<uint64_t> offsets(blocks + 1);
  pool.run(parts, [&](size_t part, size_t) {
    for (size_t block = part * kBlocksPerPart; block < std::min(blocks, (part + 1) * kBlocksPerPart); ++block) {
      std::string_view before;
      for (size_t i = block * kBlock; i < std::min(names.size(), (block + 1) * kBlock); ++i) {
        const size_t shared = shared_prefix(before, names[i]);
        put_number(encoded[part], shared);
        put_number(encoded[part], names[i].size() - shared);
        encoded[part].append(names[i].substr(shared));
        before = names[i];
      }
      offsets[block + 1] = encoded[part].size();
    }
  });
  std::vector<char> bytes;
  for (size_t part = 0; part < parts; ++part) {
    for (size_t block = part * kBlocksPerPart; block < std::min(blocks, (part + 1) * kBlocksPerPart); ++block) {
      offsets[block + 1] += bytes.size();
    }
    bytes.insert(bytes.end(), encoded[part].begin(), encoded[part].end());
    std::string().swap(encoded[part]);
  }
  FeatureNames result;
  result.offsets = std::move(offsets);
  result.bytes = std::move(bytes);
  return result;
}

std::string decode_feature_name(std::span<const uint64_t> offsets, std::span<const char> bytes, size_t number) {
  const size_t block = number / FeatureNames::kBlock;
  if (block + 1 >= offsets.size()) return {};
  NameReader reader(block_of(offsets, bytes, block));
  std::string name;
  for (size_t i = 0; i <= number % FeatureNames::kBlock; ++i) {
    if (!reader.next(name)) return {};
  }
  return name;
}

bool feature_names_intact(std::span<const uint64_t> offsets, std::span<const char> bytes, size_t count) {
  constexpr size_t kBlock = FeatureNames::kBlock;
  const size_t blocks = (count + kBlock - 1) / kBlock;
  if (offsets.size() != blocks + 1 || offsets.front() != 0 || offsets.back() != bytes.size()) return false;
  if (!std::is_sorted(offsets.begin(), offsets.end())) return false;
  for (size_t block = 0; block < blocks; ++block) {
    NameReader reader(block_of(offsets, bytes, block));
    std::string name;
    for (size_t i = block * kBlock; i < std::min(count, (block + 1) * kBlock); ++i) {
      if (!reader.next(name)) return false;
    }
    if (!reader.at_end()) return false;
  }
  return true;
}

}  // namespace coppice
