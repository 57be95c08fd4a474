// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <ctime>

#include "coppice/flow/checks/css_color.h"
#include "coppice/flow/checks/css_length.h"
#include "coppice/flow/checks/css_selector.h"
#include "coppice/flow/checks/css_syntax.h"
#include "coppice/flow/checks/page_style.h"

namespace coppice {
namespace {

CssColor color(std::string_view text) {
  const ColorReading reading = read_color(text);
  EXPECT_EQ(reading.kind, ColorReading::Kind::color) << text;
  return reading.color;
}

TEST(CssColor, IsReadInAllForms) {
  for (const char* text : {"#0a3d62", "#0A3D62ff", "rgb(10, 61, 98)", "rgb(10 61 98)", "rgb(10 61 98 / 1)",
                           "RGBA(10,61,98,100%)", " #0a3d62 "}) {
    EXPECT_EQ(color_text(color(text)), "#0a3d62") << text;
  }
  EXPECT_EQ(color_text(color("#f00")), "#ff0000");
  EXPECT_EQ(color_text(color("#f008")), "#ff000088");
  EXPECT_EQ(color_text(color("rgb(100%, 0%, 50%)")), "#ff0080");
  EXPECT_EQ(color_text(color("rgb(300 -5 0)")), "#ff0000");
  EXPECT_EQ(color_text(color("hsl(120, 100%, 25%)")), "#008000");
  EXPECT_EQ(color_text(color("hsl(0.5turn 100% 50% / 50%)")), "#00ffff80");
  EXPECT_EQ(color_text(color("hsl(-120deg 100 50)")), "#0000ff");
  EXPECT_EQ(color_text(color("hsl(210, 50%, 40%)")), "#336699");
  EXPECT_EQ(color_text(color("hwb(0 0% 0%)")), "#ff0000");
  EXPECT_EQ(color_text(color("hwb(90 60% 60%)")), "#808080");
  EXPECT_EQ(color_text(color("rebeccapurple")), "#663399");
  EXPECT_EQ(color_text(color("transparent")), "#00000000");
  EXPECT_EQ(read_color("currentColor").kind, ColorReading::Kind::current);
}

TEST(CssColor, WhatIsNoColourIsNotTakenForOne) {
  using Kind = ColorReading::Kind;
  for (const char* text : {"", "#", "#12", "#12345", "#1234567", "#ggg", "#-12", "rgb()", "rgb(1,2)", "rgb(1,2,3,4,5)",
                           "rgb(a,b,c)", "rgb(1,2,3", "hsl(10px 1% 1%)", "bleu", "red blue", "url(red)", "none"}) {
    EXPECT_EQ(read_color(text).kind, Kind::none) << text;
  }
  for (const char* text : {"lab(50% 40 59)", "oklch(0.7 0.1 200)", "color-mix(in srgb, red, blue)", "Canvas",
                           "rgb(calc(1 + 1) 0 0)", "rgb(from red r g b)", "light-dark(red, blue)"}) {
    EXPECT_EQ(read_color(text).kind, Kind::not_read) << text;
  }
}

TEST(CssColor, ColoursAreFoundInLongerValues) {
  const ColorsFound found =
      colors_in("linear-gradient(90deg, red 0%, rgba(0,0,255,.5)), url(green.png) #fff no-repeat, 'tan'");
  ASSERT_EQ(found.colors.size(), 3u);
  EXPECT_EQ(color_text(found.colors[0]), "#ff0000");
  EXPECT_EQ(color_text(found.colors[1]), "#0000ff80");
  EXPECT_EQ(color_text(found.colors[2]), "#ffffff");
  EXPECT_EQ(colors_in("oklch(0.7 0.1 200) transparent").not_read, 1u);
  for (const char* text : {"", "(", "rgb(", "'", "url(", "linear-gradient(", "#"})
    EXPECT_TRUE(colors_in(text).colors.empty());
}

struct Known {
  const char* text;
  const char* background;
  double ratio;
};

TEST(ContrastRatio, IsThatOfWcag) {
  // Worked out by hand from the definition, and as published by checkers of contrast.
  for (const Known& known : std::initializer_list<Known>{{"#777777", "#ffffff", 4.48},
                                                         {"#767676", "#ffffff", 4.54},
                                                         {"#000000", "#ffffff", 21},
                                                         {"#ffffff", "#ffffff", 1},
                                                         {"#ff0000", "#ffffff", 4.00},
                                                         {"#0000ff", "#ffffff", 8.59},
                                                         {"#008000", "#ffffff", 5.14},
                                                         {"#ffff00", "#ffffff", 1.07},
                                                         {"#949494", "#ffffff", 3.03},
                                                         {"#0000ee", "#ffffff", 9.40}}) {
    EXPECT_NEAR(contrast_ratio(color(known.text), color(known.background)), known.ratio, 0.005) << known.text;
    EXPECT_EQ(contrast_ratio(color(known.text), color(known.background)),
              contrast_ratio(color(known.background), color(known.text)));
  }
}

TEST(CssColor, IsCompositedAsItIsPainted) {
  EXPECT_EQ(color_text(over(color("rgba(0,0,0,.5)"), color("#fff"))), "#808080");
  EXPECT_EQ(color_text(over(color("#123456"), color("#fff"))), "#123456");
  EXPECT_EQ(color_text(over(color("transparent"), color("transparent"))), "#00000000");
  const CssColor half = over(color("rgba(255,0,0,.5)"), color("rgba(0,0,255,.5)"));
  EXPECT_NEAR(half.alpha, 0.75, 1e-9);
  EXPECT_NEAR(half.red, 170, 1e-6);
  EXPECT_NEAR(color_difference(color("#000"), color("#fff")), 100, 0.01);
  EXPECT_NEAR(color_difference(color("red"), color("red")), 0, 1e-9);
}

std::string faults_of(const CssSheet& sheet) {
  std::string text;
  for (const CssFault& fault : sheet.faults) text += std::to_string(fault.offset) + " " + fault.message + "\n";
  return text;
}

TEST(CssSheet, IsReadAsItIsWritten) {
  const CssSheet sheet = parse_css(R"(@charset "utf-8"; @import url("a.css") screen;
/* a { } */ a, .b > c { color : RED !important ; margin:0 }
@media (min-width: 600px) { @supports (display: grid) { d { color: blue } } }
@keyframes x { from { color: red } 50% { color: blue } }
@font-face { src: url(a;b.woff) } :root { --x: { a: b }; --Y: 1; }
e { background: url( "a)b.png" ) ; content: "}\"" } f{}
)");
  EXPECT_EQ(faults_of(sheet), "");
  ASSERT_EQ(sheet.rules.size(), 9u);
  EXPECT_EQ(sheet.rules[0].selectors, "a, .b > c");
  ASSERT_EQ(sheet.rules[0].declarations.size(), 2u);
  EXPECT_EQ(sheet.rules[0].declarations[0].name, "color");
  EXPECT_EQ(sheet.rules[0].declarations[0].value, "RED");
  EXPECT_TRUE(sheet.rules[0].declarations[0].is_important);
  ASSERT_NE(sheet.rules[1].group, CssGroup::kNone);
  EXPECT_EQ(sheet.groups[sheet.rules[1].group].name, "supports");
  EXPECT_EQ(sheet.groups[sheet.groups[sheet.rules[1].group].outer].prelude, "(min-width: 600px)");
  EXPECT_TRUE(holds_styles(sheet, sheet.rules[1].group));
  EXPECT_FALSE(holds_styles(sheet, sheet.rules[2].group));
  ASSERT_EQ(css_references(sheet).size(), 3u);
  EXPECT_EQ(css_references(sheet)[0].address, "a.css");
  EXPECT_EQ(css_references(sheet)[1].address, "a;b.woff");
  EXPECT_EQ(css_references(sheet)[2].address, "a)b.png");
}

TEST(CssSheet, NestedRulesAreKnownAsSuch) {
  const CssSheet sheet =
      parse_css("a { color: red; &:hover { color: blue } @media print { color: green } b { color: tan } }");
  EXPECT_EQ(faults_of(sheet), "");
  ASSERT_EQ(sheet.rules.size(), 4u);
  EXPECT_FALSE(sheet.rules[0].is_nested);
  EXPECT_TRUE(sheet.rules[1].is_nested);
  EXPECT_EQ(sheet.rules[2].selectors, "a");
  EXPECT_FALSE(sheet.rules[2].is_nested);
  EXPECT_TRUE(sheet.rules[3].is_nested);
}

TEST(CssSheet, WhatIsWrongIsToldWithItsPlace) {
  struct Wrong {
    const char* text;
    const char* fault;
  };
  for (const Wrong& wrong : std::initializer_list<Wrong>{
           {"a { color: red", "0 '{' is never closed with '}'\n"},
           {"a { color: red } }", "17 '}' closes nothing\n"},
           {"a { color red }", "4 got 'color red', expected 'property: value'\n"},
           {"a { color: red margin: 0 }", "4 a ';' is missing in 'color: red margin: 0'\n"},
           {"a { color: }", "4 the property 'color' has no value\n"},
           {"a { color: red !imporant }", "4 got 'red !imporant', expected '!important' after a '!'\n"},
           {"a { content: \"x }", "13 a text in quotes is never closed\n"},
           {"/* a", "0 '/*' is never closed with '*/'\n"},
           {"a { width: calc(1px + 2px; }", "4 '(' is never closed in 'width: calc(1px + 2px;'\n"},
           {"a { width: 1px) }", "14 ')' closes nothing\n"},
           {"@meida print { a { color: red } }", "0 the rule '@meida' is unknown; did you mean '@media'?\n"},
           {"a { background: url(x.png }", "19 'url(' is never closed with ')'\n"},
           {"{ color: red }", "0 a block begins without a selector\n"},
           {"color: red;", "0 got 'color: red', expected a selector and a block in {...}\n"}}) {
    const std::string faults = faults_of(parse_css(wrong.text));
    EXPECT_NE(faults.find(wrong.fault), faults.npos) << wrong.text << "\n" << faults;
  }
}

TEST(CssSheet, EachBeginningIsRead) {
  constexpr std::string_view kSheet =
      "@media (x) { a:not([b=\"c\"]) > d { e: f(\"g\\\"\", url( h ), 'i'); --j: {k: l} } } /* m */ @import 'n';";
  for (size_t size = 0; size < kSheet.size(); ++size) {
    const CssSheet sheet = parse_css(kSheet.substr(0, size));
    for (const CssRule& rule : sheet.rules) parse_selectors(rule.selectors);
    css_references(sheet);
    parse_css_declarations(kSheet.substr(size));
  }
}

TEST(CssSheet, StyleAttributesAreDeclarations) {
  const CssSheet sheet = parse_css_declarations("color: red; background: url(a.png)");
  ASSERT_EQ(sheet.rules.size(), 1u);
  ASSERT_EQ(sheet.rules[0].declarations.size(), 2u);
  EXPECT_EQ(sheet.rules[0].declarations[1].value, "url(a.png)");
  EXPECT_EQ(parse_css_declarations("").rules.size(), 1u);
  EXPECT_FALSE(parse_css_declarations("}{").faults.empty());
}

std::string matches(std::string_view page, const char* selectors) {
  const HtmlPage tree(page);
  CssMatcher matcher(tree);
  const CssSelectorList list = parse_selectors(selectors);
  EXPECT_EQ(list.fault, "") << selectors;
  std::string found;
  for (size_t i = 0; i < tree.size(); ++i) {
    if (tree[i].is_text()) continue;
    CssMatch best = CssMatch::no;
    for (const CssSelector& one : list.selectors) best = std::max(best, matcher.match(i, one));
    if (best != CssMatch::no)
      found.append(tree[i].has("n") ? tree[i].get("n") : tree[i].tag).append(best == CssMatch::yes ? " " : "? ");
  }
  return found;
}

TEST(CssSelector, FindsTheElementsThatItMeans) {
  constexpr std::string_view kPage =
      "<div n=1 class='a b'><p n=2 id=x><a n=3 href=y class=a>t</a></p><div n=4><p n=5 title='u v-w'></p></div></div>";
  EXPECT_EQ(matches(kPage, "div"), "1 4 ");
  EXPECT_EQ(matches(kPage, "p, a"), "2 3 5 ");
  EXPECT_EQ(matches(kPage, ".a"), "1 3 ");
  EXPECT_EQ(matches(kPage, ".a.b"), "1 ");
  EXPECT_EQ(matches(kPage, "DIV.b"), "1 ");
  EXPECT_EQ(matches(kPage, "#x a"), "3 ");
  EXPECT_EQ(matches(kPage, "div > p"), "2 5 ");
  EXPECT_EQ(matches(kPage, ".b > p"), "2 ");
  EXPECT_EQ(matches(kPage, ".b p"), "2 5 ");
  EXPECT_EQ(matches(kPage, ".b > div p"), "5 ");
  EXPECT_EQ(matches(kPage, "body > div > div > p"), "5 ");
  EXPECT_EQ(matches(kPage, "div div div"), "");
  EXPECT_EQ(matches(kPage, ":root"), "html ");
  EXPECT_EQ(matches(kPage, "a:link"), "3 ");
  EXPECT_EQ(matches(kPage, "[href]"), "3 ");
  EXPECT_EQ(matches(kPage, "[title~=\"v-w\"]"), "5 ");
  EXPECT_EQ(matches(kPage, "[title^='u '],[href=y]"), "3 5 ");
  EXPECT_EQ(matches(kPage, "p[title$=w][title*=v]"), "5 ");
  EXPECT_EQ(matches(kPage, "* > a"), "3 ");
  EXPECT_EQ(matches(kPage, "div>p"), "2 5 ");
  // `div > p a` needs the outer div, not the nearest one.
  EXPECT_EQ(matches("<div n=1><p n=2><span n=3><a n=4></a></span></p></div>", "body > div a"), "4 ");
}

TEST(CssSelector, WhatItDoesNotReadMayMatch) {
  constexpr std::string_view kPage = "<ul n=1><li n=2 class=a><li n=3></ul>";
  EXPECT_EQ(matches(kPage, "li:first-child"), "2? 3? ");
  EXPECT_EQ(matches(kPage, "li + li.a"), "2? ");
  EXPECT_EQ(matches(kPage, "ul > li:not(.a)"), "2? 3? ");
  EXPECT_EQ(matches(kPage, "p:not(.a)"), "");
  EXPECT_EQ(matches(kPage, "li:hover"), "");
  EXPECT_EQ(matches(kPage, "li::before"), "");
  EXPECT_EQ(matches(kPage, "p:hover li"), "");
}

TEST(CssSelector, SpecificityIsCounted) {
  const auto specificity = [](const char* text) { return parse_selectors(text).selectors.at(0).specificity; };
  EXPECT_EQ(specificity("*"), 0u);
  EXPECT_EQ(specificity("a b"), 2u);
  EXPECT_LT(specificity("a b c d"), specificity(".a"));
  EXPECT_LT(specificity(".a.b.c[d]:root"), specificity("#a"));
  EXPECT_EQ(specificity(".a"), specificity("[a]"));
}

TEST(CssSelector, WhatIsNoneIsAFault) {
  for (const char* text :
       {"", ",", "a >", "a > > b", ".", "#", "a..b", "[a", "[]", ":", ":not(", "50%", "a { b", "color: red .b"}) {
    EXPECT_NE(parse_selectors(text).fault, "") << text;
  }
}

TEST(CssMatcher, StepsAreBounded) {
  std::string page, selector = "i";
  for (int i = 0; i < 400; ++i) page += "<div>";
  for (int i = 0; i < 13; ++i) selector = "div " + selector;  // there are many ways of choosing thirteen ancestors
  selector = "b " + selector;
  const HtmlPage tree(page + "<i>x");
  CssMatcher matcher(tree, 100'000);
  const CssSelectorList list = parse_selectors(selector);
  const std::clock_t begin = std::clock();
  EXPECT_EQ(matcher.match(tree.size() - 2, list.selectors.at(0)), CssMatch::maybe);
  EXPECT_TRUE(matcher.is_exhausted());
  EXPECT_LT(std::clock() - begin, 1 * CLOCKS_PER_SEC);
}

TEST(CssLength, IsInPixels) {
  EXPECT_EQ(length_pixels("12px", 16), 12);
  EXPECT_EQ(length_pixels("1.5em", 20), 30);
  EXPECT_EQ(length_pixels("1.5rem", 20), 24);
  EXPECT_EQ(length_pixels("150%", 20), 30);
  EXPECT_EQ(length_pixels("18pt", 16), 24);
  EXPECT_EQ(length_pixels("0", 16), 0);
  for (const char* text : {"", "12", "px", "1vw", "calc(1px)", "nan", "inf", "1e999px"}) {
    EXPECT_FALSE(length_pixels(text, 16)) << text;
  }
  EXPECT_EQ(font_size_pixels("large", 16), 18);
  EXPECT_EQ(font_size_pixels("clamp(2rem, 5vw, 4rem)", 16), 32);
  EXPECT_EQ(font_size_pixels("clamp(10px, 2vw, 14px)", 16), 14);
  EXPECT_FALSE(font_size_pixels("clamp(1rem, 5vw, 4rem)", 16));
  EXPECT_FALSE(font_size_pixels("2em", std::nullopt));
}

TEST(MediaQuery, HoldsForALargeLightScreen) {
  for (const char* text :
       {"", "screen", "all", "only screen and (min-width: 600px)", "(max-width: 80em)", "print, screen",
        "(prefers-color-scheme: light)", "not print", "(hover: hover) and (pointer: fine)"}) {
    EXPECT_EQ(media_query_holds(text), true) << text;
  }
  for (const char* text : {"print", "(max-width: 600px)", "(prefers-color-scheme: dark)", "not screen",
                           "screen and (min-width: 2000px)", "(prefers-reduced-motion: reduce)"}) {
    EXPECT_EQ(media_query_holds(text), false) << text;
  }
  for (const char* text : {"(width >= 600px)", "(min-width: 1vw)", "tv", "(a) or (b)", "(", "screen screen"}) {
    EXPECT_EQ(media_query_holds(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace coppice
