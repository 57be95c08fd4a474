// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/checks/css_color.h"
#include "coppice/flow/checks/css_selector.h"
#include "coppice/flow/checks/css_syntax.h"
#include "coppice/flow/checks/page_checks.h"
#include "coppice/flow/checks/reading_ease.h"
#include "coppice/flow/checks/text_checks.h"
#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

using nlohmann::json;

/// A guideline as it is written.
struct GuidelineOptions {
  std::string name;
  std::vector<std::string> must_say, must_not_say, must_have, must_not_have, palette, must_not_use;
  uint32_t least_words = 0, most_words = 0;
  double least_reading_ease = -1000;
  bool heading_order = false;
};

void describe(OptionTable& table, GuidelineOptions& options) {
  constexpr uint32_t kMost = ~uint32_t{0};
  table.add("name", options.name, "the guideline in words");
  table.add("must_say", options.must_say, "phrases that the text must have, each on some page");
  table.add("must_not_say", options.must_not_say, "phrases that no page may have");
  table.add("must_have", options.must_have, "selectors of elements that some page must have: \"nav a[href]\"");
  table.add("must_not_have", options.must_not_have, "selectors of elements that no page may have");
  table.add("palette", options.palette, "the only colours that pages and style sheets may use");
  table.add("must_not_use", options.must_not_use, "colours that no page and no style sheet may use");
  table.add("least_words", options.least_words, 0, kMost, "the least number of words in all pages together");
  table.add("most_words", options.most_words, 0, kMost, "the largest number of words; 0 = any");
  table.add("least_reading_ease", options.least_reading_ease, -1000, 206,
            "the least reading ease of English text (Flesch): 60 is plain English");
  table.add("heading_order", options.heading_order,
            "whether headings must begin with the only <h1>, and leave out no level");
}

/// A guideline that is ready to be looked at.
struct Guideline {
  GuidelineOptions options;
  std::vector<Phrase> must_say, must_not_say;
  std::vector<CssSelectorList> must_have, must_not_have;
  std::vector<CssColor> palette, must_not_use;
};

std::vector<CssSelectorList> selectors_of(const std::vector<std::string>& texts) {
  std::vector<CssSelectorList> lists;
  for (const std::string& text : texts) {
    CssSelectorList list = parse_selectors(text);
    for (const CssSelector& selector : list.selectors) {
      const bool is_read =
          !selector.is_of_no_element && std::all_of(selector.compounds.begin(), selector.compounds.end(),
                                                    [](const CssCompound& one) { return one.is_exact; });
      if (!is_read && list.fault.empty())
        list.fault = "only types, classes, ids, attributes, ' ' and '>' are understood";
    }
    if (!list.fault.empty()) {
      throw Error(ErrorCode::usage, fmt::format("got the selector '{}', {}", shown(text), list.fault));
    }
    lists.push_back(std::move(list));
  }
  return lists;
}

std::vector<CssColor> colors_of(const std::vector<std::string>& texts, const char* where) {
  std::vector<CssColor> colors;
  for (const std::string& text : texts) {
    const ColorReading reading = read_color(text);
    if (reading.kind != ColorReading::Kind::color) {
      throw Error(ErrorCode::usage,
                  fmt::format("got '{}' in {}, expected a colour such as #0a3d62", shown(text), where));
    }
    colors.push_back(reading.color);
  }
  return colors;
}

Guideline guideline_of(const json& item) {
  Guideline guideline;
  if (item.is_string()) {
    guideline.options.name = item.get<std::string>();
    return guideline;
  }
  if (!item.is_object()) {
    throw Error(ErrorCode::usage,
                fmt::format("a guideline is {}, expected a text or an object", json_value_text(item)));
  }
  OptionTable table;
  describe(table, guideline.options);
  table.set(item);
  const GuidelineOptions& options = guideline.options;
  guideline.must_say = phrases_of(options.must_say);
  guideline.must_not_say = phrases_of(options.must_not_say);
  guideline.must_have = selectors_of(options.must_have);
  guideline.must_not_have = selectors_of(options.must_not_have);
  guideline.palette = colors_of(options.palette, "a palette");
  guideline.must_not_use = colors_of(options.must_not_use, "must_not_use");
  return guideline;
}

