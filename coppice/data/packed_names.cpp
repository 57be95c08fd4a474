// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/packed_names.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/data/symbol_table.h"
#include "coppice/data/utf8.h"
#include "coppice/math/bits.h"

namespace coppice {
namespace {

constexpr uint32_t kMostInNibble = 15;
constexpr size_t kSampleBytes = size_t{1} << 20;
constexpr size_t kTailBytes = 8;  // that `read_bits` may read

size_t common_prefix(const std::string& a, const std::string& b) {
  const size_t most = std::min(a.size(), b.size());
  size_t n = 0;
  while (n < most && a[n] == b[n]) ++n;
  return n;
}

void put_leb128(uint64_t value, std::string& bytes) {
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>((value & 0x7F) | 0x80));
  bytes.push_back(static_cast<char>(value));
}

void put_entry(size_t n_shared, const std::string& symbols, std::string& bytes) {
  const auto shared = static_cast<uint32_t>(std::min<size_t>(n_shared, kMostInNibble));
  const auto count = static_cast<uint32_t>(std::min<size_t>(symbols.size(), kMostInNibble));
  bytes.push_back(static_cast<char>((shared << 4) | count));
  if (shared == kMostInNibble) put_leb128(n_shared - kMostInNibble, bytes);
  if (count == kMostInNibble) put_leb128(symbols.size() - kMostInNibble, bytes);
  bytes += symbols;
}

/// Names by number in ascending order; equal ones by number.
std::vector<uint32_t> ascending(const std::vector<std::string>& names) {
  std::vector<uint32_t> order(names.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](uint32_t number) -> const std::string& { return names[number]; });
  return order;
}

/// What entries write in symbols, by the order.
std::vector<std::string> suffixes(const std::vector<std::string>& names, std::span<const uint32_t> order) {
  std::vector<std::string> all;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const std::string& name = names[order[rank]];
    all.push_back(name.substr(rank % PackedNames::kBlock == 0 ? 0 : common_prefix(names[order[rank - 1]], name)));
  }
  return all;
}

/// Evenly spread ones, of 1 MiB together, and one text of every byte that any of them has.
std::vector<std::string> sample_of(const std::vector<std::string>& texts) {
  size_t n_bytes = 0;
  std::vector<bool> occurs(256);
  for (const std::string& text : texts) {
    n_bytes += text.size();
    for (const char byte : text) occurs[static_cast<unsigned char>(byte)] = true;
  }
  const size_t step = n_bytes / kSampleBytes + 1;
  std::vector<std::string> sample;
  for (size_t i = 0; i < texts.size(); i += step) sample.push_back(texts[i]);
  for (size_t byte = 0; byte < occurs.size(); ++byte) {
    if (occurs[byte]) sample.emplace_back(1, static_cast<char>(byte));
  }
  return sample;
}

Array<uint8_t> packed_ranks(std::span<const uint32_t> order, uint32_t bits) {
  if (std::is_sorted(order.begin(), order.end())) return {};
  std::vector<uint32_t> ranks(order.size());
  for (uint32_t rank = 0; rank < order.size(); ++rank) ranks[order[rank]] = rank;
  std::vector<std::byte> bytes;
  BitWriter writer(bytes);
  for (const uint32_t rank : ranks) writer.put(rank, bits);
  writer.end();
  std::vector<uint8_t> result(bytes.size() + kTailBytes);
  std::transform(bytes.begin(), bytes.end(), result.begin(), [](std::byte byte) { return static_cast<uint8_t>(byte); });
  return result;
}

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorCode::data, "packed names: " + what);
}

}  // namespace

/// Goes through a block, name by name.
class PackedNames::Reader {
 public:
  /// Puts the names together in `scratch`.
  Reader(const Tables& tables, uint32_t block, std::string& scratch) : tables_(tables), name_(scratch) {
    name_.clear();
    const uint64_t size = tables.bytes.size();
    at_ = std::min<uint64_t>(tables.block_begins[block], size);
    end_ = std::min<uint64_t>(tables.block_begins[block + 1], size);
  }

