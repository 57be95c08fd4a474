// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/gazetteer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "coppice/core/error.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

/// "B I . B": how the words of a text are marked.
std::string marks_of(const Gazetteer& gazetteer, const std::string& text) {
  WordSplitter splitter;
  SplitText split;
  splitter.split(text, split);
  std::vector<Gazetteer::Mark> marks(split.size());
  gazetteer.mark(split, marks.data());
  std::string shown;
  for (const Gazetteer::Mark mark : marks) shown += ".BI"[static_cast<size_t>(mark)];
  return shown;
}

Gazetteer cities() {
  ThreadPool pool(1);
  const std::vector<std::string> phrases{"New York",      "New York City", "york",
                                         "Z\xC3\xBCrich", "St. John's",    "new york"};
  return make_gazetteer("city", phrases, pool);
}

TEST(Gazetteer, MarksTheLongestPhraseFromTheLeft) {
  const Gazetteer gazetteer = cities();
  EXPECT_EQ(gazetteer.size(), 5u);  // each phrase once
  EXPECT_EQ(gazetteer.most_words(), 5u);
  EXPECT_EQ(marks_of(gazetteer, "from new york city to york new"), ".BII.B.");
  EXPECT_EQ(marks_of(gazetteer, "NEW YORK new york"), "BIBI");
  EXPECT_EQ(marks_of(gazetteer, "Z\xC3\x9CRICH"), "B");
  EXPECT_EQ(marks_of(gazetteer, "st.john 's"), "BIIII");
  EXPECT_EQ(marks_of(gazetteer, ""), "");
}

TEST(Gazetteer, TakesFewPhrasesForOthers) {
  const Gazetteer gazetteer = cities();
  size_t taken = 0;
  for (int i = 0; i < 20000; ++i) taken += marks_of(gazetteer, "w" + std::to_string(i)) != ".";
  EXPECT_LE(taken, 3u);
}

class GazetteerFileTest : public ::testing::Test {
 protected:
  ~GazetteerFileTest() override { std::filesystem::remove(path_); }

  Gazetteer read(const std::string& content) {
    std::ofstream(path_, std::ios::binary) << content;
    ThreadPool pool(1);
    return read_gazetteer({"city", path_}, pool);
  }

  std::string error_of(const std::string& content) {
    try {
      read(content);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::data);
      return error.message();
    }
    return "no error";
  }

 private:
  std::string path_ =
      (std::filesystem::temp_directory_path() / ("coppice-gazetteer-" + std::to_string(::getpid()))).string();
};

TEST_F(GazetteerFileTest, HoldsAPhraseALine) {
  const Gazetteer gazetteer = read("# cities\r\nparis\r\n\nnew york\n");
  EXPECT_EQ(gazetteer.size(), 2u);
  EXPECT_EQ(gazetteer.name(), "city");
  EXPECT_EQ(marks_of(gazetteer, "paris in new york"), "B.BI");
}

TEST_F(GazetteerFileTest, TellsWhatIsWrongAndWhere) {
  EXPECT_THAT(error_of(""), HasSubstr("holds no phrase"));
  EXPECT_THAT(error_of("a\n\xFF\n"), HasSubstr(":2: the phrase is not valid UTF-8"));
  EXPECT_THAT(error_of(std::string("a\0\n", 3)), HasSubstr(":1: a NUL byte"));
  EXPECT_THAT(error_of("\xE2\x80\x8B\n"), HasSubstr("has no word"));
  std::string longest;
  for (uint32_t i = 0; i < Gazetteer::kMostWords; ++i) longest += " w";
  EXPECT_EQ(read(longest).most_words(), Gazetteer::kMostWords);
  EXPECT_THAT(error_of(longest + " w"), HasSubstr("a phrase of 33 words, at most 32"));
}

TEST(GazetteerName, IsSeparatedFromItsFile) {
  EXPECT_EQ(gazetteer_file("city=a=b.txt").name, "city");
  EXPECT_EQ(gazetteer_file("city=a=b.txt").path, "a=b.txt");
  for (const char* wrong : {"", "city", "=a.txt", "city="}) EXPECT_THROW(gazetteer_file(wrong), Error) << wrong;
}

}  // namespace
}  // namespace coppice
