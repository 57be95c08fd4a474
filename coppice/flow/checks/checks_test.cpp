// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/checks.h"

#include <gtest/gtest.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/flow/checks/html_tokens.h"

namespace coppice {
namespace {

using nlohmann::json;
using Files = std::map<std::string, std::string>;

/// A page as a careful author writes it, with its files.
Files good_site() {
  return {{"index.html", R"(<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Brightleaf Solar for Ann Lee</title>
  <link rel="stylesheet" href="css/style.css">
</head>
<body>
  <header><h1>Brightleaf Solar</h1>
    <nav><a href="#offer">Our offer</a> <a href="contact.html#form">Contact</a> <a href="mailto:hi@brightleaf.test">Mail</a></nav>
  </header>
  <main id="offer">
    <h2>A roof for Ann Lee</h2>
    <p>Your roof in Leeds gives 30 kWh a day, for 25 years.</p>
    <img src="img/roof.png" alt="A red roof with ten solar panels">
    <img src="img/line.png" alt="" role="presentation">
    <svg role="img" viewBox="0 0 1 1"><title>A sun</title><circle r="1"/></svg>
  </main>
  <script src="js/app.js"></script>
</body>
</html>
)"},
          {"contact.html", R"(<!DOCTYPE html>
<html lang="en"><head><title>Contact</title><style>body { color: #222; background: #fff }</style></head>
<body><h1>Contact</h1><form id="form" action="index.html"><label for="mail">Mail</label><input id="mail" type="email">
<label>Name <input name="name"></label><button>Send</button></form></body></html>
)"},
          {"css/style.css",
           ":root { --ink: #1b2a41; --paper: #ffffff }\nbody { color: var(--ink); background: var(--paper) }\n"
           "a { color: #0b5394 }\nheader { background: url('../img/roof.png') #fff }\nheader * { background: #fff }\n"},
          {"js/app.js", "const f = (a) => `x${a / 2}`; // done\nif (/[/]\"/.test('b')) { f(\"c\"); }\n"},
          {"img/roof.png", std::string("\x89PNG\0\1", 6)},
          {"img/line.png", std::string("\x89PNG\0\2", 6)}};
}

CheckResult run(const std::string& name, const json& with, const Files& files) {
  return CheckRegistry().make(name, with)->run(CheckedFiles(files));
}

/// One page: what of it stands in the body of a page that is right otherwise.
Files page_of(const std::string& body, const std::string& head = "") {
  return {{"index.html",
           "<!DOCTYPE html><html lang=en><head><title>t</title>" + head + "</head>\n<body>" + body + "</body></html>"}};
}

std::string findings_of(const CheckResult& result) {
  std::string text;
  for (const Finding& one : result.findings) {
    text += (one.kind == Finding::Kind::unknown ? "? " : "") + one.place + " " + one.message + "\n";
  }
  return text;
}

TEST(Checks, AGoodSitePassesAll) {
  const json list = json::parse(R"(["html_parses", "alt_texts", "links_resolve", "contrast", "css_parses", "js_parses",
    {"facts_present": {"facts": ["Ann Lee", ["30 kWh", "thirty kilowatt hours"], "leeds", 25]}},
    {"guidelines": {"guidelines": [
      {"name": "says its name", "must_say": ["Brightleaf"], "must_not_say": ["cheap*"]},
      {"name": "has a menu", "must_have": ["nav > a[href]"], "must_not_have": ["marquee, blink"]},
      {"palette": ["#1b2a41", "white", "#0b5394", "#222"]}, {"heading_order": true, "most_words": 60, "least_words": 10},
      {"least_reading_ease": 40}]}},
    "no_placeholders", "size", {"text_matches": {"contains": ["30 kWh a day"], "lacks": ["dear *"], "contains_one": ["x", "roof"]}},
    {"words_between": {"least": 10, "most": 60}},
    {"coherent": {"branches": {"image": "A red roof in Leeds, 25 years old"}, "files": ["index.html"]}},
    {"similar_to": {"text": "Brightleaf Solar: a roof for Ann Lee in Leeds gives 30 kWh a day", "least": 0.4}}])");
  const CheckReport report = run_checks(CheckRegistry().make_all(list), CheckedFiles(good_site()));
  for (const CheckResult& result : report.results) {
    EXPECT_TRUE(result.passed) << result.check << "\n" << findings_of(result);
    EXPECT_EQ(findings_of(result), "") << result.check;
    EXPECT_TRUE(result.score == 1 || result.check == "similar_to" || result.check == "coherent")
        << result.check << " " << result.score;
  }
  EXPECT_TRUE(report.passed);
  const CheckRegistry registry;
  EXPECT_EQ(report.results.size(), registry.kinds().size());
  EXPECT_EQ(faults_text(report), "");
  EXPECT_TRUE(report_json(report)["passed"].get<bool>());
}

TEST(Checks, WithoutFilesNoCheckOfThemPasses) {
  const CheckRegistry registry;
  for (const auto& [name, kind] : registry.kinds()) {
    if (name == "css_parses" || name == "js_parses") continue;  // pages may do without
    json with = json::object();
    if (name == "facts_present") with["facts"] = {"a"};
    if (name == "guidelines") with["guidelines"] = {"a"};
    if (name == "similar_to") with["text"] = "a";
    EXPECT_FALSE(run(name, with, {}).passed) << name;
    EXPECT_LT(run(name, with, {}).score, 1) << name;
  }
  EXPECT_TRUE(run("css_parses", json::object(), {}).passed);
  EXPECT_FALSE(run("css_parses", {{"files", {"*.css"}}}, {}).passed);
}

TEST(Checks, NamesAndOptionsAreLookedAt) {
  const auto message = [](const json& list) {
    try {
      CheckRegistry().make_all(list);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      return error.message();
    }
    return std::string("no error");
  };
  EXPECT_EQ(message({"html_parse"}), "there is no check 'html_parse'\n  hint: did you mean 'html_parses'?");
  EXPECT_NE(message({{{"contrast", {{"lest", 4}}}}}).find("least"), std::string::npos);
  EXPECT_NE(message({{{"contrast", {{"least", 40}}}}}).find("contrast: option least is 40"), std::string::npos);
  EXPECT_NE(message({{{"contrast", 3}}}).find("expected an object"), std::string::npos);
  EXPECT_NE(message({{{"contrast", nullptr}}}).find("no error"), std::string::npos);
  EXPECT_NE(message({{{"a", 1}, {"b", 2}}}).find("expected a name or {name: options}"), std::string::npos);
  EXPECT_NE(message({3}).find("got 3"), std::string::npos);
  EXPECT_NE(message("contrast").find("expected a list"), std::string::npos);
  EXPECT_NE(message({"facts_present"}).find("expected a list of texts"), std::string::npos);
  EXPECT_NE(message({{{"facts_present", {{"facts", {"..."}}}}}}).find("expected one with a word"), std::string::npos);
  EXPECT_NE(message({{{"facts_present", {{"facts", {json::array()}}}}}}).find("an empty list"), std::string::npos);
  EXPECT_NE(message({{{"guidelines", {{"guidelines", {{{"must_hav", {"a"}}}}}}}}}).find("must_have"),
            std::string::npos);
  EXPECT_NE(message({{{"guidelines", {{"guidelines", {{{"must_have", {"a:nth-child(2)"}}}}}}}}}).find("understood"),
            std::string::npos);
  EXPECT_NE(message({{{"guidelines", {{"guidelines", {{{"palette", {"blu"}}}}}}}}}).find("'blu' in a palette"),
            std::string::npos);
  EXPECT_NE(message({{{"words_between", {{"least", 5}, {"most", 4}}}}}).find("expected at least 5"), std::string::npos);
}

TEST(Checks, OptionsThatAreFilledInLaterAreJudgedLater) {
  const auto message = [](const json& list) {
    const std::vector<Error> faults = CheckRegistry().faults(list);
    return faults.empty() ? std::string("sound") : faults.front().message();
  };
  EXPECT_EQ(message({{{"links_resolve", {{"others", "{{ steps.a.output }}"}}}}}), "sound");
  EXPECT_EQ(message({{{"facts_present", {{"facts", "{{ inputs.facts }}"}}}}, "contrast"}), "sound");
  EXPECT_EQ(message({{{"contrast", {{"least", "{{ inputs.least }}"}}}}}), "sound");
  EXPECT_EQ(message({{{"contrast", {{"lest", "{{ inputs.least }}"}}}}}),
            "/0/contrast/lest: contrast: unknown option 'lest'\n  hint: did you mean 'least'?");
  EXPECT_NE(message({{{"contrast", {{"least", "seven"}}}}}).find("option least is"), std::string::npos);
  EXPECT_NE(message({{{"facts_present", {{"facts", {3, json::object()}}}}}}).find("a fact is"), std::string::npos);
  EXPECT_NE(message({{{"contrats", {{"least", "{{ inputs.least }}"}}}}}).find("there is no check"), std::string::npos);
  EXPECT_NE(message("contrast").find("expected a list"), std::string::npos);
  EXPECT_THROW(CheckRegistry().make_all({{{"links_resolve", {{"others", "{{ steps.a.output }}"}}}}}), Error);
}

TEST(Checks, AllFaultsOfAListAreToldWhereTheyStand) {
  std::vector<std::string> places;
  const json list = {"nope",
                     {{"contrast", {{"foo", 1}, {"bar", 2}}}},
                     "size",
                     {{"words_between", {{"least", "many"}}}},
                     {{"size", {{"most_bytez", 3}}}},
                     {{"text_matches", {{"pattern", "("}}}},
                     3};
  for (const Error& fault : CheckRegistry().faults(list)) places.push_back(fault.where());
  EXPECT_EQ(places, (std::vector<std::string>{"/0", "/1/contrast/bar", "/1/contrast/foo", "/3/words_between/least",
                                              "/4/size/most_bytez", "/5/text_matches/pattern", "/6"}));
}

TEST(Checks, AUserAddsHisOwn) {
  class HasFile : public Check {
   public:
    CheckResult run(const CheckedFiles& files) const override {
      CheckResult result;
      result.passed = files.all().contains("a");
      return result;
    }
  };
  CheckRegistry registry;
  registry.add({"has_file", "", {}, [](const json&) { return std::make_unique<const HasFile>(); }});
  const auto checks = registry.make_all({"has_file"});
  EXPECT_TRUE(run_checks(checks, CheckedFiles(Files{{"a", ""}})).passed);
  EXPECT_FALSE(run_checks(checks, CheckedFiles(Files{{"b", ""}})).passed);
  EXPECT_EQ(run_checks(checks, CheckedFiles(Files{{"b", ""}})).results[0].check, "has_file");
  EXPECT_TRUE(run_checks({}, CheckedFiles(Files{})).passed);
}

TEST(Checks, KindsSayWhatTheyDo) {
  const CheckRegistry registry;
  for (const auto& [name, kind] : registry.kinds()) {
    EXPECT_EQ(name, kind.name);
    EXPECT_FALSE(kind.help.empty()) << name;
    EXPECT_FALSE(kind.options.empty()) << name;
    for (const CheckOption& option : kind.options) EXPECT_FALSE(option.help.empty()) << name << " " << option.name;
  }
}

TEST(Checks, FaultsAreToldForARepair) {
  const CheckReport report =
      run_checks(CheckRegistry().make_all({"html_parses", "size"}), CheckedFiles(Files{{"a.html", "<p>"}}));
  EXPECT_FALSE(report.passed);
  EXPECT_EQ(faults_text(report),
            "- html_parses, a.html: the page does not begin with <!DOCTYPE html>\n"
            "- html_parses, a.html:1:1: <html> does not say its language; write <html lang=\"en\">, say\n"
            "- html_parses, a.html: the page has no <title>\n");
  EXPECT_EQ(faults_text(report, 1),
            "- html_parses, a.html: the page does not begin with <!DOCTYPE html>\n- and 2 more\n");
  EXPECT_EQ(report_json(report)["checks"][0]["findings"].size(), 3u);
}

TEST(HtmlParses, TellsEachFaultWithItsPlace) {
  const CheckResult result = run("html_parses", json::object(),
                                 {{"a.html",
                                   "<!DOCTYPE html>\n<html>\n<head><title></title><title>b</title></head>\n"
                                   "<body><p id=x>a</b><div id=x><span id='a b'>c</div>\n</body></html>"}});
  EXPECT_FALSE(result.passed);
  EXPECT_EQ(findings_of(result),
            "a.html:4:16 </b> closes nothing\n"
            "a.html:4:30 <span> is not closed before </div>\n"
            "a.html:2:1 <html> does not say its language; write <html lang=\"en\">, say\n"
            "a.html:3:7 the <title> has no text\n"
            "a.html:3:22 a second <title>, expected one\n"
            "a.html:4:20 the id 'x' is there twice\n"
            "a.html:4:30 got the id 'a b', expected one without blanks\n");
  EXPECT_GT(result.score, 0);
  EXPECT_LT(result.score, 1);
}

TEST(HtmlParses, AByteThatIsNoUtf8IsAFault) {
  EXPECT_FALSE(run("html_parses", json::object(), page_of("a\xFF")).passed);
  EXPECT_FALSE(run("html_parses", json::object(), page_of(std::string("a\0b", 3))).passed);
  EXPECT_TRUE(run("html_parses", json::object(), page_of("a")).passed);
  EXPECT_TRUE(run("html_parses", {{"language", false}}, {{"a.html", "<!DOCTYPE html><title>a</title>b"}}).passed);
}

TEST(AltTexts, EachElementThatNeedsOneIsLookedAt) {
  struct Case {
    const char* body;
    const char* finding;
  };
  for (const Case& one :
       std::initializer_list<Case>{{"<img src=a.png>", "<img> 'a.png' has no alt text"},
                                   {"<img src=a.png alt=''>", "is empty; decoration needs role"},
                                   {"<img src=a.png alt='&nbsp; '>", "is empty; decoration needs role"},
                                   {"<img src=a.png alt=Image>", "the alt text 'Image' does not say"},
                                   {"<img src=a.png alt=img_01.PNG>", "does not say"},
                                   {"<input type=image src=a>", "<input> 'a' has no alt text"},
                                   {"<svg><path/></svg>", "<svg> has no <title>"},
                                   {"<svg><g><title>a</title></g></svg>", "<svg> has no <title>"},
                                   {"<input name=a>", "<input> has no label"},
                                   {"<label for=b>x</label><input id=a>", "<input> has no label"},
                                   {"<label><input></label>", "<input> has no label"},
                                   {"<textarea></textarea>", "<textarea> has no label"},
                                   {"<select aria-labelledby=x><option>a</select>", "<select> has no label"},
                                   {"<a href=b></a>", "<a> has no text"},
                                   {"<a href=b><img src=c alt='' role=presentation></a>", "<a> has no text"},
                                   {"<button><svg aria-hidden=true></svg></button>", "<button> has no text"}}) {
    const CheckResult result = run("alt_texts", json::object(), page_of(one.body));
    EXPECT_FALSE(result.passed) << one.body;
    EXPECT_NE(findings_of(result).find(one.finding), std::string::npos) << one.body << "\n" << findings_of(result);
  }
  for (const char* body :
       {"<img src=a alt='A roof'>", "<img src=a alt='' role=presentation>", "<img src=a aria-hidden=true>",
        "<img src=a aria-label='A roof'>", "<svg aria-hidden=true></svg>", "<svg aria-label=x></svg>",
        "<svg><title>a</title><svg></svg></svg>", "<a href=b><svg></svg> Home</a>", "<label>a <input></label>",
        "<label for=a>x</label><input id=a>", "<p id=l>x</p><select aria-labelledby='k l'><option>a</select>",
        "<input type=hidden><input type=submit>", "<input title=a>", "<a href=b><img src=c alt='A roof'></a>",
        "<a name=b></a>", "<button aria-label=x></button>", "<template><img src=a></template>"}) {
    const CheckResult result = run("alt_texts", json::object(), page_of(body));
    EXPECT_TRUE(result.passed) << body << "\n" << findings_of(result);
  }
}

TEST(LinksResolve, EachAddressLeadsSomewhere) {
  Files files = good_site();
  files["sub/a.html"] = "<!DOCTYPE html><html lang=en><title>t</title><p id=p>a";
  struct Case {
    const char* body;
    const char* finding;  ///< "" = none
  };
  for (const Case& one : std::initializer_list<Case>{
           {"<a href=contact.html>", ""},
           {"<a href='contact.html?x=1#form'>", ""},
           {"<a href=contact.html#nothing>", "'contact.html#nothing' names no id of 'contact.html'"},
           {"<a href=#y id=y>", ""},
           {"<a href=#top>", ""},
           {"<a href=#>", ""},
           {"<a href=#z>", "'#z' names no id of 'b.html'"},
           {"<a href=contcat.html>", "leads to no file; there is 'contact.html'"},
           {"<a href=/sub/a.html#p>", ""},
           {"<a href=sub/../contact.html>", ""},
           {"<a href=../contact.html>", "leads above the folder of the files"},
           {"<a href=%63ontact.html>", ""},
           {"<a href=%2e%2e/x>", "leads above the folder of the files"},
           {"<a href=sub/>", "leads to no file"},
           {"<a href=https://brightleaf.test/a>", "leads outside of the files"},
           {"<a href=https://allowed.test/a>", ""},
           {"<a href=//allowed.test/a>", "leads outside of the files"},
           {"<a href='javascript:alert(1)'>", "is a script, not an address"},
           {"<a href=' java\tscript:alert(1)'>", "is a script, not an address"},
           {"<a href='JaVaScRiPt:x'>", "is a script, not an address"},
           {"<a href='data:text/html,x'>", "carries its data in the address"},
           {"<img src='data:image/png;base64,AA'>", ""},
           {"<img src='data:text/html,x'>", "carries its data in the address"},
           {"<a href=mailto:a@b>", ""},
           {"<a href=ftp://a>", "has the scheme 'ftp', which is not allowed"},
           {"<a href=''>", "is an empty address"},
           {"<img srcset='img/roof.png 1x, img/rof.png 2x'>", "'img/rof.png' leads to no file"},
           {"<p style='background: url(img/no.png)'>", "'img/no.png' leads to no file"},
           {"<style>p { background: url(img/no.png) }</style>", "'img/no.png' leads to no file"},
           {"<form action=send.php></form>", "'send.php' leads to no file"},
           {"<base href=/x/>", "<base> changes where all addresses lead"},
           {"<svg><use href=#q /></svg>", "'#q' names no id"},
           {"<script src=js/app.js></script>", ""}}) {
    files["b.html"] = one.body;
    const CheckResult result =
        run("links_resolve", {{"files", {"b.html"}}, {"allow", {"https://allowed.test/*"}}}, files);
    const std::string findings = findings_of(result);
    EXPECT_EQ(result.passed, *one.finding == '\0') << one.body << "\n" << findings;
    EXPECT_NE(findings.find(one.finding), std::string::npos) << one.body << "\n" << findings;
  }
  files["css/more.css"] = "a {\n background: url(../img/no.png) }";
  EXPECT_EQ(findings_of(run("links_resolve", {{"files", {"contact.html"}}}, files)),
            "css/more.css:2:2 '../img/no.png' leads to no file; there is 'img/line.png'\n");
}

TEST(LinksResolve, OtherFilesWillBeThere) {
  const Files files = page_of("<h1>a</h1><img src=img/a.png alt=a><img src=./img/b.png alt=b>");
  const auto findings = [&](const json& others) {
    return findings_of(run("links_resolve", {{"others", others}}, files));
  };
  EXPECT_EQ(findings({"img/a.png", "img/b.png"}), "");
  EXPECT_EQ(findings({"img/*"}), "");
  EXPECT_NE(findings({"img/a.png"}).find("'./img/b.png' leads to no file; there is 'img/a.png'"), std::string::npos);
  EXPECT_NE(findings({"*.png"}), findings(json::array())) << "a star stands for any characters";
  EXPECT_NE(findings({"a.png", "b.png"}), "") << "of the whole name";
}

TEST(Contrast, SaysWhichTextWithWhichColours) {
  const std::string style =
      "<style>body { background: #fff } .a { color: #777 } .b { color: #767676 } h1 { color: #949494 }\n"
      ".g { background: linear-gradient(red, blue) }</style>";
  const CheckResult result = run("contrast", json::object(),
                                 page_of("<h1>Large</h1><p class=a>Low</p><p class=a>Low, too</p><p class=b>Enough</p>"
                                         "<p class=g>Over a gradient</p><p class=a hidden>no</p>",
                                         style));
  EXPECT_FALSE(result.passed);
  EXPECT_EQ(findings_of(result),
            "index.html:3:32 the text 'Low' (#777777 on #ffffff) has contrast 4.48, expected at least 4.5 (2 texts)\n"
            "? index.html:3:94 the text 'Over a gradient' cannot be judged: an image or a gradient is behind it\n");
  EXPECT_EQ(result.score, 2.0 / 5);
  EXPECT_EQ(result.summary, "2 of 5 texts right, 1 not known");
}

TEST(Contrast, WhatIsNotKnownIsReportedAndMayFail) {
  const Files files = page_of("<p style='background: url(a.png)'>t</p><p>u</p>");
  EXPECT_TRUE(run("contrast", json::object(), files).passed);
  EXPECT_EQ(run("contrast", json::object(), files).score, 0.5);
  EXPECT_EQ(run("contrast", json::object(), files).findings.size(), 1u);
  EXPECT_FALSE(run("contrast", {{"unknown", "fail"}}, files).passed);
  EXPECT_FALSE(
      run("contrast", {{"unknown", "fail"}}, page_of("t", "<link rel=stylesheet href=https://a.test/b.css>")).passed);
  // Large or not: it is not known, and says so where it matters.
  const std::string size = "style='font-size: 3vw; color: ";
  EXPECT_EQ(run("contrast", json::object(), page_of("<p " + size + "#949494'>t</p>")).findings.at(0).kind,
            Finding::Kind::unknown);
  EXPECT_EQ(run("contrast", json::object(), page_of("<p " + size + "#aaa'>t</p>")).findings.at(0).kind,
            Finding::Kind::fault);
  EXPECT_TRUE(run("contrast", json::object(), page_of("<p " + size + "#767676'>t</p>")).findings.empty());
}

TEST(Contrast, WhatCannotBeUsedNeedNotBeLegible) {
  EXPECT_TRUE(run("contrast", json::object(), page_of("<button disabled style='color: #efefef'>t</button>")).passed);
  EXPECT_FALSE(run("contrast", json::object(), page_of("<button style='color: #efefef'>t</button>")).passed);
  EXPECT_FALSE(run("contrast", json::object(), page_of("<input type=submit value=t style='color: #efefef'>")).passed);
  EXPECT_FALSE(run("contrast", {{"least", 7}}, page_of("<p style='color: #767676'>t</p>")).passed);
}

TEST(CssParses, LooksAtAllSheets) {
  Files files = page_of("<p style='color: rde'>t</p>", "<style>\n.a { color: #12345 }\n.b { color: red\n</style>");
  files["a.css"] =
      "a { color: red; }\nb > > c { margin: 0 }\n@keyframes x { 50% { color: red } }\nd { border: 1px solid #ff }";
  EXPECT_EQ(findings_of(run("css_parses", json::object(), files)),
            "a.css:2:1 a selector has '>' after '>' in 'b > > c'\n"
            "a.css:4:5 got '#ff' in 'border', expected a colour of 3, 4, 6 or 8 digits\n"
            "index.html:3:1 '{' is never closed with '}'\n"
            "index.html:2:6 got 'color: #12345', expected a colour\n"
            "index.html:5:7 got 'color: rde', expected a colour\n");
}

TEST(JsParses, LooksAtAllScripts) {
  Files files = page_of(
      "<script>if (a {</script><script type='application/ld+json'>{\"a\": }</script>"
      "<script type=text/template>{{</script><script>ok()</script>");
  files["a.js"] = "let a = [1, 2;\n";
  EXPECT_EQ(findings_of(run("js_parses", json::object(), files)),
            "a.js:1:9 '[' is never closed\n"
            "index.html:2:21 '{' is never closed\n"
            "index.html:2:66 the script says that it is JSON, which it is not\n");
}

TEST(Coherent, TellsWhatContradicts) {
  const Files files = page_of("<p>The roof lasts 25 years.</p>");
  EXPECT_TRUE(run("coherent", {{"branches", {{"image", "25 years, a roof"}}}}, files).passed);
  const CheckResult result = run("coherent", {{"branches", {{"image", "20 years, a roof"}}}, {"least", 0.9}}, files);
  EXPECT_FALSE(result.passed);
  EXPECT_EQ(findings_of(result),
            " 'image' says 20 for 'year', 'index.html' 25\n the coherence is 0.33, expected at least 0.90\n");
  EXPECT_FALSE(run("coherent", json::object(), files).passed);
  EXPECT_THROW(run("coherent", {{"branches", {"a"}}}, files), Error);
  EXPECT_THROW(run("coherent", {{"branches", {{"a", 1}}}}, files), Error);
}

TEST(Size, EmptyAndLargeFilesAreFaults) {
  EXPECT_EQ(
      findings_of(run("size", {{"most_bytes", 3}, {"most_total_bytes", 5}, {"most_files", 2}},
                      {{"a", ""}, {"b", "123"}, {"c", "1234"}})),
      "a the file is empty\nc the file has 4 bytes, expected at most 3\n the files have 7 bytes, expected at most 5\n"
      " there are 3 files, expected at most 2\n");
}

std::string repeated(std::string_view text, size_t times) {
  std::string result;
  for (size_t i = 0; i < times; ++i) result += text;
  return result;
}

TEST(Checks, HostileFilesTakeNoLongTime) {
  const json list = json::parse(R"(["html_parses", "alt_texts", "links_resolve", "contrast", "css_parses", "js_parses",
    {"facts_present": {"facts": ["a * b"]}}, {"guidelines": {"guidelines": [{"palette": ["red"], "must_have": ["x y z"]}]}},
    "no_placeholders", "size"])");
  const auto checks = CheckRegistry().make_all(list);
  for (const std::string& body :
       {repeated("<a href=x id=y>", 50'000), repeated("<div style='color:#123;background:#1234;--a:b'>", 10'000),
        repeated("<p id=x><img src=a>", 30'000), repeated("<label>", 500) + repeated("<input>", 30'000),
        repeated("<svg>", 400) + repeated("a<b>", 50'000), repeated("[", 300'000), repeated("{{", 300'000),
        "<style>" + repeated("a{", 50'000) + "</style>",
        "<style>" + repeated("*{--a:b}", 10'000) + "</style>" + repeated("<b>x</b>", 10'000),
        "<style>" + repeated("a,", 100'000) + "{color:red}</style>x", "<p style='" + repeated("var(", 50'000) + "'>x",
        "<p style='color:" + repeated("rgb(", 50'000) + "'>x", "<p class='" + repeated("a ", 100'000) + "'>x",
        "<script>" + repeated("`${", 50'000) + "</script>"}) {
    const std::clock_t begin = std::clock();
    run_checks(checks, CheckedFiles(page_of(body)));
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    EXPECT_LT(seconds, 5) << body.substr(0, 60);
    if (std::getenv("COPPICE_TEST_TIMES")) std::printf("%.2f s: %s\n", seconds, body.substr(0, 60).c_str());
  }
}

}  // namespace
}  // namespace coppice
