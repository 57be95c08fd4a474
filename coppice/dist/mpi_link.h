// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "coppice/dist/message_transport.h"

namespace coppice {

/// Messages by MPI, between the processes that one mpirun or srun has started; numbers are those of MPI_COMM_WORLD.
///
/// MPI is in a module, libcoppice_mpi.so, that is opened here and no sooner: a program that never calls this neither
/// links nor loads it. MPI ends when the process exits; not where a worker was lost, as that end would wait for it.
/// What MPI has no limits for is polled: the processor is given away while nothing comes. Throws
/// `ErrorCode::unsupported` where the module, or MPI, is not there; `ErrorCode::remote` where MPI does not begin.
std::shared_ptr<MessageLink> connect_by_mpi();

}  // namespace coppice
