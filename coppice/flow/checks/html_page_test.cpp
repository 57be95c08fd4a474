// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/html_page.h"

#include <gtest/gtest.h>
#include <gumbo.h>

#include <ctime>
#include <memory>

#include "coppice/core/random.h"

namespace coppice {
namespace {

constexpr std::string_view kPage = R"(<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Sun &amp; Co</title>
  <link rel="stylesheet" href="a.css">
  <style>p > a { color: red }</style>
  <script>if (1 < 2) { x("</p>"); }</script>
</head>
<body class="a b" id=main>
  <h1>Solar&nbsp;roofs</h1>
  <p>One<br>two <b>three <i>four</i></b>
  <p>Five &copy; &#8364; &#x20AC; &notin; A&B
  <ul><li>x<li>y <a href='?a=1&copy=2'>z</a></ul>
  <table><tr><td>1<td>2<tr><th>3</table>
  <dl><dt>a<dd>b<dt>c<dd>d</dl>
  <select><option>1<option selected>2</select>
  <svg viewBox="0 0 1 1"><title>A sun</title><circle r="1"/><path d="M0"/></svg>
  <textarea>&lt;b> <b></textarea>
  <template><p>later</p></template>
  <!-- a comment with <b> in it -->
</body>
</html>
)";

/// "html(head(title('x'))body(p('y')))": the tree in one line, without blank texts and attributes.
std::string tree_of(const HtmlPage& page) {
  std::string text;
  std::vector<uint32_t> ends;
  for (uint32_t i = 0; i < page.size(); ++i) {
    for (; !ends.empty() && ends.back() <= i; ends.pop_back()) text += ')';
    const HtmlNode& node = page[i];
    if (node.is_text()) {
      if (!trim_blanks(node.text).empty()) text.append("'").append(trim_blanks(node.text)).append("'");
      continue;
    }
    text += node.tag + "(";
    ends.push_back(node.end);
  }
  return text + std::string(ends.size(), ')');
}

std::string faults_of(const HtmlPage& page) {
  std::string text;
  for (const HtmlFault& fault : page.faults()) text += std::to_string(fault.offset) + " " + fault.message + "\n";
  return text;
}

std::string name_of(const GumboElement& element) {
  if (element.tag != GUMBO_TAG_UNKNOWN) return gumbo_normalized_tagname(element.tag);
  GumboStringPiece piece = element.original_tag;
  gumbo_tag_from_original_text(&piece);
  return lower_case(std::string_view(piece.data, piece.length));
}

/// The same of the tree that libgumbo makes; `n_errors` is what it finds wrong.
void write_tree(const GumboNode& node, std::string& text) {
  if (node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_CDATA) {
    text.append("'").append(trim_blanks(node.v.text.text)).append("'");
  }
  if (node.type != GUMBO_NODE_ELEMENT && node.type != GUMBO_NODE_TEMPLATE) return;
  text += name_of(node.v.element) + "(";
  for (unsigned i = 0; i < node.v.element.children.length; ++i) {
    write_tree(*static_cast<const GumboNode*>(node.v.element.children.data[i]), text);
  }
  text += ")";
}

std::string gumbo_tree_of(std::string_view bytes, size_t& n_errors) {
  GumboOutput* const output = gumbo_parse_with_options(&kGumboDefaultOptions, bytes.data(), bytes.size());
  std::string text;
  write_tree(*output->root, text);
  n_errors = output->errors.length;
  gumbo_destroy_output(&kGumboDefaultOptions, output);
  return text;
}

TEST(HtmlPage, APageThatFollowsTheSyntaxHasNoFault) {
  const HtmlPage page(kPage);
  EXPECT_EQ(faults_of(page), "");
  EXPECT_EQ(page.doctype(), "html");
  EXPECT_EQ(page[0].get("lang"), "en");
}

TEST(HtmlPage, TheTreeIsThatOfLibgumbo) {
  size_t n_errors = 0;
  EXPECT_EQ(tree_of(HtmlPage(kPage)), gumbo_tree_of(kPage, n_errors));
  EXPECT_EQ(n_errors, 0u);
  for (const char* text : {"<p>a",
                           "<title>x</title>y",
                           "<!doctype html><p>a<div>b</div>c",
                           "a<b>c</b>",
                           "",
                           " ",
                           "<head></head><p>x",
                           "<html><body>x</body></html>",
                           "<ul><li><p>a<li>b</ul>",
                           "<table><thead><tr><th>a<tbody><tr><td>b<tfoot><tr><td>c</table>",
                           "<table><caption>a<tr><td>b</table>",
                           "<table><colgroup><col><tr><td>a</table>",
                           "<ruby>a<rp>(<rt>b<rp>)</ruby>",
                           "<select><optgroup label=a><option>b<optgroup label=c><option>d</select>",
                           "<div><p>a<ul><li>b</ul><p>c</div>",
                           "<p>a<table><tr><td>b</table>",
                           "<svg><foreignObject><p>a</p></foreignObject><g><a/></g></svg>",
                           "<math><mi>x</mi><mo>=</mo></math>",
                           "<svg><style>a{}</style><![CDATA[<b>]]></svg>",
                           "<noscript><p>x</p></noscript>",
                           "<dl><dt>a<dd>b<dd>c</dl>",
                           "<button><p>a</p></button>",
                           "<li>a<li>b",
                           "<h1>a</h1><h2>b</h2>",
                           "<template><td>a</td></template>",
                           "<p>a<hr>b",
                           "<section><p>a</section>b",
                           "<pre>x</pre><textarea>y</textarea>"}) {
    const std::string page = std::string("<!DOCTYPE html>") + text;
    EXPECT_EQ(tree_of(HtmlPage(page)), gumbo_tree_of(page, n_errors)) << text;
  }
}

/// A random page that follows the syntax.
class PageWriter {
 public:
  explicit PageWriter(uint64_t seed) : random_(seed) {}

