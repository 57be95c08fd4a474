// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/gradient_compression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/dist/finite_gradient.h"
#include "coppice/dist/gradient_kernel.h"

namespace coppice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr float kNone = std::numeric_limits<float>::infinity();

std::vector<float> random_gradient(size_t size, uint64_t seed, float scale = 1) {
  Random random(seed);
  std::vector<float> gradient(size);
  for (float& value : gradient) {
    const float u = static_cast<float>(random.uniform());
    value = scale * (u - 0.5F) * u * u;  // most are small
  }
  return gradient;
}

TEST(GradientKernel, DoesWhatThePlainLoopDoes) {
  for (const size_t size : {0, 1, 7, 16, 100, 5000}) {
    std::vector<float> a = random_gradient(size, 1), b = a;
    std::vector<GradientWord> fast(size + 16), plain(size + 16);
    for (uint64_t step = 0; step < 20; ++step) {
      const std::vector<float> gradient = random_gradient(size, 2 + step);
      const TakeLimits limits{0.1F + 0.05F * float(step % 3), step < 10 ? kNone : 0.3F};
      const size_t n = take_above(gradient, a, limits, 1000, fast.data());
      ASSERT_EQ(n, take_above_naive(gradient, b, limits, 1000, plain.data()));
      EXPECT_EQ(a, b);
      EXPECT_TRUE(std::equal(fast.begin(), fast.begin() + std::ptrdiff_t(n), plain.begin()));
    }
  }
}

TEST(GradientKernel, AnElementThatIsNoNumberIsSeenWhereverItStands) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), kNone, -kNone}) {
    for (size_t place = 0; place < 37; ++place) {
      std::vector<float> gradient(37, 0.5F), residual(37);
      gradient[place] = bad;
      std::vector<GradientWord> words(37 + 16);
      EXPECT_EQ(take_above(gradient, residual, {1, kNone}, 0, words.data()), kNotFinite) << place;
    }
  }
}

/// What a message stands for.
std::vector<float> decoded(const std::vector<std::byte>& message, size_t size, uint64_t step) {
  const GradientMessage read(message, size, step);
  std::vector<float> sums(size, 7);
  add_up({&read, 1}, sums);
  return sums;
}

TEST(GradientCompressor, NothingIsLostItIsOnlySentLater) {
  // In numbers that are multiples of 2^-10, all sums are exact.
  constexpr size_t kSize = 3000;
  GradientCompressor compressor(kSize, {.threshold = 0.25F});
  std::vector<double> given(kSize), sent(kSize);
  Random random(5);
  std::vector<std::byte> message;
  for (uint64_t step = 0; step < 100; ++step) {
    std::vector<float> gradient(kSize);
    for (float& value : gradient) value = (static_cast<float>(random.below(512)) - 255.0F) / 1024;
    compressor.compress(gradient, step, message);
    const std::vector<float> said = decoded(message, kSize, step);
    for (size_t i = 0; i < kSize; ++i) {
      given[i] += double{gradient[i]}, sent[i] += double{said[i]};
      EXPECT_TRUE(said[i] == 0 || std::abs(said[i]) == 0.25F);
    }
  }
  for (size_t i = 0; i < kSize; ++i) EXPECT_EQ(sent[i] + double{compressor.residual()[i]}, given[i]);
}

TEST(GradientCompressor, WithoutAThresholdAllIsSentAsItIs) {
  GradientCompressor compressor(500, {});
  std::vector<std::byte> message;
  const std::vector<float> gradient = random_gradient(500, 3);
  compressor.compress(gradient, 9, message);
  EXPECT_EQ(decoded(message, 500, 9), gradient);
  EXPECT_THAT(compressor.residual(), ::testing::Each(0.0F));
  EXPECT_EQ(GradientMessage(message, 500, 9).header().encoding, GradientEncoding::dense);
}

