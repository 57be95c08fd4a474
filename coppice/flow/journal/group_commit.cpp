// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/awaitable.h"  // before other headers of coroutines

#include "coppice/flow/journal/group_commit.h"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <functional>
#include <utility>
#include <vector>

#include "coppice/flow/journal/journal_rules.h"

namespace coppice {

class GroupCommit::Pending : public std::enable_shared_from_this<Pending> {
 public:
  using Resume = std::function<void(std::exception_ptr, JournalOperation)>;

  Pending(Executor loop, JournalStore& store, std::string run)
      : loop_(std::move(loop)), store_(store), run_(std::move(run)) {}

  /// `resume` may be none.
  void add(JournalOperation operation, Resume resume) {
    if (operation.event.at_nanoseconds == 0) operation.event.at_nanoseconds = wall_nanoseconds();
    entries_.push_back({std::move(operation), std::move(resume)});
    if (std::exchange(is_posted_, true)) return;
    // Behind all that is ready. Whoever ends this ends what was not written.
    boost::asio::post(loop_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->write_posted();
    });
  }

  void write() {
    if (entries_.empty()) return;
    std::vector<Entry> entries = std::exchange(entries_, {});
    std::vector<JournalOperation> batch;
    batch.reserve(entries.size());
    for (Entry& entry : entries) batch.push_back(std::move(entry.operation));
    if (!failure_) {
      try {
        store_.commit(run_, batch);
        ++batches_;
      } catch (...) {
        failure_ = std::current_exception();
      }
    }
    for (size_t i = 0; i < batch.size(); ++i) {
      if (!entries[i].resume) continue;
      // Not called from here: what they do next may write again.
      boost::asio::post(loop_, [resume = std::move(entries[i].resume), failure = failure_,
                                done = std::move(batch[i])]() mutable { resume(failure, std::move(done)); });
    }
  }

  void throw_if_failed() const {
    if (failure_) std::rethrow_exception(failure_);
  }
  bool has_failed() const noexcept { return failure_ != nullptr; }
  uint64_t batches() const noexcept { return batches_; }

 private:
  struct Entry {
    JournalOperation operation;
    Resume resume;
  };

  void write_posted() {
    is_posted_ = false;
    write();
  }

  Executor loop_;
  JournalStore& store_;
  std::string run_;
  std::vector<Entry> entries_;
  bool is_posted_ = false;
  std::exception_ptr failure_;
  uint64_t batches_ = 0;
};

GroupCommit::GroupCommit(Executor loop, JournalStore& store, std::string run)
    : pending_(std::make_shared<Pending>(std::move(loop), store, std::move(run))) {}
GroupCommit::~GroupCommit() = default;

Awaitable<JournalOperation> GroupCommit::commit(JournalOperation operation) {
  pending_->throw_if_failed();
  auto initiate = [pending = pending_.get()](auto handler, JournalOperation what) {
    // Shared, for std::function copies what it holds, and handlers cannot be copied.
    auto kept = std::make_shared<decltype(handler)>(std::move(handler));
    pending->add(std::move(what), [kept](std::exception_ptr failure, JournalOperation done) {
      (*kept)(std::move(failure), std::move(done));
    });
  };
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>,
                                                 void(std::exception_ptr, JournalOperation)>(
      initiate, boost::asio::use_awaitable, std::move(operation));
}

void GroupCommit::append(Event event) {
  if (pending_->has_failed()) return;
  JournalOperation operation;
  operation.event = std::move(event);
  pending_->add(std::move(operation), nullptr);
}

void GroupCommit::flush() {
  pending_->write();
  pending_->throw_if_failed();
}

uint64_t GroupCommit::batches() const noexcept {
  return pending_->batches();
}

}  // namespace coppice
