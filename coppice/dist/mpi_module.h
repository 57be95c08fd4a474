// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace coppice {

/// One message under way, as the module keeps it.
struct MpiTransfer {
  void* bytes;
  uint64_t n_bytes;  ///< up to kMostMpiBytes
  uint32_t worker;   ///< from whom, or to whom
  uint32_t tag;
  uint64_t request;  ///< the module's own
};
inline constexpr uint64_t kMostMpiBytes = uint64_t{1} << 30;

/// What the module `libcoppice_mpi.so` can do, in C, so that the library neither links MPI nor shares a class with it.
/// Each returns 0 or MPI's code of an error. Threads: one call at a time, from any of them.
struct MpiFunctions {
  uint32_t version;

  /// Begins MPI in this process where it is not begun, and has it ended when the process exits.
  int (*begin)(uint32_t* worker, uint32_t* n_workers, uint32_t* most_tag);
  int (*send)(MpiTransfer* transfer);
  int (*receive)(MpiTransfer* transfer);
  int (*is_done)(MpiTransfer* transfer, int* done);
  /// Whether a message with this tag waits, of whom and of how many bytes.
  int (*find)(uint32_t tag, int* found, MpiTransfer* transfer);
  /// A receive whose bytes go away.
  void (*cancel)(MpiTransfer* transfer);
  /// The process will exit without an end of MPI, which would wait for workers that do not come.
  void (*stay_open)();
  void (*explain)(int code, char* text, size_t size);
};

inline constexpr uint32_t kMpiModuleVersion = 1;
inline constexpr const char* kMpiModuleFile = "libcoppice_mpi.so";
inline constexpr const char* kMpiModuleSymbol = "coppice_mpi_functions";

}  // namespace coppice
