// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/html_report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>

#include "coppice/flow/kinds/kinds.h"
#include "coppice/flow/report/traced_run.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

size_t count(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

/// From one text to the next one, or to the end.
std::string part(const std::string& page, const std::string& from, const std::string& to = "") {
  const size_t begin = page.find(from);
  EXPECT_NE(begin, page.npos) << from;
  if (begin == page.npos) return {};
  return page.substr(begin, to.empty() ? page.npos : page.find(to, begin + from.size()) - begin);
}

class HtmlReportTest : public testing::Test {
 protected:
  HtmlReportTest() {
    add_kinds(kinds_, {});
    workflow_ = read_workflow_text(R"json({"workflow": "site",
        "endpoints": {"far": {"url": "http://127.0.0.1:9/v1"}},
        "models": {"small": {"endpoint": "far", "model": "small"}},
        "steps": {"writer": {"kind": "llm", "with": {"model": "small", "prompt": "x"}},
                  "judge": {"kind": "template", "with": {"value": "{{ steps.writer.output }}"}}}})json",
                                   kinds_);
  }

  static RunSummary run(const char* provenance) {
    TracedEvents events;
    events.record.state = "finished";
    events.start(0).intend(1, "writer", 1, 1, "small");
    events.add(3, EventKind::call_answered, "writer",
               {{"seconds", 2}, {"provenance", provenance}, {"answer", Json::object()}}, 1, 1, Money::of_dollars(0.25));
    events.add(3, EventKind::step_done, "writer", {{"seconds", 3}, {"output", "x"}});
    events.add(4, EventKind::step_done, "judge", {{"seconds", 1}, {"output", "x"}});
    events.add(4, EventKind::run_finished, {}, {{"seconds", 4}});
    return summarize(events.record, events.events);
  }

  static ComparedRun compared(size_t variant, const char* provenance) {
    ComparedRun made;
    made.variant = variant;
    made.finished = made.accepted = made.is_checked = true;
    made.seconds = 4;
    made.cost_dollars = 0.25;
    made.provenance = provenance_named(provenance);
    made.summary = std::make_shared<const RunSummary>(run(provenance));
    return made;
  }

  std::string compared_page(const CompareOptions& options) {
    return comparison_report(compare({compared(0, "measured"), compared(1, "simulated")}, options),
                             {workflow_, workflow_});
  }

  static CompareOptions options() {
    CompareOptions made;
    made.variants = {"single", "decomposed"};
    return made;
  }

  StepKinds kinds_;
  Workflow workflow_;
};

TEST_F(HtmlReportTest, EachVariantHasItsStepsATypicalRunAndItsCostByStep) {
  const std::string page = compared_page(options());
  for (const std::string& section : {part(page, "<h2>single</h2>", "<h2>"), part(page, "<h2>decomposed</h2>")}) {
    EXPECT_NE(section.find("aria-label=\"the steps and what they wait for\""), section.npos);
    EXPECT_NE(section.find("aria-label=\"the steps over time\""), section.npos);
    const std::string costs = part(section, "Cost by step");
    EXPECT_NE(costs.find("<td>writer</td>"), costs.npos) << costs;
    EXPECT_NE(costs.find("$0.25"), costs.npos) << costs;
    EXPECT_NE(costs.find("100.0 %"), costs.npos) << costs;
  }
}

TEST_F(HtmlReportTest, QualityStandsBesideCostAndTimeOfAStep) {
  ComparedRun first = compared(0, "measured"), second = compared(1, "measured");
  second.verdicts = {{"judge", {"writer"}, 1, 0.75}, {"checks", {"writer", "painter"}, 0, 0.5}};
  const std::string page = comparison_report(compare({first, second}, options()), {workflow_, workflow_});
  EXPECT_NE(part(part(page, "<h2>single</h2>", "<h2>"), "Quality by step").find("No step is judged here."), page.npos);
  const std::string table = part(part(page, "<h2>decomposed</h2>"), "Quality by step");
  EXPECT_EQ(table.find("No step is judged here."), table.npos);
  const std::string row = part(table, "<td>writer</td>", "</tr>");
  for (const char* cell : {"$0.25", "3.00 s", "<td>judge</td>", "75.0 %"}) EXPECT_NE(row.find(cell), row.npos) << row;
  EXPECT_NE(table.find("checks <small>together with painter</small>"), table.npos) << table;
}

