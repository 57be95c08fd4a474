// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coppice/data/reading_test.h"

namespace coppice {
namespace {

using namespace std::string_literals;

std::string refused(std::string_view line) {
  return refusal(line, Format::jsonl);
}

TEST(Jsonl, TextsAndNamedLabels) {
  const Dataset data = read_bytes(
      "{\"text\": \"window manager\", \"labels\": [\"x11\", \"desktop\"]}\n"
      "{\"labels\": [\"desktop\"], \"text\": \"tray\"}\n",
      Format::jsonl);
  ASSERT_EQ(data.examples.size(), 2u);
  EXPECT_EQ(data.examples.texts[0], "window manager");
  EXPECT_EQ(data.examples.texts[1], "tray");
  EXPECT_EQ(row_text(data.examples.labels, 0), "0:1 1:1");
  EXPECT_EQ(row_text(data.examples.labels, 1), "1:1");
  EXPECT_EQ(data.names.name(0), "x11");
  EXPECT_EQ(data.n_labels, 2u);
  EXPECT_EQ(data.examples.labels.n_columns, 2u);
  EXPECT_TRUE(data.examples.weights.empty());
  EXPECT_TRUE(data.examples.ids.empty());
  EXPECT_EQ(data.examples.features.n_rows(), 0u);
}

TEST(Jsonl, IdsRelevanceWeightAndFeatures) {
  const Dataset ids = read_bytes("{\"text\":\"a\",\"labels\":[7,3]}", Format::jsonl);
  EXPECT_EQ(row_text(ids.examples.labels, 0), "3:1 7:1");
  EXPECT_EQ(ids.n_labels, 8u);
  EXPECT_EQ(ids.names.size(), 0u);
  const Dataset rich = read_bytes(
      "{\"text\":\"a\",\"labels\":{\"x\":0.5,\"y\":2,\"z\":0}}\n"
      "{\"id\":\"r2\",\"text\":\"b\",\"labels\":\"y\",\"weight\":2.5,\"features\":{\"3\":0.5,\"1\":-1e-1}}\n"
      "{\"id\":17,\"features\":[0,1.5]}\n",
      Format::jsonl);
  EXPECT_EQ(row_text(rich.examples.labels, 0), "0:0.5 1:2");
  EXPECT_EQ(row_text(rich.examples.labels, 1), "1:1");
  EXPECT_EQ(row_text(rich.examples.labels, 2), "");
  EXPECT_EQ(rich.examples.weights, (std::vector<float>{1, 2.5, 1}));
  EXPECT_EQ(rich.examples.ids, (std::vector<std::string>{"", "r2", "17"}));
  EXPECT_EQ(row_text(rich.examples.features, 0), "");
  EXPECT_EQ(row_text(rich.examples.features, 1), "1:-0.1 3:0.5");
  EXPECT_EQ(row_text(rich.examples.features, 2), "1:1.5");
  EXPECT_EQ(rich.examples.features.n_columns, 4u);
  EXPECT_EQ(rich.examples.texts[2], "");
  EXPECT_EQ(rich.report.rows_without_labels, 1u);
}

TEST(Jsonl, EscapesAreResolved) {
  const Dataset data =
      read_bytes(R"({"text":"tab\there \"quoted\" \u00e9 \ud83d\ude00 \u0000.","labels":["a\/b"]})", Format::jsonl);
  EXPECT_EQ(data.examples.texts[0], "tab\there \"quoted\" \xc3\xa9 \xf0\x9f\x98\x80 \0."s);
  EXPECT_EQ(data.names.name(0), "a/b");
}

TEST(Jsonl, FieldsMayBeNamedOtherwiseAndSeveralTextsAreJoined) {
  ReadOptions options;
  options.format = Format::jsonl;
  options.text_field = {"title", "body"};
  options.labels_field = "tags";
  const Dataset data = read_bytes(
      "{\"body\":\"b\",\"tags\":[\"t\"],\"title\":\"a\",\"extra\":{\"x\":[1,{\"text\":2}]}}\n"
      "{\"title\":\"only\",\"body\":null,\"tags\":null}",
      options);
  EXPECT_EQ(data.examples.texts[0], "a b");
  EXPECT_EQ(data.examples.texts[1], "only");
  EXPECT_EQ(row_text(data.examples.labels, 0), "0:1");
  EXPECT_EQ(row_text(data.examples.labels, 1), "");
}

TEST(Jsonl, RepeatedLabelsAreMergedToTheLargestRelevance) {
  const Dataset data = read_bytes(R"({"text":"a","labels":["x","x"]})"
                                  "\n"
                                  R"({"text":"a","labels":{"x":0.5,"y":1,"x":3}})",
                                  Format::jsonl);
  EXPECT_EQ(row_text(data.examples.labels, 0), "0:1");
  EXPECT_EQ(row_text(data.examples.labels, 1), "0:3 1:1");
  EXPECT_EQ(data.report.repeated_labels, 2u);
  EXPECT_EQ(data.report.label_entries, 3u);
}

TEST(Jsonl, CrlfBlankLinesAndAMissingLastLineEndAreFine) {
  const Dataset data = read_bytes("\xef\xbb\xbf{\"text\":\"a\"}\r\n\r\n  \n{\"text\":\"b\"}", Format::jsonl);
  EXPECT_EQ(data.examples.size(), 2u);
  EXPECT_EQ(data.examples.texts[1], "b");
  EXPECT_EQ(data.report.blank_lines, 2u);
  EXPECT_EQ(data.report.lines, 4u);
}

TEST(Jsonl, InvalidUtf8AndLoneSurrogatesAreRepairedAndCounted) {
  const Dataset data = read_bytes(
      "{\"text\":\"caf\xe9\",\"labels\":[\"\xff\"]}\n"
      "{\"text\":\"half \\ud83d of it \\\\ud83d \\ude00 \\ud83d\\ude00\"}\n",
      Format::jsonl);
  EXPECT_EQ(data.examples.texts[0], "caf\xef\xbf\xbd");
  EXPECT_EQ(data.names.name(0), "\xef\xbf\xbd");
  EXPECT_EQ(data.examples.texts[1], "half \xef\xbf\xbd of it \\ud83d \xef\xbf\xbd \xf0\x9f\x98\x80");
  EXPECT_EQ(data.report.repaired_lines, 2u);
}

TEST(Jsonl, ARowOfTenMillionCharactersIsRead) {
  const std::string text(10'000'000, 'x');
  const Dataset data = read_bytes("{\"text\":\"" + text + "\",\"labels\":[\"a\"]}\n{\"text\":\"b\"}\n", Format::jsonl);
  EXPECT_EQ(data.examples.texts[0].size(), text.size());
  EXPECT_EQ(data.examples.texts[1], "b");
}

TEST(Jsonl, DamagedJsonIsRefusedWithItsPlace) {
  EXPECT_EQ(refused("{\"text\":\"a\"}\n{\"text\": tru}"), "data: input:2:10: 'text' is 'tru', expected a string");
  EXPECT_EQ(refused("{\"text\":\"a"),
            "data: input:1:11: a string without its closing quote, expected one before the line ends");
  EXPECT_EQ(refused("{\"text\":\"a\x01\"}"),
            "data: input:1:11: a control character inside a string, expected an escape such as \\n");
  EXPECT_EQ(refused(std::string_view("{\"text\":\"a\0\"}", 13)),
            "data: input:1:11: a control character inside a string, expected an escape such as \\n");
  EXPECT_EQ(
      refused("{\"text\":\"\\q\"}"),
      R"(data: input:1:9: a bad escape in a string, expected one of \" \\ \/ \b \f \n \r \t or \u and four hexadecimal digits)");
  EXPECT_EQ(refused("{\"text\":\"a\"} x"),
            "data: input:1:14: the JSON object does not end where its line ends, expected '}' there\n"
            "  hint: JSONL has one whole object per line; jq -c . makes it so");
  EXPECT_EQ(refused("{\"text\":\"a\"} {\"text\":\"a\"}"),
            "data: input:1:14: something follows the JSON object, expected the end of the line\n"
            "  hint: JSONL has one object per line");
  EXPECT_EQ(refused("{"),
            "data: input:1:1: the JSON object does not end where its line ends, expected '}' there\n"
            "  hint: JSONL has one whole object per line; jq -c . makes it so");
  EXPECT_EQ(refused("[1]"),
            "data: input:1:1: the line is no JSON object, expected {\"text\": ..., \"labels\": [...]}\n"
            "  hint: a JSON array becomes JSONL by: jq -c '.[]'");
}

TEST(Jsonl, WhatIsNoJsonIsRefusedWithWhatWasExpected) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"text":"a",})", "13: malformed JSON: got '}', expected a field's name in double quotes"},
      {R"({,"text":"a"})", "2: malformed JSON: got ',', expected a field's name in double quotes or '}'"},
      {R"({'text':"a"})", "2: malformed JSON: got ''text'', expected a field's name in double quotes or '}'"},
      {R"({"text" "a"})", "9: malformed JSON: got '\"a\"', expected ':'"},
      {R"({"text":"a" "labels":[]})", "13: malformed JSON: got '\"labels\"', expected ',' or '}'"},
      {R"({"te\"xt":"a\\" "labels":[]})", "17: malformed JSON: got '\"labels\"', expected ',' or '}'"},
      {R"({"text":"a","labels":["x" "y"]})", "27: malformed JSON: got '\"y\"', expected ',' or ']'"},
      {R"({"text":"a","labels":["x"})", "26: malformed JSON: got '}', expected ',' or ']'"},
      {R"({"text":"a","labels":{"x":1]})", "28: malformed JSON: got ']', expected ',' or '}'"},
  };
  for (const auto& [line, told] : cases) EXPECT_EQ(refused(line), "data: input:1:"s + told) << line;
}

