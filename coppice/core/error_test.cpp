// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/error.h"

#include <gtest/gtest.h>

namespace coppice {
namespace {

TEST(Error, MessageCarriesPlaceSentenceAndHint) {
  const Error error(ErrorCode::data, "label is NaN, expected a number", "train.jsonl:3:14", "remove the row");
  EXPECT_EQ(error.message(), "train.jsonl:3:14: label is NaN, expected a number\n  hint: remove the row");
}

TEST(Error, ExitCodesAreThoseOfTheDocument) {
  EXPECT_EQ(exit_code(ErrorCode::internal), 1);
  EXPECT_EQ(exit_code(ErrorCode::usage), 2);
  EXPECT_EQ(exit_code(ErrorCode::data), 3);
  EXPECT_EQ(exit_code(ErrorCode::io), 4);
  EXPECT_EQ(exit_code(ErrorCode::memory), 5);
  EXPECT_EQ(exit_code(ErrorCode::unsupported), 6);
  EXPECT_EQ(exit_code(ErrorCode::cancelled), 130);
}

TEST(Error, IoErrorsUseTheSystemsWords) {
  try {
    throw_io_error("open the file", "/no/such", ENOENT);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "/no/such: cannot open the file: No such file or directory");
  }
}

}  // namespace
}  // namespace coppice
