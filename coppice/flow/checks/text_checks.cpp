// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/checks/coherence.h"
#include "coppice/flow/checks/html_tokens.h"
#include "coppice/flow/checks/text_checks.h"
#include "coppice/flow/checks/words.h"

namespace coppice {

void describe(OptionTable& table, TextFilesOptions& options) {
  table.add("files", options.files,
            "in which files it looks, with * for any characters: at what a reader sees of them");
}

std::vector<std::string> words_in(const CheckedFiles& files, const std::vector<std::string>& globs, Tally& tally) {
  const std::vector<std::string> names = files.names(globs);
  tally.expect_files(names, globs);
  std::vector<std::string> all;
  for (const std::string& name : names) {
    std::vector<std::string> words = words_of(files.reader_text(name));
    all.insert(all.end(), std::make_move_iterator(words.begin()), std::make_move_iterator(words.end()));
  }
  return all;
}

std::vector<Phrase> phrases_of(const std::vector<std::string>& texts) {
  std::vector<Phrase> phrases;
  for (const std::string& text : texts) phrases.emplace_back(text);
  return phrases;
}

namespace {

using nlohmann::json;

// facts_present

/// One fact, in one or several wordings.
using Fact = std::vector<Phrase>;

std::vector<Fact> facts_of(const json& list) {
  constexpr const char* kExpected = "expected a list of texts, or of lists of texts that mean the same";
  if (!list.is_array())
    throw Error(ErrorCode::usage, fmt::format("option facts is {}, {}", json_value_text(list), kExpected));
  std::vector<Fact> facts;
  for (const json& item : list) {
    const json wordings = item.is_array() ? item : json::array({item});
    Fact fact;
    for (const json& wording : wordings) {
      const bool is_plain = wording.is_string() || wording.is_number();
      if (!is_plain)
        throw Error(ErrorCode::usage, fmt::format("a fact is {}, {}", json_value_text(wording), kExpected));
      fact.emplace_back(wording.is_string() ? wording.get<std::string>() : json_value_text(wording));
    }
    if (fact.empty()) throw Error(ErrorCode::usage, fmt::format("a fact is an empty list, {}", kExpected));
    facts.push_back(std::move(fact));
  }
  return facts;
}

struct FactsPresentOptions : TextFilesOptions {
  double least = 1;
};

void describe(OptionTable& table, FactsPresentOptions& options) {
  describe(table, static_cast<TextFilesOptions&>(options));
  table.add("least", options.least, 0, 1, "the share of the facts that must be there");
}

class FactsPresent : public Check {
 public:
  FactsPresent(FactsPresentOptions options, std::vector<Fact> facts)
      : options_(std::move(options)), facts_(std::move(facts)) {}

  CheckResult run(const CheckedFiles& files) const override {
    Tally tally;
    const std::vector<std::string> words = words_in(files, options_.files, tally);
    for (const Fact& fact : facts_) {
      const bool is_there =
          std::any_of(fact.begin(), fact.end(), [&](const Phrase& wording) { return wording.find(words).has_value(); });
      if (is_there) {
        tally.pass();
      } else {
        tally.fail("", fmt::format("the fact '{}' is not in the text", shown(fact.front().text(), 100)));
      }
    }
    CheckResult result = tally.result("fact", "facts");
    if (!files.names(options_.files).empty()) result.passed = result.score >= options_.least;
    return result;
  }

 private:
  FactsPresentOptions options_;
  std::vector<Fact> facts_;
};

// text_matches

struct TextMatchesOptions : TextFilesOptions {
  std::vector<std::string> contains, contains_one, lacks;
  std::string whole;
};

void describe(OptionTable& table, TextMatchesOptions& options) {
  describe(table, static_cast<TextFilesOptions&>(options));
  table.add("contains", options.contains,
            "phrases that must all be there; '*' stands for up to five words, solar* for a word");
  table.add("contains_one", options.contains_one, "phrases of which one must be there");
  table.add("lacks", options.lacks, "phrases of which none may be there");
  table.add(
      "whole", options.whole,
      "what the text of each file must be as a whole, with * for any characters, whatever the case; empty = anything");
}

class TextMatches : public Check {
 public:
  using Options = TextMatchesOptions;
  explicit TextMatches(Options options)
      : options_(std::move(options)),
        contains_(phrases_of(options_.contains)),
        contains_one_(phrases_of(options_.contains_one)),
        lacks_(phrases_of(options_.lacks)) {}