TEST(Jsonl, AFieldNotUsedIsHeldToJsonToo) {
  const std::string escape =
      R"(a bad escape in a string, expected one of \" \\ \/ \b \f \n \r \t or \u and four hexadecimal digits)";
  const std::string number = "a malformed number, expected one such as 3, -0.5 or 1e-3";
  const std::string word = "a malformed word, expected true, false or null";
  const std::pair<const char*, std::string> cases[] = {
      {R"({"text":"a","x":tru})", "17: " + word},
      {R"({"text":"a","x":nulll})", "17: " + word},
      {R"({"text":"a","x":NaN})", "17: " + word},
      {R"({"x":tru,"text":"a"})", "6: " + word},
      {R"({"text":"a","x":[1,,2]})", "20: malformed JSON: got ',', expected a value"},
      {R"({"text":"a","x":[1,]})", "20: malformed JSON: got ']', expected a value"},
      {R"({"text":"a","x":[1 2]})", "20: malformed JSON: got '2', expected ',' or ']'"},
      {R"({"text":"a","x":[1:2]})", "19: malformed JSON: got ':', expected ',' or ']'"},
      {R"({"text":"a","x":["b":2]})", "21: malformed JSON: got ':', expected ',' or ']'"},
      {R"({"text":"a","x":})", "17: malformed JSON: got '}', expected a value"},
      {R"({"text":"a","x":'b'})", "17: malformed JSON: got ''b'', expected a value"},
      {R"({"text":"a","x":01})", "17: " + number},
      {R"({"text":"a","x":-})", "17: " + number},
      {R"({"text":"a","x":[[{"y":1.}]]})", "24: " + number},
      {R"({"text":"a","x":1e})", "17: " + number},
      {R"({"text":"a","x":1x})", "17: " + number},
      {R"({"text":"a","y":"\q"})", "18: " + escape},
      {R"({"text":"a","y":["b","c\u00g0"]})", "24: " + escape},
      {R"({"text":"a","y":{"\q" : 1}})", "19: " + escape},
      {R"({"text":"a","x":"b"c})", "20: malformed JSON: got 'c', expected ',' or '}'"},
      {R"({"text":"a","x":[1,2}})", "21: malformed JSON: got '}', expected ',' or ']'"},
      {R"({"text":"a","x":[1,2})", "21: malformed JSON: got '}', expected ',' or ']'"},
      {R"({"text":"a","x":{"a":1]})", "23: malformed JSON: got ']', expected ',' or '}'"},
      {R"({"text":"a","x":{"a":1]}})", "23: malformed JSON: got ']', expected ',' or '}'"},
      {R"({"text":"mail","x":{"z":1 "labels":["mail"]}})", "27: malformed JSON: got '\"labels\"', expected ',' or '}'"},
      {R"({"text":"mail","x":{"z":[1 {"labels":["mail"]}]}})", "28: malformed JSON: got '{', expected ',' or ']'"},
  };
  for (const auto& [line, told] : cases) EXPECT_EQ(refused(line), "data: input:1:"s + told) << line;
}

