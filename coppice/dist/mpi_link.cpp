// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/mpi_link.h"

#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <mutex>
#include <set>
#include <string_view>
#include <thread>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/dist/mpi_module.h"

namespace coppice {
namespace {

using Clock = std::chrono::steady_clock;

/// Beside the file that this code is in, beside the program, where the library is installed, and wherever the system
/// looks for libraries.
std::vector<std::string> places_of_module() {
  std::vector<std::filesystem::path> files;
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&places_of_module), &info) != 0) files.emplace_back(info.dli_fname);
  std::error_code error;
  files.push_back(std::filesystem::read_symlink("/proc/self/exe", error));
  std::vector<std::string> places;
  for (const std::filesystem::path& file : files) {
    if (!file.has_parent_path()) continue;
    places.push_back(file.parent_path() / kMpiModuleFile);
    places.push_back(file.parent_path() / COPPICE_LIBRARY_FOLDER / kMpiModuleFile);
  }
  places.emplace_back(kMpiModuleFile);
  return places;
}

const MpiFunctions& open_module() {
  std::string why;
  for (const std::string& place : places_of_module()) {
    if (place.find('/') != std::string::npos && !std::filesystem::exists(place)) continue;
    void* const module = dlopen(place.c_str(), RTLD_NOW | RTLD_GLOBAL);  // parts of MPI look for symbols of it
    if (module == nullptr) {
      if (why.empty()) why = dlerror();
      continue;
    }
    const auto functions = reinterpret_cast<const MpiFunctions* (*)()>(dlsym(module, kMpiModuleSymbol));
    if (functions != nullptr && functions()->version == kMpiModuleVersion) return *functions();
    why = place + " is of another version";
  }
  throw Error(ErrorCode::unsupported, "there is no MPI here: " + why, {},
              "MPI is there when libopenmpi-dev is, where coppice is built; `transport` gloo needs none");
}

class MpiLink final : public MessageLink {
 public:
  MpiLink() : mpi_(open_module()) {
    uint32_t most_tag = 0;
    expect_done(mpi_.begin(&worker_, &n_workers_, &most_tag));
    note_tag_ = most_tag;
  }

  /// Others do not wait for a worker that ends by an error.
  ~MpiLink() override {
    if (std::uncaught_exceptions() > n_exceptions_) abort("worker " + std::to_string(worker_) + " ended by an error");
  }
  MpiLink(const MpiLink&) = delete;
  MpiLink& operator=(const MpiLink&) = delete;

  uint32_t worker() const noexcept override { return worker_; }
  uint32_t n_workers() const noexcept override { return n_workers_; }

  void exchange(std::span<const Outgoing> out, std::span<const Incoming> in, uint32_t channel,
                Deadline deadline) override {
    if (channel >= note_tag_) throw Error(ErrorCode::unsupported, "this MPI has too few tags for so many subgroups");
    std::vector<Transfer> transfers;
    try {
      expect_awaited();
      for (const Incoming& message : in) begin(transfers, Way::in, message.bytes, message.from, channel);
      for (const Outgoing& message : out) {
        const std::span<std::byte> bytes(const_cast<std::byte*>(message.bytes.data()), message.bytes.size());
        begin(transfers, Way::out, bytes, message.to, channel);  // which only reads them
      }
      wait_for(transfers, deadline);
    } catch (const Error& error) {
      give_up(transfers, error);
      throw;
    }
  }

  void abort(const std::string& why) noexcept override {
    try {
      const std::lock_guard lock(mutex_);
      if (why_.empty()) why_ = why.empty() ? "no reason" : why;
      tell_all(kGivesUp, why);
    } catch (const std::exception&) {  // without a word, then
    }
  }

 private:
  using LateNote = std::pair<uint32_t, uint32_t>;  ///< who has waited too long, for whom
  enum class Way : uint8_t { in, out };
  struct Transfer {
    MpiTransfer mpi;
    Way way;
    bool is_done = false;
  };

  void expect_done(int code) const {
    if (code == 0) return;
    char text[512] = "";
    mpi_.explain(code, text, sizeof text);
    throw Error(ErrorCode::remote, std::string("MPI: ") + text);
  }

  void begin(std::vector<Transfer>& transfers, Way way, std::span<std::byte> bytes, uint32_t other, uint32_t tag) {
    for (size_t at = 0; at < bytes.size(); at += kMostMpiBytes) {
      const size_t size = std::min<size_t>(bytes.size() - at, kMostMpiBytes);
      const std::lock_guard lock(mutex_);
      MpiTransfer mpi{bytes.data() + at, size, other, tag, 0};
      expect_done(way == Way::in ? mpi_.receive(&mpi) : mpi_.send(&mpi));
      transfers.push_back({mpi, way});
    }
  }

  /// Asks again and again: at once at first, then after giving the processor away, and where nothing comes for longer,
  /// after a sleep, since who is waited for may need this very core.
  void wait_for(std::vector<Transfer>& transfers, Deadline deadline) {
    constexpr std::chrono::milliseconds kAwake{2};
    constexpr std::chrono::microseconds kAsleep{50};
    const Clock::time_point begin = Clock::now();
    for (uint32_t polls = 1; !look(transfers); ++polls) {
      const Clock::time_point now = Clock::now();
      if (polls % 64 == 0) expect_going_on();
      if (now >= deadline || !late_notes().empty()) end_late(transfers);
      if (now - begin > kAwake) {
        std::this_thread::sleep_for(kAsleep);
      } else {
        std::this_thread::yield();
      }
    }
  }

