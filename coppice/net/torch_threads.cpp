// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/torch_threads.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include "coppice/core/error.h"

namespace coppice {
namespace {

/// A function of OpenBLAS, null where another library multiplies matrices.
template <class Function>
Function* of_openblas(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_DEFAULT, name));
}

/// Whether it may be called by several threads.
bool set_up_openblas() {
  auto* const is_parallel = of_openblas<int()>("openblas_get_parallel");
  if (is_parallel == nullptr) return true;
  if (is_parallel() == 0) return false;
  if (auto* const set_threads = of_openblas<void(int)>("openblas_set_num_threads")) set_threads(1);
  return true;
}

}  // namespace

void use_no_threads_of_torch() {
  static const bool is_safe = set_up_openblas();
  if (!is_safe) {
    throw Error(ErrorCode::unsupported, "this OpenBLAS is built for one thread, and several would get wrong results",
                {}, "install libopenblas0-pthread in place of libopenblas0-serial");
  }
  at::set_num_threads(1);
}

}  // namespace coppice