TEST(Jsonl, WhateverIsJsonMayStandInAFieldNotUsed) {
  const char* values[] = {R"([])",
                          R"({})",
                          R"([[], {}, [{}]])",
                          R"( [ 1 , -0 , 0.5e-3 , 1E+400 ] )",
                          R"({"a":true,"b":[false,null],"a":{"":""}})",
                          R"("\"\\\/\b\f\n\r\t\u00E9")",
                          R"({"\"a" : "\ud83d", "\ud83d" : 1})",
                          R"(123456789012345678901234567890)",
                          R"("]}[{,:")"};
  for (const std::string value : values) {
    const std::string line = R"({"x":)" + value + R"(,"text":"a","y" : )" + value + R"(,"labels":["b"],"z":)" + value;
    const Dataset data = read_bytes(line + "}\n", Format::jsonl);
    EXPECT_EQ(data.examples.texts[0], "a") << line;
    EXPECT_EQ(row_text(data.examples.labels, 0), "0:1") << line;
    EXPECT_EQ(data.report.repaired_lines, 0u) << line;
  }
}

TEST(Jsonl, FieldsThatAreUsedAreHeldToJsonToo) {
  EXPECT_EQ(refused(R"({"text":nul,"features":[1]})"), "data: input:1:9: 'text' is 'nul', expected a string");
  EXPECT_EQ(refused(R"({"text":"a","labels":nulll})"),
            "data: input:1:22: label is 'nulll', expected a name or a whole number");
  EXPECT_EQ(refused(R"({"text":"a","id":n})"), "data: input:1:18: id is 'n', expected a string or a number");
  EXPECT_EQ(refused(R"({"text":"a","features":nul})"),
            "data: input:1:24: features is 'nul', expected an object {\"index\": value} or an array of values");
  const char* numbers[] = {R"({"text":"a","id":01})",        R"({"text":"a","weight":01})",
                           R"({"text":"a","labels":[007]})", R"({"text":"a","labels":{"b":1.}})",
                           R"({"features":[-.5]})",          R"({"features":{"1":00}})"};
  for (const char* line : numbers) EXPECT_THAT(refused(line), ::testing::HasSubstr("a malformed number")) << line;
}