TEST_F(HtmlReportTest, BarsOfCallsSayWhichItemAndWhatTheirColoursMean) {
  TracedEvents events;
  events.record.state = "finished";
  events.start(0);
  for (const int item : {0, 1, 2}) {
    events.intend(1 + item, "writer", 1, 1, "a-model-of-a-long-name-that-is-cut");
    events.events.back().item = item;
    const EventKind ends[] = {EventKind::call_answered, EventKind::call_failed, EventKind::call_unknown};
    events.add(1.5 + item, ends[item], "writer", {{"seconds", 0.5}}, 1, 1);
    events.events.back().item = item;
  }
  const std::string page = run_report(summarize(events.record, events.events), workflow_);
  const std::string svg = part(page, "aria-label=\"the steps over time\"", "</svg>");
  for (const char* text :
       {" #0</text>", " #1</text>", " #2</text>", ", item #2 (unknown): ", ">step</text>",
        ">call that was answered</text>", ">call that failed</text>", ">call of unknown end</text>"}) {
    EXPECT_EQ(count(svg, text), 1U) << text << "\n" << svg;
  }
  EXPECT_NE(page.find("the items of a <code>foreach</code>"), page.npos);
}

TEST_F(HtmlReportTest, EachFigureHasItsTag) {
  const std::string page = compared_page(options());
  const std::string measured = "<span class=\"tag measured\">measured</span>";
  const std::string simulated = "<span class=\"tag simulated\">simulated</span>";
  EXPECT_EQ(count(part(page, "<h2>single</h2>", "<h2>"), measured), 3U) << "run, cost, quality";
  EXPECT_EQ(count(part(page, "<h2>decomposed</h2>"), simulated), 3U);
  EXPECT_NE(page.find("single " + measured), page.npos) << "in the table of figures";
  EXPECT_NE(page.find("decomposed " + simulated), page.npos);
  EXPECT_NE(page.find("Total cost by users " + simulated), page.npos) << "of both the weaker";
  EXPECT_EQ(count(part(page, "<div class=\"verdict", "</div>"), simulated), 1U);
}

TEST_F(HtmlReportTest, WithoutFixedCostsNoNumberOfUsersIsTold) {
  CompareOptions some = options();
  EXPECT_EQ(compared_page(some).find("It pays"), std::string::npos);
  some.ownership = {{100, 0}, {0, 0}};
  EXPECT_NE(compared_page(some).find("It pays at once (too few inputs)."), std::string::npos);
  some.ownership = {{0, 0}, {100, 0}};
  EXPECT_NE(compared_page(some).find("It pays never (too few inputs)."), std::string::npos);
}

TEST_F(HtmlReportTest, TheChartOfCostsReachesPastTheCrossing) {
  CompareOptions some = options();
  some.ownership = {{8000, 0}, {0, 0}};
  ComparedRun first = compared(0, "measured"), second = compared(1, "measured");
  second.cost_dollars = first.cost_dollars + 0.0075;
  const std::string page = comparison_report(compare({first, second}, some), {workflow_, workflow_});
  EXPECT_NE(page.find("It pays up to 35,555 users (too few inputs)."), page.npos) << part(page, "It pays", "<");
  const std::string chart = part(page, "aria-label=\"lines\"", "</svg>");
  EXPECT_NE(chart.find(">35,555 users</text>"), chart.npos) << "marked";
  EXPECT_NE(chart.find(">1M</text>"), chart.npos) << "and passed";
}

TEST_F(HtmlReportTest, TheCostsThatAChartAssumesAreNamed) {
  CompareOptions some = options();
  EXPECT_NE(compared_page(some).find("No fixed costs and no costs of operation were given"), std::string::npos);
  some.ownership = {{0, 0}, {8000, 0}};
  EXPECT_NE(compared_page(some).find("Assumed: fixed costs single $0, decomposed $8000.00; what was not given counts "
                                     "as $0."),
            std::string::npos)
      << part(compared_page(some), "Total cost by users", "<h2>");
}

TEST_F(HtmlReportTest, WhereNoRunHasFinishedThereIsNoChartOfCosts) {
  ComparedRun failed;
  failed.error = "no server";
  const std::string page = comparison_report(compare({failed}, options()), {workflow_, workflow_});
  EXPECT_EQ(page.find("aria-label=\"lines\""), page.npos);
  EXPECT_NE(page.find("nobody knows what one costs"), page.npos);
  EXPECT_NE(page.find("<td>coherence</td><td>-</td>"), page.npos) << part(page, "<td>coherence", "</tr>");
  ComparedRun free = compared(0, "measured");
  free.cost_dollars = 0;
  const std::string without_cost = comparison_report(compare({free}, options()), {workflow_, workflow_});
  EXPECT_EQ(without_cost.find("e-30"), page.npos);
}

