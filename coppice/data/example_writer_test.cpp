// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/example_writer.h"

#include <gtest/gtest.h>

#include "coppice/data/reading_test.h"

namespace coppice {
namespace {

std::string file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ExampleWriter, JsonStringsAreEscaped) {
  std::string line;
  append_json_string(line, std::string_view("a\"b\\c\nd\te\0f\x1f\xff", 13));
  EXPECT_EQ(line, "\"a\\\"b\\\\c\\nd\\te\\u0000f\\u001f\xef\xbf\xbd\"");
}

TEST(ExampleWriter, NumbersAreShortAndExact) {
  std::string line;
  for (const float value : {1.0f, 0.1f, -2.5f, 1e-30f}) {
    append_number(line, value);
    line += ' ';
  }
  EXPECT_EQ(line, "1 0.1 -2.5 1e-30 ");
}

TEST(ExampleWriter, JsonlReadsBackAsItWas) {
  const std::string text =
      "{\"id\": \"1\", \"text\": \"a \\\"b\\\"\", \"features\": {\"2\": 0.5}, \"labels\": [\"x\", \"y\"], \"weight\": "
      "2}\n"
      "{\"id\": \"\", \"text\": \"\", \"features\": {}, \"labels\": {\"y\": 0.25}, \"weight\": 1}\n";
  const TestFolder folder;
  const Dataset data = read_bytes(text, Format::jsonl);
  OutputFile file(folder.path("out.jsonl"));
  write_jsonl(file, data.examples, data.names);
  file.commit();
  EXPECT_EQ(file_bytes(folder.path("out.jsonl")), text);
}

TEST(ExampleWriter, JsonlHasTheFieldsThatItsReaderIsToldOf) {
  ReadOptions fields;
  fields.text_field = {"title", "body"};
  fields.labels_field = "tags";
  fields.weight_field = "w \"x\"";
  const std::string text = "{\"title\": \"a\", \"tags\": {\"y\": 0.25}, \"w \\\"x\\\"\": 2}\n";
  const TestFolder folder;
  LabelIndex labels;
  const Dataset data = read_all(folder.write("in.jsonl", text), fields, labels);
  OutputFile file(folder.path("out.jsonl"));
  write_jsonl(file, data.examples, data.names, fields);
  file.commit();
  EXPECT_EQ(file_bytes(folder.path("out.jsonl")), text);
}

TEST(ExampleWriter, SvmReadsBackAsItWas) {
  const std::string text = "3 7 5\n0,4::0.5 1:0.5 6:-1\n 2:1\n1 \n";
  const TestFolder folder;
  const Dataset data = read_bytes(text, Format::svm);
  OutputFile file(folder.path("out.svm"));
  write_svm(file, data.examples.features, data.examples.labels);
  file.commit();
  EXPECT_EQ(file_bytes(folder.path("out.svm")), text);
}

}  // namespace
}  // namespace coppice
