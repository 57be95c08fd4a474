// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "coppice/math/csr.h"

namespace coppice {

/// XXH3-128 of what was added, in that order.
class ContentHash {
 public:
  ContentHash();
  ~ContentHash();
  ContentHash(const ContentHash&) = delete;
  ContentHash& operator=(const ContentHash&) = delete;

  void add(std::span<const std::byte> bytes);
  void add(const Csr& matrix);
  template <class T>
  void add(std::span<const T> values) {
    add(std::as_bytes(values));
  }

  /// In hexadecimal.
  std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace coppice
