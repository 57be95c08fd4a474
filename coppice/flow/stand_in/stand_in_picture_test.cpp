// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_picture.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <map>
#include <vector>

namespace coppice {
namespace {

uint32_t number_at(const std::string& bytes, size_t at) {
  uint32_t number = 0;
  for (size_t i = 0; i < 4; ++i) number = number << 8 | static_cast<uint8_t>(bytes.at(at + i));
  return number;
}

/// Reads a PNG again: its size and its rows, with the filter undone.
struct ReadPng {
  uint32_t width = 0, height = 0;
  std::vector<uint8_t> pixels;

  explicit ReadPng(const std::string& file) {
    EXPECT_EQ(file.substr(0, 8), std::string("\x89PNG\r\n\x1A\n"));
    std::map<std::string, std::string> chunks;
    for (size_t at = 8; at < file.size();) {
      const uint32_t size = number_at(file, at);
      const std::string checked = file.substr(at + 4, size + 4);
      EXPECT_EQ(crc32_z(0, reinterpret_cast<const Bytef*>(checked.data()), checked.size()),
                number_at(file, at + 8 + size));
      chunks[checked.substr(0, 4)] = checked.substr(4);
      at += size + 12;
    }
    EXPECT_EQ(chunks.size(), 3);
    width = number_at(chunks["IHDR"], 0);
    height = number_at(chunks["IHDR"], 4);
    EXPECT_EQ(chunks["IHDR"].substr(8), std::string("\x08\x02\0\0\0", 5));
    unfilter(inflated(chunks["IDAT"]));
  }

  uint32_t pixel(uint32_t x, uint32_t y) const {
    const uint8_t* at = &pixels.at((size_t{y} * width + x) * 3);
    return static_cast<uint32_t>(at[0] << 16 | at[1] << 8 | at[2]);
  }

 private:
  std::vector<uint8_t> inflated(const std::string& packed) const {
    std::vector<uint8_t> raw(size_t{height} * (size_t{width} * 3 + 1));
    uLongf size = raw.size();
    EXPECT_EQ(uncompress(raw.data(), &size, reinterpret_cast<const Bytef*>(packed.data()), packed.size()), Z_OK);
    EXPECT_EQ(size, raw.size());
    return raw;
  }

  void unfilter(const std::vector<uint8_t>& raw) {
    const size_t row = size_t{width} * 3;
    std::vector<uint8_t> above(row, 0);
    for (size_t y = 0; y < height; ++y) {
      EXPECT_EQ(raw[y * (row + 1)], 2);
      for (size_t i = 0; i < row; ++i) above[i] = static_cast<uint8_t>(above[i] + raw[y * (row + 1) + 1 + i]);
      pixels.insert(pixels.end(), above.begin(), above.end());
    }
  }
};

TEST(StandInPicture, IsAPngThatCanBeReadAgain) {
  for (const PngSize size : {PngSize{64, 48}, PngSize{1, 1}, PngSize{1, 300}, PngSize{257, 3}}) {
    const ReadPng png(stand_in_picture("a teal sea under an orange sun", size, 5));
    EXPECT_EQ(png.width, size.width);
    EXPECT_EQ(png.height, size.height);
  }
}

TEST(StandInPicture, ThePixelsAreThoseThatWereDrawn) {
  const auto draw = [](uint32_t y, std::span<uint8_t> row) {
    for (size_t i = 0; i < row.size(); ++i) row[i] = static_cast<uint8_t>(7 * i + 31 * y);
  };
  const ReadPng png(png_file({5, 4}, draw));
  for (uint32_t y = 0; y < 4; ++y) {
    for (size_t i = 0; i < 15; ++i) EXPECT_EQ(png.pixels[y * 15 + i], static_cast<uint8_t>(7 * i + 31 * y));
  }
}

TEST(StandInPicture, HasTheColoursThatThePromptNames) {
  EXPECT_EQ(named_colours("Navy and gold, navy; #0a0B0c #12345 #zzzzzz"),
            (std::vector<uint32_t>{0x0A0B0C, 0x17294D, 0xD9A520}));
  EXPECT_TRUE(named_colours("").empty());
  EXPECT_TRUE(named_colours("# ## #").empty());
  const ReadPng png(stand_in_picture("#102030 above, #a0b0c0 below", {80, 200}, 1));
  EXPECT_EQ(std::count(png.pixels.begin(), png.pixels.end(), 0x10) > 0, true);
  const uint32_t top = png.pixel(0, 0), bottom = png.pixel(79, 199);
  EXPECT_TRUE(top == 0x102030 || bottom != top);
}

TEST(StandInPicture, IsTheSameForTheSameRequestAlone) {
  const PngSize size{64, 64};
  EXPECT_EQ(stand_in_picture("a dog", size, 1), stand_in_picture("a dog", size, 1));
  EXPECT_NE(stand_in_picture("a dog", size, 1), stand_in_picture("a dog", size, 2));
}

TEST(StandInPicture, ASizeIsReadOrRefused) {
  EXPECT_EQ(picture_size("640x360")->width, 640);
  EXPECT_EQ(picture_size("640x360")->height, 360);
  EXPECT_EQ(picture_size("")->width, 512);
  EXPECT_TRUE(picture_size("auto"));
  for (const char* text : {"0x5", "5x0", "2049x5", "5", "x5", "5x", "5x5x5", "-5x5", "5 x5", "99999999999x1"}) {
    EXPECT_FALSE(picture_size(text)) << text;
  }
}

}  // namespace
}  // namespace coppice