  /// A worker that comes after others have gone must not take what they have left: it is there no more. Their notes
  /// come behind that, and MPI sees one message at a time.
  void expect_awaited() {
    constexpr int kLooks = 4;
    for (int i = 0; i < kLooks; ++i) expect_going_on();
    const std::vector<LateNote> late = late_notes();
    if (late.empty()) return;
    const bool is_awaited =
        std::any_of(late.begin(), late.end(), [&](const LateNote& note) { return note.second == worker_; });
    if (is_awaited) throw Error(ErrorCode::remote, "the other workers gave up waiting for this one");
    refuse_missing();
  }

  /// Missing is who is awaited and does not itself wait for others.
  [[noreturn]] void refuse_missing() {
    const std::vector<LateNote> late = late_notes();
    std::set<uint32_t> missing;
    for (const auto& [waiting, awaited] : late) missing.insert(awaited);
    for (const auto& [waiting, awaited] : late) missing.erase(waiting);
    if (missing.empty()) missing.insert(late.front().second);
    std::string text;
    for (const uint32_t worker : missing) text += (text.empty() ? "" : ", ") + std::to_string(worker);
    throw Error(ErrorCode::timeout, "workers that did not come in time: " + text);
  }

  /// Whether all are done.
  bool look(std::vector<Transfer>& transfers) {
    const std::lock_guard lock(mutex_);
    bool all = true;
    for (Transfer& transfer : transfers) {
      if (transfer.is_done) continue;
      int done = 0;
      expect_done(mpi_.is_done(&transfer.mpi, &done));
      transfer.is_done = done != 0;
      all = all && transfer.is_done;
    }
    return all;
  }

  /// Notes are for all workers at any time. The first byte says of what kind one is: why its sender gives up, or for
  /// whom it has waited too long.
  static constexpr char kGivesUp = 'g', kLate = 'l';

  void expect_going_on() {
    read_notes();
    const std::lock_guard lock(mutex_);
    if (!why_.empty()) throw Error(ErrorCode::remote, "another worker gave up: " + why_);
  }

  std::vector<LateNote> late_notes() {
    const std::lock_guard lock(mutex_);
    return late_;
  }

  void read_notes() {
    const std::lock_guard lock(mutex_);
    while (true) {
      int found = 0;
      MpiTransfer note{};
      expect_done(mpi_.find(note_tag_, &found, &note));
      if (found == 0) return;
      std::string text(std::max<uint64_t>(note.n_bytes, 1), '\0');
      note.bytes = text.data();
      expect_done(mpi_.receive(&note));
      for (int done = 0; done == 0;) expect_done(mpi_.is_done(&note, &done));
      if (text[0] == kLate) {
        late_.emplace_back(note.worker, static_cast<uint32_t>(std::strtoul(text.c_str() + 1, nullptr, 10)));
      } else if (why_.empty()) {
        why_ = text.size() > 1 ? text.substr(1) : "no reason";
        is_told_ = true;  // all were, by its sender
      }
    }
  }

  /// Who waits for a worker may itself be what another one waits for: all who wait say for whom, and missing is who
  /// says nothing.
  [[noreturn]] void end_late(const std::vector<Transfer>& transfers) {
    constexpr std::chrono::milliseconds kPatience{300};
    const auto open = std::find_if(transfers.begin(), transfers.end(), [](const Transfer& t) { return !t.is_done; });
    {
      const std::lock_guard lock(mutex_);
      late_.emplace_back(worker_, open->mpi.worker);
      tell_all(kLate, std::to_string(open->mpi.worker));
    }
    for (const Clock::time_point end = Clock::now() + kPatience; Clock::now() < end;) {
      read_notes();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    refuse_missing();
  }

  /// The bytes of these go away, and this link with them: all others are told.
  void give_up(std::vector<Transfer>& transfers, const Error& error) {
    const std::lock_guard lock(mutex_);
    for (Transfer& transfer : transfers) {
      if (!transfer.is_done && transfer.way == Way::in) mpi_.cancel(&transfer.mpi);
    }
    if (why_.empty()) why_ = error.what();
    if (!is_told_) tell_all(kGivesUp, error.what());
  }

  /// Once. A short message leaves though nobody waits for it.
  void tell_all(char kind, const std::string& text) {
    constexpr size_t kMostBytes = 1000;
    constexpr std::chrono::milliseconds kPatience{200};
    mpi_.stay_open();
    if (is_told_) return;
    is_told_ = true;
    note_ = kind + text.substr(0, kMostBytes);
    std::vector<MpiTransfer> notes;
    for (uint32_t other = 0; other < n_workers_; ++other) {
      if (other == worker_) continue;
      notes.push_back({note_.data(), note_.size(), other, note_tag_, 0});
      if (mpi_.send(&notes.back()) != 0) notes.pop_back();
    }
    const Clock::time_point end = Clock::now() + kPatience;
    while (!notes.empty() && Clock::now() < end) {
      std::erase_if(notes, [&](MpiTransfer& note) {
        int done = 0;
        return mpi_.is_done(&note, &done) != 0 || done != 0;
      });
      std::this_thread::yield();
    }
  }

  const MpiFunctions& mpi_;
  int n_exceptions_ = std::uncaught_exceptions();
  std::mutex mutex_;  ///< MPI takes one call at a time; and of what follows
  uint32_t worker_ = 0, n_workers_ = 1, note_tag_ = 0;
  std::string why_;  ///< the job ends; "" while it does not
  std::vector<LateNote> late_;
  bool is_told_ = false;
  std::string note_;
};

}  // namespace

std::shared_ptr<MessageLink> connect_by_mpi() {
  return std::make_shared<MpiLink>();
}

}  // namespace coppice
