// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/cancellation.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

namespace coppice {
namespace {

TEST(Cancellation, CallsEachThatIsRegisteredOnce) {
  Cancellation cancellation;
  int first = 0, second = 0;
  const auto one = cancellation.on_cancel([&] { ++first; });
  const auto two = cancellation.on_cancel([&] { ++second; });
  EXPECT_NO_THROW(cancellation.throw_if_cancelled());
  cancellation.cancel();
  cancellation.cancel();
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
  EXPECT_THROW(cancellation.throw_if_cancelled(), Error);
}

TEST(Cancellation, WhoHasEndedIsNotCalled) {
  Cancellation cancellation;
  int calls = 0;
  {
    const auto gone = cancellation.on_cancel([&] { ++calls; });
  }
  auto moved = cancellation.on_cancel([&] { ++calls; });
  const auto kept = std::move(moved);
  cancellation.cancel();
  EXPECT_EQ(calls, 1);
}

TEST(Cancellation, WhoComesLateIsCalledAtOnce) {
  Cancellation cancellation;
  cancellation.cancel();
  int calls = 0;
  const auto late = cancellation.on_cancel([&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(Cancellation, OneThatIsCalledMayEndAnother) {
  Cancellation cancellation;
  int calls = 0;
  std::optional<Cancellation::Registration> second;
  const auto first = cancellation.on_cancel([&] { second.reset(); });
  second = cancellation.on_cancel([&] { ++calls; });
  cancellation.cancel();
  EXPECT_EQ(calls, 0);
}

}  // namespace
}  // namespace coppice
