// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/read_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "coppice/core/error.h"

namespace coppice {
namespace {

namespace fs = std::filesystem;

class ReadFileTest : public testing::Test {
 protected:
  ReadFileTest() { fs::create_directories(folder_); }
  ~ReadFileTest() override { fs::remove_all(folder_); }

  std::string write(const std::string& bytes) const {
    const std::string path = folder_ / "a";
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  static std::string fault(const std::string& path, uint64_t most, ErrorCode code) {
    try {
      read_file(path, most);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      return error.message().substr(path.size());
    }
    return "none";
  }

  fs::path folder_ = fs::temp_directory_path() / ("coppice_read_file_" + std::to_string(::getpid()));
};

TEST_F(ReadFileTest, AllBytesAreRead) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{65'536}, size_t{200'001}}) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7);
    EXPECT_EQ(read_file(write(bytes)), bytes);
  }
}

TEST_F(ReadFileTest, APipeIsReadToItsEnd) {
  const std::string path = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(path) << std::string(100'000, 'x'); });
  EXPECT_EQ(read_file(path), std::string(100'000, 'x'));
  writer.join();
}

TEST_F(ReadFileTest, WhatCannotBeReadIsNamed) {
  EXPECT_EQ(fault(folder_, 1, ErrorCode::io), ": this is a directory, expected a file");
  EXPECT_EQ(fault(folder_ / "none", 1, ErrorCode::io), ": cannot read: No such file or directory");
  EXPECT_EQ(fault(write("123"), 2, ErrorCode::data), ": the file has more than 2 bytes");
  EXPECT_EQ(fault(write("123"), 3, ErrorCode::data), "none");
  EXPECT_EQ(fault("/dev/zero", 1'000'000, ErrorCode::data), ": the file has more than 1000000 bytes");
}

}  // namespace
}  // namespace coppice
