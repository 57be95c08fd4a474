// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "coppice/flow/checks/css_syntax.h"
#include "coppice/flow/checks/page_checks.h"
#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

struct LinksResolveOptions : PageFilesOptions {
  std::vector<std::string> allow, others;
  std::vector<std::string> schemes{"mailto", "tel"};
};

void describe(OptionTable& table, LinksResolveOptions& options) {
  describe(table, static_cast<PageFilesOptions&>(options));
  table.add("allow", options.allow,
            "addresses outside of the files that may be used, with * for any characters: https://example.org/*");
  table.add("others", options.others,
            "files that will be there beside those that are checked, with * for any characters: images/*.png");
  table.add("schemes", options.schemes, "other schemes that links may have");
}

/// An address as browsers read it: without control characters and blanks at its ends, tabs and line feeds.
std::string cleaned(std::string_view address) {
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
  while (!address.empty() && is_blank(address.front())) address.remove_prefix(1);
  while (!address.empty() && is_blank(address.back())) address.remove_suffix(1);
  std::string result;
  for (const char c : address) {
    if (c != '\t' && c != '\n' && c != '\r') result += c;
  }
  return result;
}

/// "https" of "https://a.b"; "" where it has none.
std::string scheme_of(std::string_view address) {
  const size_t end = address.find_first_of(":/?#");
  if (end == address.npos || end == 0 || address[end] != ':') return "";
  const std::string scheme = lower_case(address.substr(0, end));
  const bool is_scheme = scheme.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+-.") == scheme.npos &&
                         scheme[0] >= 'a' && scheme[0] <= 'z';
  return is_scheme ? scheme : "";
}

/// How an address is used: what follows a link, and what is loaded with the page.
enum class Use { link, load };

/// The addresses of an element.
std::vector<std::pair<std::string, Use>> addresses_of(const HtmlNode& node) {
  std::vector<std::pair<std::string, Use>> found;
  const auto add = [&](std::string_view attribute, Use use) {
    if (const std::string* const value = node.find(attribute)) found.emplace_back(*value, use);
  };
  if (is_one_of(node.tag, {"a", "area"})) add("href", Use::link);
  if (node.tag == "link") {
    const bool is_hint =
        is_one_of(lower_case(trim_blanks(node.get("rel"))), {"preconnect", "dns-prefetch", "canonical"});
    add("href", is_hint ? Use::link : Use::load);
  }
  if (is_one_of(node.tag, {"img", "script", "iframe", "source", "video", "audio", "embed", "track", "input"})) {
    add("src", Use::load);
  }
  if (node.tag == "video") add("poster", Use::load);
  if (node.tag == "object") add("data", Use::load);
  if (node.tag == "form") add("action", Use::link);
  if (is_one_of(node.tag, {"button", "input"})) add("formaction", Use::link);
  if (is_one_of(node.tag, {"use", "image"})) {
    add("href", Use::load);
    add("xlink:href", Use::load);
  }
  for (const std::string_view attribute : {"srcset", "imagesrcset"}) {
    for (const std::string_view candidate : split_css(node.get(attribute), ',')) {
      found.emplace_back(candidate.substr(0, candidate.find_first_of(" \t\r\n\f")), Use::load);
    }
  }
  return found;
}

class LinkReader {
 public:
  LinkReader(const CheckedFiles& files, const LinksResolveOptions& options, Tally& tally)
      : files_(files), options_(options), tally_(tally) {}

  void page(const LookedAt& page) {
    for (size_t i = 0; i < page.tree.size(); ++i) {
      const HtmlNode& node = page.tree[i];
      if (node.is_text()) continue;
      if (node.tag == "base") {
        tally_.fail(page.place(node), "<base> changes where all addresses lead; write them in full");
      }
      for (const auto& [address, use] : addresses_of(node)) {
        tell(page.name, node.offset, address, problem(page.name, address, use));
      }
      if (node.tag == "style") sheet(page.name, page.tree.text_below(i), node.offset);
      if (node.has("style")) references(page.name, parse_css_declarations(node.get("style")), node.offset);
    }
  }

  /// A sheet of which all is told at one place.
  void sheet(const std::string& name, std::string_view text, size_t offset) {
    references(name, parse_css(text), offset);
  }

  void sheet_file(const std::string& name, std::string_view text) {
    for (const CssReference& one : css_references(parse_css(text))) {
      tell(name, one.offset, one.address, problem(name, one.address, Use::load));
    }
  }

 private:
  void references(const std::string& name, const CssSheet& sheet, size_t offset) {
    for (const CssReference& one : css_references(sheet)) {
      tell(name, offset, one.address, problem(name, one.address, Use::load));
    }
  }

