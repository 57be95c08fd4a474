// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "coppice/app/flags.h"
#include "coppice/dist/connect.h"

namespace coppice::app {

/// Whether what goes to standard error is for this process to say: of several workers the first one speaks. Where the
/// variables of a launcher make no sense, everyone does.
bool speaks_for_all() noexcept;

/// The other workers, once connected; null where no launcher has started more than one.
///
/// Throws `ErrorCode::usage` on all of them, naming one, where program, processor, options or `facts` differ (a line
/// each: "rows 5"); as `connect_workers`.
std::unique_ptr<Transport> connect_others(const ConnectOptions& options, const Flags& flags,
                                          const std::vector<std::string>& facts = {});

/// What a worker cannot go on after: the others are told why, so that they do not wait for it.
template <class Work>
void with_others(Transport& transport, const Work& work);

}  // namespace coppice::app

template <class Work>
void coppice::app::with_others(Transport& transport, const Work& work) {
  try {
    work();
  } catch (const std::exception& error) {
    transport.abort("worker " + std::to_string(transport.rank()) + ": " + error.what());
    throw;
  }
}
