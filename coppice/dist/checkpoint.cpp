// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/checkpoint.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/mapped_file.h"
#include "coppice/core/output_file.h"

namespace coppice {
namespace {

constexpr std::array<char, 8> kMagic{'c', 'o', 'p', 'c', 'k', 'p', 't', '\n'};
constexpr uint32_t kVersion = 2;
constexpr const char* kSuffix = ".checkpoint";
constexpr size_t kKept = 2;

/// Before the payload; little-endian, as all of it.
struct Header {
  std::array<char, 8> magic = kMagic;
  uint32_t version = kVersion;
  uint32_t reserved = 0;
  uint64_t n_workers = 0, facts_bytes = 0;
  uint64_t n_parameters = 0, n_velocity = 0, n_residual = 0, n_part = 0, n_learner = 0;
  uint64_t part_begin = 0, next_minibatch = 0;
  HybridReport report;
  uint64_t payload_hash = 0;
  uint64_t header_hash = 0;  ///< of all that is before it
};
static_assert(std::is_trivially_copyable_v<Header> && sizeof(Header) == 232 && offsetof(Header, header_hash) == 224);

uint64_t hash_of_header(const Header& header) {
  return XXH3_64bits(&header, offsetof(Header, header_hash));
}

/// The payload in its order.
std::array<std::span<const std::byte>, 8> parts_of(const TrainingCheckpoint& checkpoint) {
  const HybridState& state = checkpoint.state;
  return {std::as_bytes(std::span(checkpoint.workers)), std::as_bytes(std::span(checkpoint.facts)),
          std::as_bytes(std::span(state.parameters)),   std::as_bytes(std::span(state.velocity)),
          std::as_bytes(std::span(state.residual)),     std::as_bytes(std::span(state.model)),
          std::as_bytes(std::span(state.delta)),        std::as_bytes(std::span(state.learner))};
}

Header header_of(const TrainingCheckpoint& checkpoint) {
  const HybridState& state = checkpoint.state;
  Header header;
  header.n_workers = checkpoint.workers.size(), header.facts_bytes = checkpoint.facts.size();
  header.n_parameters = state.parameters.size(), header.n_velocity = state.velocity.size();
  header.n_residual = state.residual.size(), header.n_part = state.model.size();
  header.n_learner = state.learner.size();
  header.part_begin = state.part_begin, header.next_minibatch = state.next_minibatch;
  header.report = state.report;
  // Each part's hash is the seed of the next one's.
  for (const auto part : parts_of(checkpoint)) {
    header.payload_hash = XXH3_64bits_withSeed(part.data(), part.size(), header.payload_hash);
  }
  header.header_hash = hash_of_header(header);
  return header;
}

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::data, what, path);
}

Header read_header(std::span<const std::byte> bytes, const std::string& path) {
  Header header;
  if (bytes.size() < sizeof header) refuse(path, "this is no checkpoint of a training by gradients, or was cut off");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kMagic) refuse(path, "this is no checkpoint of a training by gradients");
  if (header.version != kVersion) {
    refuse(path, "a checkpoint of version " + std::to_string(header.version) + ", this program reads " +
                     std::to_string(kVersion));
  }
  if (header.header_hash != hash_of_header(header)) refuse(path, "the checkpoint is damaged");
  return header;
}

/// Whether these numbers, of a header whose hash is right, can be.
void expect_sizes(const Header& header, size_t file_bytes, const std::string& path) {
  constexpr uint64_t kMost = uint64_t{1} << 40;  // so that no sum below overflows
  uint64_t bytes = sizeof header;
  for (const auto& [count, size] : {std::pair{header.n_workers, 4},
                                    {header.facts_bytes, 1},
                                    {header.n_parameters, 4},
                                    {header.n_velocity, 4},
                                    {header.n_residual, 4},
                                    {header.n_part, 8},
                                    {header.n_learner, 4}}) {
    if (count > kMost) refuse(path, "the checkpoint is damaged: its sizes cannot be");
    bytes += count * static_cast<uint64_t>(size);
  }
  if (bytes != file_bytes) {
    refuse(path, "the checkpoint has " + std::to_string(file_bytes) + " bytes, expected " + std::to_string(bytes));
  }
  if (header.part_begin > header.n_parameters || header.n_part > header.n_parameters - header.part_begin) {
    refuse(path, "the checkpoint is damaged: it has block momentum of parameters that are not there");
  }
}

