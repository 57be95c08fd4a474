// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/output_file.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coppice/core/error.h"
#include "coppice/core/mapped_file.h"

namespace coppice {
namespace {

namespace fs = std::filesystem;

/// While it lives no file may grow beyond a size: what a full disk is to the program.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes) : signal_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallFiles() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, signal_);
  }
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;

 private:
  sighandler_t signal_;
  rlimit before_{};
};

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
  mode_t mode_of(const std::string& name) const {
    struct stat status {};
    return ::stat((folder_ / name).c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
  }
  size_t files() const { return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {})); }

  fs::path folder_;
  std::string temporary_ = "out.tmp." + std::to_string(::getpid());
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
  const SmallFiles limit(4096);
  OutputFile file(folder_ / "out");
  file.write(std::string(5000, 'x'));
  try {
    file.commit();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_NE(error.message().find("File too large"), std::string::npos);
  }
}

TEST_F(OutputFileTest, WhatReplacesAFileIsAsPrivateAsItWas) {
  const std::string path = folder_ / "out";
  for (const mode_t mode : {mode_t{0600}, mode_t{0664}, mode_t{0400}}) {
    write(path, "old");
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    OutputFile file(path);
    file.write("new");
    EXPECT_EQ(mode_of(temporary_), mode) << "while it is written";
    file.commit();
    EXPECT_EQ(mode_of("out"), mode);
    fs::remove(path);
  }
}

/// Runs `work` in a process of another user, who is in `group`; true if it succeeded.
bool as_member_of(gid_t group, const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t kSomebody = 23456;
    bool done = ::setgroups(1, &group) == 0 && ::setgid(kSomebody) == 0 && ::setuid(kSomebody) == 0;
    try {
      if (done) work();
    } catch (const Error&) {
      done = false;
    }
    ::_exit(done ? 0 : 1);
  }
  int status = 1;
  return ::waitpid(child, &status, 0) == child && status == 0;
}

TEST_F(OutputFileTest, TheGroupOfAnothersFileStaysForWhoIsInItAndGainsNothingElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  constexpr gid_t kTeam = 34567, kOthers = 45678;
  const std::string path = folder_ / "out";
  ASSERT_EQ(::chmod(folder_.c_str(), 0777), 0);
  for (const auto& [member_of, mode] : {std::pair(kTeam, mode_t{0664}), std::pair(kOthers, mode_t{0644})}) {
    write(path, "old");
    ASSERT_EQ(::chown(path.c_str(), 12345, kTeam), 0);
    ASSERT_EQ(::chmod(path.c_str(), 0664), 0);
    ASSERT_TRUE(as_member_of(member_of, [&] { write(path, "new"); }));
    EXPECT_EQ(text_of(path), "new");
    EXPECT_EQ(mode_of("out"), mode);
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_gid == kTeam, member_of == kTeam);
  }
}

TEST_F(OutputFileTest, ALinkUnderTheTemporaryNameIsNotFollowed) {
  std::ofstream(folder_ / "victim") << "precious";
  fs::create_symlink("victim", folder_ / temporary_);
  write(folder_ / "out", "new");
  EXPECT_EQ(text_of(folder_ / "victim"), "precious");
  EXPECT_EQ(text_of(folder_ / "out"), "new");
  EXPECT_TRUE(fs::is_symlink(folder_ / temporary_));
}

TEST_F(OutputFileTest, WhatAKilledRunLeftIsRemovedAndWhatIsInWorkIsNot) {
  std::ofstream(folder_ / temporary_) << "left";
  OutputFile first(folder_ / "out");
  first.write("first");
  EXPECT_EQ(files(), 1u);
  write(folder_ / "out", "second");
  EXPECT_EQ(text_of(folder_ / "out"), "second");
  first.commit();
  EXPECT_EQ(text_of(folder_ / "out"), "first");
  EXPECT_EQ(files(), 1u);
}

}  // namespace
}  // namespace coppice