  std::string page() {
    std::string text = "<!DOCTYPE html><html lang=en><head><title>t</title></head><body>";
    blocks(text, 0);
    return text + "</body></html>";
  }

 private:
  bool chance() { return random_.below(2) == 0; }

  void words(std::string& text) {
    constexpr const char* kWords[] = {"sun ", "roof ", "&amp; ", "&eacute;", "1 > 0 ", "a&b ", "&#65;", "<!-- c -->"};
    for (uint32_t n = 1 + random_.below(3); n > 0; --n) text += kWords[random_.below(std::size(kWords))];
  }

  void phrase(std::string& text, int depth) {
    words(text);
    if (depth > 4 || chance()) return;
    constexpr const char* kTags[] = {"b", "i", "span", "em", "code", "label", "x-y"};
    const std::string tag = kTags[random_.below(std::size(kTags))];
    text += "<" + tag + " class='c" + std::to_string(random_.below(3)) + "'>";
    phrase(text, depth + 1);
    text += "</" + tag + ">";
    if (chance()) text += "<br>";
    if (chance()) text += "<img src=a alt=\"b\">";
  }

  void blocks(std::string& text, int depth) {
    for (uint32_t n = 1 + random_.below(3); n > 0; --n) block(text, depth);
  }

  void block(std::string& text, int depth) {
    const uint32_t kind = depth > 4 ? 0 : random_.below(7);
    if (kind == 0) {
      text += "<p>";
      phrase(text, depth);
      if (chance()) text += "</p>";
    } else if (kind == 1) {
      constexpr const char* kTags[] = {"div", "section", "article", "main", "figure", "blockquote"};
      const std::string tag = kTags[random_.below(std::size(kTags))];
      text += "<" + tag + ">";
      blocks(text, depth + 1);
      text += "</" + tag + ">";
    } else if (kind == 2) {
      items(text, depth);
    } else if (kind == 3) {
      table(text, depth);
    } else if (kind == 4) {
      text += "<h2>";
      phrase(text, depth);
      text += "</h2>";
    } else if (kind == 5) {
      text += "<svg><g><rect/></g><text>x</text></svg>";
    } else {
      text += "<script>if (a < b && \"<p>\") {}</script><style>a > b {}</style>";
    }
  }

  void items(std::string& text, int depth) {
    text += "<ul>";
    for (uint32_t n = random_.below(4); n > 0; --n) {
      text += "<li>";
      phrase(text, depth);
      if (chance()) blocks(text, depth + 1);
      if (chance()) text += "</li>";
    }
    text += "</ul>";
  }