  void tell(const std::string& name, size_t offset, std::string_view address, const std::string& problem) {
    if (problem.empty()) {
      tally_.pass();
    } else {
      tally_.fail(files_.place(name, offset), fmt::format("'{}' {}", shown(address), problem));
    }
  }

  /// "" where the address leads somewhere.
  std::string problem(const std::string& from, std::string_view raw, Use use) {
    const std::string address = cleaned(raw);
    const std::string scheme = scheme_of(address);
    if (address.empty()) return use == Use::link ? "is an empty address" : "is an empty address, which loads nothing";
    if (is_one_of(scheme, {"javascript", "vbscript"})) return "is a script, not an address";
    if (scheme == "data") {
      const bool is_image = same_but_case(std::string_view(address).substr(0, 11), "data:image/") ||
                            same_but_case(std::string_view(address).substr(0, 10), "data:font/");
      return is_image && use == Use::load ? "" : "carries its data in the address: images and fonts alone may";
    }
    const bool is_outside =
        scheme == "http" || scheme == "https" || address.starts_with("//") || address.starts_with("\\");
    if (is_outside) return is_allowed(address) ? "" : "leads outside of the files, and is not among those allowed";
    if (!scheme.empty()) {
      const bool is_known =
          std::find(options_.schemes.begin(), options_.schemes.end(), scheme) != options_.schemes.end();
      return is_known || is_allowed(address)
                 ? ""
                 : fmt::format("has the scheme '{}', which is not allowed", shown(scheme, 20));
    }
    return problem_inside(from, address);
  }

  bool is_allowed(std::string_view address) const { return follows_one_of(address, options_.allow); }

  static bool follows_one_of(std::string_view text, const std::vector<std::string>& globs) {
    return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) { return matches_glob(text, glob); });
  }

  std::string problem_inside(const std::string& from, std::string_view address) {
    const auto name = resolved_name(from, address);
    if (!name) return "leads above the folder of the files";
    if (!files_.all().contains(*name)) {
      return follows_one_of(*name, options_.others) ? "" : "leads to no file" + nearest_file(*name);
    }
    const size_t hash = address.find('#');
    const std::string_view fragment = hash == address.npos ? "" : address.substr(hash + 1);
    if (fragment.empty() || fragment == "top" || files_.page(*name) == nullptr) return "";
    return ids_of(*name).contains(std::string(fragment)) ? "" : fmt::format("names no id of '{}'", shown(*name));
  }

  /// "; there is 'contact.html'", as long as findings are kept: it costs more than all else here.
  std::string nearest_file(std::string_view name) const {
    if (tally_.failed() > CheckResult::kMostFindings) return "";
    constexpr size_t kMostNames = 200, kLongest = 200;
    std::vector<std::string> names;
    for (const auto& [known, bytes] : files_.all()) {
      if (names.size() < kMostNames && known.size() < kLongest) names.push_back(known);
    }
    for (const std::string& other : options_.others) {
      const bool is_name = other.find('*') == other.npos && other.size() < kLongest;
      if (names.size() < kMostNames && is_name) names.push_back(other);
    }
    const std::string nearest = nearest_name(name.substr(0, kLongest), names);
    return nearest.empty() ? "" : fmt::format("; there is '{}'", shown(nearest));
  }

  const std::unordered_set<std::string>& ids_of(const std::string& name) {
    const auto [found, is_new] = ids_.try_emplace(name);
    if (!is_new) return found->second;
    for (const HtmlNode& node : files_.page(name)->tree.nodes()) {
      if (const std::string* const id = node.find("id")) found->second.insert(*id);
      if (node.tag == "a" && node.has("name")) found->second.insert(std::string(node.get("name")));
    }
    return found->second;
  }

  const CheckedFiles& files_;
  const LinksResolveOptions& options_;
  Tally& tally_;
  std::unordered_map<std::string, std::unordered_set<std::string>> ids_;
};

class LinksResolve : public Check {
 public:
  using Options = LinksResolveOptions;
  explicit LinksResolve(Options options) : options_(std::move(options)) {}

  CheckResult run(const CheckedFiles& files) const override {
    Tally tally;
    LinkReader reader(files, options_, tally);
    for_each_page(files, options_.files, tally, [&](const LookedAt& page) { reader.page(page); });
    for (const auto& [name, bytes] : files.all()) {
      if (extension_of(name) == "css") reader.sheet_file(name, bytes);
    }
    return tally.result("address", "addresses");
  }

 private:
  Options options_;
};

}  // namespace

CheckKind links_resolve_kind() {
  return kind_of<LinksResolve>("links_resolve",
                               "each address in the pages and style sheets leads to a file, or to an id of a page; the "
                               "score is the share of addresses that do");
}

}  // namespace coppice
