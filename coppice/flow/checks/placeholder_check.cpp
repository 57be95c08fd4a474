// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "coppice/flow/checks/page_checks.h"
#include "coppice/flow/checks/text_checks.h"
#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

struct NoPlaceholdersOptions {
  std::vector<std::string> files{"*"};
  std::vector<std::string> phrases;
  std::vector<std::string> addresses;
};

void describe(OptionTable& table, NoPlaceholdersOptions& options) {
  table.add("files", options.files, "which files it looks at, with * for any characters");
  table.add("phrases", options.phrases, "further phrases that no reader may see");
  table.add("addresses", options.addresses, "further parts of addresses that no page may have");
}

/// What stands in a page until someone puts the right thing there; looked for in what readers see.
constexpr std::string_view kPhrases[] = {"lorem ipsum",       "dolor sit amet",    "your text here", "insert text here",
                                         "placeholder text",  "your company name", "your name here", "image goes here",
                                         "content goes here", "insert image here", "add text here",  "sample text"};

/// Parts of addresses that belong to nobody, or to services of empty images. Source for the first ones: RFC 2606.
constexpr std::string_view kAddresses[] = {"example.com",  "example.org",     "example.net",  "via.placeholder.com",
                                           "placehold.co", "placeholder.com", "placehold.it", "dummyimage.com"};

/// Words in capitals that authors leave for themselves.
constexpr std::string_view kMarks[] = {"TODO", "FIXME", "TBD", "XXX"};

bool is_letter(char c) noexcept {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Where the word stands by itself.
std::optional<size_t> find_word(std::string_view text, std::string_view word) {
  for (size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    const bool begins = at == 0 || !is_letter(text[at - 1]);
    const bool ends = at + word.size() == text.size() || !is_letter(text[at + word.size()]);
    if (begins && ends) return at;
  }
  return std::nullopt;
}

/// "{{ name }}", "{% if %}", "[Your Name]", "[image: a house]": what a template or an author left.
std::string bracketed(std::string_view text) {
  for (const auto& [open, close] : {std::pair<std::string_view, std::string_view>{"{{", "}}"}, {"{%", "%}"}}) {
    const size_t begin = text.find(open);
    const size_t end = begin == text.npos ? begin : text.find(close, begin);
    if (end != text.npos) return std::string(text.substr(begin, end + close.size() - begin));
  }
  constexpr std::string_view kFirstWords[] = {"image", "your", "insert", "placeholder",
                                              "photo", "logo", "name",   "company"};
  constexpr size_t kLongest = 100;
  for (size_t at = text.find('['); at != text.npos; at = text.find('[', at + 1)) {
    const std::string_view inside = text.substr(at + 1, kLongest);
    const size_t end = inside.find(']');
    if (end == inside.npos) continue;
    const std::string first = lower_case(inside.substr(0, std::min(end, inside.find_first_of(" :_-"))));
    const bool is_one = std::find(std::begin(kFirstWords), std::end(kFirstWords), first) != std::end(kFirstWords);
    if (is_one) return std::string(text.substr(at, end + 2));
  }
  return {};
}

class NoPlaceholders : public Check {
 public:
  using Options = NoPlaceholdersOptions;
  explicit NoPlaceholders(Options options) : options_(std::move(options)), phrases_(phrases_of(options_.phrases)) {
    for (const std::string_view phrase : kPhrases) phrases_.emplace_back(phrase);
    addresses_.assign(std::begin(kAddresses), std::end(kAddresses));
    for (const std::string& address : options_.addresses) addresses_.push_back(lower_case(address));
  }

  CheckResult run(const CheckedFiles& files) const override {
    Tally tally;
    const std::vector<std::string> names = files.names(options_.files);
    tally.expect_files(names, options_.files);
    for (const std::string& name : names) {
      const std::string& bytes = files.all().at(name);
      if (!is_text(bytes)) continue;
      const size_t before = tally.failed();
      seen(files, name, tally);
      marks(files, name, bytes, tally);
      if (const CheckedFiles::Page* const page = files.page(name))
        nodes(LookedAt{files, name, page->tree, page->style}, tally);
      if (tally.failed() == before) tally.pass();
    }
    return tally.result("file", "files");
  }

 private:
  void seen(const CheckedFiles& files, const std::string& name, Tally& tally) const {
    const std::string_view text = files.reader_text(name);
    const std::vector<std::string> words = words_of(text);
    for (const Phrase& phrase : phrases_) {
      if (phrase.find(words)) tally.fail(name, fmt::format("the text says '{}'", shown(phrase.text())));
    }
    // In a page this is looked for in each text and attribute, which has a better place.
    const std::string left = files.page(name) ? "" : bracketed(text);
    if (!left.empty()) tally.fail(name, fmt::format("the text has '{}'", shown(left)));
  }

  static void marks(const CheckedFiles& files, const std::string& name, std::string_view bytes, Tally& tally) {
    for (const std::string_view mark : kMarks) {
      const auto at = find_word(bytes, mark);
      if (at) tally.fail(files.place(name, *at), fmt::format("the file has '{}'", mark));
    }
  }

  void nodes(const LookedAt& page, Tally& tally) const {
    for (const HtmlNode& node : page.tree.nodes()) {
      const bool is_code = node.is_text() && is_code_tag(page.tree[node.parent].tag);
      if (is_code) continue;
      value(page, node, node.text, tally);
      for (const HtmlAttribute& attribute : node.attributes) {
        if (attribute.name != "placeholder") value(page, node, attribute.value, tally);
      }
    }
  }

  static bool is_code_tag(std::string_view tag) {
    return tag == "script" || tag == "style" || tag == "code" || tag == "pre";
  }

  void value(const LookedAt& page, const HtmlNode& node, std::string_view text, Tally& tally) const {
    if (text.empty()) return;
    const std::string left = bracketed(text);
    if (!left.empty()) tally.fail(page.place(node), fmt::format("'{}' was left in the page", shown(left)));
    const std::string lower = lower_case(text);
    for (const std::string& address : addresses_) {
      if (lower.find(address) != lower.npos) {
        tally.fail(page.place(node), fmt::format("'{}' belongs to nobody: '{}'", address, shown(text)));
        return;
      }
    }
  }

  Options options_;
  std::vector<Phrase> phrases_;
  std::vector<std::string> addresses_;
};

}  // namespace

CheckKind no_placeholders_kind() {
  return kind_of<NoPlaceholders>(
      "no_placeholders",
      "nothing was left to be filled in: filler text, TODO, {{ }}, [image], addresses of nobody; "
      "the score is the share of files without such");
}

}  // namespace coppice