  void table(std::string& text, int depth) {
    text += "<table>";
    if (chance()) text += "<caption>c</caption>";
    if (chance()) text += "<tbody>";
    for (uint32_t rows = random_.below(3); rows > 0; --rows) {
      text += "<tr>";
      for (uint32_t cells = 1 + random_.below(3); cells > 0; --cells) {
        text += chance() ? "<td>" : "<th>";
        phrase(text, depth);
        if (chance()) block(text, depth + 1);
      }
      if (chance()) text += "</tr>";
    }
    text += "</table>";
  }

  Random random_;
};

TEST(HtmlPage, TreesOfRandomPagesAreThoseOfLibgumbo) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const std::string text = PageWriter(seed).page();
    size_t n_errors = 0;
    const std::string expected = gumbo_tree_of(text, n_errors);
    const HtmlPage page(text);
    ASSERT_EQ(tree_of(page), expected) << text;
    ASSERT_EQ(faults_of(page), "") << text;
  }
}

struct Wrong {
  const char* text;
  const char* fault;
};

TEST(HtmlPage, WhatIsWrongIsToldWithItsPlace) {
  const std::string before = "<!DOCTYPE html>";
  for (const Wrong& wrong : std::initializer_list<Wrong>{
           {"<div><b>a</div>", "5 <b> is not closed before </div>\n"},
           {"<div>", "0 <div> is not closed before the page ends\n"},
           {"a</div>", "1 </div> closes nothing\n"},
           {"<b><i>x</b></i>", "3 <i> is not closed before </b>\n11 </i> closes nothing\n"},
           {"<p>a<div>b</div></p>", "16 </p> closes nothing\n"},
           {"<br></br>", "4 <br> has no end tag\n"},
           {"<div/>a</div>", "0 '/>' does not close <div>; write </div>\n"},
           {"<a href=x><a href=y></a></a>", "10 <a> stands inside of <a>\n"},
           {"<h1>a<h2>b</h2></h1>", "5 <h2> stands inside of <h1>\n"},
           {"<table><div>a</div></table>", "7 <div> may not stand directly in <table>\n"},
           {"<table>a<tr><td>b</table>", "7 text stands directly in <table>\n"},
           {"<tr><td>a</td></tr>", "0 <tr> may not stand directly in <body>\n"},
           {"a < b", "2 '<' begins no tag here; write '&lt;'\n"},
           {"<p class=a class=b>x", "0 the tag <p> has the attribute 'class' twice\n"},
           {"<p class=\"a\"id=b>x", "12 a blank is missing between two attributes\n"},
           {"<p a=\"x>y", "5 the value of an attribute is never closed with its quote\n"},
           {"<p <b>", "3 got '<b', expected the name of an attribute\n"},
           {"<!-- a", "0 a comment is never closed with '-->'\n"},
           {"<!-- a --!>b", "7 a comment is closed with '--!>', expected '-->'\n"},
           {"<?php x ?>", "0 '<?php x ?>' begins no tag, comment or doctype\n"},
           {"</>", "0 '</>' begins no tag, comment or doctype\n"},
           {"&nosuchthing; &#xZ; &#0;",
            "0 the character reference '&nosuchthing' is unknown\n"
            "14 the character reference '&#xZ' has no digits\n"
            "20 the character reference '&#0' is no character\n"},
           {"&copy 2024", "0 the character reference '&copy' lacks its semicolon\n"},
           {"<script>x", "0 <script> is not closed before the page ends\n"},
           {"<body>a</body>b", "14 content stands after </body>\n"},
           {"a<body>", "1 <body> stands here, expected it once and in its place\n"},
           {"a<!DOCTYPE html>", "1 a doctype stands here, expected it once and first\n"},
           {"<svg><p>a</p></svg>",
            "0 <svg> is not closed before <p>\n5 <p> stands in SVG or MathML\n13 </svg> closes nothing\n"},
           {"<p", "0 the tag 'p' is never closed with '>'\n"},
           {"<form><form></form></form>", "6 <form> stands inside of <form>\n"}}) {
    const std::string faults = faults_of(HtmlPage(wrong.text));
    EXPECT_TRUE(faults.find(wrong.fault) != faults.npos) << wrong.text << "\n" << faults;
  }
}

