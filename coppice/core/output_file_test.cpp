// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/output_file.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coppice/core/error.h"
#include "coppice/core/mapped_file.h"

namespace coppice {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public ::testing::Test {
 protected:
  OutputFileTest() : folder_(fs::temp_directory_path() / ("coppice_output_" + std::to_string(::getpid()))) {
    fs::create_directory(folder_);
  }
  ~OutputFileTest() override { fs::remove_all(folder_); }
  static void write(const std::string& path, std::string_view text) {
    OutputFile file(path);
    file.write(text);
    file.commit();
  }
  static std::string text_of(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  size_t files() const { return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {})); }

  fs::path folder_;
};

TEST_F(OutputFileTest, AppearsWholeOnCommit) {
  const std::string path = folder_ / "out";
  OutputFile file(path);
  file.write("hello, ");
  file.write("world");
  EXPECT_FALSE(fs::exists(path));
  const std::byte capital{'H'};
  file.write_at(0, {&capital, 1});
  file.commit();
  const MappedFile mapped(path);
  ASSERT_EQ(mapped.bytes().size(), 12u);
  EXPECT_EQ(std::memcmp(mapped.bytes().data(), "Hello, world", 12), 0);
  EXPECT_EQ(files(), 1u);
}

TEST_F(OutputFileTest, LeavesNothingWithoutCommit) {
  { OutputFile(folder_ / "out").write("half"); }
  EXPECT_EQ(files(), 0u);
}

TEST_F(OutputFileTest, NamesWhatTheSystemRefuses) {
  EXPECT_THROW(OutputFile(folder_ / "no" / "such"), Error);
  EXPECT_THROW(OutputFile(folder_.string()), Error);
  EXPECT_THROW(MappedFile(folder_ / "missing"), Error);
  EXPECT_THROW(MappedFile(folder_.string()), Error);
}

TEST_F(OutputFileTest, ANamedPipeIsWrittenThroughAndStaysOne) {
  const std::string path = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int reader = ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  write(path, "through");
  std::array<char, 16> got{};
  EXPECT_EQ(::read(reader, got.data(), got.size()), 7);
  EXPECT_STREQ(got.data(), "through");
  ::close(reader);
  EXPECT_TRUE(fs::is_fifo(path));
  EXPECT_EQ(files(), 1u);
}

TEST_F(OutputFileTest, AStopEndsTheWaitForTheReaderOfAPipe) {
  const std::string path = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int reader = ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  Progress progress;
  OutputFile file(path, &progress);
  file.write("unread");
  progress.request_stop();
  EXPECT_THROW(file.commit(), Error);
  ::close(reader);
}

TEST_F(OutputFileTest, ALinkStaysAndWhatItLeadsToIsReplaced) {
  fs::create_directory(folder_ / "below");
  write(folder_ / "below" / "real", "old");
  fs::create_symlink("below/real", folder_ / "inner");
  fs::create_symlink(folder_ / "inner", folder_ / "outer");
  write(folder_ / "outer", "new");
  EXPECT_TRUE(fs::is_symlink(folder_ / "outer"));
  EXPECT_TRUE(fs::is_symlink(folder_ / "inner"));
  EXPECT_EQ(text_of(folder_ / "below" / "real"), "new");
  EXPECT_EQ(files(), 3u);
}

TEST_F(OutputFileTest, ALinkThatLeadsToNothingYetGetsItsFile) {
  fs::create_symlink("later", folder_ / "link");
  write(folder_ / "link", "now");
  EXPECT_EQ(text_of(folder_ / "later"), "now");
  fs::create_symlink("loop", folder_ / "loop");
  EXPECT_THROW(OutputFile(folder_ / "loop"), Error);
}

TEST_F(OutputFileTest, StreamsAreToldFromFilesWithoutOpeningThem) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(is_output_stream("-"));
  EXPECT_TRUE(is_output_stream(folder_ / "pipe"));
  EXPECT_TRUE(is_output_stream("/dev/null"));
  EXPECT_FALSE(is_output_stream(folder_ / "none"));
  EXPECT_THROW(is_output_stream(folder_.string()), Error);
  expect_writable(folder_ / "pipe");  // would wait for a reader if it opened the pipe
  expect_writable(folder_ / "none");
  EXPECT_THROW(expect_writable(folder_ / "no" / "such"), Error);
  EXPECT_EQ(files(), 1u);
}

TEST_F(OutputFileTest, AFullDiskIsAnIoError) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "this system has no /dev/full";
  fs::create_symlink("/dev/full", folder_ / ("out.tmp." + std::to_string(::getpid())));
  OutputFile file(folder_ / "out");
  file.write("x");
  try {
    file.commit();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_NE(error.message().find("No space left on device"), std::string::npos);
  }
}

}  // namespace
}  // namespace coppice
