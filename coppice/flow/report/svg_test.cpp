// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/svg.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <set>
#include <string>
#include <vector>

namespace coppice {
namespace {

struct Box {
  double x = 0, y = 0, width = 0, height = 0;
};

std::vector<Box> boxes_of(const std::string& svg) {
  std::vector<Box> boxes;
  for (size_t at = svg.find("<rect"); at != svg.npos; at = svg.find("<rect", at + 1)) {
    Box box;
    EXPECT_EQ(std::sscanf(svg.c_str() + at, R"(<rect x="%lf" y="%lf" width="%lf" height="%lf")", &box.x, &box.y,
                          &box.width, &box.height),
              4);
    boxes.push_back(box);
  }
  return boxes;
}

/// A part of a line between x = from and x = to; straight where both heights are the same.
struct Piece {
  double from = 0, to = 0, y_from = 0, y_to = 0;
};

std::vector<Piece> pieces_of(const std::string& svg) {
  std::vector<Piece> pieces;
  for (size_t at = svg.find("<path d=\"M"); at != svg.npos; at = svg.find("<path d=\"M", at + 1)) {
    const char* text = svg.c_str() + at + 10;
    double x = 0, y = 0;
    int used = 0;
    EXPECT_EQ(std::sscanf(text, "%lf %lf%n", &x, &y, &used), 2);
    for (text += used; *text != '"'; text += used) {
      double skipped[3], middle = 0, to = 0, y_to = y;
      if (std::sscanf(text, " C%lf %lf %lf %lf %lf %lf%n", &middle, skipped, skipped + 1, skipped + 2, &to, &y_to,
                      &used) != 6) {
        y_to = y;
        if (std::sscanf(text, " H%lf%n", &to, &used) != 1) {
          ADD_FAILURE() << text;
          return pieces;
        }
      }
      pieces.push_back({x, to, y, y_to});
      x = to;
      y = y_to;
    }
  }
  return pieces;
}

/// Lines go level over columns and change their height between them, where there are no boxes.
size_t lines_behind_boxes(const std::string& svg) {
  size_t found = 0;
  for (const Piece& piece : pieces_of(svg)) {
    for (const Box& box : boxes_of(svg)) {
      const bool is_beside = piece.to <= box.x || piece.from >= box.x + box.width;
      const double top = std::min(piece.y_from, piece.y_to), bottom = std::max(piece.y_from, piece.y_to);
      if (!is_beside && bottom > box.y && top < box.y + box.height) ++found;
    }
  }
  return found;
}

GraphNode node(const char* name, std::vector<size_t> after = {}) {
  return {name, "llm", "done", std::move(after)};
}

TEST(SvgTest, NoLineOfAGraphPassesBehindABox) {
  // The pictures are handed to the artist and, past it, to the check of quality.
  const std::string svg = graph_svg({node("pictures"), node("artist", {0}), node("quality", {0, 1})});
  EXPECT_EQ(boxes_of(svg).size(), 3U);
  EXPECT_EQ(pieces_of(svg).size(), 2U + 3U) << "one goes around a box: there, past it, and down again";
  EXPECT_EQ(lines_behind_boxes(svg), 0U) << svg;
}

TEST(SvgTest, LongLinesOfDifferentStepsAreApart) {
  const std::string svg = graph_svg({node("a"), node("b"), node("c", {0}), node("d", {1}), node("e", {2, 3}),
                                     node("f", {0, 1, 4}), node("g", {0, 1, 5})});
  EXPECT_EQ(lines_behind_boxes(svg), 0U) << svg;
  std::set<std::pair<double, double>> level;  // where it begins, its height
  for (const Piece& piece : pieces_of(svg)) {
    if (piece.to - piece.from > 100) level.emplace(piece.from, piece.y_from);
  }
  EXPECT_EQ(level.size(), 2U * 3U) << "two steps whose lines pass three columns; lines of one step share their way";
}

TEST(SvgTest, AChartOfNothingButZerosHasAnAxis) {
  LineChart chart;
  chart.x = {1, 10};
  chart.lines = {{"free", {0, 0}}};
  const std::string svg = lines_svg(chart);
  EXPECT_NE(svg.find("<polyline"), svg.npos);
  EXPECT_EQ(svg.find("e-30"), svg.npos) << svg;
}

}  // namespace
}  // namespace coppice
