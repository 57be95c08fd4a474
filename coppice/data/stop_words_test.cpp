// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/stop_words.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "coppice/core/error.h"

namespace coppice {
namespace {

TEST(StopWords, ReadOneALineWithoutCommentsAndBlankLines) {
  const std::string path = testing::TempDir() + "stop_words_test.txt";
  std::ofstream(path, std::ios::binary) << "the\r\n\n# comment\nThe second entry\nlast";
  EXPECT_EQ(read_stop_words(path), (std::vector<std::string>{"the", "The second entry", "last"}));
  std::remove(path.c_str());
}

TEST(StopWords, NameTheFileThatIsMissing) {
  try {
    read_stop_words("/no/such/file");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_EQ(error.message(), "/no/such/file: cannot open the file of stop words: No such file or directory");
  }
}

}  // namespace
}  // namespace coppice
