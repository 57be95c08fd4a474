// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <utility>

#include "coppice/data/reading_test.h"

namespace coppice {
namespace {

using namespace std::string_literals;
using std::string_view;

TEST(LabelledText, LabelsATabAndText) {
  const Dataset data =
      read_bytes("2,0\tfirst text\n\tno label\n1::0.5, 3::0\ttext with\ta tab\r\n", Format::labelled_text);
  ASSERT_EQ(data.examples.size(), 3u);
  EXPECT_EQ(data.examples.texts[0], "first text");
  EXPECT_EQ(data.examples.texts[2], "text with\ta tab");
  EXPECT_EQ(row_text(data.examples.labels, 0), "0:1 2:1");
  EXPECT_EQ(row_text(data.examples.labels, 1), "");
  EXPECT_EQ(row_text(data.examples.labels, 2), "1:0.5");
  EXPECT_EQ(data.n_labels, 3u);
}

TEST(LabelledText, NamesInsteadOfIds) {
  ReadOptions options;
  options.format = Format::labelled_text;
  options.named_labels = true;
  options.label_separator = "|";
  const Dataset data = read_bytes("a, b|c\ttext\nc\tmore\n", options);
  EXPECT_EQ(data.names.name(0), "a, b");
  EXPECT_EQ(row_text(data.examples.labels, 1), "1:1");
}

TEST(LabelledText, BadLinesAreRefusedWithTheirPlace) {
  const auto refused = [](string_view line) { return refusal(line, Format::labelled_text); };
  EXPECT_EQ(refused("1\tgood\n1,2 no tab"),
            "data: input:2:11: the line has no tab, expected labels, a tab and the text");
  EXPECT_EQ(refused("1,x\ttext"), "data: input:1:3: label is 'x', expected a whole number from 0");
  EXPECT_EQ(refused("1\ttext\nplay\ttext"),
            "data: input:2:1: label is 'play', expected a whole number from 0\n"
            "  hint: set the option named_labels if names stand before the tab");
  EXPECT_EQ(refused("1,,2\ttext"), "data: input:1:3: label is missing, expected a whole number");
  EXPECT_EQ(refused("1,\ttext"), "data: input:1:3: label is missing, expected a whole number");
  EXPECT_EQ(refused("-1\ttext"), "data: input:1:1: label is '-1', expected a whole number from 0");
  EXPECT_EQ(refused("99999999999999999999\ttext"),
            "data: input:1:1: label is 99999999999999999999, expected a whole number from 0 to 18446744073709551614");
  EXPECT_EQ(refused("1::nan\ttext"), "data: input:1:4: relevance is nan, expected a finite number");
  EXPECT_EQ(refused("1::\ttext"), "data: input:1:4: relevance is '', expected a number");
  EXPECT_EQ(refused(string_view("1\ta\0b", 5)),
            "data: input:1:4: a NUL byte, expected text\n  hint: is this a binary file, or UTF-16?");
}

TEST(Svm, HeaderIsOptionalAndSetsTheSizes) {
  const Dataset with = read_bytes("2 10 5\n0,2 3:1.5 1:2\n 7:1\n", Format::svm);
  EXPECT_EQ(with.examples.size(), 2u);
  EXPECT_EQ(with.examples.features.n_columns, 10u);
  EXPECT_EQ(with.n_labels, 5u);
  EXPECT_EQ(row_text(with.examples.features, 0), "1:2 3:1.5");
  EXPECT_EQ(row_text(with.examples.labels, 0), "0:1 2:1");
  EXPECT_EQ(row_text(with.examples.labels, 1), "");
  const Dataset without = read_bytes("0,2 3:1.5 1:2\n 7:1\n", Format::svm);
  EXPECT_EQ(without.examples.features.n_columns, 8u);
  EXPECT_EQ(without.n_labels, 3u);
}

TEST(Svm, ValuesMayBeLeftOutAndRowsMayBeEmpty) {
  const Dataset data = read_bytes("1 4 2:0.5\n\n3:1 2\n1::0.25,0\t5:+1e1  6:-.5\n", Format::svm);
  ASSERT_EQ(data.examples.size(), 4u);
  EXPECT_EQ(row_text(data.examples.features, 0), "2:0.5 4:1");
  EXPECT_EQ(row_text(data.examples.features, 1), "");
  EXPECT_EQ(row_text(data.examples.features, 2), "2:1 3:1");
  EXPECT_EQ(row_text(data.examples.labels, 2), "");
  EXPECT_EQ(row_text(data.examples.features, 3), "5:10 6:-0.5");
  EXPECT_EQ(row_text(data.examples.labels, 3), "0:1 1:0.25");
}

TEST(Svm, ThreeWholeNumbersAreARowIfTheUserSaysSo) {
  ReadOptions options;
  options.format = Format::svm;
  options.svm_header = SvmHeader::absent;
  const Dataset data = read_bytes("5 6 7\n", options);
  EXPECT_EQ(row_text(data.examples.labels, 0), "5:1");
  EXPECT_EQ(row_text(data.examples.features, 0), "6:1 7:1");
  options.svm_header = SvmHeader::present;
  options.skip_bad_lines = true;
  EXPECT_EQ(refusal("5 6:1\n", options),
            "data: input:1:1: the first line is '5 6:1', expected the header: rows, features, labels\n"
            "  hint: set svm_header to absent if there is none");
}

TEST(Svm, ADamagedHeaderIsNeverLeftOut) {
  ReadOptions options;
  options.format = Format::svm;
  options.skip_bad_lines = true;
  for (const SvmHeader header : {SvmHeader::automatic, SvmHeader::present}) {
    options.svm_header = header;
    EXPECT_TRUE(refusal("2 9999999999 3\n0 1:1\n1 2:1\n", options)
                    .starts_with("data: input:1:3: size in the header is 9999999999, expected a whole number from 0 to "
                                 "4294967295\n  hint: "));
  }
  options.max_line_bytes = 20;
  EXPECT_TRUE(refusal("2 9 3" + std::string(40, ' ') + "\n0 1:1\n1 2:1\n", options).starts_with("data: input:1: "));
  // Four numbers are a row, and a bad one.
  options.svm_header = SvmHeader::automatic;
  EXPECT_EQ(read_bytes("2 9999999999 3 4\n0 1:1\n", options).report.bad_lines, 1u);
}

TEST(Svm, EmptyLinesBehindTheRowsOfTheHeaderAreNoRows) {
  const Dataset data = read_bytes("2 9 3\n0 1:1\n1 2:1\n\n \n", Format::svm);
  EXPECT_EQ(data.report.rows, 2u);
  EXPECT_EQ(data.report.blank_lines, 2u);
  EXPECT_EQ(read_bytes("2 9 3\n0 1:1\n\n", Format::svm).report.rows, 2u);
  EXPECT_EQ(read_bytes("3 9 3\n0 1:1\n\n1 2:1\n\n", Format::svm).report.rows, 3u);
  EXPECT_EQ(read_bytes("0 1:1\n\n", Format::svm).report.rows, 2u);
  ReadOptions said;
  said.format = Format::svm;
  said.svm_header = SvmHeader::present;
  EXPECT_EQ(refusal("1 9 3\n0 1:1\n\n1 2:1\n", said),
            "data: input:1:1: the header promises 1 row, the file holds 2\n"
            "  hint: were rows added and the header left as it was?");
}

TEST(Svm, AHeaderMayPromiseNoFeaturesOrNoLabels) {
  ReadOptions options;
  options.format = Format::svm;
  options.svm_header = SvmHeader::present;
  const std::string hint = "\n  hint: the header or an option says how many there are";
  EXPECT_EQ(read_bytes("2 9 0\n 1:1\n 2:1\n", options).n_labels, 0u);
  EXPECT_EQ(refusal("2 9 0\n 1:1\n0 2:1\n", options),
            "data: input:3:1: the row has a label, expected none: the header says that there are 0" + hint);
  EXPECT_EQ(read_bytes("2 0 3\n0\n1\n", options).report.rows, 2u);
  EXPECT_EQ(refusal("2 0 3\n0\n1 2:1\n", options),
            "data: input:3:3: the row has a feature, expected none: the header says that there are 0" + hint);
  options.n_features = 9;
  options.n_labels = 3;
  EXPECT_EQ(read_bytes("1 0 0\n1 2:1\n", options).report.rows, 1u);
}

TEST(Svm, RepeatedFeaturesAreSummedAndCounted) {
  const Dataset data = read_bytes("0 3:1 1:1 3:0.5\n", Format::svm);
  EXPECT_EQ(row_text(data.examples.features, 0), "1:1 3:1.5");
  EXPECT_EQ(data.report.repeated_features, 1u);
  EXPECT_EQ(refusal("0 3:3e38 3:3e38\n", Format::svm),
            "data: input:1:1: the values of feature 3 add up beyond the range of a 32-bit number");
}

TEST(Svm, OneBasedIndicesAreShifted) {
  ReadOptions options;
  options.format = Format::svm;
  options.one_based = true;
  options.n_features = 3;
  EXPECT_EQ(row_text(read_bytes("0 1:1 3:2\n", options).examples.features, 0), "0:1 2:2");
  EXPECT_EQ(refusal("0 0:1\n", options),
            "data: input:1:3: feature index is 0, expected indices from 1\n  hint: leave one_based out");
  EXPECT_EQ(refusal("0 4:1\n", options),
            "data: input:1:3: feature index is 4, expected a whole number from 0 to 3\n"
            "  hint: the header or an option says how many there are");
}

TEST(Svm, BadLinesAreRefusedWithTheirPlace) {
  const auto refused = [](string_view line) { return refusal(line, Format::svm); };
  const std::string guessed =
      "line 1, three whole numbers, was read as the header: rows, features, labels; if it is a row, set svm_header to "
      "absent";
  EXPECT_EQ(refused("1 5 3\n0 1:1 5:1\n"),
            "data: input:2:7: feature index is 5, expected a whole number from 0 to 4\n  hint: " + guessed);
  EXPECT_EQ(refused("1 5 3\n0,3 1:1\n"),
            "data: input:2:3: label is 3, expected a whole number from 0 to 2\n  hint: " + guessed);
  EXPECT_EQ(refused("2 5 3\n0 1:1\n"),
            "data: input:1:1: the header promises 2 rows, the file holds 1\n  hint: is the file cut off? " + guessed);
  ReadOptions said;
  said.format = Format::svm;
  said.svm_header = SvmHeader::present;
  EXPECT_EQ(refusal("1 5 3\n0,3 1:1\n", said),
            "data: input:2:3: label is 3, expected a whole number from 0 to 2\n"
            "  hint: the header or an option says how many there are");
  EXPECT_EQ(refusal("2 5 3\n0 1:1\n", said),
            "data: input:1:1: the header promises 2 rows, the file holds 1\n  hint: is the file cut off?");
  EXPECT_EQ(refused("0 1:nan\n"), "data: input:1:5: feature value is nan, expected a finite number");
  EXPECT_EQ(refused("0 1:-inf\n"), "data: input:1:5: feature value is -inf, expected a finite number");
  EXPECT_EQ(refused("0 1:1e999\n"), "data: input:1:5: feature value is 1e999, expected a finite number");
  EXPECT_EQ(refused("0 1:0x10\n"), "data: input:1:5: feature value is '0x10', expected a number");
  EXPECT_EQ(refused("0 1:\n"), "data: input:1:5: feature value is '', expected a number");
  EXPECT_EQ(refused("0 -1:1\n"), "data: input:1:3: feature index is '-1', expected a whole number from 0");
  EXPECT_EQ(refused("0 4294967296:1\n"),
            "data: input:1:3: feature index is 4294967296, expected a whole number from 0 to 99999999\n"
            "  hint: set n_features if such indices are meant");
  EXPECT_EQ(refused("+1 1:1\n"), "data: input:1:1: label is '+1', expected a whole number from 0");
  EXPECT_EQ(refused("0 qid:3 1:1\n"), "data: input:1:3: feature index is 'qid', expected a whole number from 0");
  EXPECT_EQ(refused(string_view("0 1:1\0\n", 7)), "data: input:1:5: feature value is '1.', expected a number");
}

TEST(Svm, AnIdFarAboveTheLabelsOfTheRowsIsRefused) {
  EXPECT_EQ(refusal("1 2:1\n\n5,99999998,7 1:1\n", Format::svm),
            "data: input:3:3: label is 99999998, far above the number of labels that rows have (4), expected at most "
            "1000040\n  hint: set n_labels if such ids are meant");
  EXPECT_EQ(read_bytes("1000020 1:1\n7 1:1\n", Format::svm).n_labels, 1000021u);
  EXPECT_NE(refusal("1000021 1:1\n7 1:1\n", Format::svm), "");
  EXPECT_NE(refusal("{\"text\": \"a\", \"labels\": [99999998]}\n", Format::jsonl), "");
  EXPECT_NE(refusal("99999998\ttext\n", Format::labelled_text), "");
}

TEST(Svm, AnIdFarAboveTheRestIsTakenIfAHeaderOrAnOptionSaysSo) {
  EXPECT_EQ(read_bytes("1 5 99999999\n99999998 1:1\n", Format::svm).n_labels, 99999999u);
  ReadOptions options;
  options.format = Format::svm;
  options.n_labels = 99999999;
  EXPECT_EQ(read_bytes("99999998 1:1\n", options).n_labels, 99999999u);
}

TEST(Svm, AnIdFarAboveTheLabelsOfTheModelIsRefusedAtOnce) {
  ReadOptions options;
  options.format = Format::svm;
  LabelIndex index(LabelNames(), 12);
  EXPECT_EQ(read_bytes("1000120 1:1\n", options, index).report.unseen_label_entries, 1u);
  EXPECT_EQ(message_of([&] { read_bytes("1 1:1\n1000121 1:1\n", options, index); }),
            "data: input:2:1: label is 1000121, expected a whole number from 0 to 1000120\n"
            "  hint: that is far above the labels of the model; set n_labels if such ids are meant");
}

TEST(Svm, NumbersReadAsTheNearestFloat) {
  const Dataset data =
      read_bytes("0 0:0.1 1:123456.789 2:1e-50 3:-7 4:3.4028235e38 5:.5 6:5. 7:0.000001234567890123\n", Format::svm);
  const SparseRow row = data.examples.features.row(0);
  const std::vector<float> expected{0.1f, 123456.789f, 0, -7, 3.4028235e38f, 0.5f, 5, 0.000001234567890123f};
  EXPECT_EQ(std::vector<float>(row.values.begin(), row.values.end()), expected);
}

TEST(Fasttext, LabelsInFrontOrBetweenTheWords) {
  const Dataset data =
      read_bytes("__label__a __label__b some text \nwords __label__b between\twords __label__c\nno label\n__label__a\n",
                 Format::fasttext);
  ASSERT_EQ(data.examples.size(), 4u);
  EXPECT_EQ(data.examples.texts[0], "some text");
  EXPECT_EQ(row_text(data.examples.labels, 0), "0:1 1:1");
  EXPECT_EQ(data.examples.texts[1], "words between\twords");
  EXPECT_EQ(row_text(data.examples.labels, 1), "1:1 2:1");
  EXPECT_EQ(data.examples.texts[2], "no label");
  EXPECT_EQ(data.examples.texts[3], "");
  EXPECT_EQ(data.names.name(0), "a");
}

TEST(Fasttext, APrefixInsideAWordIsText) {
  const Dataset data = read_bytes("__label__a not__label__b\n", Format::fasttext);
  EXPECT_EQ(data.examples.texts[0], "not__label__b");
  EXPECT_EQ(data.n_labels, 1u);
}

TEST(Fasttext, BadInputIsRefusedWithItsPlace) {
  EXPECT_EQ(refusal("text __label__ more\n", Format::fasttext),
            "data: input:1:6: the label's name is empty, expected at least one character");
  ReadOptions options;
  options.format = Format::fasttext;
  options.label_prefix = "";
  EXPECT_EQ(refusal("a\n", options), "usage: label_prefix is empty, expected a word such as __label__");
  options.label_separator = "";
  EXPECT_EQ(refusal("a\n", options), "usage: label_separator is empty, expected a character");
}

TEST(Text, EachLineIsARowEmptyOnesToo) {
  const Dataset data = read_bytes("first\n\nthird\n", Format::text);
  ASSERT_EQ(data.examples.size(), 3u);
  EXPECT_EQ(data.examples.texts[2], "third");
  EXPECT_EQ(data.examples.labels.n_rows(), 3u);
}

TEST(Csv, FieldsByTheHeaderWithQuotesAndLineEndsInside) {
  const Dataset data = read_bytes(
      "id,text,labels,weight,extra\r\n"
      "r1,plain text,\"a,b\",2,x\r\n"
      "r2,\"said \"\"hello\"\",\r\nthen \"\"left\"\"\",b,,\r\n"
      "\r\n"
      "r3,\"\",,0.5,\n",
      Format::csv);
  ASSERT_EQ(data.examples.size(), 3u);
  EXPECT_EQ(data.examples.texts[0], "plain text");
  EXPECT_EQ(data.examples.texts[1], "said \"hello\",\nthen \"left\"");
  EXPECT_EQ(data.examples.texts[2], "");
  EXPECT_EQ(row_text(data.examples.labels, 0), "0:1 1:1");
  EXPECT_EQ(row_text(data.examples.labels, 1), "1:1");
  EXPECT_EQ(row_text(data.examples.labels, 2), "");
  EXPECT_EQ(data.examples.weights, (std::vector<float>{2, 1, 0.5}));
  EXPECT_EQ(data.examples.ids[2], "r3");
}

TEST(Csv, BadRowsAreRefusedWithTheLineWhereTheyStart) {
  const auto refused = [](string_view rows) { return refusal("text,labels\n" + std::string(rows), Format::csv); };
  EXPECT_EQ(refused("a\n"), "data: input:2:2: the row has 1 field, expected 2 as in the header");
  EXPECT_EQ(
      refused("a,b\n\"open,b\nmore\nlast"),
      "data: input:3:1: a quoted field without its closing quote; it takes lines 3 to 5, up to the end of the file");
  EXPECT_EQ(refused("\"a\"b,c\n"),
            "data: input:2:4: text follows a closing quote, expected a comma or the end of the row\n"
            "  hint: a quote inside a quoted field is written twice: \"\"");
  EXPECT_EQ(refused("5\" disk,c\n"),
            "data: input:2:2: a quote inside a field that does not start with one, expected none\n"
            "  hint: quote the whole field and write the quote twice: \"\"");
  EXPECT_EQ(refusal("title,labels\n", Format::csv),
            "data: input:1:1: the header has no field 'text', expected one of that name\n"
            "  hint: text_field names the field that holds the text");
}

TEST(Csv, AFaultInARowOfSeveralLinesIsToldByItsOwnLine) {
  const std::string start = "text,labels\r\n\"a\r\nb\",x\r\n";
  EXPECT_EQ(refusal(start + "\"c\r\nd\",\"e\r\nf\" g,y\r\n", Format::csv).substr(0, 17), "data: input:6:3: ");
  EXPECT_EQ(refusal(start + "\"c\nd\"\n", Format::csv).substr(0, 17), "data: input:5:3: ");
  EXPECT_EQ(refusal(start + "\"c\nd\",\"x,,y\"\n", Format::csv).substr(0, 17), "data: input:5:6: ");
}

TEST(Csv, ADamagedHeaderIsNeverLeftOut) {
  ReadOptions options;
  options.format = Format::csv;
  options.skip_bad_lines = true;
  options.max_line_bytes = 100;
  for (const std::string& header :
       {std::string("te\"xt,labels"), std::string("\"text\"x,labels"), std::string("text,\0,labels", 13),
        std::string("\"text,labels"), "text,labels," + std::string(100, 'x')}) {
    EXPECT_TRUE(refusal(header + "\ntext,labels\na,x\n", options).starts_with("data: input:1")) << header;
  }
  EXPECT_EQ(read_bytes("\ntext,labels\na,x\nb\"c,x\n", options).report.bad_lines, 1u);
}

TEST(Csv, ARowWithALineThatIsTooLongIsLeftOutWhole) {
  ReadOptions options;
  options.format = Format::csv;
  options.skip_bad_lines = true;
  options.max_line_bytes = 40;
  const std::string x(50, 'x');
  for (const std::string& row : {
           "\"a\n" + x + "\nmore\",y",                 // inside quotes
           "\"a\n" + x + "\",y",                       // the last line
           "\"" + x + "\nmore, \"\"quoted\"\"\n\",y",  // the first line
           "\"a\n" + x + "\"\"\n" + x + "\nmore\",y",  // two such lines
           "\"a\n" + x + "\",\"b\nmore\"",             // the next field goes on
           "\"" + x + "\",y",                          // a line by itself
           x + ",y",
       }) {
    const Dataset data = read_bytes("text,labels\nfirst,y\n" + row + "\nlast,y\n", options);
    EXPECT_EQ(data.report.bad_lines, 1u) << row;
    ASSERT_EQ(data.examples.size(), 2u) << row;
    EXPECT_EQ(data.examples.texts[1], "last") << row;
  }
  options.format = Format::tsv;
  EXPECT_EQ(read_bytes("text\tlabels\n\"" + x + "\ty\nlast\ty\n", options).examples.size(), 1u);
}

TEST(Csv, AQuoteInAFieldWithoutQuotesTakesNothingWithALineThatIsTooLong) {
  ReadOptions options;
  options.format = Format::csv;
  options.skip_bad_lines = true;
  options.max_line_bytes = 40;
  const std::string x(50, 'x');
  for (const std::string& row : {x + "5\" screen,y", "\"" + x + "\" 5\" screen,y", "\"" + x + "\"\r"}) {
    const Dataset data = read_bytes("text,labels\n" + row + "\na,y\nb,y\n", options);
    EXPECT_EQ(data.examples.size(), 2u) << row;
    EXPECT_EQ(data.report.messages.front(),
              "input:2: the line is longer than 40 bytes\n  hint: set max_line_bytes higher if such lines are meant");
  }
}

/// The first message about `rows` below a header, at most 40 bytes a line, and how many were read.
std::pair<std::string, size_t> first_message(const std::string& rows) {
  ReadOptions options;
  options.format = Format::csv;
  options.skip_bad_lines = true;
  options.max_line_bytes = 40;
  const Dataset data = read_bytes("text,labels\na,y\n" + rows, options);
  EXPECT_EQ(data.report.bad_lines, 1u);
  const std::string& message = data.report.messages.front();
  return {message.substr(0, message.find('\n')), data.examples.size()};
}

TEST(Csv, WhatWentWithALineThatIsTooLongIsSaid) {
  const std::string x(50, 'x');
  EXPECT_EQ(first_message("\"" + x + "\nmore\",y\nb,y\n"),
            std::pair("input:3: the line is longer than 40 bytes; left out: lines 3 to 4"s, size_t{2}));
  EXPECT_EQ(first_message("\"b\n" + x + "\n\",y\nb,y\n"),
            std::pair("input:4: the line is longer than 40 bytes; left out: lines 3 to 5"s, size_t{2}));
  EXPECT_EQ(first_message("\"" + x + "\nb,y\nc,y\n"),
            std::pair("input:3: the line is longer than 40 bytes; left out: lines 3 to 5, up to the end of the file: a "
                      "quote is never closed"s,
                      size_t{1}));
  const std::string ten = "0123456,y\n";
  EXPECT_EQ(first_message("\"" + x + "\n" + ten + ten + ten + ten + ten + ten),
            std::pair("input:3: the line is longer than 40 bytes; left out: lines 3 to 8: no closing quote in 40 bytes "
                      "more"s,
                      size_t{2}));
}

TEST(Csv, HowFarAnOpenQuoteReachesIsSaid) {
  EXPECT_EQ(
      first_message("\"b,y\nc,y\nd,y\n"),
      std::pair("input:3:1: a quoted field without its closing quote; it takes lines 3 to 5, up to the end of the "
                "file"s,
                size_t{1}));
  EXPECT_EQ(first_message("\"b,y\n0123456789012345678,y\n01234567890123456789,y\nd,y\n"),
            std::pair("input:3:1: the row, lines 3 to 5, is longer than 40 bytes"s, size_t{2}));
}

TEST(Csv, TextBehindAClosingQuoteEndsTheRowWithItsLine) {
  ReadOptions options;
  options.format = Format::csv;
  options.skip_bad_lines = true;
  const Dataset data = read_bytes("text,labels\n\"a\nb\" c \"d,y\ne,y\n\"f\",y\n", options);
  EXPECT_EQ(data.examples.size(), 2u);
  EXPECT_EQ(data.report.messages.front().substr(0, 39), "input:3:3: text follows a closing quote");
}

TEST(Csv, WithoutAFieldForTheTextNothingIsRead) {
  ReadOptions options;
  options.text_field.clear();
  for (const Format format : {Format::jsonl, Format::csv, Format::tsv}) {
    options.format = format;
    EXPECT_EQ(refusal("text,labels\na,x\n", options), "usage: text_field is empty, expected the name of a field");
  }
}

TEST(Csv, AnOpenQuoteBeforeManyLinesIsNotReadAgainAndAgain) {
  std::string rows = "text\n\"open\n";
  for (int i = 0; i < 100'000; ++i) rows += "a \"\"quoted\"\" word\n";
  EXPECT_EQ(
      refusal(rows, Format::csv),
      "data: input:2:1: a quoted field without its closing quote; it takes lines 2 to 100002, up to the end of the "
      "file");
}

TEST(Tsv, QuotesAreText) {
  const Dataset data = read_bytes("labels\ttext\na,b\t5\" \"disk\n", Format::tsv);
  EXPECT_EQ(data.examples.texts[0], "5\" \"disk");
  EXPECT_EQ(row_text(data.examples.labels, 0), "0:1 1:1");
}

TEST(LineFormats, ATextThatIsTooLongIsABadLine) {
  ReadOptions options;
  options.format = Format::text;
  options.max_text_bytes = 5;
  EXPECT_EQ(refusal("12345\n123456\n", options),
            "data: input:2:1: the text is longer than 5 bytes\n  hint: split it into several rows");
  options.skip_bad_lines = true;
  EXPECT_EQ(read_bytes("12345\n123456\n", options).report.bad_lines, 1u);
}

TEST(LineFormats, InvalidUtf8IsRepairedAndCounted) {
  const Dataset data = read_bytes("0\tcaf\xe9\n0\tfine\n", Format::labelled_text);
  EXPECT_EQ(data.examples.texts[0], "caf\xef\xbf\xbd");
  EXPECT_EQ(data.report.repaired_lines, 1u);
}

}  // namespace
}  // namespace coppice
