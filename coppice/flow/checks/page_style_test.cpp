// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/page_style.h"

#include <gtest/gtest.h>

#include <cmath>

namespace coppice {
namespace {

PageStyle style_of(const HtmlPage& page, std::string_view linked = "") {
  return PageStyle(
      page, [linked](std::string_view address) { return address == "a.css" ? std::optional(linked) : std::nullopt; });
}

/// "#777777 on #ffffff", or why it is not known, of the element with the id "x".
std::string pair_in(std::string_view html, std::string_view linked = "") {
  const HtmlPage page(html);
  const PageStyle style = style_of(page, linked);
  for (size_t i = 0; i < page.size(); ++i) {
    if (page[i].get("id") != "x") continue;
    if (style[i].is_hidden) return "hidden";
    const TextContrast found = style.contrast(page, i);
    return found.unknown.empty() ? color_text(found.text) + " on " + color_text(found.background)
                                 : "? " + found.unknown;
  }
  return "no #x";
}

std::string in_sheet(const std::string& sheet, const std::string& body = "<p id=x class=c>t</p>") {
  return pair_in("<style>" + sheet + "</style>" + body);
}

TEST(PageStyle, WithoutSheetsTextIsBlackOnWhite) {
  EXPECT_EQ(pair_in("<p id=x>t"), "#000000 on #ffffff");
  EXPECT_EQ(pair_in("<a id=x href=y>t</a>"), "#0000ee on #ffffff");
  EXPECT_EQ(pair_in("<a id=x>t</a>"), "#000000 on #ffffff");
  EXPECT_EQ(pair_in("<mark id=x>t</mark>"), "#000000 on #ffff00");
  EXPECT_EQ(pair_in("<button id=x>t</button>"), "#000000 on #efefef");
  EXPECT_EQ(pair_in("<table><tr><td id=x bgcolor='#000'><font color=red>t</font></table>"), "#000000 on #000000");
}

TEST(PageStyle, RulesAreTakenFromAllSheets) {
  EXPECT_EQ(in_sheet("p { color: #777 }"), "#777777 on #ffffff");
  EXPECT_EQ(pair_in("<link rel=stylesheet href=a.css><p id=x>t", "p{color:red}"), "#ff0000 on #ffffff");
  EXPECT_EQ(pair_in("<link rel='alternate stylesheet' href=a.css><p id=x>t", "p{color:red}"), "#000000 on #ffffff");
  EXPECT_EQ(pair_in("<link rel=stylesheet media=print href=a.css><p id=x>t", "p{color:red}"), "#000000 on #ffffff");
  EXPECT_EQ(pair_in("<p id=x style='color: red; background: #eee'>t"), "#ff0000 on #eeeeee");
}

TEST(PageStyle, TheCascadeDecides) {
  EXPECT_EQ(in_sheet("p { color: red } p { color: blue }"), "#0000ff on #ffffff");
  EXPECT_EQ(in_sheet(".c { color: red } p { color: blue }"), "#ff0000 on #ffffff");
  EXPECT_EQ(in_sheet("#x { color: red } .c.c.c { color: blue }"), "#ff0000 on #ffffff");
  EXPECT_EQ(in_sheet("p { color: red !important } #x { color: blue }"), "#ff0000 on #ffffff");
  EXPECT_EQ(in_sheet("#x { color: red }", "<p id=x style='color: blue'>t"), "#0000ff on #ffffff");
  EXPECT_EQ(in_sheet("p { color: red !important }", "<p id=x style='color: blue'>t"), "#ff0000 on #ffffff");
  EXPECT_EQ(in_sheet("p { color: red !important }", "<p id=x style='color: blue !important'>t"), "#0000ff on #ffffff");
  // A value that is none is dropped; what stood before it holds.
  EXPECT_EQ(in_sheet("p { color: red; color: #12345 }"), "#ff0000 on #ffffff");
  EXPECT_EQ(in_sheet("p { background: red; background: #12345 url(a.png) }"), "#000000 on #ff0000");
  EXPECT_EQ(in_sheet("a, p { color: red } a > > b { color: blue }"), "#ff0000 on #ffffff");
}

TEST(PageStyle, ColoursAreInheritedAndBackgroundsShowThrough) {
  EXPECT_EQ(in_sheet("body { color: #333; background: #eee }"), "#333333 on #eeeeee");
  EXPECT_EQ(in_sheet("div { background-color: black; color: white }", "<div><p><b id=x>t</b></p></div>"),
            "#ffffff on #000000");
  EXPECT_EQ(in_sheet("a { color: inherit } div { color: red }", "<div><a id=x href=y>t</a></div>"),
            "#ff0000 on #ffffff");
  EXPECT_EQ(in_sheet("p { color: currentColor; background: currentColor } body { color: red }"), "#ff0000 on #ff0000");
  EXPECT_EQ(in_sheet("p { color: initial } body { color: red }"), "#000000 on #ffffff");
  EXPECT_EQ(in_sheet("body { background: black } p { background: none; color: white }"), "#ffffff on #000000");
}

TEST(PageStyle, TransparencyIsComposited) {
  EXPECT_EQ(in_sheet("p { color: rgba(0,0,0,.5) }"), "#808080 on #ffffff");
  EXPECT_EQ(in_sheet("div { background: black } p { background: rgba(255,255,255,.5); color: white }",
                     "<div><p id=x>t</div>"),
            "#ffffff on #808080");
  EXPECT_EQ(in_sheet("p { opacity: .5 }"), "#808080 on #ffffff");
  EXPECT_EQ(in_sheet("p { opacity: 50%; background: black; color: white }"), "#ffffff on #808080");
  EXPECT_EQ(in_sheet("body { background: black; color: white } div { opacity: .5 }", "<div><p id=x>t</div>"),
            "#808080 on #000000");
  EXPECT_EQ(in_sheet("p { color: transparent }"), "#ffffff on #ffffff");
}

TEST(PageStyle, CustomPropertiesAreReplaced) {
  const std::string root = ":root { --ink: #123456; --paper: #eee; --text: var(--ink) }";
  EXPECT_EQ(in_sheet(root + "p { color: var(--ink); background: var(--paper) }"), "#123456 on #eeeeee");
  EXPECT_EQ(in_sheet(root + "p { color: var(--text) }"), "#123456 on #ffffff");
  EXPECT_EQ(in_sheet(root + "p { color: var(--none, red) }"), "#ff0000 on #ffffff");
  EXPECT_EQ(in_sheet(root + "p { color: var(--none, var(--ink)) }"), "#123456 on #ffffff");
  EXPECT_EQ(in_sheet(root + "body { color: red } p { color: var(--none) }"), "#ff0000 on #ffffff");
  EXPECT_EQ(in_sheet(root + "p { --ink: red; color: var(--ink) }"), "#ff0000 on #ffffff");
  // Where it is declared it is worked out, not where it is used.
  EXPECT_EQ(in_sheet(root + "p { --ink: red; color: var(--text) }"), "#123456 on #ffffff");
  EXPECT_EQ(in_sheet("p { --r: 255; color: rgb(var(--r), 0, 0) }"), "#ff0000 on #ffffff");
  EXPECT_EQ(in_sheet("p { --a: var(--b); --b: var(--a); color: var(--a) }").substr(0, 1), "?");
  std::string doubling = "p { --v0: red;";
  for (int i = 1; i < 60; ++i) {
    const std::string before = "var(--v" + std::to_string(i - 1) + ")";
    doubling.append("--v").append(std::to_string(i)).append(": ").append(before).append(before).append(";");
  }
  EXPECT_EQ(in_sheet(doubling + "color: var(--v59) }").substr(0, 1), "?");
}

TEST(PageStyle, MediaQueriesAreAskedOfALargeLightScreen) {
  EXPECT_EQ(in_sheet("@media (min-width: 700px) { p { color: red } }"), "#ff0000 on #ffffff");
  EXPECT_EQ(in_sheet("@media print { p { color: red } }"), "#000000 on #ffffff");
  EXPECT_EQ(in_sheet("@media (prefers-color-scheme: dark) { body { background: black } }"), "#000000 on #ffffff");
  EXPECT_EQ(in_sheet("@keyframes a { from { color: red } } @font-face { color: red }"), "#000000 on #ffffff");
  EXPECT_EQ(in_sheet("p { @media print { color: red } }"), "#000000 on #ffffff");
  EXPECT_EQ(in_sheet("p { @media screen { color: red } }"), "#ff0000 on #ffffff");
}

TEST(PageStyle, WhatCannotBeResolvedIsNotKnown) {
  for (const char* sheet : {"p { background: linear-gradient(red, blue) }",
                            "body { background: url(a.png) }",
                            "p { background-image: url(a.png) }",
                            "p { color: oklch(0.5 0.1 200) }",
                            "p { background: lab(50% 40 59) }",
                            "p { color: color-mix(in srgb, red, blue) }",
                            "p:first-child { color: red }",
                            "p:nth-child(2n) { background: red }",
                            "body > p:not(.d) { color: red }",
                            "div + p { color: red }",
                            "@supports (color: lab(0 0 0)) { p { color: red } }",
                            "@layer a { p { color: red } }",
                            "body { & p { color: red } }",
                            "p { filter: invert(1) }",
                            "p { mix-blend-mode: multiply }",
                            "p { position: absolute }",
                            "p { -webkit-text-fill-color: transparent }",
                            "p { color: revert }",
                            "p { all: unset }",
                            ":root { color-scheme: dark }",
                            "p { background: var(--none); color: var(--v) } @media (width > 3px) { p { --v: red } }",
                            "@media (width >= 600px) { p { color: red } }",
                            "p { opacity: calc(1 / 2) }"}) {
    EXPECT_EQ(in_sheet(sheet).substr(0, 1), "?") << sheet;
  }
  EXPECT_EQ(pair_in("<svg><text id=x>t</text></svg>").substr(0, 1), "?");
}

TEST(PageStyle, WhatCannotMatterDoesNotHide) {
  // What is certain, and above what is not.
  EXPECT_EQ(in_sheet("p:first-child { color: red } #x#x { color: blue }"), "#0000ff on #ffffff");
  EXPECT_EQ(in_sheet("a:first-child { color: red } p:first-child { margin: 0 }"), "#000000 on #ffffff");
  EXPECT_EQ(in_sheet("p:hover, p::before, p:focus-visible { color: red }"), "#000000 on #ffffff");
  EXPECT_EQ(in_sheet("body { background: url(a.png) } p { background: white }"), "#000000 on #ffffff");
  EXPECT_EQ(in_sheet("p { position: absolute; background: white }"), "#000000 on #ffffff");
  EXPECT_EQ(in_sheet("p { position: relative; filter: none; mix-blend-mode: normal }"), "#000000 on #ffffff");
  EXPECT_EQ(in_sheet(":root { color-scheme: light dark }"), "#000000 on #ffffff");
  EXPECT_EQ(in_sheet("body { background: url(a.png) } p { background-image: none; background-color: #fff }"),
            "#000000 on #ffffff");
}

TEST(PageStyle, HiddenElementsAreKnown) {
  EXPECT_EQ(in_sheet("p { display: none }"), "hidden");
  EXPECT_EQ(in_sheet("body { visibility: hidden }"), "hidden");
  EXPECT_EQ(in_sheet("body { visibility: hidden } p { visibility: visible }"), "#000000 on #ffffff");
  EXPECT_EQ(in_sheet("div { display: none } p { display: block }", "<div><p id=x>t</div>"), "hidden");
  EXPECT_EQ(pair_in("<div hidden><p id=x>t</div>"), "hidden");
  EXPECT_EQ(pair_in("<style>p { display: none } p { display: block }</style><p id=x hidden>t"), "#000000 on #ffffff");
}

TEST(PageStyle, SizesAndWeightsAreKnown) {
  const auto found = [](const std::string& html) {
    const HtmlPage page(html);
    const PageStyle style = style_of(page);
    for (size_t i = 0; i < page.size(); ++i) {
      if (page[i].get("id") != "x") continue;
      const double size = style[i].font_pixels.value_or(-1);
      return std::to_string(static_cast<int>(std::lround(size * 10))) + (style[i].is_bold ? " bold" : "");
    }
    return std::string("no #x");
  };
  EXPECT_EQ(found("<p id=x>"), "160");
  EXPECT_EQ(found("<h1 id=x>"), "320 bold");
  EXPECT_EQ(found("<h3 id=x style='font-weight: 400; font-size: 18pt'>"), "240");
  EXPECT_EQ(found("<div style='font-size: 20px'><p id=x style='font-size: 1.5em; font-weight: 700'>"), "300 bold");
  EXPECT_EQ(found("<p id=x style='font: italic bold 1.2rem/1.5 Georgia, serif'>"), "192 bold");
  EXPECT_EQ(found("<b style='font: 14px a'><p id=x>"), "140");
  EXPECT_EQ(found("<p id=x style='font-size: calc(1rem + 1vw)'>"), "-10");
  EXPECT_EQ(found("<p style='font-size: 2vw'><b id=x style='font-size: 2em'>"), "-10 bold");
  EXPECT_EQ(found("<small id=x>"), "133");
}

TEST(PageStyle, NotesSayWhatWasLeftOut) {
  const HtmlPage page(
      "<link rel=stylesheet href=b.css><style>@import 'c.css'; @layer a { p { color: red } }</style><p>t");
  const PageStyle style = style_of(page);
  ASSERT_EQ(style.notes().size(), 3u);
  EXPECT_EQ(style.notes()[0], "the style sheet 'b.css' is not among the files");
  EXPECT_EQ(style.notes()[1], "'@import 'c.css'' is not followed");
  EXPECT_EQ(style.notes()[2], "whether '@layer a' holds is not known");
}

std::string repeated(std::string_view text, size_t times) {
  std::string result;
  for (size_t i = 0; i < times; ++i) result += text;
  return result;
}

TEST(PageStyle, MuchTooMuchIsGivenUpAndNotPassed) {
  std::string sheet;
  for (int i = 0; i < 5'000; ++i) sheet += "* { color: red }";
  const HtmlPage page("<style>" + sheet + "</style>" + repeated("<p>t", 20'000) + "<p id=x>t");
  const PageStyle style = style_of(page);
  EXPECT_EQ(style.notes().back(), "the style sheets are too large for this page: colours are not known");
  EXPECT_FALSE(style.contrast(page, page.size() - 1).unknown.empty());
}

TEST(VisibleText, IsWhatAReaderSees) {
  const HtmlPage page(
      "<title>no</title><style>.n { display: none }</style><h1>A</h1><p>b<b>c</b> d<br>e<script>no</script><span "
      "class=n>no</span>"
      "<p hidden>no</p><noscript>no</noscript><template>no</template><input type=submit value=Go><ul><li>f<li>g</ul>"
      "<img alt=no><textarea>h</textarea><!-- no --><svg><title>no</title></svg>");
  const std::string text = visible_text(page, style_of(page));
  EXPECT_EQ(text.find("no"), text.npos) << text;
  std::string letters;
  for (const char c : text) letters += c == '\n' ? '|' : c;
  for (size_t at = letters.find("||"); at != letters.npos; at = letters.find("||")) letters.erase(at, 1);
  EXPECT_EQ(letters, "|A|bc d|e| Go |f|g|h|");
}

}  // namespace
}  // namespace coppice
