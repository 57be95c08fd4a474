// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "coppice/dist/message_transport.h"
#include "coppice/dist/transport.h"

namespace coppice {

/// Workers that are threads of one process: the same operations with the same bits as over a network, in shared memory.
/// Bytes are counted as if they went over a network.
///
/// Runs `work` for each of `n_workers` on a thread of its own. When one throws, the others' operations are aborted, and
/// what it threw is thrown here once all have ended (of several, what the first one threw). At most `cores` of them are
/// at work at a time, those that wait in an operation aside; 0 = as many as the machine has.
void run_workers(uint32_t n_workers, size_t cores, const std::function<void(Transport&)>& work);

/// The same with messages between the threads, for whoever wants the operations as a network does them.
void run_workers_by_messages(uint32_t n_workers, const std::function<void(Transport&)>& work);

/// Likewise, over what `wrap` makes of each worker's link, which may do to messages what networks do.
using WrapLink = std::function<std::shared_ptr<MessageLink>(std::shared_ptr<MessageLink>)>;
void run_workers_over_links(uint32_t n_workers, const WrapLink& wrap, const std::function<void(Transport&)>& work);

}  // namespace coppice