/// Takes a payload apart, front to back.
class Taker {
 public:
  explicit Taker(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class Values>
  void take(Values& values, size_t count) {
    values.resize(count);
    const size_t n = count * sizeof(values[0]);
    if (n > 0) std::memcpy(values.data(), bytes_.data(), n);
    bytes_ = bytes_.subspan(n);
  }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace

void write_checkpoint(const std::string& path, const TrainingCheckpoint& checkpoint) {
  const Header header = header_of(checkpoint);
  OutputFile file(path);
  file.write(std::as_bytes(std::span(&header, 1)));
  for (const auto part : parts_of(checkpoint)) file.write(part);
  file.commit();
}

TrainingCheckpoint read_checkpoint(const std::string& path) {
  const MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  const Header header = read_header(bytes, path);
  expect_sizes(header, bytes.size(), path);
  TrainingCheckpoint checkpoint;
  HybridState& state = checkpoint.state;
  Taker taker(bytes.subspan(sizeof header));
  taker.take(checkpoint.workers, header.n_workers);
  taker.take(checkpoint.facts, header.facts_bytes);
  taker.take(state.parameters, header.n_parameters);
  taker.take(state.velocity, header.n_velocity);
  taker.take(state.residual, header.n_residual);
  taker.take(state.model, header.n_part);
  taker.take(state.delta, header.n_part);
  taker.take(state.learner, header.n_learner);
  state.part_begin = header.part_begin, state.next_minibatch = header.next_minibatch;
  state.report = header.report;
  if (header_of(checkpoint).payload_hash != header.payload_hash) refuse(path, "the checkpoint is damaged");
  return checkpoint;
}

CheckpointFolder::CheckpointFolder(std::string folder, uint32_t worker) : folder_(std::move(folder)), worker_(worker) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) throw_io_error("make the folder for checkpoints", folder_, error.value());
}

std::string CheckpointFolder::path_of(uint64_t steps) const {
  return (std::filesystem::path(folder_) /
          ("worker-" + std::to_string(worker_) + "-step-" + std::to_string(steps) + kSuffix))
      .string();
}

std::vector<uint64_t> CheckpointFolder::steps() const {
  const std::string prefix = "worker-" + std::to_string(worker_) + "-step-";
  std::vector<uint64_t> steps;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(kSuffix)) continue;
    uint64_t step = 0;
    const char* const begin = name.data() + prefix.size();
    const char* const last = name.data() + name.size() - std::strlen(kSuffix);
    const auto [rest, failed] = std::from_chars(begin, last, step);
    if (failed == std::errc() && rest == last) steps.push_back(step);
  }
  if (error) throw_io_error("read the folder of checkpoints", folder_, error.value());
  std::sort(steps.begin(), steps.end(), std::greater<>());
  return steps;
}

void CheckpointFolder::save(const TrainingCheckpoint& checkpoint) {
  const uint64_t step = checkpoint.state.report.steps;
  write_checkpoint(path_of(step), checkpoint);
  const std::vector<uint64_t> all = steps();
  const auto own = std::find(all.begin(), all.end(), step);
  for (auto at = own; at != all.end(); ++at) {
    std::error_code ignored;
    if (at - own >= static_cast<std::ptrdiff_t>(kKept)) std::filesystem::remove(path_of(*at), ignored);
  }
}

void CheckpointFolder::forget_after(uint64_t steps_kept) {
  for (const uint64_t step : steps()) {
    std::error_code ignored;
    if (step > steps_kept) std::filesystem::remove(path_of(step), ignored);
  }
}

}  // namespace coppice
