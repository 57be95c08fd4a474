// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/options.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "coppice/core/error.h"

namespace coppice {
namespace {

enum class Colour { red, green };

struct Paint {
  uint32_t coats = 2;
  float gloss = 0.1f;
  bool dry = false;
  Colour colour = Colour::red;
  std::vector<float> layers = {1, 2};
  std::string maker = "us";
};

OptionTable table_of(Paint& paint) {
  OptionTable table;
  table.add("coats", paint.coats, 1, 9, "coats of paint");
  table.add("gloss", paint.gloss, 0, 1, "how it shines");
  table.add("dry", paint.dry, "dry first");
  table.add("colour", paint.colour, {{Colour::red, "red"}, {Colour::green, "green"}}, "the colour");
  table.add("layers", paint.layers, 0, 10, "thickness per layer");
  table.add("maker", paint.maker, "who made it");
  return table;
}

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    return error.message();
  }
  return "accepted";
}

TEST(Options, GoToJsonAndBack) {
  Paint paint;
  EXPECT_EQ(table_of(paint).get().dump(),
            R"({"coats":2,"gloss":0.1,"dry":false,"colour":"red","layers":[1.0,2.0],"maker":"us"})");
  table_of(paint).set(nlohmann::json::parse(R"({"coats":3,"colour":"green","dry":true,"layers":[0.5]})"));
  EXPECT_EQ(paint.coats, 3u);
  EXPECT_EQ(paint.colour, Colour::green);
  EXPECT_TRUE(paint.dry);
  EXPECT_EQ(paint.layers, std::vector<float>{0.5f});
}

TEST(Options, AreReadFromTheTextOfACommandLine) {
  Paint paint;
  OptionTable table = table_of(paint);
  table.find("gloss").set_text("0.25");
  table.find("layers").set_text("3,4.5");
  table.find("maker").set_text("007");
  for (const char* on : {"true", "1"}) {
    table.find("dry").set_text("false");
    EXPECT_FALSE(paint.dry);
    table.find("dry").set_text(on);
    EXPECT_TRUE(paint.dry);
    table.find("dry").set_text("0");
    EXPECT_FALSE(paint.dry);
    table.find("dry").set_text(on);
  }
  EXPECT_NE(refusal([&] { table.find("dry").set_text("yes"); }).find("expected true (1) or false (0)"),
            std::string::npos);
  EXPECT_EQ(paint.gloss, 0.25f);
  EXPECT_EQ(paint.layers, (std::vector<float>{3, 4.5f}));
  EXPECT_EQ(paint.maker, "007");
  EXPECT_TRUE(paint.dry);
}

TEST(Options, RefuseWhatIsOutOfRangeOrOfAnotherTypeAndLeaveTheValue) {
  Paint paint;
  OptionTable table = table_of(paint);
  EXPECT_EQ(refusal([&] { table.find("coats").set_text("10"); }),
            "option coats is 10, expected a whole number from 1 to 9");
  EXPECT_EQ(refusal([&] { table.find("coats").set_text("-1"); }),
            "option coats is -1, expected a whole number from 1 to 9");
  EXPECT_EQ(refusal([&] { table.find("gloss").set_text("much"); }),
            "option gloss is much, expected a number from 0 to 1");
  EXPECT_EQ(refusal([&] { table.find("colour").set_text("blue"); }),
            "option colour is blue, expected one of red | green");
  EXPECT_EQ(refusal([&] { table.find("layers").set_text("1,x"); }),
            "option layers is x, expected a number from 0 to 10");
  EXPECT_EQ(paint.coats, 2u);
}

TEST(Options, AWholeNumberMayBeOfASignedType) {
  Paint paint;
  OptionTable table = table_of(paint);
  table.find("coats").set(nlohmann::json(int64_t{3}));  // as JSON made in C++ has it; read from a text it has no sign
  EXPECT_EQ(paint.coats, 3u);
  EXPECT_EQ(refusal([&] { table.find("coats").set(nlohmann::json(int64_t{-3})); }),
            "option coats is -3, expected a whole number from 1 to 9");
}

TEST(Options, SayOfANestedValueOnlyItsKindHoweverDeepItIs) {
  Paint paint;
  const nlohmann::json deep = nlohmann::json::parse(std::string(200'000, '[') + std::string(200'000, ']'));
  EXPECT_EQ(refusal([&] { table_of(paint).find("coats").set(deep); }),
            "option coats is a list of lists or objects, expected a whole number from 1 to 9");
  EXPECT_EQ(refusal([&] {
              table_of(paint).find("coats").set({1, 2});
            }),
            "option coats is [1,2], expected a whole number from 1 to 9");
}

TEST(Options, AnUnknownNameIsAnErrorThatNamesTheNearest) {
  Paint paint;
  EXPECT_EQ(refusal([&] {
              table_of(paint).set(nlohmann::json{{"color", "red"}});
            }),
            "unknown option 'color'\n  hint: did you mean 'colour'?");
  EXPECT_EQ(refusal([&] { (void)table_of(paint).find("zzzzzz"); }), "unknown option 'zzzzzz'");
}

}  // namespace
}  // namespace coppice
