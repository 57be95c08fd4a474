// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace coppice {

/// From now on LibTorch, and the library that multiplies matrices for it, use no threads of their own: ours share the
/// work out, and so results do not depend on how many there are. Throws `ErrorCode::unsupported` where that library
/// gives wrong results when several threads call it (OpenBLAS built for one).
/// Threads: any.
void use_no_threads_of_torch();

}  // namespace coppice
