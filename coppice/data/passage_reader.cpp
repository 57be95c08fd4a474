// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/passage_reader.h"

#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/held_json.h"
#include "coppice/core/json_text.h"
#include "coppice/core/quantity.h"
#include "coppice/core/repeated_keys.h"
#include "coppice/data/input_stream.h"
#include "coppice/data/passage_chunks.h"
#include "coppice/data/row.h"
#include "coppice/data/tokenizer.h"
#include "coppice/data/utf8.h"

namespace coppice {
namespace {

using nlohmann::json;

constexpr const char* kPartField = "part";

std::string whole_text(InputStream stream) {
  expect_utf8_mark(stream.peek(4), stream.name());
  std::string text;
  constexpr size_t kStep = size_t{1} << 20;
  for (size_t got = 1; got > 0;) {
    const size_t size = text.size();
    text.resize(size + kStep);
    got = stream.read({text.data() + size, kStep});
    text.resize(size + got);
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  return text;
}

/// One run over several files.
class PassageReader {
 public:
  explicit PassageReader(const PassageReadOptions& options) : options_(options) {}

  void read(const std::string& path) {
    only_path_ = list_.report.files == 0 ? path : std::string();
    ++list_.report.files;
    InputStream stream = InputStream::open(path, options_.stop);
    format_of(path, options_) == PassageFormat::jsonl ? read_rows(std::move(stream)) : read_text(std::move(stream));
  }

  PassageList finish() {
    if (list_.passages.empty()) {
      throw Error(ErrorCode::data, "there are no passages in " + counted(list_.report.files, "file"), only_path_,
                  R"(a passage is a line such as {"id": "a", "text": "..."}, or a file of text)");
    }
    return std::move(list_);
  }

 private:
  void read_rows(InputStream stream) {
    LineReader reader(std::move(stream), options_.max_line_bytes);
    while (const std::optional<Line> line = reader.next()) {
      if (options_.stop != nullptr) options_.stop->throw_if_stopped();
      if (!trimmed(line->text).empty()) read_row(line->text, reader.where());
    }
  }

  void read_row(std::string_view line, const std::string& where) {
    std::string repaired;
    const bool is_valid = is_valid_utf8(line);
    if (!is_valid) line = repaired = repair_utf8(line);
    HeldJson row = parse_row(line, where);
    Passage passage;
    passage.id = id_of(row.value, where);
    passage.text = text_of(row.value, options_.text_field, where);
    if (options_.title_field != options_.text_field && has(row.value, options_.title_field)) {
      passage.title = text_of(row.value, options_.title_field, where);
    }
    row.value.erase(options_.id_field);
    row.value.erase(options_.text_field);
    add({std::move(passage), row.value, options_.chunk_words, where}, is_valid);
  }

  void read_text(InputStream stream) {
    const std::string where = stream.name();
    std::string text = whole_text(std::move(stream));
    if (text.find('\0') != std::string::npos) {
      throw Error(ErrorCode::data, "a NUL byte, expected a file of text", where, "is this a binary file?");
    }
    const bool is_valid = is_valid_utf8(text);
    Passage passage;
    passage.id = where;
    passage.text = is_valid ? std::move(text) : repair_utf8(text);
    if (passage.text.find_first_not_of(" \t\r\n\v\f") == std::string::npos) {
      ++list_.report.empty;
      return;
    }
    const uint32_t words = options_.chunk_words > 0 ? options_.chunk_words : PassageReadOptions::kWordsOfTextFiles;
    json nothing = json::object();
    add({std::move(passage), nothing, words, where}, is_valid);
  }

  static HeldJson parse_row(std::string_view line, const std::string& where) {
    const auto refuse = [&where](const std::string& why, const std::string& place = {}) -> HeldJson {
      throw Error(
          ErrorCode::data, why, where + place,
          R"(a passage is an object such as {"id": "a", "text": "..."}, one a line; of a list jq -c '.[]' makes such)");
    };
    if (nests_deeper(line, kDeepestJson)) return refuse("the row nests deeper than " + counted(kDeepestJson, "level"));
    try {
      HeldJson row(json::parse(line, watch_repeated_keys([&](const std::string& key) {
                                 refuse("the field " + json_value_text(key) + " is there twice, expected it once");
                               })));
      if (!row.value.is_object()) return refuse("got " + json_value_text(row.value) + ", expected a JSON object");
      return row;
    } catch (const json::parse_error& error) {
      return refuse("no valid JSON: " + json_fault_without_place(error.what()), ":" + std::to_string(error.byte));
    } catch (const json::exception& error) {  // a number that no double holds
      return refuse("no valid JSON: " + json_fault(error.what()));
    }
  }

  std::string id_of(const json& row, const std::string& where) const {
    const auto found = row.find(options_.id_field);
    if (found == row.end()) {
      throw Error(ErrorCode::data, "the row has no " + shown(options_.id_field) + ", expected what names the passage",
                  where, "id_field says which field that is");
    }
    if (found->is_number_integer()) return found->dump();
    if (found->is_string() && !found->get_ref<const std::string&>().empty()) return found->get<std::string>();
    throw Error(ErrorCode::data,
                shown(options_.id_field) + " is " + json_value_text(*found) + ", expected a name or a whole number",
                where);
  }

  static bool has(const json& row, const std::string& field) {
    const auto found = row.find(field);
    return found != row.end() && !found->is_null();
  }

  static std::string text_of(const json& row, const std::string& field, const std::string& where) {
    const auto found = row.find(field);
    if (found == row.end()) {
      throw Error(ErrorCode::data, "the row has no " + shown(field) + ", expected the text of the passage", where,
                  "text_field says which field that is");
    }
    if (found->is_string()) return found->get<std::string>();
    throw Error(ErrorCode::data, shown(field) + " is " + json_value_text(*found) + ", expected a text", where);
  }

  /// A text, and how it is to be cut.
  struct Source {
    Passage passage;
    json& fields;
    uint32_t words;  ///< 0 = not at all
    const std::string& where;
  };

  void add(Source source, bool is_valid) {
    ++list_.report.texts;
    list_.report.repaired += is_valid ? 0 : 1;
    std::vector<TextRange> parts{{0, source.passage.text.size()}};
    if (source.words > 0) parts = chunk_text(source.passage.text, {source.words, options_.chunk_overlap});
    if (parts.size() == 1) {
      source.passage.metadata = source.fields.empty() ? "" : source.fields.dump();
      return add_passage(std::move(source.passage), source.where);
    }
    add_parts(source, parts);
  }

  void add_parts(const Source& source, const std::vector<TextRange>& parts) {
    ++list_.report.split;
    if (source.fields.contains(kPartField)) {
      throw Error(ErrorCode::data, "the row is cut into parts, and has a field \"part\" already", source.where,
                  "rename it: the place of each part is written there");
    }
    for (size_t i = 0; i < parts.size(); ++i) {
      source.fields[kPartField] = {{"of", source.passage.id}, {"begin", parts[i].begin}, {"end", parts[i].end}};
      add_passage({source.passage.id + "#" + std::to_string(i + 1), source.passage.title,
                   source.passage.text.substr(parts[i].begin, parts[i].end - parts[i].begin), source.fields.dump()},
                  source.where);
    }
  }

  void add_passage(Passage passage, const std::string& where) {
    if (passage.text.size() > Tokenizer::kMostBytes) {
      throw Error(ErrorCode::data,
                  "a passage of " + counted(passage.text.size(), "byte") + ", expected at most " +
                      std::to_string(Tokenizer::kMostBytes),
                  where, "chunk_words cuts long texts into parts");
    }
    const auto [known, is_new] = places_.emplace(passage.id, where);
    if (!is_new) {
      throw Error(ErrorCode::data,
                  "the id " + shown(passage.id) + " is that of the passage at " + known->second + ", too", where,
                  "each passage needs an id of its own");
    }
    list_.passages.push_back(std::move(passage));
  }

  const PassageReadOptions& options_;
  PassageList list_;
  std::string only_path_;                                ///< "" where several files are read
  std::unordered_map<std::string, std::string> places_;  ///< of each id
};

}  // namespace

void describe(OptionTable& table, PassageReadOptions& options) {
  table.add("format", options.format,
            {{PassageFormat::automatic, "auto"}, {PassageFormat::jsonl, "jsonl"}, {PassageFormat::text, "text"}},
            "What the files hold: jsonl = an object {\"id\": ..., \"text\": ...} a line; text = a text each, such as "
            "Markdown, cut into parts. auto = jsonl for standard input and names that end in .jsonl, .ndjson or "
            ".json (before .gz and .zst), text for all others.");
  table.add("id_field", options.id_field, "Of jsonl: the field that names the passage, a text or a whole number.");
  table.add("text_field", options.text_field, "Of jsonl: the field that holds the text.");
  table.add("title_field", options.title_field,
            "Of jsonl: the field that holds a title, if there is one. Its words are searched as those of the text, "
            "and it comes back with the metadata.");
  table.add("chunk_words", options.chunk_words, 0, 1'000'000,
            "Longer texts are cut into parts of at most so many words, at the ends of sentences where that can be. 0 = "
            "passages of jsonl stay whole, text files are cut at 200.");
  table.add(
      "chunk_overlap", options.chunk_overlap, 0, 500'000,
      "The most words that a part shares with the one before it, at most half of chunk_words. An answer that lies "
      "where two parts meet is then found whole more often; each shared word is stored twice.");
  table.add(
      "max_line_bytes", options.max_line_bytes, 1, uint64_t{1} << 32,
      "A longer line is an error: a guard against binary files and runaway rows. Memory: twice the longest line.");
}

std::vector<std::string> PassageReport::remarks() const {
  std::vector<std::string> all;
  if (empty > 0) all.push_back(counted(empty, "file") + " without a text passed over");
  if (repaired > 0) {
    all.push_back(counted(repaired, "text") + " with invalid UTF-8 repaired (what was bad became U+FFFD)");
  }
  return all;
}

PassageFormat format_of(const std::string& path, const PassageReadOptions& options) {
  if (options.format != PassageFormat::automatic) return options.format;
  std::string name = path;
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  for (const std::string_view packed : {".gz", ".zst"}) {
    if (name.ends_with(packed)) name.resize(name.size() - packed.size());
  }
  const bool rows = name == "-" || name.ends_with(".jsonl") || name.ends_with(".ndjson") || name.ends_with(".json");
  return rows ? PassageFormat::jsonl : PassageFormat::text;
}

PassageList read_passages(const std::vector<std::string>& paths, const PassageReadOptions& options) {
  PassageReader reader(options);
  for (const std::string& path : paths) reader.read(path);
  return reader.finish();
}

}  // namespace coppice