  /// Reads the next entry into `name()`; false where there is none that is sound.
  bool next() {
    if (at_ >= end_) return false;
    const auto head = static_cast<unsigned char>(tables_.bytes[at_++]);
    uint64_t shared = head >> 4, count = head & 15U;
    if (shared == kMostInNibble && !add_leb128(shared)) return false;
    if (count == kMostInNibble && !add_leb128(count)) return false;
    if (shared > name_.size() || count > end_ - at_) return false;
    name_.resize(shared);
    for (const uint64_t last = at_ + count; at_ < last; ++at_) {
      if (!add_symbol(static_cast<unsigned char>(tables_.bytes[at_]))) return false;
    }
    return true;
  }

  const std::string& name() const noexcept { return name_; }
  bool at_end() const noexcept { return at_ == end_; }

 private:
  bool add_leb128(uint64_t& value) {
    for (uint32_t shift = 0; at_ < end_ && shift < 35; shift += 7) {
      const auto byte = static_cast<unsigned char>(tables_.bytes[at_++]);
      value += static_cast<uint64_t>(byte & 0x7FU) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  bool add_symbol(uint32_t symbol) {
    if (symbol + 1 >= tables_.symbol_begins.size()) return false;
    const uint64_t begin = tables_.symbol_begins[symbol], end = tables_.symbol_begins[symbol + 1];
    if (begin > end || end > tables_.symbol_bytes.size()) return false;
    name_.append(tables_.symbol_bytes.data() + begin, end - begin);
    return true;
  }

  const Tables& tables_;
  uint64_t at_;
  uint64_t end_;
  std::string& name_;
};

PackedNames::PackedNames(Tables tables) : tables_(std::move(tables)) {
  const uint64_t n_blocks = (uint64_t{tables_.n_names} + kBlock - 1) / kBlock;
  if (tables_.block_begins.size() != n_blocks + 1) fail("there is not a place for each block");
  const uint64_t rank_bytes = bytes_of_bits(uint64_t{tables_.n_names} * rank_bits()) + kTailBytes;
  if (!tables_.ranks.empty() && tables_.ranks.size() != rank_bytes) fail("there is not a rank for each name");
  if (tables_.symbol_begins.empty() || tables_.symbol_begins.size() > SymbolTable::kMostSymbols + 1)
    fail("too many symbols");
  if (tables_.block_begins.front() != 0 || tables_.block_begins.back() != tables_.bytes.size())
    fail("the blocks do not take all of their bytes");
  if (tables_.symbol_begins.front() != 0 || tables_.symbol_begins.back() != tables_.symbol_bytes.size())
    fail("the symbols do not take all of their bytes");
  // What a damaged file may make a name grow by is bounded.
  if (tables_.symbol_bytes.size() > SymbolTable::kMostSymbols * SymbolTable::kLongestSymbol)
    fail("the symbols are too long");
}

PackedNames PackedNames::pack(const std::vector<std::string>& names) {
  const std::vector<uint32_t> order = ascending(names);
  const std::vector<std::string> texts = suffixes(names, order);
  const SymbolTable table(sample_of(texts));
  std::string bytes, symbol_bytes;
  std::vector<uint32_t> block_begins, symbol_begins{0};
  for (const std::string& symbol : table.symbols()) {
    symbol_bytes += symbol;
    symbol_begins.push_back(static_cast<uint32_t>(symbol_bytes.size()));
  }
  for (size_t rank = 0; rank < order.size(); ++rank) {
    if (rank % kBlock == 0) block_begins.push_back(static_cast<uint32_t>(bytes.size()));
    put_entry(names[order[rank]].size() - texts[rank].size(), table.encode(texts[rank]), bytes);
    if (bytes.size() > UINT32_MAX) throw Error(ErrorCode::unsupported, "label names of more than 4 GiB");
  }
  block_begins.push_back(static_cast<uint32_t>(bytes.size()));
  Tables tables;
  tables.n_names = static_cast<uint32_t>(names.size());
  tables.symbol_bytes = std::vector<char>(symbol_bytes.begin(), symbol_bytes.end());
  tables.symbol_begins = std::move(symbol_begins);
  tables.bytes = std::vector<char>(bytes.begin(), bytes.end());
  tables.block_begins = std::move(block_begins);
  tables.ranks = packed_ranks(order, std::bit_width(tables.n_names));
  return PackedNames(std::move(tables));
}

uint32_t PackedNames::rank_bits() const noexcept {
  return static_cast<uint32_t>(std::bit_width(tables_.n_names));
}

uint64_t PackedNames::size_bytes() const noexcept {
  return tables_.symbol_bytes.size_bytes() + tables_.symbol_begins.size_bytes() + tables_.bytes.size_bytes() +
         tables_.block_begins.size_bytes() + tables_.ranks.size_bytes();
}

uint32_t PackedNames::rank_of(uint32_t number) const noexcept {
  if (tables_.ranks.empty()) return number;
  const auto* bytes = reinterpret_cast<const std::byte*>(tables_.ranks.data());
  return static_cast<uint32_t>(read_bits(bytes, uint64_t{number} * rank_bits(), rank_bits()));
}

uint32_t PackedNames::number_of(uint32_t rank) const noexcept {
  if (tables_.ranks.empty()) return rank;
  uint32_t number = 0;
  while (number < size() && rank_of(number) != rank) ++number;
  return number;
}

std::string PackedNames::name(uint32_t number) const {
  std::string scratch;
  return std::string(name(number, scratch));
}

std::string_view PackedNames::name(uint32_t number, std::string& scratch) const {
  const uint32_t rank = number < size() ? rank_of(number) : size();
  if (rank >= size()) return {};
  Reader reader(tables_, rank / kBlock, scratch);
  for (uint32_t i = 0; i <= rank % kBlock; ++i) {
    if (!reader.next()) return {};
  }
  return reader.name();
}

std::optional<uint32_t> PackedNames::find_rank(std::string_view wanted) const {
  // Blocks that begin below the name, for the first one of that name may end the last of them.
  std::string scratch;
  uint32_t low = 0, high = static_cast<uint32_t>(tables_.block_begins.size() - 1);
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    Reader reader(tables_, middle, scratch);
    if (reader.next() && reader.name() < wanted)
      low = middle + 1;
    else
      high = middle;
  }
  for (uint32_t rank = (low > 0 ? low - 1 : 0) * kBlock; rank < size();) {
    Reader reader(tables_, rank / kBlock, scratch);
    for (uint32_t i = 0; i < kBlock && rank < size(); ++i, ++rank) {
      if (!reader.next() || reader.name() > wanted) return std::nullopt;
      if (reader.name() == wanted) return rank;
    }
  }
  return std::nullopt;
}

std::optional<uint32_t> PackedNames::find(std::string_view wanted) const {
  const std::optional<uint32_t> rank = find_rank(wanted);
  if (!rank) return std::nullopt;
  const uint32_t number = number_of(*rank);
  return number < size() ? std::optional(number) : std::nullopt;
}

bool PackedNames::is_repeated(std::string_view wanted) const {
  const std::optional<uint32_t> rank = find_rank(wanted);
  if (!rank || *rank + 1 >= size()) return false;
  std::string scratch;
  Reader reader(tables_, (*rank + 1) / kBlock, scratch);
  for (uint32_t i = 0; i <= (*rank + 1) % kBlock; ++i) {
    if (!reader.next()) return false;
  }
  return reader.name() == wanted;
}

void PackedNames::verify() const {
  if (!std::is_sorted(tables_.block_begins.begin(), tables_.block_begins.end())) {
    fail("the places of the blocks do not ascend from the first byte to the last");
  }
  std::string before, scratch;
  for (uint32_t rank = 0; rank < size();) {
    Reader reader(tables_, rank / kBlock, scratch);
    for (uint32_t i = 0; i < kBlock && rank < size(); ++i, ++rank) {
      if (!reader.next()) fail("entry " + std::to_string(rank) + " is damaged");
      if (reader.name() < before) fail("entry " + std::to_string(rank) + " is below the one before it");
      if (!is_valid_utf8(reader.name())) fail("entry " + std::to_string(rank) + " is not valid UTF-8");
      before = reader.name();
    }
    if (!reader.at_end()) fail("block " + std::to_string((rank - 1) / kBlock) + " has bytes too many");
  }
  std::vector<bool> seen(size());
  for (uint32_t number = 0; number < size(); ++number) {
    const uint32_t rank = rank_of(number);
    if (rank >= size() || seen[rank]) fail("the ranks are no permutation");
    seen[rank] = true;
  }
}

}  // namespace coppice