  CheckResult run(const CheckedFiles& files) const override {
    Tally tally;
    const std::vector<std::string> words = words_in(files, options_.files, tally);
    for (const Phrase& phrase : contains_) {
      tell(phrase.find(words).has_value(), fmt::format("the text does not say '{}'", shown(phrase.text())), tally);
    }
    for (const Phrase& phrase : lacks_) {
      tell(!phrase.find(words), fmt::format("the text says '{}', which it must not", shown(phrase.text())), tally);
    }
    if (!contains_one_.empty()) {
      const bool has_one = std::any_of(contains_one_.begin(), contains_one_.end(),
                                       [&](const Phrase& phrase) { return phrase.find(words).has_value(); });
      tell(has_one,
           fmt::format("the text says none of '{}' and {} more", shown(contains_one_.front().text()),
                       contains_one_.size() - 1),
           tally);
    }
    if (!options_.whole.empty()) wholes(files, tally);
    return tally.result("rule", "rules");
  }

 private:
  static void tell(bool is_right, std::string fault, Tally& tally) {
    if (is_right) {
      tally.pass();
    } else {
      tally.fail("", std::move(fault));
    }
  }

  void wholes(const CheckedFiles& files, Tally& tally) const {
    const std::string pattern = folded(options_.whole);
    for (const std::string& name : files.names(options_.files)) {
      const std::string_view text = trim_blanks(files.reader_text(name));
      if (matches_glob(folded(text), pattern)) {
        tally.pass();
      } else {
        tally.fail(name, fmt::format("got '{}', expected a text like '{}'", shown(text), shown(options_.whole)));
      }
    }
  }

  Options options_;
  std::vector<Phrase> contains_, contains_one_, lacks_;
};

// words_between

struct WordsBetweenOptions : TextFilesOptions {
  uint32_t least = 0, most = 0;
};

void describe(OptionTable& table, WordsBetweenOptions& options) {
  describe(table, static_cast<TextFilesOptions&>(options));
  table.add("least", options.least, 0, ~uint32_t{0}, "the least number of words in all files together");
  table.add("most", options.most, 0, ~uint32_t{0}, "the largest number of words; 0 = any");
}

class WordsBetween : public Check {
 public:
  using Options = WordsBetweenOptions;
  explicit WordsBetween(Options options) : options_(std::move(options)) {
    if (options_.most > 0 && options_.most < options_.least) {
      throw Error(ErrorCode::usage,
                  fmt::format("option most is {}, expected at least {}", options_.most, options_.least));
    }
  }

  CheckResult run(const CheckedFiles& files) const override {
    Tally tally;
    const size_t count = count_words(words_in(files, options_.files, tally));
    if (count < options_.least) {
      tally.fail("", fmt::format("the text has {}, expected at least {}", counted(count, "word"), options_.least));
    } else if (options_.most > 0 && count > options_.most) {
      tally.fail("", fmt::format("the text has {}, expected at most {}", counted(count, "word"), options_.most));
    } else {
      tally.pass();
    }
    return tally.result("text", "texts");
  }

 private:
  Options options_;
};

// similar_to

struct SimilarToOptions : TextFilesOptions {
  std::string text;
  double least = 0.3, most = 1;
};

void describe(OptionTable& table, SimilarToOptions& options) {
  describe(table, static_cast<TextFilesOptions&>(options));
  table.add("text", options.text, "what the text is compared with");
  table.add("least", options.least, 0, 1, "the least similarity: F1 of the words, 1 for the same words in any order");
  table.add("most", options.most, 0, 1, "the largest similarity, for texts that must not be copies");
}

class SimilarTo : public Check {
 public:
  using Options = SimilarToOptions;
  explicit SimilarTo(Options options) : options_(std::move(options)), words_(words_of(options_.text)) {
    if (words_.empty())
      throw Error(ErrorCode::usage, "option text is without a word, expected what the text is compared with");
  }

