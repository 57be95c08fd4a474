// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/membership.h"

#include <gtest/gtest.h>

#include "coppice/dist/life_view.h"

namespace coppice {
namespace {

using Entries = std::map<std::string, std::string>;

const Member kFirst{0, 0, 0xA1}, kSecond{1, 0, 0xB2}, kSecondAgain{1, 1, 0xC3};

TEST(Membership, TextsAreRead) {
  const std::vector<Member> members{{0, 0, 1}, {4294967295, 17, ~uint64_t{0}}, {7, 0, 0xABCDEF}};
  EXPECT_EQ(members_in(text_of(members)), members);
  for (const char* text :
       {"", "1", "1.2", "1.2.", "1.2.3 ", "1.2.3,4.5.6", "x.2.3", "4294967296.0.1", "1..2", " 1.2.3"}) {
    EXPECT_TRUE(members_in(text).empty()) << text;
  }
}

/// A view of a job "j/", told what is there by a test that says what time it is.
class Life : public ::testing::Test {
 protected:
  void say(const std::string& key, const std::string& value) { entries_["j/" + key] = value; }
  void beat(const Member& member, uint64_t steps = 0, bool computes = false) {
    say(membership_key::beat(member), beat_text(++beats_, steps, computes));
  }
  void look() { view_.look(entries_, now_); }
  /// The same ones beat for a while.
  void pass(double seconds, const std::vector<Member>& beating) {
    for (const double end = now_ + seconds; now_ < end; now_ += 0.1) {
      for (const Member& member : beating) beat(member);
      look();
    }
  }

  LifeView view_{"j/", 0.1, {}};
  Entries entries_;
  double now_ = 1000;
  uint64_t beats_ = 0;
};

TEST_F(Life, WhoFallsSilentIsDeadAfterTheBoundAndNotBefore) {
  say(membership_key::members(1), text_of({kFirst, kSecond}));
  pass(5, {kFirst, kSecond});
  const double bound = view_.bound_seconds();
  EXPECT_GT(bound, 0.5);
  EXPECT_LT(bound, 3);
  pass(0.5 * bound, {kFirst});
  EXPECT_FALSE(view_.is_dead(kSecond, now_));
  pass(0.7 * bound, {kFirst});
  EXPECT_TRUE(view_.is_dead(kSecond, now_));
  EXPECT_FALSE(view_.is_dead(kFirst, now_));
}

TEST_F(Life, WhoWasAwayItselfSuspectsNobody) {
  pass(5, {kFirst, kSecond});
  now_ += 100;
  look();
  EXPECT_FALSE(view_.is_dead(kSecond, now_));
  pass(5, {kFirst});
  EXPECT_TRUE(view_.is_dead(kSecond, now_)) << "but later one does";
}

TEST_F(Life, AStepThatTakesFarTooLongIsTakenForADeath) {
  uint64_t steps = 0;
  const auto work = [&](double seconds, double step_seconds) {
    double next = now_ + step_seconds;
    for (const double end = now_ + seconds; now_ < end; now_ += 0.1) {
      if (now_ >= next) ++steps, next += step_seconds;
      beat(kSecond, steps, true);
      look();
    }
  };
  work(60, 2);
  EXPECT_FALSE(view_.is_dead(kSecond, now_));
  work(10, 1e9);
  EXPECT_FALSE(view_.is_dead(kSecond, now_)) << "five times as long may be";
  work(60, 1e9);
  EXPECT_TRUE(view_.is_dead(kSecond, now_));
  // Whoever waits for others is none that hangs.
  for (int i = 0; i < 10; ++i, now_ += 0.1) beat(kSecond, steps, false), look();
  EXPECT_FALSE(view_.is_dead(kSecond, now_));
}

TEST_F(Life, WhoWasStartedAgainIsAnotherOne) {
  say(membership_key::members(1), text_of({kFirst, kSecond}));
  pass(1, {kFirst, kSecond});
  EXPECT_TRUE(view_.joiners(now_).empty());
  say(membership_key::join(1), text_of(kSecondAgain));
  look();
  EXPECT_TRUE(view_.is_dead(kSecond, now_));
  EXPECT_TRUE(view_.joiners(now_).empty()) << "it has given no sign of life yet";
  pass(1, {kFirst, kSecondAgain});
  EXPECT_EQ(view_.joiners(now_), std::vector<Member>{kSecondAgain});
  say(membership_key::gone(1), "2");
  look();
  EXPECT_TRUE(view_.is_dead(kSecondAgain, now_));
  EXPECT_TRUE(view_.joiners(now_).empty());
}

TEST_F(Life, WhoseEndWasSeenIsDeadAtOnce) {
  pass(1, {kFirst, kSecond});
  say(membership_key::gone(1), "1");
  look();
  EXPECT_TRUE(view_.is_dead(kSecond, now_));
  EXPECT_FALSE(view_.is_dead(kFirst, now_));
  EXPECT_FALSE(view_.is_dead(kSecondAgain, now_));
}

TEST_F(Life, TheLastGenerationCounts) {
  say(membership_key::members(2), text_of({kFirst}));
  say(membership_key::members(10), text_of({kFirst, kSecondAgain}));
  say(membership_key::members(9), text_of({kSecond}));
  look();
  EXPECT_EQ(view_.generation().number, 10u);
  EXPECT_EQ(view_.generation().rank_of(kSecondAgain), 1u);
  EXPECT_FALSE(view_.generation().has(kSecond));
  say(membership_key::ready(11, kFirst), "r");
  say(membership_key::ready(10, kSecondAgain), "b");
  look();
  const auto ready = view_.ready(view_.generation().members, 11);
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_EQ(ready.at(kFirst.process), Readiness::rewinds);
}

TEST_F(Life, WhatNobodyOfOursSaysHurtsNobody) {
  for (const char* key : {"life/members/x", "life/members/", "life/gone/", "life/gone/99999999999", "life/join/1",
                          "life/beat/", "life/beat/x", "life/ready/1/x", "life/"}) {
    for (const char* value : {"", " ", "1 ", "1 2 c", "9999999999999999999999", "0.0.0", "\xFF"}) {
      say(key, value);
      look();
      now_ += 0.1;
    }
  }
  EXPECT_EQ(view_.generation().number, 0u);
  EXPECT_FALSE(view_.failure());
  EXPECT_FALSE(view_.is_done());
}

}  // namespace
}  // namespace coppice
