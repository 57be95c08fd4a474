// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "coppice/flow/journal/journal.h"
#include "coppice/http/awaitable.h"

namespace coppice {

/// The journal of one run, for coroutines of one event loop: what they write until the loop has run all that was ready
/// is committed together. So 1,000 steps side by side cost one transaction, and each step of a chain has its own.
///
/// A batch that fails fails for all who wait for it, and the run with it: from then on every `commit` and `flush`
/// throws what the first one threw. Cost: the store is called on the loop's own thread, which waits for it meanwhile.
/// Threads: those of the loop, one at a time. `store` outlives this, and this those who wait for it.
class GroupCommit {
 public:
  using Executor = boost::asio::any_io_executor;

  GroupCommit(Executor loop, JournalStore& store, std::string run);
  ~GroupCommit();
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  /// Returns once it is written: with its sequence, or with `short_of`. Throws as `JournalStore::commit`.
  Awaitable<JournalOperation> commit(JournalOperation operation);

  /// To be written with the next batch; nobody waits. In the order of the calls, those of `commit` too. Lost where an
  /// earlier batch has failed: `flush` says so.
  void append(Event event);

  /// Writes at once what is there. Throws as `JournalStore::commit`. To be called at the end of a run: what was
  /// appended and not yet written is lost otherwise.
  void flush();

  /// So many batches were written.
  uint64_t batches() const noexcept;

 private:
  class Pending;
  std::shared_ptr<Pending> pending_;
};

}  // namespace coppice