/// Whether colours can stand in the values of a property.
bool takes_colors(std::string_view property) {
  constexpr std::string_view kParts[] = {"color",  "background",      "border",      "outline",       "shadow", "fill",
                                         "stroke", "text-decoration", "column-rule", "text-emphasis", "filter"};
  return property.starts_with("--") || std::any_of(std::begin(kParts), std::end(kParts), [&](std::string_view part) {
           return property.find(part) != property.npos;
         });
}

/// A colour in use, as if it were opaque, and where it is used first.
struct UsedColor {
  std::string name, place;
  CssColor color;
};

/// The colours of all pages and style sheets, each once.
class UsedColors {
 public:
  explicit UsedColors(const CheckedFiles& files) : files_(files) {
    for (const auto& [name, bytes] : files.all()) {
      if (extension_of(name) == "css") sheet(parse_css(bytes), name, 0, true);
      if (const CheckedFiles::Page* const one = files.page(name)) page(one->tree, name);
    }
  }

  const std::vector<UsedColor>& all() const noexcept { return colors_; }
  size_t not_read() const noexcept { return not_read_; }

 private:
  void page(const HtmlPage& tree, const std::string& name) {
    for (size_t i = 0; i < tree.size(); ++i) {
      const HtmlNode& node = tree[i];
      if (node.tag == "style" && node.end > i + 1) sheet(parse_css(tree.text_below(i)), name, tree[i + 1].offset, true);
      if (node.has("style")) sheet(parse_css_declarations(node.get("style")), name, node.offset, false);
      for (const std::string_view attribute : {"fill", "stroke", "stop-color", "bgcolor", "color"}) {
        if (node.has(attribute)) value(node.get(attribute), name, node.offset);
      }
    }
  }

  void sheet(const CssSheet& sheet, const std::string& name, size_t offset, bool is_exact) {
    for (const CssRule& rule : sheet.rules) {
      for (const CssDeclaration& one : rule.declarations) {
        if (takes_colors(one.name)) value(one.value, name, offset + (is_exact ? one.offset : 0));
      }
    }
  }

  void value(std::string_view text, const std::string& name, size_t offset) {
    const ColorsFound found = colors_in(text);
    not_read_ += found.not_read;
    for (CssColor color : found.colors) {
      color.alpha = 1;
      const std::string shown_color = color_text(color);
      if (known_.insert(shown_color).second) colors_.push_back({shown_color, files_.place(name, offset), color});
    }
  }

  const CheckedFiles& files_;
  std::vector<UsedColor> colors_;
  std::unordered_set<std::string> known_;
  size_t not_read_ = 0;
};

/// What is wrong with the order of headings, at the first place.
std::optional<Finding> heading_fault(const LookedAt& page) {
  int last = 0, tops = 0;
  for (const HtmlNode& node : page.tree.nodes()) {
    const bool is_heading = node.tag.size() == 2 && node.tag[0] == 'h' && node.tag[1] >= '1' && node.tag[1] <= '6';
    if (!is_heading) continue;
    const int level = node.tag[1] - '0';
    tops += level == 1 ? 1 : 0;
    std::string message;
    if (last == 0 && level != 1) message = fmt::format("the first heading is <h{}>, expected <h1>", level);
    if (tops > 1) message = "a second <h1>, expected one";
    if (last > 0 && level > last + 1) message = fmt::format("<h{}> follows <h{}>: a level is left out", level, last);
    if (!message.empty()) return Finding{Finding::Kind::fault, page.place(node), message};
    last = level;
  }
  if (last == 0) return Finding{Finding::Kind::fault, page.name, "the page has no heading"};
  return std::nullopt;
}