TEST(Jsonl, WrongValuesAreRefusedWithTheirPlace) {
  EXPECT_EQ(refused("{\"text\": 3}"), "data: input:1:10: 'text' is '3', expected a string");
  EXPECT_EQ(refused("{\"labels\":[\"a\"]}"),
            "data: input:1:1: the row has neither 'text' nor 'features', expected one of them\n"
            "  hint: text_field names the field that holds the text");
  EXPECT_EQ(refused("{\"text\":\"a\",\"labels\":[-3]}"),
            "data: input:1:23: label is '-3', expected a whole number from 0");
  EXPECT_EQ(refused("{\"text\":\"a\",\"labels\":[1.5]}"),
            "data: input:1:23: label is '1.5', expected a whole number from 0");
  EXPECT_EQ(refused("{\"text\":\"a\",\"labels\":[4000000000]}"),
            "data: input:1:23: label is 4000000000, expected a whole number from 0 to 99999999\n"
            "  hint: set n_labels if such ids are meant");
  EXPECT_EQ(refused("{\"text\":\"a\",\"labels\":[[]]}"),
            "data: input:1:23: label is '[', expected a name or a whole number");
  EXPECT_EQ(refused("{\"text\":\"a\",\"labels\":[\"\"]}"),
            "data: input:1:23: the label's name is empty, expected at least one character");
  EXPECT_EQ(refused("{\"text\":\"a\",\"labels\":{\"x\":-1}}"),
            "data: input:1:27: relevance is below 0, expected a number from 0");
  EXPECT_EQ(refused("{\"text\":\"a\",\"labels\":{\"x\":NaN}}"),
            "data: input:1:27: relevance is 'NaN', expected a finite number");
  EXPECT_EQ(refused("{\"text\":\"a\",\"weight\":Infinity}"),
            "data: input:1:22: weight is 'Infinity', expected a finite number");
  EXPECT_EQ(refused("{\"text\":\"a\",\"weight\":-1}"), "data: input:1:22: weight is '-1', expected a number from 0");
  EXPECT_EQ(refused("{\"features\":{\"3\":1e39}}"),
            "data: input:1:18: feature value is 1e39, expected a finite number");
  EXPECT_EQ(refused("{\"features\":{\"-3\":1}}"),
            "data: input:1:19: feature index is '-3', expected a whole number from 0");
  EXPECT_EQ(refused("{\"features\":{\"100000000\":1}}"),
            "data: input:1:26: feature index is 100000000, expected a whole number from 0 to 99999999\n"
            "  hint: set n_features if such indices are meant");
  EXPECT_EQ(refused("{\"text\":\"a\",\"text\":\"b\"}"),
            "data: input:1:20: the field 'text' is there twice, expected it once");
}

