// SPDX-License-Identifier: Apache-2.0
//
// Which of the instruction sets that the kernels were compiled for this machine has. Highway's library would tell; the
// runtime links none. Other processors than x86 have one set, chosen by the compiler.
#include <hwy/highway.h>

#include <cstdlib>

#if HWY_ARCH_X86 && !defined(HWY_COMPILE_ONLY_STATIC)
#include <hwy/targets.h>

namespace hwy {

/// The sets of HWY_TARGETS, see runtime/CMakeLists.txt: each with all that Highway lets the compiler use for it.
int64_t SupportedTargets() {
  int64_t targets = HWY_STATIC_TARGET;
  __builtin_cpu_init();
  const bool sse4 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3") &&
                    __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("f16c");
  if (sse4 && avx2) targets |= HWY_AVX2;
  return targets;
}

ChosenTarget& GetChosenTarget() {
  static ChosenTarget chosen;
  return chosen;
}

}  // namespace hwy
#endif

namespace hwy {

/// Highway's own checks, none of which a kernel of ours can fail.
[[noreturn]] void HWY_FORMAT(3, 4) Abort(const char*, int, const char*, ...) {
  std::abort();
}

}  // namespace hwy