/// Looks at all guidelines; what they share is worked out once.
class GuidelineReader {
 public:
  GuidelineReader(const CheckedFiles& files, const std::vector<std::string>& globs, Tally& tally)
      : files_(files), tally_(tally), colors_(files) {
    for (const std::string& name : files.names(globs)) {
      if (!files.reader_text(name).empty()) names_.push_back(name);
    }
    for (const std::string& name : names_) words_.push_back(words_of(files.reader_text(name)));
  }

  void look(const Guideline& guideline) {
    faults_.clear();
    n_rules_ = 0;
    unknown_.clear();
    phrases(guideline);
    elements(guideline);
    lengths(guideline.options);
    colors(guideline);
    headings(guideline.options);
    tell(guideline.options.name);
  }

 private:
  void fault(std::string place, std::string message) {
    faults_.push_back({Finding::Kind::fault, std::move(place), std::move(message)});
  }

  void tell(const std::string& name) {
    const std::string title = name.empty() ? "" : fmt::format("guideline '{}': ", shown(name));
    if (n_rules_ == 0) {
      tally_.cannot_tell("", title + "it has no rule that a machine can check");
    } else if (!faults_.empty()) {
      for (size_t i = 0; i < faults_.size(); ++i)
        tally_.fail(faults_[i].place, title + faults_[i].message, i == 0 ? 1 : 0);
    } else if (!unknown_.empty()) {
      tally_.cannot_tell("", title + unknown_);
    } else {
      tally_.pass();
    }
  }

  void phrases(const Guideline& guideline) {
    n_rules_ += guideline.must_say.size() + guideline.must_not_say.size();
    for (const Phrase& phrase : guideline.must_say) {
      const bool is_said =
          std::any_of(words_.begin(), words_.end(), [&](const auto& words) { return phrase.find(words); });
      if (!is_said) fault("", fmt::format("the text does not say '{}'", shown(phrase.text())));
    }
    for (const Phrase& phrase : guideline.must_not_say) {
      for (size_t i = 0; i < names_.size(); ++i) {
        if (phrase.find(words_[i]))
          fault(names_[i], fmt::format("the text says '{}', which it must not", shown(phrase.text())));
      }
    }
  }

  void elements(const Guideline& guideline) {
    n_rules_ += guideline.must_have.size() + guideline.must_not_have.size();
    for (size_t i = 0; i < guideline.must_have.size(); ++i) {
      const bool is_there = std::any_of(names_.begin(), names_.end(), [&](const std::string& name) {
        return first_match(name, guideline.must_have[i]).has_value();
      });
      if (!is_there) fault("", fmt::format("no element is '{}'", shown(guideline.options.must_have[i])));
    }
    for (size_t i = 0; i < guideline.must_not_have.size(); ++i) {
      for (const std::string& name : names_) {
        const auto found = first_match(name, guideline.must_not_have[i]);
        if (!found) continue;
        fault(files_.place(name, *found),
              fmt::format("an element is '{}', which none may be", shown(guideline.options.must_not_have[i])));
      }
    }
  }

  /// Where the first element stands that follows a selector.
  std::optional<size_t> first_match(const std::string& name, const CssSelectorList& list) {
    const CheckedFiles::Page* const page = files_.page(name);
    if (page == nullptr) return std::nullopt;
    CssMatcher matcher(page->tree);
    for (size_t i = 0; i < page->tree.size(); ++i) {
      if (page->tree[i].is_text()) continue;
      for (const CssSelector& selector : list.selectors) {
        if (matcher.match(i, selector) == CssMatch::yes) return page->tree[i].offset;
      }
    }
    if (matcher.is_exhausted()) unknown_ = "the page is too large for its selectors";
    return std::nullopt;
  }

  void lengths(const GuidelineOptions& options) {
    size_t count = 0;
    for (const auto& words : words_) count += count_words(words);
    n_rules_ += (options.least_words > 0 ? 1 : 0) + (options.most_words > 0 ? 1 : 0);
    if (count < options.least_words) {
      fault("", fmt::format("the text has {}, expected at least {}", counted(count, "word"), options.least_words));
    }
    if (options.most_words > 0 && count > options.most_words) {
      fault("", fmt::format("the text has {}, expected at most {}", counted(count, "word"), options.most_words));
    }
    if (options.least_reading_ease <= -1000) return;
    ++n_rules_;
    std::string text;
    for (const std::string& name : names_) text.append(files_.reader_text(name)).append("\n");
    const double ease = reading_ease(text);
    if (ease < options.least_reading_ease) {
      fault("", fmt::format("the reading ease is {:.0f}, expected at least {:.0f}: shorter sentences and words", ease,
                            options.least_reading_ease));
    }
  }