TEST(Jsonl, NamesAndNumbersDoNotMixWithinARow) {
  EXPECT_EQ(refused("{\"text\":\"a\",\"labels\":[5,\"z\"]}"),
            "data: input:1:25: the label 'z' is a name, expected a number as labels have been so far\n"
            "  hint: give all labels as names, or all as numbers");
  EXPECT_EQ(refused("{\"text\":\"a\",\"labels\":[\"z\",5]}"),
            "data: input:1:27: label is 5, expected a name as labels have been so far\n"
            "  hint: give all labels as names, or all as numbers");
}

TEST(Jsonl, AColonInAListIsNoJson) {
  EXPECT_NE(refused("{\"text\":\"a\",\"labels\":[\"y\",\"z\":2]}"), "");
  EXPECT_NE(refused("{\"text\":\"a\",\"labels\":[\"y\",\"z\":2},\"x\"]}"), "");
}

TEST(Jsonl, NamesAndNumbersDoNotMix) {
  EXPECT_EQ(refused("{\"text\":\"a\",\"labels\":[\"x\"]}\n{\"text\":\"a\",\"labels\":[1]}"),
            "data: input:2:23: label is 1, expected a name as labels have been so far\n"
            "  hint: a name that looks like a number needs quotes");
  EXPECT_EQ(refused("{\"text\":\"a\",\"labels\":[1]}\n{\"text\":\"a\",\"labels\":[\"x\"]}"),
            "data: input:2:23: the label 'x' is a name, expected a number as labels have been so far\n"
            "  hint: give all labels as names, or a label-name file by label_names");
}

TEST(Jsonl, DeepNestingInAFieldNotUsedIsNoTrouble) {
  const std::string deep(100'000, '[');
  EXPECT_NE(refused("{\"other\":" + deep + ",\"text\":\"a\"}"), "");
  const auto nested = [](size_t levels) {
    return R"({"x":)" + std::string(levels, '[') + std::string(levels, ']') + R"(,"text":"a"})";
  };
  EXPECT_EQ(read_bytes(nested(1023), Format::jsonl).examples.size(), 1u);
  EXPECT_EQ(refused(nested(1024)), "data: input:1:1029: nested too deeply, expected at most 1024 levels");
  EXPECT_EQ(refused(nested(100'000)), "data: input:1:1029: nested too deeply, expected at most 1024 levels");
}

}  // namespace
}  // namespace coppice
