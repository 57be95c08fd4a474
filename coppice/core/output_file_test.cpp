// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/output_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

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