  void colors(const Guideline& guideline) {
    const bool has_palette = !guideline.palette.empty();
    n_rules_ += (has_palette ? 1 : 0) + guideline.must_not_use.size();
    if (!has_palette && guideline.must_not_use.empty()) return;
    for (const UsedColor& used : colors_.all()) {
      if (has_palette && !is_among(guideline.palette, used.color)) {
        fault(used.place, fmt::format("the colour {} is not in the palette", used.name));
      }
      if (is_among(guideline.must_not_use, used.color)) {
        fault(used.place, fmt::format("the colour {} must not be used", used.name));
      }
    }
    if (colors_.not_read() > 0) unknown_ = fmt::format("{} cannot be computed", counted(colors_.not_read(), "colour"));
  }

  static bool is_among(const std::vector<CssColor>& colors, const CssColor& color) {
    constexpr double kSame = 1;  // what nobody sees
    return std::any_of(colors.begin(), colors.end(),
                       [&](const CssColor& one) { return color_difference(one, color) < kSame; });
  }

  void headings(const GuidelineOptions& options) {
    if (!options.heading_order) return;
    ++n_rules_;
    for (const std::string& name : names_) {
      const CheckedFiles::Page* const page = files_.page(name);
      const auto found = page ? heading_fault(LookedAt{files_, name, page->tree, page->style}) : std::nullopt;
      if (found) faults_.push_back(*found);
    }
  }

  const CheckedFiles& files_;
  Tally& tally_;
  UsedColors colors_;
  std::vector<std::string> names_;
  std::vector<std::vector<std::string>> words_;
  std::vector<Finding> faults_;
  std::string unknown_;
  size_t n_rules_ = 0;
};

class Guidelines : public Check {
 public:
  Guidelines(TextFilesOptions options, std::vector<Guideline> guidelines)
      : options_(std::move(options)), guidelines_(std::move(guidelines)) {}

  CheckResult run(const CheckedFiles& files) const override {
    Tally tally;
    tally.expect_files(files.names(options_.files), options_.files);
    GuidelineReader reader(files, options_.files, tally);
    for (const Guideline& guideline : guidelines_) reader.look(guideline);
    return tally.result("guideline", "guidelines");
  }

 private:
  TextFilesOptions options_;
  std::vector<Guideline> guidelines_;
};

}  // namespace

CheckKind guidelines_kind() {
  CheckKind kind;
  kind.name = "guidelines";
  kind.help =
      "the pages follow guidelines; one in words alone is reported as not known; the score is the share that is kept";
  GuidelineOptions one;
  OptionTable table;
  describe(table, one);
  std::string keys;
  for (const Option& option : table.options()) keys += (keys.empty() ? "" : "; ") + option.name + ": " + option.help;
  kind.options.push_back({"guidelines", "list of texts or objects", "", keys});
  kind.options.push_back({"files", "list of texts", "*.html,*.htm,*.txt,*.md", "in which files it looks"});
  kind.make = [](const json& with) -> std::unique_ptr<const Check> {
    json rest = with;
    const json list = taken_out(rest, "guidelines");
    TextFilesOptions options;
    OptionTable named;
    describe(named, options);
    named.set(rest);
    if (!list.is_array()) {
      throw Error(ErrorCode::usage, fmt::format("option guidelines is {}, expected a list", json_value_text(list)));
    }
    std::vector<Guideline> guidelines;
    for (const json& item : list) guidelines.push_back(guideline_of(item));
    return std::make_unique<const Guidelines>(std::move(options), std::move(guidelines));
  };
  return kind;
}

}  // namespace coppice
