// SPDX-License-Identifier: Apache-2.0
//
// The hash functions themselves: xxHash comes as one header.
#define XXH_STATIC_LINKING_ONLY
#define XXH_IMPLEMENTATION
#include <xxhash.h>
