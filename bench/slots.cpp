// SPDX-License-Identifier: Apache-2.0
// coppice_bench_slots: what another tagger needs to be compared with ours on equal terms.
// --stage=features --bio=FILE,FILE --out=FOLDER: for each file a file of its name that ends in .features: a word a
// line, its tag and its features, separated by tabs; a blank line behind each text. The words, tags and features are
// those that our tagger learns from; a feature's name is its number, in the order of appearance in the first file.
// --stage=judge --bio=FIRST,FILE --tags=FILE: precision, recall and F1 of the slots that tags, one a line, make of the
// words of the second file.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/flags.h"
#include "coppice/core/error.h"
#include "coppice/tag/bio.h"
#include "coppice/tag/slot_metrics.h"
#include "coppice/tag/tagger_training.h"
#include "coppice/tag/viterbi.h"
#include "coppice/tag/words.h"

namespace coppice::bench {
namespace {

using nlohmann::ordered_json;

enum class Stage { features, judge };

struct Arguments {
  Stage stage = Stage::features;
  std::vector<std::string> bio;
  std::string out;
  std::string tags;
  TagFeatureOptions features;
};

void describe(OptionTable& table, Arguments& arguments) {
  table.add("stage", arguments.stage, {{Stage::features, "features"}, {Stage::judge, "judge"}},
            "Writes features, or judges tags.");
  table.add("bio", arguments.bio, "Files of texts with tags; the first one gives the types of slots their numbers.");
  table.add("out", arguments.out, "Folder for the features.");
  table.add("tags", arguments.tags, "judge: a tag a line for each word of the last file of bio.");
}

std::string tag_name(const std::vector<std::string>& slots, uint32_t tag) {
  const Tags tags{static_cast<uint32_t>(slots.size())};
  if (tag == Tags::kOutside) return "O";
  return (tags.is_inside(tag) ? "I-" : "B-") + slots[tags.type(tag)];
}

class FeatureFiles {
 public:
  explicit FeatureFiles(const TagFeatureOptions& options) : options_(options) {}

  void write(const TaggedTexts& texts, const std::string& path) {
    const TaggerProblem problem = make_tagger_problem(texts, {options_, {}}, 1);
    std::vector<uint32_t> names;
    for (const KeyHash key : problem.features) {
      names.push_back(numbers_.emplace(key, static_cast<uint32_t>(numbers_.size())).first->second);
    }
    std::ofstream file(path, std::ios::binary);
    const CrfProblem& crf = problem.crf;
    for (size_t text = 0; text < crf.n_texts(); ++text) {
      for (size_t word = crf.first_word[text]; word < crf.first_word[text + 1]; ++word) {
        file << tag_name(texts.slot_names, crf.gold[word]);
        for (const uint32_t feature : crf.of_word(word)) file << '\t' << names[feature];
        for (const uint32_t feature : crf.of_text(text)) file << '\t' << names[feature];
        file << '\n';
      }
      file << '\n';
    }
    if (!file.flush()) throw Error(ErrorCode::io, "cannot write the features", path);
  }

  size_t n_features() const noexcept { return numbers_.size(); }

 private:
  TagFeatureOptions options_;
  std::map<KeyHash, uint32_t> numbers_;
};

ordered_json write_features(const Arguments& arguments) {
  FeatureFiles files(arguments.features);
  std::vector<std::string> slots;
  for (const std::string& path : arguments.bio) {
    const TaggedTexts texts = read_bio(path, slots, {});
    slots = texts.slot_names;
    files.write(texts, arguments.out + "/" + std::filesystem::path(path).stem().string() + ".features");
  }
  return {{"files", arguments.bio.size()}, {"features", files.n_features()}, {"slot_types", slots.size()}};
}

/// A tag by its name. An I tag that continues nothing begins a slot.
uint32_t tag_of(const std::string& name, const std::vector<std::string>& slots, uint32_t before) {
  if (name == "O") return Tags::kOutside;
  const auto found = std::ranges::find(slots, name.substr(std::min<size_t>(2, name.size())));
  if (found == slots.end()) throw Error(ErrorCode::data, "unknown tag " + name);
  const Tags tags{static_cast<uint32_t>(slots.size())};
  const auto type = static_cast<uint32_t>(found - slots.begin());
  const uint32_t inside = tags.inside(type);
  return name[0] == 'I' && tags.may_follow(before, inside) ? inside : tags.begin(type);
}

/// The slots that the next tags make of the words of a text.
std::vector<Slot> read_slots(std::istream& lines, const SplitText& split, const std::vector<std::string>& slot_names) {
  std::vector<uint32_t> path;
  uint32_t before = Tags::kOutside;
  for (std::string name; path.size() < split.size() && std::getline(lines, name);) {
    before = tag_of(name, slot_names, before);
    path.push_back(before);
  }
  if (path.size() < split.size()) throw Error(ErrorCode::data, "there are fewer tags than words");
  std::vector<Slot> slots;
  slots_of_path({static_cast<uint32_t>(slot_names.size())}, path, slots);
  for (Slot& slot : slots) {
    const uint32_t last = slot.end - 1;
    slot = {slot.type, split.words[slot.begin].begin, split.words[last].end};
  }
  return slots;
}

ordered_json judge(const Arguments& arguments) {
  std::vector<std::string> slots;
  TaggedTexts texts;
  for (const std::string& path : arguments.bio) {
    texts = read_bio(path, slots, {});
    slots = texts.slot_names;
  }
  std::ifstream lines(arguments.tags, std::ios::binary);
  WordSplitter splitter;
  SplitText split;
  SlotCounts counts;
  uint64_t n_right = 0;
  for (const TaggedText& row : texts.rows) {
    splitter.split(row.text, split);
    const std::vector<Slot> found = read_slots(lines, split, slots);
    counts.there += row.slots.size();
    counts.found += found.size();
    for (const Slot& slot : found) counts.right += std::ranges::find(row.slots, slot) != row.slots.end();
    n_right += found == row.slots;
  }
  if (std::string more; std::getline(lines, more)) throw Error(ErrorCode::data, "there are more tags than words");
  return {{"texts", texts.rows.size()}, {"texts_right", n_right}, {"precision", counts.precision()},
          {"recall", counts.recall()},  {"f1", counts.f1()},      {"slots", counts.there},
          {"found", counts.found},      {"right", counts.right}};
}

void run(int argc, char** argv) {
  Arguments arguments;
  OptionTable own, features;
  describe(own, arguments);
  describe(features, arguments.features);
  Flags flags;
  flags.add("bench_", std::move(own));
  flags.add("features_", std::move(features));
  if (!flags.parse(argc, argv)) return;
  if (arguments.bio.empty()) throw Error(ErrorCode::usage, "--bio=FILE is missing");
  const ordered_json report = arguments.stage == Stage::features ? write_features(arguments) : judge(arguments);
  fmt::print("{}\n", report.dump(1));
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  return coppice::bench::run_program([&] { coppice::bench::run(argc, argv); });
}