TEST(GradientCompressor, TheThresholdFollowsTheDensityThatIsAskedFor) {
  constexpr size_t kSize = 200'000;
  GradientCompressor compressor(kSize, {.density = 0.005});
  std::vector<std::byte> message;
  double sum = 0;
  for (uint64_t step = 0; step < 200; ++step) {
    // Gradients shrink tenfold on the way.
    compressor.compress(random_gradient(kSize, step, std::pow(10.0F, -float(step) / 200)), step, message);
    sum += compressor.density();
    EXPECT_NEAR(compressor.density(), 0.005, 0.003) << step;
  }
  EXPECT_NEAR(sum / 200, 0.005, 0.0005);
}

TEST(GradientCompressor, WhereHardlyAnyElementIsNotZeroAllOfSomeSizeAreSent) {
  GradientCompressor compressor(10'000, {.density = 0.01});
  std::vector<float> gradient(10'000);
  std::vector<std::byte> message;
  compressor.compress(gradient, 0, message);
  EXPECT_EQ(compressor.density(), 0);
  for (size_t i = 0; i < 20; ++i) gradient[400 * i] = 1 + static_cast<float>(i);
  compressor.compress(gradient, 1, message);
  EXPECT_NEAR(compressor.density(), 10.0 / 10'000, 2.0 / 10'000);
}

TEST(GradientCompressor, OfAFewElementsTheLargestIsSentAndOfEqualOnesAll) {
  std::vector<std::byte> message;
  GradientCompressor few(20, {.density = 0.01});
  std::vector<float> gradient(20);
  for (size_t i = 0; i < 20; ++i) gradient[i] = 1 + static_cast<float>(i);
  few.compress(gradient, 0, message);
  EXPECT_NEAR(few.density(), 0.05, 1e-9);
  GradientCompressor alike(100, {.density = 0.1});
  gradient.assign(100, 0);
  for (size_t i = 0; i < 40; ++i) gradient[i] = i % 2 == 0 ? 0.5F : -0.5F;
  for (uint64_t step = 0; step < 3; ++step) {
    alike.compress(gradient, step, message);
    EXPECT_NEAR(alike.density(), 0.4, 1e-9);
    for (const float left : alike.residual()) EXPECT_LT(std::abs(left), 1e-6);
  }
}

TEST(GradientCompressor, AnElementThatIsNoNumberIsNamed) {
  for (const float threshold : {0.0F, 1.0F}) {
    GradientCompressor compressor(100, {.threshold = threshold});
    std::vector<float> gradient(100, 0.5F);
    gradient[42] = std::numeric_limits<float>::quiet_NaN();
    std::vector<std::byte> message;
    try {
      compressor.compress(gradient, 0, message);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::data);
      EXPECT_THAT(error.what(), HasSubstr("parameter 42 is no finite number"));
    }
  }
}

/// Each is a number, but not with what was not sent of those before: a training that diverges slowly comes to that.
TEST(GradientCompressor, ASumThatBecomesTooLargeIsADivergence) {
  GradientCompressor compressor(10, {.threshold = 1});
  const std::vector<float> gradient(10, 3e38F);
  std::vector<std::byte> message;
  compressor.compress(gradient, 6, message);
  EXPECT_THAT(
      [&] { compressor.compress(gradient, 7, message); },
      testing::ThrowsMessage<NotFinite>(AllOf(HasSubstr("step 7"), HasSubstr("too large for single precision"))));
}

TEST(GradientCompressor, GoesOnFromItsStateAsIfNothingHadBeen) {
  GradientCompressor one(1000, {.density = 0.02});
  std::vector<std::byte> message, other;
  for (uint64_t step = 0; step < 5; ++step) one.compress(random_gradient(1000, step), step, message);
  GradientCompressor two(1000, {.density = 0.02});
  two.restore({one.residual().begin(), one.residual().end()});
  for (uint64_t step = 5; step < 10; ++step) {
    one.compress(random_gradient(1000, step), step, message);
    two.compress(random_gradient(1000, step), step, other);
    EXPECT_EQ(message, other);
  }
  EXPECT_THROW(GradientCompressor(999, {}).restore(std::vector<float>(1000)), Error);
}

/// Ascending words, of which so many in a hundred thousand are there.
std::vector<GradientWord> random_words(uint32_t n_elements, uint32_t per_100k, uint64_t seed) {
  Random random(seed);
  std::vector<GradientWord> words;
  for (uint32_t i = 0; i < n_elements; ++i) {
    if (random.below(100'000) < per_100k) words.push_back(2 * i + random.below(2));
  }
  return words;
}

std::vector<float> values_of(std::span<const GradientWord> words, size_t size, float threshold) {
  std::vector<float> values(size);
  for (const GradientWord word : words) values[word / 2] = word % 2 == 1 ? -threshold : threshold;
  return values;
}

TEST(GradientMessage, EveryEncodingSaysWhatWasWritten) {
  std::vector<int> seen(4);
  for (const uint32_t size : {1U, 2U, 33U, 1000U, 70'000U}) {
    for (const uint32_t per_100k : {0U, 3U, 100U, 1000U, 5000U, 20'000U, 60'000U, 100'000U}) {
      const std::vector<GradientWord> words = random_words(size, per_100k, per_100k + size);
      std::vector<std::byte> message;
      write_message(words, size, 0.5F, 3, message);
      EXPECT_EQ(decoded(message, size, 3), values_of(words, size, 0.5F)) << size << ' ' << per_100k;
      ++seen[static_cast<size_t>(GradientMessage(message, size, 3).header().encoding)];
    }
  }
  EXPECT_GT(seen[0], 0);
  EXPECT_GT(seen[1], 0);
  EXPECT_GT(seen[2], 0);
}

TEST(GradientMessage, DistancesOfAnyLengthAreRead) {
  const uint32_t size = 60'000'000;
  for (const std::vector<GradientWord>& words :
       {std::vector<GradientWord>{2 * (size - 1)}, {1, 2 * (size - 1) + 1}, {0, 3, 2 * 30'000'000, 2 * 59'999'999}}) {
    std::vector<GradientWord> dense = words;
    std::vector<std::byte> message;
    write_message(words, size, 1, 0, message);
    std::vector<float> sums(size);
    const GradientMessage read(message, size, 0);
    add_up({&read, 1}, sums);
    size_t found = 0;
    for (const float value : sums) found += value != 0;
    EXPECT_EQ(found, words.size());
    for (const GradientWord word : words) EXPECT_EQ(sums[word / 2], word % 2 == 1 ? -1 : 1);
  }
  // Many close together and one far away: its distance is long in the code that suits the others.
  std::vector<GradientWord> mixed;
  for (uint32_t i = 0; i < 5000; ++i) mixed.push_back(2 * (20 * i));
  mixed.push_back(2 * 1'000'000 + 1);
  std::vector<std::byte> message;
  write_message(mixed, 1'100'000, 1, 0, message);
  EXPECT_EQ(GradientMessage(message, 1'100'000, 0).header().encoding, GradientEncoding::gaps);
  EXPECT_EQ(decoded(message, 1'100'000, 0), values_of(mixed, 1'100'000, 1));
}

TEST(GradientMessage, SparseMessagesTakeThe6To11BitsThatTheoryAsksFor) {
  for (const auto& [density, bits] : {std::pair{0.057, 6.5}, {0.0025, 11.1}}) {
    const uint32_t size = 2'000'000;
    const auto words = random_words(size, static_cast<uint32_t>(density * 100'000), 8);
    std::vector<std::byte> message;
    write_message(words, size, 1, 0, message);
    EXPECT_NEAR(8.0 * double(message.size()) / double(words.size()), bits, 0.4) << density;
  }
}

TEST(GradientMessage, SumsOfManyAreThoseOfThePlainLoop) {
  constexpr uint32_t kSize = 100'003;
  std::vector<std::vector<std::byte>> bytes(7);
  for (uint32_t worker = 0; worker < 7; ++worker) {
    if (worker == 4) {
      write_message(random_gradient(kSize, 4), 2, bytes[worker]);
    } else {
      write_message(random_words(kSize, worker * worker * 500, worker), kSize, 0.1F + float(worker), 2, bytes[worker]);
    }
  }
  std::vector<GradientMessage> messages;
  for (const auto& message : bytes) messages.emplace_back(message, kSize, 2);
  std::vector<float> fast(kSize), plain(kSize);
  add_up(messages, fast);
  add_up_naive(messages, plain);
  EXPECT_EQ(fast, plain);
}

TEST(GradientMessage, DamageIsRefused) {
  std::vector<std::byte> message;
  write_message(random_words(5000, 3000, 1), 5000, 1, 17, message);
  EXPECT_NO_THROW(GradientMessage(message, 5000, 17));
  const auto refusal = [](std::span<const std::byte> bytes, size_t size, uint64_t step) -> std::string {
    try {
      GradientMessage(bytes, size, step);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::data);
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal(message, 5001, 17), HasSubstr("is for 5000 parameters, expected 5001"));
  EXPECT_THAT(refusal(message, 5000, 18), HasSubstr("is of step 17, expected 18"));
  for (size_t size = 0; size < message.size(); ++size) EXPECT_NE(refusal(std::span(message).first(size), 5000, 17), "");
  for (size_t bit = 0; bit < 8 * message.size(); ++bit) {
    std::vector<std::byte> changed = message;
    changed[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_NE(refusal(changed, 5000, 17), "") << bit;
  }
}

/// The checksum made right again.
void repair(std::vector<std::byte>& message) {
  const uint64_t checksum = checksum_of(message);
  std::memcpy(message.data() + offsetof(GradientHeader, checksum), &checksum, sizeof checksum);
}

TEST(GradientMessage, ElementsThatDoNotAscendAreRefused) {
  for (const std::vector<GradientWord>& words :
       {std::vector<GradientWord>{8, 8}, {8, 4}, {2 * 90'000, 2 * 90'000 + 1}, {2 * 90'000, 2}}) {
    std::vector<std::byte> message;
    write_message(std::vector<GradientWord>{2, 2 * 50'000}, 100'000, 1, 0, message);
    ASSERT_EQ(GradientMessage(message, 100'000, 0).header().encoding, GradientEncoding::words);
    std::memcpy(message.data() + sizeof(GradientHeader), words.data(), 2 * sizeof(GradientWord));
    repair(message);
    const GradientMessage read(message, 100'000, 0);
    std::vector<float> sums(100'000);
    EXPECT_THROW(add_up({&read, 1}, sums), Error);
    EXPECT_THROW(add_up_naive({&read, 1}, sums), Error);
  }
}

TEST(GradientMessage, ADenseMessageSendsEveryElement) {
  std::vector<std::byte> message;
  write_message(std::vector<float>{1, 2, 3}, 0, message);
  for (const uint32_t n_sent : {0U, 2U, 4U}) {
    std::memcpy(message.data() + offsetof(GradientHeader, n_sent), &n_sent, sizeof n_sent);
    repair(message);
    EXPECT_THROW(GradientMessage(message, 3, 0), Error);
  }
}

TEST(GradientMessage, GapsOfNoElementsAreRefused) {
  GradientHeader header;
  header.encoding = GradientEncoding::gaps;
  header.threshold = 1;
  std::vector<std::byte> message(sizeof header + 16, std::byte{0xFF});
  std::memcpy(message.data(), &header, sizeof header);
  repair(message);
  EXPECT_THROW(GradientMessage(message, 0, 0), Error);
}

TEST(GradientMessage, AThresholdThatIsNoNumberIsRefused) {
  for (const float threshold : {0.0F, -1.0F, std::numeric_limits<float>::quiet_NaN(), HUGE_VALF}) {
    std::vector<std::byte> message;
    write_message(std::vector<GradientWord>{2, 10}, 100, threshold, 0, message);
    EXPECT_THROW(GradientMessage(message, 100, 0), Error) << threshold;
  }
}

TEST(GradientMessage, DamageBehindARightChecksumReadsNothingOutside) {
  for (const uint32_t per_100k : {1U, 300U, 3000U, 50'000U}) {
    std::vector<std::byte> sound;
    write_message(random_words(5000, per_100k, 1), 5000, 1, 17, sound);
    for (size_t bit = 0; bit < 8 * sound.size(); bit += 3) {
      std::vector<std::byte> changed = sound;
      changed[bit / 8] ^= std::byte{1} << (bit % 8);
      repair(changed);
      try {
        const GradientMessage read(changed, 5000, 17);
        std::vector<float> sums(5000);
        add_up({&read, 1}, sums);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::data);
      }
    }
  }
}

}  // namespace
}  // namespace coppice
