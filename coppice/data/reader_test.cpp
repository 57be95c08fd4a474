// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coppice/data/matrix_example_reader.h"
#include "coppice/data/npy.h"
#include "coppice/data/npz.h"
#include "coppice/data/reading_test.h"

namespace coppice {
namespace {

Format recognised(std::string_view bytes) {
  InputStream stream = InputStream::from_memory(bytes, "input");
  return recognise("input", stream).format;
}

TEST(Recognise, TheFirstLineTellsTheFormat) {
  EXPECT_EQ(recognised("{\"text\":\"a\"}"), Format::jsonl);
  EXPECT_EQ(recognised("\xef\xbb\xbf\n  {\"text\":\"a\"}"), Format::jsonl);
  EXPECT_EQ(recognised("1,2\tsome text"), Format::labelled_text);
  EXPECT_EQ(recognised("\tsome text"), Format::labelled_text);
  EXPECT_EQ(recognised("1::0.5\tsome text"), Format::labelled_text);
  EXPECT_EQ(recognised("0::-1\tsome text"), Format::labelled_text);
  EXPECT_EQ(recognised("7,0::1e-3\tsome text"), Format::labelled_text);
  EXPECT_EQ(recognised("10 20 30\n1 2:3"), Format::svm);
  EXPECT_EQ(recognised("1,2 3:0.5 4:1e-3"), Format::svm);
  EXPECT_EQ(recognised("1,2\t3:0.5"), Format::svm);
  EXPECT_EQ(recognised(" 3:0.5"), Format::svm);
  EXPECT_EQ(recognised("__label__a text"), Format::fasttext);
  EXPECT_EQ(recognised("PK\x03\x04rest"), Format::npz);
  EXPECT_EQ(recognised("\x93NUMPY\x01"), Format::npy);
}

TEST(Recognise, TheExtensionGoesBeforeTheContent) {
  InputStream stream = InputStream::from_memory("1,2\ttext", "input");
  EXPECT_EQ(recognise("x.JSONL.gz", stream).format, Format::jsonl);
  EXPECT_EQ(recognise("x.csv.zst", stream).format, Format::csv);
  EXPECT_EQ(recognise("x.txt", stream).format, Format::labelled_text);
  EXPECT_EQ(recognise("x.svm", stream).by, "the extension .svm");
}

TEST(Recognise, TsvIsATableOrUtterances) {
  const auto recognised_tsv = [](std::string_view bytes) {
    InputStream stream = InputStream::from_memory(bytes, "x.tsv.gz");
    return recognise("x.tsv.gz", stream);
  };
  EXPECT_EQ(recognised_tsv("id\ttext\n1\ta\n").format, Format::tsv);
  EXPECT_EQ(recognised_tsv("labels\tbody\r\n").format, Format::tsv);
  EXPECT_EQ(recognised_tsv("sentence\tlabel\n").format, Format::tsv);
  EXPECT_EQ(recognised_tsv("id\ta query\ttags\n").format, Format::tsv);
  EXPECT_EQ(recognised_tsv("no columns\n").format, Format::tsv);
  EXPECT_EQ(recognised_tsv("3,4\ttext\n").format, Format::labelled_text);
  EXPECT_FALSE(recognised_tsv("3,4\ttext\n").named_labels);
  EXPECT_EQ(recognised_tsv("\n play_music\tplay some jazz\n").format, Format::labelled_text);
  EXPECT_TRUE(recognised_tsv("play_music\tplay some jazz\n").named_labels);
  EXPECT_TRUE(recognised_tsv("[play]\tplay some jazz\n").named_labels);
  EXPECT_EQ(recognised_tsv("{\"text\": \"a\"}\n").format, Format::jsonl);
}

TEST(Recognise, WhoeverNamesFieldsHasATable) {
  const TestFolder folder;
  const std::string path = folder.write("named.tsv", "my title\tits subject\nwar and peace\tnovel\n");
  ReadOptions options;
  options.text_field = {"my title"};
  options.labels_field = "its subject";
  LabelIndex labels;
  const Dataset data = read_all(path, options, labels);
  EXPECT_EQ(data.report.rows, 1u);
  EXPECT_EQ(data.names.name(0), "novel");
}

TEST(Recognise, WhatIsNoFormatIsAnError) {
  EXPECT_EQ(message_of([] { recognised("hello world\n"); }),
            "data: input:1: the format cannot be told from the first line\n"
            "  hint: name it by the option format: jsonl, labelled_text, svm, fasttext, csv, tsv, or text for lines "
            "without labels");
  EXPECT_NE(message_of([] { recognised("e-e\ttext\n"); }), "");
  EXPECT_EQ(message_of([] { recognised(""); }), "data: input: the input is empty: no rows");
  EXPECT_EQ(message_of([] { recognised(std::string_view("\xff\xfe{\0", 4)); }),
            "data: input:1:1: the text is UTF-16, expected UTF-8\n  hint: convert it: iconv -f utf-16 -t utf-8");
}

TEST(ReadAll, AnEmptyFileIsAnErrorInEveryLineFormat) {
  for (const Format format : {Format::automatic, Format::jsonl, Format::labelled_text, Format::svm, Format::fasttext,
                              Format::text, Format::csv}) {
    EXPECT_EQ(refusal("", format), "data: input: the input is empty: no rows") << name(format);
  }
  EXPECT_EQ(refusal("\n\n", Format::jsonl), "data: input: no rows: 2 blank lines and nothing else");
  EXPECT_EQ(refusal("\n", Format::jsonl), "data: input: no rows: 1 blank line and nothing else");
  EXPECT_EQ(refusal("text\n", Format::csv), "data: input: no rows: a header and nothing else");
  EXPECT_EQ(refusal("text\n\n", Format::csv), "data: input: no rows: a header and 1 blank line and nothing else");
}

TEST(ReadAll, NoLabelAtAllIsAnErrorForTraining) {
  const Dataset data = read_bytes("{\"text\":\"a\"}\n", Format::jsonl);
  EXPECT_EQ(message_of([&] { require_labels(data.report); }),
            "data: input: no label in 1 row\n  hint: labels_field names the field that holds them in JSONL, "
            "labels_path the label matrix of npz");
}

TEST(ReadAll, BadLinesAreLeftOutCountedAndReported) {
  ReadOptions options;
  options.format = Format::jsonl;
  options.skip_bad_lines = true;
  options.max_line_bytes = 100;
  LabelIndex labels;
  const Dataset data = read_bytes(
      "{\"text\":\"a\",\"labels\":[\"x\"]}\n"
      "{\"text\":\"b\",\"labels\":[\"new\", \"\"]}\n"
      "nonsense\n" +
          std::string(200, ' ') +
          "\n"
          "{\"text\":\"c\",\"labels\":[\"y\"]}\n",
      options, labels);
  EXPECT_EQ(data.report.rows, 2u);
  EXPECT_EQ(data.report.bad_lines, 3u);
  EXPECT_EQ(data.report.lines, 5u);
  ASSERT_EQ(data.report.messages.size(), 3u);
  EXPECT_EQ(data.report.messages[0], "input:2:30: the label's name is empty, expected at least one character");
  EXPECT_EQ(data.report.messages[2].substr(0, 8), "input:4:");
  // A bad line leaves no trace: its other label was not taken in.
  EXPECT_EQ(data.n_labels, 2u);
  EXPECT_EQ(data.names.name(1), "y");
  EXPECT_EQ(data.examples.texts[1], "c");
  ASSERT_EQ(data.report.remarks().size(), 1u);
  EXPECT_TRUE(data.report.remarks().front().starts_with("3 bad lines left out:\n  " + data.report.messages[0]));
}

TEST(Recognise, AModelIsNoExamples) {
  EXPECT_EQ(
      message_of([] {
        recognised(
            "\x89"
            "CPC\r\n\x1a\n...");
      }),
      "data: input: this is a model, expected examples\n  hint: train reads examples alone and writes the model to -o; "
      "predict and evaluate take the model first, then the rows");
}

TEST(ReadAll, LabelsFromAMatrixBesideLinesThatHoldTheirOwnAreRefused) {
  ReadOptions options;
  options.labels_path = "Y.npz";
  for (const Format format : {Format::jsonl, Format::svm, Format::text}) {
    options.format = format;
    EXPECT_TRUE(refusal("1 2:3\n", options).starts_with("usage: input: option labels_path is Y.npz")) << name(format);
  }
}

TEST(ReadAll, RemarksCountInTheSingularToo) {
  ReadReport report;
  report.repaired_lines = report.repeated_labels = report.rows_without_labels = 1;
  report.blank_lines = 2;
  EXPECT_THAT(report.remarks(),
              ::testing::ElementsAre("2 blank lines passed over",
                                     "1 line with invalid UTF-8 repaired (what was bad became U+FFFD)",
                                     "1 label repeated in the same row, merged", "1 row without labels"));
  EXPECT_EQ(report.remarks(RowsAre::queries).size(), 2u);
}

TEST(ReadAll, OnlyTheFirstMessagesAreKept) {
  ReadOptions options;
  options.format = Format::jsonl;
  options.skip_bad_lines = true;
  std::string lines = "{\"text\":\"a\"}\n";
  for (int i = 0; i < 100; ++i) lines += "bad\n";
  const Dataset data = read_bytes(lines, options);
  EXPECT_EQ(data.report.bad_lines, 100u);
  EXPECT_TRUE(data.report.remarks().front().starts_with("100 bad lines left out, the first 10:\n  input:2:1"));
  EXPECT_EQ(data.report.messages.size(), ReadReport::kMessagesKept);
  EXPECT_NE(refusal("bad\nbad\n", options).find("no rows: 2 bad lines, the first: input:1:1"), std::string::npos);
}

TEST(ReadAll, ACutOffArchiveIsNoBadLine) {
  ReadOptions options;
  options.format = Format::text;
  options.skip_bad_lines = true;
  const std::string gzip("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
  EXPECT_NE(refusal(gzip, options).find("the gzip data ends early"), std::string::npos);
}

TEST(ReadAll, BlocksJoinToTheSameRows) {
  std::string lines;
  for (int i = 0; i < 300'000; ++i) {
    const std::string number = std::to_string(i);
    lines += "{\"text\":\"text number " + number + " of many\",\"labels\":[\"l" + std::to_string(i % 1000) + "\"]";
    if (i % 100'000 == 77) lines += ",\"weight\":2,\"id\":\"" + number + "\",\"features\":{\"5\":1}";
    lines += "}\n";
  }
  LabelIndex labels;
  const auto reader = open_examples(InputStream::from_memory(lines, "input"), {}, labels);
  Examples block;
  size_t n_blocks = 0;
  size_t n_rows = 0;
  while (reader->next(block)) {
    ++n_blocks;
    n_rows += block.size();
    EXPECT_EQ(block.labels.n_rows(), block.size());
  }
  EXPECT_GT(n_blocks, 1u);
  EXPECT_EQ(n_rows, 300'000u);
  const Dataset all = read_bytes(lines, Format::automatic);
  ASSERT_EQ(all.examples.size(), 300'000u);
  ASSERT_EQ(all.examples.texts.size(), 300'000u);
  ASSERT_EQ(all.examples.features.n_rows(), 300'000u);
  all.examples.features.validate("features");
  all.examples.labels.validate("labels");
  EXPECT_EQ(all.examples.texts[299'999], "text number 299999 of many");
  EXPECT_EQ(all.examples.weights[200'077], 2.0f);
  EXPECT_EQ(all.examples.weights[200'078], 1.0f);
  EXPECT_EQ(all.examples.ids[100'077], "100077");
  EXPECT_EQ(row_text(all.examples.features, 200'077), "5:1");
  EXPECT_EQ(row_text(all.examples.labels, 299'999), "999:1");
}

TEST(LabelNameFile, IdsMeanItsLinesAndBeyondItIsAnError) {
  const TestFolder folder;
  ReadOptions options;
  options.format = Format::labelled_text;
  options.label_names = folder.write("labels.txt", "zero\r\none\r\none\r\nthree\r\n");
  const Dataset data = read_bytes("3,2\ttext\n", options);
  EXPECT_EQ(row_text(data.examples.labels, 0), "2:1 3:1");
  EXPECT_EQ(data.n_labels, 4u);
  EXPECT_EQ(data.names.name(3), "three");
  EXPECT_EQ(refusal("3,4\ttext\n", options),
            "data: input:1:3: label is 4, expected a number below 4, the lines of " + options.label_names);
  options.format = Format::jsonl;
  EXPECT_EQ(row_text(read_bytes("{\"text\":\"a\",\"labels\":[\"three\",\"one\"]}", options).examples.labels, 0),
            "1:1 3:1");
  EXPECT_EQ(refusal("{\"text\":\"a\",\"labels\":[\"four\"]}", options),
            "data: input:1:23: the label 'four' is not in " + options.label_names + ", expected one of its 4 names");
}

TEST(LabelNameFile, AnEmptyOrBinaryFileIsAnError) {
  const TestFolder folder;
  ReadOptions options;
  options.format = Format::labelled_text;
  options.label_names = folder.write("labels.txt", "");
  EXPECT_EQ(refusal("0\ta", options),
            "data: " + options.label_names + ": the file is empty, expected one label name a line");
  options.label_names = folder.write("labels.txt", std::string_view("a\nb\0c\n", 6));
  EXPECT_EQ(refusal("0\ta", options),
            "data: " + options.label_names + ":2:2: a NUL byte, expected a label name\n  hint: is this a binary file?");
  options.label_names = folder.write("labels.txt", "a\n\xff\n");
  EXPECT_EQ(refusal("0\ta", options), "data: " + options.label_names + ":2: the label name is not valid UTF-8");
  options.label_names = folder.path("missing");
  EXPECT_EQ(refusal("0\ta", options).substr(0, 3), "io:");
}

TEST(Evaluation, LabelsNeverSeenInTrainingComeBehindTheModels) {
  LabelIndex labels(LabelNames::from({"a", "b"}));
  ReadOptions options;
  options.format = Format::jsonl;
  const Dataset data =
      read_bytes("{\"text\":\"t\",\"labels\":[\"new\",\"b\"]}\n{\"text\":\"t\",\"labels\":[\"newer\",\"new\"]}\n",
                 options, labels);
  EXPECT_EQ(row_text(data.examples.labels, 0), "1:1 2:1");
  EXPECT_EQ(row_text(data.examples.labels, 1), "2:1 3:1");
  EXPECT_EQ(labels.n_known(), 2u);
  EXPECT_EQ(labels.n_unseen(), 2u);
  EXPECT_EQ(data.report.unseen_label_entries, 3u);
}

TEST(Evaluation, TheInputsIdsAreMatchedToTheModelByName) {
  const TestFolder folder;
  ReadOptions options;
  options.format = Format::labelled_text;
  options.label_names = folder.write("labels.txt", "b\nnew\na\n");
  LabelIndex labels(LabelNames::from({"a", "b"}));
  const Dataset data = read_bytes("0\tt\n1,2\tt\n", options, labels);
  EXPECT_EQ(row_text(data.examples.labels, 0), "1:1");
  EXPECT_EQ(row_text(data.examples.labels, 1), "0:1 2:1");
}

TEST(Evaluation, BareIdsMeanTheModelsLabels) {
  ReadOptions options;
  options.format = Format::labelled_text;
  LabelIndex named(LabelNames::from({"a", "b"}));
  EXPECT_EQ(row_text(read_bytes("1\tt\n", options, named).examples.labels, 0), "1:1");
  EXPECT_EQ(message_of([&] { read_bytes("1\tt\n2\tt\n", options, named); }),
            "data: input:2:1: label is 2, expected a number below 2, the labels of the model\n  hint: ids mean the "
            "model's own labels; give the "
            "label-name file of this input by label_names");
  LabelIndex numbered(LabelNames(), 2);
  const Dataset data = read_bytes("1,5\tt\n", options, numbered);
  EXPECT_EQ(row_text(data.examples.labels, 0), "1:1 5:1");
  EXPECT_EQ(numbered.n_unseen(), 1u);
}

TEST(Evaluation, WhereLabelsHaveNoNamesALineOfTheFileIsTheLabelOfThatNumber) {
  const TestFolder folder;
  ReadOptions options;
  options.label_names = folder.write("labels.txt", "zero\none\ntwo\n");
  const LabelNames numbers = LabelNames::from({"0", "1"});
  for (const LabelNames& known : {LabelNames(), numbers}) {
    LabelIndex labels(known, 2);
    options.format = Format::svm;
    const Dataset data = read_bytes("2 5:1\n1 3:1\n0 1:1\n", options, labels);
    EXPECT_EQ(row_text(data.examples.labels, 0), "2:1");
    EXPECT_EQ(row_text(data.examples.labels, 1), "1:1");
    EXPECT_EQ(row_text(data.examples.labels, 2), "0:1");
    EXPECT_EQ(data.report.unseen_label_entries, 1u);
    options.format = Format::jsonl;
    EXPECT_EQ(row_text(read_bytes("{\"text\":\"t\",\"labels\":[\"one\"]}\n", options, labels).examples.labels, 0),
              "1:1");
  }
  LabelIndex larger(LabelNames(), 4);
  EXPECT_EQ(message_of([&] { read_bytes("{}", options, larger); }),
            "data: " + options.label_names +
                ": the file names 3 labels, the model has 4 and knows them by number alone"
                "\n  hint: the line numbers of this file are then the model's labels: give that of the training data");
}

TEST(Evaluation, NamesThatAreNumbersAreFoundByName) {
  const TestFolder folder;
  ReadOptions options;
  options.format = Format::svm;
  options.label_names = folder.write("labels.txt", "1\n0\n");
  LabelIndex labels(LabelNames::from({"0", "1"}));
  EXPECT_EQ(row_text(read_bytes("0 1:1\n", options, labels).examples.labels, 0), "1:1");
}

/// The texts of all rows, with a space behind each.
std::string texts_of(ExampleReader& reader) {
  std::string texts;
  for (Examples block; reader.next(block);) {
    EXPECT_EQ(block.labels.n_nonzeros(), 0u);
    for (size_t i = 0; i < block.size(); ++i) texts += std::string(block.texts[i]) + " ";
  }
  return texts;
}

TEST(Queries, LabelsPlayNoPart) {
  const TestFolder folder;
  const std::string path = folder.write("x.jsonl",
                                        "{\"text\":\"a\",\"labels\":[99999999999]}\n"
                                        "{\"text\":\"b\",\"labels\":[\"x\", 1]}\n"
                                        "{\"text\":\"c\",\"labels\":[\"\"]}\n");
  ReadOptions options;
  options.label_names = folder.path("missing");
  options.n_labels = 1;
  const auto reader = open_queries(path, options);
  EXPECT_EQ(texts_of(*reader), "a b c ");
  EXPECT_EQ(reader->report().label_entries + reader->report().rows_without_labels, 0u);
}

Csr small_matrix(uint32_t n_columns, const std::vector<std::vector<std::pair<uint32_t, float>>>& rows) {
  CsrBuilder builder(n_columns);
  for (const auto& row : rows) {
    for (const auto& [column, value] : row) builder.add(column, value);
    builder.end_row();
  }
  return builder.build();
}

std::string write_matrix(const TestFolder& folder, const std::string& name, const Csr& matrix) {
  OutputFile file(folder.path(name));
  write_npz(file, matrix);
  file.commit();
  return folder.path(name);
}

TEST(Matrices, FeaturesAndLabelsFromTwoFiles) {
  const TestFolder folder;
  const std::string x = write_matrix(folder, "X.npz", small_matrix(6, {{{1, 0.5f}}, {}, {{0, 1.0f}, {5, 2.0f}}}));
  ReadOptions options;
  options.labels_path = write_matrix(folder, "Y.npz", small_matrix(4, {{{2, 1.0f}}, {{0, 0.5f}, {1, 0.0f}}, {}}));
  LabelIndex labels;
  const Dataset data = read_all(x, options, labels);
  ASSERT_EQ(data.examples.size(), 3u);
  EXPECT_EQ(row_text(data.examples.features, 2), "0:1 5:2");
  EXPECT_EQ(row_text(data.examples.labels, 0), "2:1");
  EXPECT_EQ(row_text(data.examples.labels, 1), "0:0.5");
  EXPECT_EQ(data.n_labels, 4u);
  EXPECT_EQ(data.examples.features.n_columns, 6u);
  EXPECT_EQ(data.report.rows_without_labels, 1u);
}

TEST(Matrices, DisagreementIsRefused) {
  const TestFolder folder;
  const std::string x = write_matrix(folder, "X.npz", small_matrix(6, {{{1, 0.5f}}, {}}));
  ReadOptions options;
  options.labels_path = write_matrix(folder, "Y.npz", small_matrix(4, {{{2, 1.0f}}}));
  LabelIndex labels;
  EXPECT_EQ(message_of([&] { read_all(x, options, labels); }),
            "data: " + options.labels_path + ": the label matrix has 1 row, the features in " + x + " have 2");
  options.labels_path = write_matrix(folder, "Y.npz", small_matrix(4, {{{2, 1.0f}}, {{1, -1.0f}}}));
  EXPECT_EQ(message_of([&] { read_all(x, options, labels); }),
            "data: " + options.labels_path + ": row 1: relevance is below 0, expected a number from 0");
}

TEST(Matrices, LabelsAreNotTakenFromTheFeaturesOfRows) {
  const TestFolder folder;
  const std::string x = write_matrix(folder, "X.npz", small_matrix(6, {{{1, 0.5f}}, {}}));
  ReadOptions options;
  options.labels_path = folder.write("Y.svm", "5 1:1\n6 0:1\n");
  LabelIndex labels;
  EXPECT_EQ(message_of([&] { read_all(x, options, labels); }),
            "data: " + options.labels_path +
                ": this is svm, told by the extension .svm, expected the label matrix: npz "
                "or npy\n  hint: scipy.sparse.save_npz and numpy.save write matrices");
  EXPECT_TRUE(open_queries(x, options) != nullptr);
}

TEST(Matrices, WhatHoldsNoMatrixIsNamed) {
  const TestFolder folder;
  const std::string path = folder.write("x.jsonl", "{\"text\":\"a\"}\n");
  EXPECT_EQ(message_of([&] { read_matrix(path); }),
            "data: " + path +
                ": this is jsonl, told by the extension .jsonl, expected a matrix: npz, npy or svm\n  hint: "
                "scipy.sparse.save_npz and numpy.save write matrices");
  const std::string odd = folder.write("x", "no matrix\n");
  EXPECT_EQ(message_of([&] { read_matrix(odd); }),
            "data: " + odd +
                ": the format is not known, expected a matrix: npz, npy or svm\n  hint: "
                "scipy.sparse.save_npz and numpy.save write matrices");
  EXPECT_EQ(row_text(read_matrix(folder.write("x.svm", "7 2:1\n 0:3\n")), 1), "0:3");
}

TEST(Matrices, AreNoStreams) {
  EXPECT_EQ(refusal("PK\x03\x04", Format::automatic),
            "unsupported: input: a matrix (npz) cannot be read from a stream\n"
            "  hint: give it as a file, not compressed by gzip or zstd");
}

TEST(ExampleSource, CanBeReadTwice) {
  const TestFolder folder;
  ReadOptions options;
  const ExampleSource source(folder.write("x.jsonl", "{\"text\":\"a\",\"labels\":[\"x\"]}\n"), options);
  EXPECT_EQ(source.options().format, Format::jsonl);
  for (int pass = 0; pass < 2; ++pass) {
    LabelIndex labels;
    EXPECT_EQ(read_all(*source.open(labels), labels).examples.texts[0], "a");
  }
}

TEST(ExampleSource, TheSecondReadingHasTheRowsOfTheFirst) {
  const TestFolder folder;
  const auto row = [](const std::string& text, const std::string& labels) {
    return "{\"text\":\"" + text + "\",\"labels\":[" + labels + "]}\n";
  };
  ReadOptions options;
  options.skip_bad_lines = true;
  const std::string rows = row("a", "\"x\"") + row("b", "0") + "nonsense\n" + row("c", "\"y\", 1") + row("d", "\"y\"");
  const ExampleSource source(folder.write("x.jsonl", rows), options);
  LabelIndex labels;
  const ReadReport first = read_all(*source.open(labels), labels).report;
  EXPECT_EQ(first.rows, 2u);
  EXPECT_THAT(first.bad_labels, ::testing::ElementsAre(2u, 4u));
  const auto again = source.open_again(first);
  EXPECT_EQ(texts_of(*again), "a d ");
  EXPECT_EQ(again->report().bad_lines, first.bad_lines);
  const std::string path = folder.write("x.jsonl", rows + row("e", "\"y\""));
  EXPECT_EQ(message_of([&] { texts_of(*source.open_again(first)); }),
            "data: " + path +
                ": the second reading found 3 rows, the first 2\n"
                "  hint: has the file been written to meanwhile? give a copy that stays as it is");
}

TEST(ExampleSource, ARowOfSeveralLinesStaysLeftOut) {
  const TestFolder folder;
  ReadOptions options;
  options.skip_bad_lines = true;
  const ExampleSource source(folder.write("x.csv", "text,labels\n\"a\nb\",x\n\"c\nd\",\"x,,y\"\n\n\"e\nf\",y\n"),
                             options);
  LabelIndex labels;
  const ReadReport first = read_all(*source.open(labels), labels).report;
  EXPECT_THAT(first.bad_labels, ::testing::ElementsAre(4u));
  EXPECT_EQ(texts_of(*source.open_again(first)), "a\nb e\nf ");
}

TEST(ReadOptions, EachOptionIsDescribed) {
  ReadOptions options;
  OptionTable table;
  describe(table, options);
  EXPECT_EQ(table.options().size(), 17u);
  for (const Option& option : table.options()) EXPECT_GT(option.help.size(), 20u) << option.name;
  table.find("format").set_text("labelled_text");
  EXPECT_EQ(options.format, Format::labelled_text);
}

}  // namespace
}  // namespace coppice
