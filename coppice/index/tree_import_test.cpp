// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/tree_import.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/data/label_names.h"
#include "coppice/index/tree_export.h"

namespace coppice {
namespace {

using List = std::vector<uint32_t>;

List list(const Array<uint32_t>& array) {
  return {array.begin(), array.end()};
}

/// Labels "a", "b", "c", ...
TreeImportOptions letters(uint32_t count) {
  TreeImportOptions options;
  options.n_labels = count;
  options.label_of = [count](std::string_view name) -> std::optional<uint32_t> {
    if (name.size() != 1 || name[0] < 'a' || name[0] >= static_cast<char>('a' + count)) return std::nullopt;
    return static_cast<uint32_t>(name[0] - 'a');
  };
  return options;
}

std::string refusal(std::string_view json, const TreeImportOptions& options) {
  try {
    tree_from_json(json, options, "tree.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    return error.message();
  }
  return "accepted";
}

TEST(TreeFromJson, ReadsNestedClusters) {
  const LabelTree tree = tree_from_json(
      R"({"name": "all", "children": [{"children": [{"label": "b"}, "a"]}, {"labels": ["c", 3]}]})", letters(4), "t");
  ASSERT_EQ(tree.depth(), 2u);
  EXPECT_EQ(list(tree.first_child[0]), (List{0, 2}));
  EXPECT_EQ(list(tree.first_child[1]), (List{0, 2, 4}));
  EXPECT_EQ(list(tree.leaf_label), (List{1, 0, 2, 3}));
}

TEST(TreeFromJson, LevelsBranchesOutAndDropsEmptyOnes) {
  const LabelTree tree =
      tree_from_json(R"({"children": ["a", {"children": [{"children": []}]}, {"children": [{"labels": ["b", "a"]}]}]})",
                     letters(2), "t");
  ASSERT_EQ(tree.depth(), 3u);
  EXPECT_EQ(list(tree.first_child[0]), (List{0, 2}));
  EXPECT_EQ(list(tree.first_child[1]), (List{0, 1, 2}));
  EXPECT_EQ(list(tree.first_child[2]), (List{0, 1, 3}));
  EXPECT_EQ(list(tree.leaf_label), (List{0, 1, 0}));
}

TEST(TreeFromJson, TakesASingleLabel) {
  EXPECT_EQ(tree_from_json("\"a\"", letters(1), "t").leaf_label.size(), 1u);
  EXPECT_EQ(tree_from_json(R"({"label": "a"})", letters(1), "t").depth(), 1u);
}

TEST(TreeFromJson, GathersMissingLabelsWhenAsked) {
  EXPECT_NE(refusal(R"({"labels": ["b"]})", letters(3)).find("2 of 3 labels are not in it, label 0"),
            std::string::npos);
  TreeImportOptions options = letters(3);
  options.missing = MissingLabels::gather;
  size_t gathered = 0;
  options.on_gathered = [&](size_t count) { gathered = count; };
  const LabelTree tree = tree_from_json(R"({"labels": ["b"]})", options, "t");
  EXPECT_EQ(gathered, 2u);
  List labels = list(tree.leaf_label);
  std::sort(labels.begin(), labels.end());
  EXPECT_EQ(labels, (List{0, 1, 2}));
  options.n_labels = 950;
  const LabelTree wide = tree_from_json(R"({"labels": ["b"]})", options, "t");
  EXPECT_EQ(wide.leaf_label.size(), 950u);
  EXPECT_EQ(wide.n_nodes(wide.depth() - 1), 11u);
}

TEST(TreeFromJson, NamesThePlaceOfAFault) {
  const TreeImportOptions options = letters(2);
  EXPECT_TRUE(refusal("{\"children\": [", options).starts_with("tree.json:1:15: label tree: no valid JSON: syntax"));
  EXPECT_TRUE(refusal("{\"children\":\n [\n  }]}", options).starts_with("tree.json:3:3: label tree: no valid JSON"));
  EXPECT_NE(refusal(R"({"children": ["a", {"label": "z"}]})", options).find("/children/1/label"), std::string::npos);
  EXPECT_NE(refusal(R"({"children": ["a", {"label": "z"}]})", options).find("unknown label \"z\""), std::string::npos);
  EXPECT_NE(refusal(R"({"labels": [5]})", options).find("expected 0 to 1"), std::string::npos);
  EXPECT_NE(refusal(R"({"labels": [-1]})", options).find("expected 0 to 1"), std::string::npos);
  EXPECT_NE(refusal(R"({"labels": [true]})", options).find("neither a name nor a number"), std::string::npos);
  EXPECT_NE(refusal(R"({"label": "a", "children": []})", options).find("both"), std::string::npos);
  EXPECT_NE(refusal(R"({"children": [{"labels": ["a"]}, {"labels": ["b"]}]})", options).find("accepted"),
            std::string::npos);
  for (const char* twice :
       {R"({"children": ["a"], "children": ["b"]})", R"({"children": [{"label": "a", "x": {}, "label": "b"}]})"}) {
    EXPECT_NE(refusal(twice, options).find("twice, expected it once"), std::string::npos);
  }
  EXPECT_NE(refusal(R"({"kids": []})", options).find("neither \"children\""), std::string::npos);
  EXPECT_NE(refusal(R"({"children": 3})", options).find("expected a list"), std::string::npos);
  EXPECT_NE(refusal("[]", options).find("neither a name"), std::string::npos);
  EXPECT_NE(refusal("", options).find("no valid JSON"), std::string::npos);
  EXPECT_NE(refusal("{\"children\": [1e399999999]}", options).find("no valid JSON"), std::string::npos);
  EXPECT_NE(refusal("\"a\"", letters(0)), "accepted");
}

TEST(TreeFromJson, RefusesANameThatSeveralLabelsHave) {
  TreeImportOptions options = letters(2);
  options.is_repeated = [](std::string_view name) { return name == "b"; };
  const std::string told = refusal(R"({"labels": ["a", "b"]})", options);
  EXPECT_NE(told.find("/labels/1"), std::string::npos) << told;
  EXPECT_NE(told.find("several labels are named \"b\""), std::string::npos) << told;
  EXPECT_EQ(refusal(R"({"labels": ["a", 1]})", options), "accepted");
}

TEST(TreeFromJson, AsksForNumbersWhereLabelsHaveNoNames) {
  TreeImportOptions options;
  options.n_labels = 2;
  EXPECT_NE(refusal(R"({"labels": ["0", 1]})", options).find("without quotes"), std::string::npos);
  EXPECT_EQ(refusal(R"({"labels": [0, {"label": 1}]})", options), "accepted");
}

TEST(TreeFromJson, RefusesATreeOfNoLabel) {
  for (const MissingLabels missing : {MissingLabels::refuse, MissingLabels::gather}) {
    TreeImportOptions options = letters(3);
    options.missing = missing;
    for (const char* empty : {R"({"children": []})", R"({"children": [{"labels": []}]})"}) {
      EXPECT_NE(refusal(empty, options).find("it holds no label"), std::string::npos) << empty;
    }
  }
}

TEST(TreeFromJson, RefusesBottomlessNesting) {
  std::string deep, end;
  for (int i = 0; i < 20000; ++i) {
    deep += R"({"children":[)";
    end += "]}";
  }
  EXPECT_NE(refusal(deep + "\"a\"" + end, letters(1)).find("deeper than 256"), std::string::npos);
}

Csr matrix(uint32_t columns, const std::vector<List>& rows) {
  CsrBuilder builder(columns);
  for (const List& row : rows) {
    for (const uint32_t column : row) builder.add(column, 1);
    builder.end_row();
  }
  return builder.build();
}

TEST(TreeFromClusters, OrdersSiblingsAndKeepsOverlaps) {
  const std::vector<Csr> chain{matrix(1, {{0}, {0}}), matrix(2, {{1}, {0}, {1}}), matrix(3, {{2}, {0, 1}, {0}, {1}})};
  const LabelTree tree = tree_from_clusters(chain, {}, "clusters");
  EXPECT_EQ(tree.n_labels, 4u);
  ASSERT_EQ(tree.depth(), 3u);
  EXPECT_EQ(list(tree.first_child[1]), (List{0, 1, 3}));
  EXPECT_EQ(list(tree.first_child[2]), (List{0, 2, 4, 5}));
  EXPECT_EQ(list(tree.leaf_label), (List{1, 3, 1, 2, 0}));
}

TEST(TreeFromClusters, AddsARootDropsEmptyClustersRepeatsSharedOnes) {
  // Cluster 1 has no label; cluster 2 of the middle level has both roots as parents.
  const std::vector<Csr> chain{matrix(2, {{0}, {0}, {0, 1}}), matrix(3, {{0}, {2}})};
  const LabelTree tree = tree_from_clusters(chain, {}, "clusters");
  ASSERT_EQ(tree.depth(), 3u);
  EXPECT_EQ(list(tree.first_child[0]), (List{0, 2}));
  EXPECT_EQ(list(tree.first_child[1]), (List{0, 2, 3}));
  EXPECT_EQ(list(tree.leaf_label), (List{0, 1, 1}));
}

TEST(TreeFromClusters, RefusesWhatDoesNotFit) {
  const auto refused = [](const std::vector<Csr>& chain) {
    EXPECT_THROW(tree_from_clusters(chain, {}, "clusters"), Error);
  };
  refused({});
  refused({Csr{}});
  refused({matrix(1, {{0}, {0}}), matrix(3, {{0}})});
  refused({matrix(1, {{0}, {}})});  // label 1 is nowhere
  Csr hostile = matrix(1, {{0}});
  hostile.columns = List{7};
  refused({hostile});
  std::vector<Csr> doubling{matrix(1, {{0}, {0}})};
  for (int t = 0; t < 40; ++t) doubling.push_back(matrix(2, {{0, 1}, {0, 1}}));
  refused(doubling);
}

TEST(TreeFromClusters, GathersLabelsOutsideOfAllClusters) {
  TreeImportOptions options;
  options.missing = MissingLabels::gather;
  const LabelTree tree = tree_from_clusters(std::vector<Csr>{matrix(1, {{0}, {}})}, options, "clusters");
  EXPECT_EQ(tree.n_labels, 2u);
  EXPECT_EQ(tree.leaf_label.size(), 2u);
}

LabelTree two_level_tree(uint32_t n_labels, uint32_t clusters) {
  LabelTree tree;
  tree.n_labels = n_labels;
  List first{0}, labels(n_labels);
  for (uint32_t c = 1; c <= clusters; ++c) first.push_back(c * n_labels / clusters);
  std::iota(labels.begin(), labels.end(), 0);
  tree.first_child = {List{0, clusters}, first};
  tree.leaf_label = labels;
  return tree;
}

TreeNames numbered() {
  return {[](uint32_t label) { return "label " + std::to_string(label); }};
}

TEST(TreeToJson, CanBeReadBack) {
  const LabelTree tree = two_level_tree(30, 4);
  const std::string json = tree_to_json(tree, numbered(), {});
  TreeImportOptions options;
  options.n_labels = 30;
  options.label_of = [](std::string_view name) {
    return static_cast<uint32_t>(std::stoul(std::string(name.substr(6))));
  };
  const LabelTree back = tree_from_json(json, options, "t");
  EXPECT_EQ(list(back.leaf_label), list(tree.leaf_label));
  EXPECT_EQ(list(back.first_child[1]), list(tree.first_child[1]));
}

TEST(TreeToJson, NamesByNumberTheLabelsThatANameDoesNotFind) {
  const std::vector<std::string> known{"a", "b", "a", "\xFF"};
  const LabelNames labels = LabelNames::from(known);
  const LabelTree tree = two_level_tree(4, 2);
  const std::string json = tree_to_json(tree,
                                        {[&](uint32_t label) { return known[label]; },
                                         {},
                                         [&](std::string_view name) { return labels.is_repeated(name); }},
                                        {});
  for (const char* line : {R"({"label": 0, "name": "a"})", R"({"label": "b"})", R"({"label": 2, "name": "a"})",
                           "{\"label\": 3, \"name\": \"\xEF\xBF\xBD\"}"}) {
    EXPECT_NE(json.find(line), std::string::npos) << line << " in " << json;
  }
  TreeImportOptions options;
  options.n_labels = 4;
  options.label_of = [&](std::string_view name) { return labels.find(name); };
  options.is_repeated = [&](std::string_view name) { return labels.is_repeated(name); };
  EXPECT_EQ(list(tree_from_json(json, options, "t").leaf_label), list(tree.leaf_label));
}

TEST(TreeToJson, OfLabelsWithoutNamesCanBeReadBack) {
  const LabelTree tree = two_level_tree(30, 4);
  const std::string json = tree_to_json(tree, {}, {});
  EXPECT_NE(json.find(R"({"label": 7})"), std::string::npos) << json;
  TreeImportOptions options;
  options.n_labels = 30;
  EXPECT_EQ(list(tree_from_json(json, options, "t").leaf_label), list(tree.leaf_label));
  TreeViewOptions one_level;
  one_level.most_depth = 1;
  EXPECT_NE(tree_to_json(tree, {}, one_level).find(R"("examples": ["0", "1")"), std::string::npos);
}

TEST(TreeToJson, StopsAtTheDepthAskedForAndStartsAtANode) {
  TreeViewOptions options;
  options.most_depth = 1;
  std::vector<uint32_t> frequencies(30);
  frequencies[3] = 9;
  TreeNames names = numbered();
  names.frequencies = frequencies;
  const std::string json = tree_to_json(two_level_tree(30, 4), names, options);
  EXPECT_NE(json.find(R"({"n_labels": 7, "examples": ["label 3", "label 0",)"), std::string::npos);
  EXPECT_EQ(json.find("children", json.find("children") + 1), std::string::npos);
  options = {};
  options.level = 1;
  options.node = 1;
  EXPECT_NE(tree_to_json(two_level_tree(30, 4), names, options).find("label 7"), std::string::npos);
  options.node = 4;
  EXPECT_THROW(tree_to_json(two_level_tree(30, 4), names, options), Error);
  options.level = 3;
  EXPECT_THROW(tree_to_json(two_level_tree(30, 4), names, options), Error);
}

/// Two clusters of labels 0 to 3 and 2 to 5, and a third of labels 0 and 0.
LabelTree overlapping_tree() {
  LabelTree tree;
  tree.n_labels = 6;
  tree.first_child = {List{0, 3}, List{0, 4, 8, 10}};
  tree.leaf_label = List{3, 2, 1, 0, 2, 3, 4, 5, 0, 0};
  return tree;
}

TEST(TreeToJson, CountsAndShowsALabelOfSeveralLeavesOnce) {
  TreeViewOptions options;
  options.most_depth = 1;
  const std::string json = tree_to_json(overlapping_tree(), {}, options);
  EXPECT_NE(json.find(R"({"n_labels": 6, "children")"), std::string::npos) << json;
  EXPECT_NE(json.find(R"({"n_labels": 4, "examples": ["3", "2", "1", "0"]})"), std::string::npos) << json;
  EXPECT_NE(json.find(R"({"n_labels": 1, "examples": ["0"]})"), std::string::npos) << json;
  const std::string svg = tree_to_svg(overlapping_tree(), {}, options);
  EXPECT_NE(svg.find("6 labels<"), std::string::npos) << svg;
  EXPECT_NE(svg.find("1 label:</tspan> 0<"), std::string::npos) << svg;
  const std::vector<uint32_t> frequencies{1, 9, 5, 7, 2, 3};
  const std::string top = tree_to_json(overlapping_tree(), {{}, frequencies}, options);
  EXPECT_NE(top.find(R"({"n_labels": 4, "examples": ["3", "2", "5", "4"]})"), std::string::npos) << top;
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(TreeToSvg, StaysWithinItsRowsAndSumsUpTheRest) {
  TreeViewOptions options;
  options.most_rows = 40;
  const std::string svg = tree_to_svg(two_level_tree(9000, 100), numbered(), options);
  EXPECT_LE(count(svg, "<text"), 40u + 2 + 12);
  EXPECT_NE(svg.find("and 88 more clusters"), std::string::npos);
  EXPECT_NE(svg.find("and 78 more labels"), std::string::npos);
  EXPECT_NE(svg.find("9,000 labels"), std::string::npos);
  EXPECT_EQ(svg.substr(svg.size() - 7), "</svg>\n");
}

TEST(TreeToSvg, EscapesHostileNames) {
  const LabelTree tree = two_level_tree(1, 1);
  const auto drawn = [&](const std::string& name) { return tree_to_svg(tree, {[&](uint32_t) { return name; }}, {}); };
  EXPECT_NE(drawn("<script>&").find("&lt;script&gt;&amp;"), std::string::npos);
  EXPECT_NE(drawn(std::string("a\0b\xFF\xC3", 5))
                .find(">a?b?"
                      "?<"),
            std::string::npos);
  EXPECT_NE(drawn("\xEF\xBF\xBF\xED\xA0\x80")
                .find(">?"
                      "?<"),
            std::string::npos);
  EXPECT_NE(drawn(std::string(100, 'x')).find(std::string(40, 'x') + "\u2026"), std::string::npos);
}

}  // namespace
}  // namespace coppice