TEST(HtmlPage, FindsAFaultWhereLibgumboDoes) {
  for (const char* text :
       {"<div><b>a</div>", "a</div>", "<b><i>x</b></i>", "<table><div>a</div></table>", "a < b", "<a><a></a></a>",
        "<p a a>", "<!-- a", "</>", "&copy 2", "<tr>x", "<div/>x</div>", "<p a='b'c>"}) {
    const std::string page =
        "<!DOCTYPE html><html><head><title>t</title></head><body>" + std::string(text) + "</body></html>";
    size_t n_errors = 0;
    gumbo_tree_of(page, n_errors);
    EXPECT_GT(n_errors, 0u) << text;
    EXPECT_GT(HtmlPage(page).count_faults(), 0u) << text;
  }
}

TEST(HtmlPage, ReferencesBecomeTheirCharacters) {
  const HtmlPage page("<p title='&lt;a&gt; &amp; ?x=1&copy=2&lang=en'>&euro;&#x1F600;&NotEqualTilde;&amp;lt;");
  EXPECT_EQ(page[2].tag, "body");
  EXPECT_EQ(page[3].get("title"), "<a> & ?x=1&copy=2&lang=en");
  EXPECT_EQ(page.text_below(3), "\xE2\x82\xAC\xF0\x9F\x98\x80\xE2\x89\x82\xCC\xB8&lt;");
}

TEST(HtmlPage, NodesKnowWhereTheyStand) {
  const HtmlPage page(kPage);
  for (uint32_t i = 1; i < page.size(); ++i) {
    ASSERT_LT(page[i].parent, i);
    ASSERT_LE(page[i].end, page[page[i].parent].end);
    ASSERT_EQ(page[i].depth, page[page[i].parent].depth + 1);
  }
  size_t i = 0;
  while (page[i].tag != "h1") ++i;
  EXPECT_EQ(kPage.substr(page[i].offset, 4), "<h1>");
  EXPECT_TRUE(page.is_inside(i + 1, "body"));
  EXPECT_FALSE(page.is_inside(i, "h1"));
}

TEST(HtmlPage, EachBeginningOfAPageIsRead) {
  for (size_t size = 0; size < kPage.size(); ++size) {
    const HtmlPage page(kPage.substr(0, size));
    ASSERT_GE(page.size(), 1u);
    ASSERT_EQ(page[0].end, page.size());
  }
}

std::string repeated(std::string_view text, size_t times) {
  std::string result;
  for (size_t i = 0; i < times; ++i) result += text;
  return result;
}

TEST(HtmlPage, HostilePagesAreBounded) {
  const std::clock_t begin = std::clock();
  EXPECT_NE(faults_of(HtmlPage(repeated("<div>", 200'000))).find("nest deeper than 512"), std::string::npos);
  EXPECT_NE(faults_of(HtmlPage(repeated("<p>", 300'000))).find("more than 200000"), std::string::npos);
  EXPECT_NE(faults_of(HtmlPage(std::string(HtmlPage::kMostBytes + 1, 'x'))).find("none is read"), std::string::npos);
  std::string tag = "<a";
  for (int i = 0; i < 100'000; ++i) tag += " b" + std::to_string(i);
  EXPECT_EQ(HtmlPage(tag + ">x</a>").count_faults(), 0u);
  EXPECT_GT(HtmlPage(repeated("<!---->", 300'000) + "<!--").count_faults(), 0u);
  EXPECT_GT(HtmlPage(repeated("<title>", 100'000)).count_faults(), 0u);
  EXPECT_GT(HtmlPage(repeated("<a href='", 100'000)).count_faults(), 0u);
  EXPECT_GT(HtmlPage(repeated("<b id=1><table><td></b>", 100'000)).count_faults(), 0u);
  EXPECT_EQ(HtmlPage(repeated("&", 500'000)).size(), 4u);
  EXPECT_LT(std::clock() - begin, 20 * CLOCKS_PER_SEC);
  EXPECT_LE(HtmlPage(repeated("</x>", 10'000)).faults().size(), HtmlFaults::kMost);
  EXPECT_EQ(HtmlPage(repeated("</x>", 10'000)).count_faults(), 10'000u);
}

}  // namespace
}  // namespace coppice
