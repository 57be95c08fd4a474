// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/input_stream.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <thread>

#include "coppice/data/reading_test.h"

namespace coppice {
namespace {

std::string gzip(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(text.size() + 1024, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string zstd(std::string_view text) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);  // as the zstd program does
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress2(context, packed.data(), packed.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return packed;
}

std::string drain(InputStream stream) {
  std::string all;
  std::vector<char> space(1000);
  for (size_t count = stream.read(space); count > 0; count = stream.read(space)) all.append(space.data(), count);
  return all;
}

std::string unpacked(std::string_view bytes) {
  return drain(InputStream::from_memory(bytes, "input"));
}

std::string long_text() {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += std::to_string(i * 7919 % 10007) + (i % 13 == 0 ? "\n" : " ");
  return text;
}

TEST(InputStream, PlainBytesComeAsTheyAre) {
  EXPECT_EQ(unpacked(""), "");
  EXPECT_EQ(unpacked("x"), "x");
  EXPECT_EQ(unpacked(std::string_view("a\0b", 3)), std::string("a\0b", 3));
  EXPECT_EQ(unpacked(long_text()), long_text());
}

TEST(InputStream, CompressionIsSeenInTheBytes) {
  EXPECT_EQ(unpacked(gzip(long_text())), long_text());
  EXPECT_EQ(unpacked(zstd(long_text())), long_text());
  EXPECT_EQ(unpacked(gzip("")), "");
  EXPECT_EQ(unpacked(zstd("")), "");
}

TEST(InputStream, MembersAndFramesInARowAreOneStream) {
  EXPECT_EQ(unpacked(gzip("one ") + gzip("") + gzip("two")), "one two");
  EXPECT_EQ(unpacked(zstd("one ") + zstd("") + zstd("two")), "one two");
  const std::string skippable("\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
  EXPECT_EQ(unpacked(skippable + zstd("text") + skippable), "text");
}

TEST(InputStream, ZeroBytesMayFollowGzipAndNothingElse) {
  EXPECT_EQ(unpacked(gzip("text") + std::string(100, '\0')), "text");
  const std::string tail = gzip("text") + "tail";
  EXPECT_EQ(message_of([&] { unpacked(tail); }),
            "data: input: byte 24: something else follows the gzip data\n  hint: is this one gzip file?");
}

TEST(InputStream, AnArchiveCutOffAnywhereIsAnError) {
  for (const std::string& packed : {gzip("some text, some text"), zstd("some text, some text")}) {
    for (size_t size = 4; size < packed.size(); ++size) {
      const std::string message = message_of([&] { unpacked(packed.substr(0, size)); });
      EXPECT_NE(message.find("data ends early"), std::string::npos) << size << " " << message;
    }
  }
}

TEST(InputStream, AFlippedBitInTheDataIsAnError) {
  for (std::string packed : {gzip("some text, some text"), zstd("some text, some text")}) {
    packed[packed.size() - 6] ^= 0x10;  // gzip: its CRC; zstd: the data
    EXPECT_NE(message_of([&] { unpacked(packed); }).find("data is damaged"), std::string::npos);
  }
}

TEST(InputStream, OtherCompressorsAreRefusedByName) {
  EXPECT_EQ(message_of([] { unpacked("BZh91AY&SY"); }),
            "unsupported: input: the input is compressed with bzip2, expected gzip, zstd or no compression\n"
            "  hint: decompress it first: bzip2 -dc FILE | coppice ... -");
  EXPECT_NE(message_of([] {
              unpacked(
                  std::string_view("\xfd"
                                   "7zXZ\0\0",
                                   7));
            }).find("with xz"),
            std::string::npos);
  for (const std::string text : {"BZhang wrote this", "BZh", "BZh9", "BZh91"}) EXPECT_EQ(unpacked(text), text);
}

TEST(InputStream, PeekTakesNothing) {
  const std::string text = long_text();
  InputStream stream = InputStream::from_memory(text, "input");
  EXPECT_EQ(stream.peek(3), text.substr(0, 3));
  EXPECT_EQ(stream.peek(5000), text.substr(0, 5000));
  std::vector<char> space(100);
  EXPECT_EQ(stream.read(space), 100u);
  EXPECT_EQ(stream.peek(10), text.substr(100, 10));
  EXPECT_EQ(drain(std::move(stream)), text.substr(100));
  EXPECT_EQ(InputStream::from_memory("ab", "input").peek(10), "ab");
}

TEST(InputStream, WhatIsNoFileIsAnIoError) {
  const TestFolder folder;
  const std::string missing = folder.path("missing");
  EXPECT_EQ(message_of([&] { InputStream::open(missing); }),
            "io: " + missing + ": cannot open the file: No such file or directory");
  const std::string directory = folder.path("");
  EXPECT_EQ(message_of([&] { InputStream::open(directory); }),
            "io: " + directory + ": this is a directory, expected a file");
}

TEST(InputStream, AFileWithoutPermissionIsAnIoError) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const TestFolder folder;
  const std::string path = folder.write("secret", "text");
  ::chmod(path.c_str(), 0);
  EXPECT_EQ(message_of([&] { InputStream::open(path); }), "io: " + path + ": cannot open the file: Permission denied");
}

TEST(InputStream, WhatCanBeReadOnceOnlyIsAStream) {
  const TestFolder folder;
  const std::string pipe = folder.path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string& stream : {std::string("-"), std::string("/dev/null"), pipe}) EXPECT_TRUE(is_stream(stream));
  for (const std::string& other : {folder.write("file", "x"), folder.path(""), folder.path("none"), std::string()}) {
    EXPECT_FALSE(is_stream(other)) << other;
  }
}

TEST(RereadableInput, AFileIsReadAnewEachTime) {
  const TestFolder folder;
  const std::string path = folder.write("text.gz", gzip("one two"));
  const RereadableInput input(path);
  InputStream first = input.open();
  std::vector<char> space(3);
  EXPECT_EQ(first.read(space), 3u);
  EXPECT_EQ(drain(input.open()), "one two");
  EXPECT_EQ(drain(std::move(first)), " two");
  EXPECT_EQ(input.size_bytes(), gzip("one two").size());
}

TEST(RereadableInput, APipeIsKeptInAFileWithoutAName) {
  const TestFolder folder;
  const std::string path = folder.path("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::string text = long_text();
  std::thread writer([&] { std::ofstream(path) << text; });
  const RereadableInput input(path);
  writer.join();
  EXPECT_EQ(drain(input.open()), text);
  EXPECT_EQ(drain(input.open()), text);
}

TEST(InputStream, AStopEndsTheWaitForASilentPipe) {
  const TestFolder folder;
  const std::string path = folder.path("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int writer = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::write(writer, "some bytes", 10), 10);
  Progress progress;
  InputStream stream = InputStream::open(path, &progress);
  EXPECT_EQ(stream.peek(10), "some bytes");
  std::thread stopper([&] { progress.request_stop(); });
  EXPECT_EQ(message_of([&] { drain(std::move(stream)); }), "cancelled: stopped on request");
  stopper.join();
  EXPECT_EQ(message_of([&] { RereadableInput(path, &progress); }), "cancelled: stopped on request");
  ::close(writer);
}

TEST(RereadableInput, StandardInputIsReadFromWhereItStands) {
  const TestFolder folder;
  const std::string path = folder.write("text", "one two");
  const int saved = ::dup(STDIN_FILENO);
  const int file = ::open(path.c_str(), O_RDONLY);
  ::lseek(file, 4, SEEK_SET);
  ::dup2(file, STDIN_FILENO);
  const RereadableInput input("-");
  ::dup2(saved, STDIN_FILENO);
  ::close(file);
  ::close(saved);
  EXPECT_EQ(input.name(), "stdin");
  EXPECT_EQ(drain(input.open()), "two");
  EXPECT_EQ(drain(input.open()), "two");
}

}  // namespace
}  // namespace coppice
