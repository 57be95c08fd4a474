// SPDX-License-Identifier: Apache-2.0
//
// The only file that sees MPI: libcoppice_mpi.so, which is opened when MPI is asked for.
#include "coppice/dist/mpi_module.h"

#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace coppice {
namespace {

static_assert(sizeof(MPI_Request) <= sizeof(uint64_t));

/// MPI is one thing of the process.
struct Process {
  MPI_Comm workers = MPI_COMM_NULL;  ///< a communicator of our own: messages of the program's do not mix with ours
  bool stays_open = false;
};
Process& process() {
  static Process process;
  return process;
}

void end_at_exit() {
  int is_over = 0;
  MPI_Finalized(&is_over);
  if (is_over == 0 && !process().stays_open) MPI_Finalize();
}

MPI_Request request_of(const MpiTransfer& transfer) {
  MPI_Request request;
  std::memcpy(&request, &transfer.request, sizeof request);
  return request;
}
void keep_request(MPI_Request request, MpiTransfer& transfer) {
  std::memcpy(&transfer.request, &request, sizeof request);
}

int begin_process() {
  int is_begun = 0, threads = 0;
  MPI_Initialized(&is_begun);
  if (is_begun == 0) {
    const int code = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &threads);
    if (code != MPI_SUCCESS) return code;
    std::atexit(end_at_exit);
  }
  MPI_Query_thread(&threads);
  return threads >= MPI_THREAD_SERIALIZED ? MPI_SUCCESS : MPI_ERR_OTHER;
}

int begin(uint32_t* worker, uint32_t* n_workers, uint32_t* most_tag) {
  Process& own = process();
  int code = begin_process();
  if (code == MPI_SUCCESS && own.workers == MPI_COMM_NULL) {
    code = MPI_Comm_dup(MPI_COMM_WORLD, &own.workers);
    if (code == MPI_SUCCESS) code = MPI_Comm_set_errhandler(own.workers, MPI_ERRORS_RETURN);
  }
  if (code != MPI_SUCCESS) return code;
  int rank = 0, size = 0, has_tag = 0;
  int* tag = nullptr;
  MPI_Comm_rank(own.workers, &rank);
  MPI_Comm_size(own.workers, &size);
  MPI_Comm_get_attr(own.workers, MPI_TAG_UB, &tag, &has_tag);
  *worker = static_cast<uint32_t>(rank);
  *n_workers = static_cast<uint32_t>(size);
  *most_tag = has_tag != 0 ? static_cast<uint32_t>(*tag) : 32767;  // which MPI promises
  return MPI_SUCCESS;
}

int send(MpiTransfer* transfer) {
  MPI_Request request = MPI_REQUEST_NULL;
  const int code =
      MPI_Isend(transfer->bytes, static_cast<int>(transfer->n_bytes), MPI_BYTE, static_cast<int>(transfer->worker),
                static_cast<int>(transfer->tag), process().workers, &request);
  keep_request(request, *transfer);
  return code;
}

int receive(MpiTransfer* transfer) {
  MPI_Request request = MPI_REQUEST_NULL;
  const int code =
      MPI_Irecv(transfer->bytes, static_cast<int>(transfer->n_bytes), MPI_BYTE, static_cast<int>(transfer->worker),
                static_cast<int>(transfer->tag), process().workers, &request);
  keep_request(request, *transfer);
  return code;
}

int is_done(MpiTransfer* transfer, int* done) {
  MPI_Request request = request_of(*transfer);
  const int code = MPI_Test(&request, done, MPI_STATUS_IGNORE);
  keep_request(request, *transfer);
  return code;
}

int find(uint32_t tag, int* found, MpiTransfer* transfer) {
  MPI_Status status;
  int code = MPI_Iprobe(MPI_ANY_SOURCE, static_cast<int>(tag), process().workers, found, &status);
  if (code != MPI_SUCCESS || *found == 0) return code;
  int n_bytes = 0;
  code = MPI_Get_count(&status, MPI_BYTE, &n_bytes);
  transfer->worker = static_cast<uint32_t>(status.MPI_SOURCE);
  transfer->tag = tag;
  transfer->n_bytes = static_cast<uint64_t>(std::max(n_bytes, 0));
  return code;
}

void cancel(MpiTransfer* transfer) {
  MPI_Request request = request_of(*transfer);
  if (request == MPI_REQUEST_NULL) return;
  MPI_Cancel(&request);
  // What has begun to come cannot be cancelled, and may never end.
  constexpr int kTries = 1000;
  for (int i = 0, done = 0; i < kTries && done == 0; ++i) MPI_Test(&request, &done, MPI_STATUS_IGNORE);
  keep_request(request, *transfer);
}

void stay_open() {
  process().stays_open = true;
}

void explain(int code, char* text, size_t size) {
  char whole[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, whole, &length);
  const size_t n = std::min(size - 1, static_cast<size_t>(length));
  std::copy_n(whole, n, text);
  text[n] = '\0';
}

constexpr MpiFunctions kFunctions{kMpiModuleVersion, begin, send, receive, is_done, find, cancel, stay_open, explain};

}  // namespace

extern "C" __attribute__((visibility("default"))) const MpiFunctions* coppice_mpi_functions() {
  return &kFunctions;
}

}  // namespace coppice