TEST_F(HtmlReportTest, WhatIsAssumedOfTheCostIsToldOnBothPages) {
  RunSummary some = run("measured");
  some.unknown.add(Money::of_dollars(0.04));
  EXPECT_NE(run_report(some, workflow_).find("$0.2500, of it $0.0400 for 1 call whose end is unknown"),
            std::string::npos);
  ComparedRun interrupted = compared(0, "measured");
  interrupted.unknown = some.unknown;
  const std::string page = comparison_report(compare({interrupted}, options()), {workflow_, workflow_});
  EXPECT_NE(page.find("$0.0400 for 1 call whose end is unknown is not counted"), page.npos);
}

TEST_F(HtmlReportTest, TheLegendIsTrueOfReplaysOfAStandInToo) {
  const std::string legend = part(compared_page(options()), "Simulated: ", "</p>");
  for (const char* text : {"now or when the answers were recorded", "unless a recording was replayed"})
    EXPECT_NE(legend.find(text), legend.npos) << legend;
}

TEST_F(HtmlReportTest, AScoreOfNoChecksIsNone) {
  ComparedRun first = compared(0, "measured"), second = compared(1, "measured");
  first.score = std::numeric_limits<double>::quiet_NaN();
  second.score = 0.5;
  const std::string page = comparison_report(compare({first, second}, options()), {workflow_, workflow_});
  EXPECT_NE(page.find("<td>score of the checks</td><td>-</td><td>50.0 %"), page.npos)
      << part(page, "score of", "</tr>");
}

TEST_F(HtmlReportTest, AHintStandsOnALineOfItsOwn) {
  RunSummary told = run("measured");
  told.error = told.steps[0].error = "no server\nhint: begin one";
  EXPECT_EQ(count(run_report(told, workflow_), "no server<br>hint: begin one"), 2U);
}

TEST_F(HtmlReportTest, WhatWaitsAndWhatIsInterruptedSaysHowItGoesOn) {
  RunSummary waits = run("measured");
  waits.record.state = "waiting";
  waits.steps[1].questions.push_back({-1, "Publish <it>?"});
  const std::string page = run_report(waits, workflow_);
  EXPECT_NE(page.find("Step judge waits for a person: Publish &lt;it&gt;?"), page.npos);
  EXPECT_NE(page.find("coppice flow approve r1 --step judge"), page.npos);
  waits.record.state = "running";
  EXPECT_NE(run_report(waits, workflow_).find("coppice flow resume r1</code> goes on"), page.npos);
  waits.record.state = "stopped";
  waits.error = "stopped on request";
  waits.steps[1].questions[0].item = 3;
  const std::string stopped = run_report(waits, workflow_, " --journal a.db");
  EXPECT_NE(stopped.find("stopped on request: <code>coppice flow resume r1 --journal a.db</code> goes on"), page.npos);
  EXPECT_NE(stopped.find("Step judge, item 3 waits for a person"), page.npos);
  EXPECT_NE(stopped.find("coppice flow approve r1 --journal a.db --step judge --item 3</code>"), page.npos);
  EXPECT_EQ(count(stopped, "stopped on request"), 1U);
}

TEST_F(HtmlReportTest, ARunSaysWhereItsFiguresComeFrom) {
  EXPECT_EQ(count(run_report(run("replayed"), workflow_), "<span class=\"tag replayed\">replayed</span>"), 4U);
  RunSummary nobody = run("measured");
  nobody.provenance = Provenance::none;
  const std::string page = run_report(nobody, workflow_);
  EXPECT_EQ(page.find(">measured<"), page.npos);
  EXPECT_NE(page.find(">no model answered<"), page.npos);
}

TEST_F(HtmlReportTest, WhatServersSayIsNoHtmlAndNothingIsFetched) {
  ComparedRun failed;
  failed.error = "got <img src=x>";
  RunSummary told = run("measured");
  told.error = told.steps[0].error = failed.error;
  for (const std::string& page :
       {comparison_report(compare({compared(0, "measured"), failed}, options()), {workflow_, workflow_}),
        run_report(told, workflow_)}) {
    EXPECT_NE(page.find("got &lt;img"), page.npos);
    EXPECT_EQ(page.find("<img"), page.npos);
    for (const char* outside : {"<script", "href=", "url(", "@import"}) EXPECT_EQ(page.find(outside), page.npos);
  }
}

}  // namespace
}  // namespace coppice
