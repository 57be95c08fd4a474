// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/stop_words.h"

#include <gtest/gtest.h>

#include "coppice/data/reading_test.h"

namespace coppice {
namespace {

class StopWords : public ::testing::Test {
 protected:
  std::vector<std::string> read(std::string_view bytes) const {
    return read_stop_words(folder_.write("words.txt", bytes));
  }
  /// The error of reading these bytes, without the folder.
  std::string refusal(std::string_view bytes) const {
    std::string message = message_of([&] { read(bytes); });
    const size_t at = message.find(folder_.path(""));
    return at == std::string::npos ? message : message.erase(at, folder_.path("").size());
  }

  TestFolder folder_;
};

TEST_F(StopWords, ReadOneALineWithoutCommentsAndBlankLines) {
  EXPECT_EQ(read("\xef\xbb\xbfthe\r\n\n  \n# comment\nThe second entry\nlast"),
            (std::vector<std::string>{"the", "The second entry", "last"}));
}

TEST_F(StopWords, NameTheFileThatIsMissing) {
  EXPECT_EQ(message_of([] { read_stop_words("/no/such/file"); }),
            "io: /no/such/file: cannot open the file: No such file or directory");
}

TEST_F(StopWords, RefuseWhatIsNoTextByItsPlace) {
  EXPECT_EQ(refusal("the\nm\xc3\xb4t b\xe9te\n").substr(0, 56),
            "data: words.txt:2:7: the stop word is not valid UTF-8\n  ");
  EXPECT_EQ(refusal(std::string("the\na\0b\xff\n", 10)),
            "data: words.txt:2:2: a NUL byte, expected a stop word\n  hint: is this a binary file?");
  EXPECT_EQ(refusal("# caf\xe9\nthe\n").substr(0, 20), "data: words.txt:1:6:");
}

TEST_F(StopWords, RefuseAFileWithoutAWord) {
  for (const char* none : {"", "\n", "# the\n"}) {
    EXPECT_EQ(refusal(none).substr(0, 66), "data: words.txt: the file holds no stop word, expected one a line\n")
        << none;
  }
}

}  // namespace
}  // namespace coppice