  CheckResult run(const CheckedFiles& files) const override {
    Tally tally;
    const double similarity = words_f1(words_in(files, options_.files, tally), words_);
    if (similarity < options_.least) {
      tally.fail("", fmt::format("the similarity is {:.2f}, expected at least {:.2f}", similarity, options_.least));
    } else if (similarity > options_.most) {
      tally.fail("", fmt::format("the similarity is {:.2f}, expected at most {:.2f}", similarity, options_.most));
    } else {
      tally.pass();
    }
    CheckResult result = tally.result("text", "texts");
    result.score = similarity;
    return result;
  }

 private:
  Options options_;
  std::vector<std::string> words_;
};

// size

struct SizeOptions {
  std::vector<std::string> files{"*"};
  uint64_t most_bytes = 1'000'000, most_total_bytes = 10'000'000, most_files = 100;
};

void describe(OptionTable& table, SizeOptions& options) {
  constexpr uint64_t kMost = uint64_t{1} << 40;
  table.add("files", options.files, "which files it looks at, with * for any characters");
  table.add("most_bytes", options.most_bytes, 1, kMost, "of one file");
  table.add("most_total_bytes", options.most_total_bytes, 1, kMost, "of all together");
  table.add("most_files", options.most_files, 1, kMost, "how many files there may be");
}

class Size : public Check {
 public:
  using Options = SizeOptions;
  explicit Size(Options options) : options_(std::move(options)) {}

  CheckResult run(const CheckedFiles& files) const override {
    Tally tally;
    const std::vector<std::string> names = files.names(options_.files);
    tally.expect_files(names, options_.files);
    uint64_t total = 0;
    for (const std::string& name : names) {
      const size_t size = files.all().at(name).size();
      total += size;
      if (size == 0) tally.fail(name, "the file is empty");
      if (size > options_.most_bytes) tally.fail(name, too_large("the file has", size, options_.most_bytes));
      if (size > 0 && size <= options_.most_bytes) tally.pass();
    }
    if (total > options_.most_total_bytes)
      tally.fail("", too_large("the files have", total, options_.most_total_bytes));
    if (names.size() > options_.most_files) {
      tally.fail("", fmt::format("there are {} files, expected at most {}", names.size(), options_.most_files));
    }
    return tally.result("file", "files");
  }

 private:
  static std::string too_large(std::string_view what, uint64_t size, uint64_t most) {
    return fmt::format("{} {} bytes, expected at most {}", what, size, most);
  }

  Options options_;
};

}  // namespace

CheckKind facts_present_kind() {
  CheckKind kind;
  kind.name = "facts_present";
  kind.help = "each fact stands in the text, word for word, whatever the case and the blanks; the score is the share";
  FactsPresentOptions defaults;
  OptionTable table;
  describe(table, defaults);
  kind.options.push_back(
      {"facts", "list of texts, or of lists of texts", "", "the facts; a list has wordings that mean the same"});
  for (const Option& one : table.options()) kind.options.push_back({one.name, one.type, one.default_text, one.help});
  kind.make = [](const json& with) -> std::unique_ptr<const Check> {
    json rest = with;
    const json facts = taken_out(rest, "facts");
    FactsPresentOptions options;
    OptionTable named;
    describe(named, options);
    named.set(rest);
    return std::make_unique<const FactsPresent>(std::move(options), facts_of(facts));
  };
  return kind;
}

CheckKind text_matches_kind() {
  return kind_of<TextMatches>("text_matches",
                              "the text has some phrases and lacks others; the score is the share of the rules");
}

CheckKind words_between_kind() {
  return kind_of<WordsBetween>("words_between", "how many words the text has; the score is 1 or 0");
}

CheckKind similar_to_kind() {
  return kind_of<SimilarTo>(
      "similar_to",
      "how much the text has in common with another one; the score is the similarity: twice the words in "
      "common over the words of both (Rajpurkar and others, 2016, section 6.1)");
}

CheckKind size_kind() {
  return kind_of<Size>("size", "no file is empty or too large; the score is the share of the files");
}

}  // namespace coppice
