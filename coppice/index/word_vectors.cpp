// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/word_vectors.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/data/line_reader.h"
#include "coppice/data/row.h"

namespace coppice {
namespace {

static_assert(std::endian::native == std::endian::little, "word vectors are stored little-endian");

constexpr uint32_t kMostDimensions = 1u << 20;
constexpr size_t kLongestWord = 1u << 16;
constexpr size_t kPeekBytes = size_t{1} << 18;
constexpr uint32_t kNone = UINT32_MAX;

bool is_word_byte(char byte) {
  const auto b = static_cast<unsigned char>(byte);
  return b >= 0x80 || (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z');
}

std::string lower_case(std::string text) {
  for (char& byte : text) {
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte - 'A' + 'a');
  }
  return text;
}

/// The words of a name; two of them joined by '_' as the word2vec tools write phrases.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  for (size_t i = 0; i < name.size();) {
    size_t end = i;
    while (end < name.size() && is_word_byte(name[end])) ++end;
    if (end > i) words.emplace_back(name.substr(i, end - i));
    i = end + 1;
  }
  return words;
}

std::string phrase_of(const std::vector<std::string>& words) {
  std::string phrase;
  for (const std::string& word : words) phrase.append(phrase.empty() ? "" : "_").append(word);
  return phrase;
}

/// The words that names need, and the vectors found for them.
class WantedWords {
 public:
  void want(const std::string& word) {
    places_.emplace(word, kNone);
    places_.emplace(lower_case(word), kNone);
  }

  /// Where to put the vector of `word`; nothing when no name needs it, or it is there already.
  float* place_for(std::string_view word, uint32_t dimensions) {
    key_.assign(word);
    const auto found = places_.find(key_);
    if (found == places_.end() || found->second != kNone) return nullptr;
    found->second = static_cast<uint32_t>(cells_.size() / dimensions);
    cells_.resize(cells_.size() + dimensions);
    return cells_.data() + cells_.size() - dimensions;
  }

  /// The vector of a word as written, else in lower case.
  const float* find(const std::string& word, uint32_t dimensions) const {
    for (const std::string& form : {word, lower_case(word)}) {
      const auto found = places_.find(form);
      if (found != places_.end() && found->second != kNone) return cells_.data() + size_t{found->second} * dimensions;
    }
    return nullptr;
  }

 private:
  std::unordered_map<std::string, uint32_t> places_;
  std::vector<float> cells_;
  std::string key_;
};

struct FileShape {
  uint64_t n_words = 0;
  uint32_t dimensions = 0;
  size_t first_numbers = 0;  ///< of a text: how many its first vector ends in, whatever the header says
};

[[noreturn]] void refuse(const std::string& why, const std::string& where) {
  throw Error(ErrorCode::data, "word vectors: " + why, where,
              "expected the word2vec format: \"words dimensions\", then a word and its numbers per line, or binary");
}

std::vector<std::string_view> tokens_of(std::string_view line) {
  std::vector<std::string_view> tokens;
  for (size_t i = 0; i < line.size();) {
    size_t end = i;
    while (end < line.size() && line[end] != ' ' && line[end] != '\t') ++end;
    if (end > i) tokens.push_back(line.substr(i, end - i));
    i = end + 1;
  }
  return tokens;
}

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "3000000 300"; nothing when the line is none.
std::optional<FileShape> header_of(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  const std::vector<std::string_view> tokens = tokens_of(line);
  if (tokens.size() != 2) return std::nullopt;
  const auto n_words = number<uint64_t>(tokens[0]);
  const auto dimensions = number<uint32_t>(tokens[1]);
  if (!n_words || !dimensions || *dimensions == 0 || *dimensions > kMostDimensions) return std::nullopt;
  return FileShape{*n_words, *dimensions};
}

bool is_value(std::string_view token) {
  try {
    parse_value(token, 1, "");
    return true;
  } catch (const BadLine&) {
    return false;
  }
}

/// How many numbers end a line, its first word aside.
size_t numbers_at_end(std::span<const std::string_view> tokens) {
  if (tokens.empty()) return 0;
  const auto values = tokens.subspan(1);
  return static_cast<size_t>(std::find_if_not(values.rbegin(), values.rend(), is_value) - values.rbegin());
}

/// Bytes that floats have and text has not; a space, a tab and line ends are text.
bool is_control(char byte) {
  return static_cast<unsigned char>(byte) < ' ' && byte != '\t' && byte != '\n' && byte != '\r';
}

/// What follows the header line.
std::string_view behind_header(std::string_view front) {
  return front.substr(std::min(front.find('\n'), front.size() - 1) + 1);
}

/// How many numbers end the first line.
size_t numbers_of_first_line(std::string_view lines) {
  std::string_view line = lines.substr(0, lines.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return numbers_at_end(tokens_of(line));
}

/// Text if the line after the header ends in as many numbers as that says. If not, the header may be wrong as well as
/// the file binary: then the bytes decide, whatever the header says.
bool looks_binary(std::string_view front, const FileShape& shape) {
  const std::string_view lines = behind_header(front);
  return numbers_of_first_line(lines) < shape.dimensions && std::any_of(lines.begin(), lines.end(), is_control);
}

/// No floats look like that: a line that ends in a number, and not one byte that text has not.
bool is_surely_text(std::string_view front) {
  const std::string_view lines = behind_header(front);
  return numbers_of_first_line(lines) > 0 && std::none_of(lines.begin(), lines.end(), is_control);
}

void check_finite(const float* values, uint32_t dimensions, const std::string& where) {
  for (uint32_t d = 0; d < dimensions; ++d) {
    if (!std::isfinite(values[d])) refuse("a value is not finite", where);
  }
}

/// From the first line with a vector.
void learn_shape(std::string_view line, FileShape& shape) {
  const std::vector<std::string_view> tokens = tokens_of(line);
  shape.first_numbers = numbers_at_end(tokens);
  if (shape.dimensions == 0) shape.dimensions = static_cast<uint32_t>(tokens.size() - 1);
}

/// One line of a text: a word and `dimensions` numbers. Throws `BadLine`; `promise` says whose number that is.
void take_line(std::string_view line, uint32_t dimensions, const char* promise, WantedWords& words) {
  const std::vector<std::string_view> tokens = tokens_of(line);
  const auto column_of = [&](const char* place) { return static_cast<size_t>(place - line.data()) + 1; };
  if (tokens.size() <= dimensions || tokens.size() < 2) {
    throw BadLine{column_of(tokens.back().data() + tokens.back().size()),
                  tokens.size() < 2 ? "a word without numbers" : "a word and " + counted(tokens.size() - 1, "number"),
                  dimensions > 0 ? promise + counted(dimensions, "number") + " for each word" : std::string()};
  }
  // The word is all before the numbers: some files have words with blanks.
  const std::string_view last = tokens[tokens.size() - dimensions - 1];
  const std::string_view word(tokens[0].data(), static_cast<size_t>(last.data() + last.size() - tokens[0].data()));
  float* cells = words.place_for(word, dimensions);
  if (cells == nullptr) return;
  for (const std::string_view token : std::span(tokens).last(dimensions)) {
    *cells++ = parse_value(token, column_of(token.data()), "a value");
  }
}

FileShape read_text(InputStream stream, std::optional<FileShape> header, WantedWords& words) {
  LineReader lines(std::move(stream));
  FileShape shape = header.value_or(FileShape{});
  if (header) lines.next();
  uint64_t seen = 0;
  while (const std::optional<Line> line = lines.next()) {
    if (trimmed(line->text).empty()) continue;
    if (seen++ == 0) learn_shape(line->text, shape);
    try {
      take_line(line->text, shape.dimensions, header ? "the header promises " : "the first line has ", words);
    } catch (const BadLine& bad) {
      refuse(bad.what + (bad.hint.empty() ? "" : ", " + bad.hint), lines.where() + ":" + std::to_string(bad.column));
    }
  }
  if (header && seen < header->n_words) {
    refuse("the file ends after " + std::to_string(seen) + " of " + counted(header->n_words, "word"), lines.name());
  }
  shape.n_words = seen;
  return shape;
}

/// The bytes of a stream in pieces of the size asked for.
class ByteReader {
 public:
  explicit ByteReader(InputStream stream) : stream_(std::move(stream)), buffer_(kPeekBytes) {}

  /// Up to and without `end`; nothing at the end of the stream. Longer than `most`: the first most + 1 bytes.
  std::optional<std::string> until(char end, size_t most) {
    std::string bytes;
    for (char byte; bytes.size() <= most;) {
      if (!next(byte)) return std::nullopt;
      if (byte == end) return bytes;
      bytes.push_back(byte);
    }
    return bytes;
  }

  bool fill(std::span<char> space) {
    for (size_t done = 0; done < space.size();) {
      if (at_ == size_ && !refill()) return false;
      const size_t count = std::min(size_ - at_, space.size() - done);
      std::memcpy(space.data() + done, buffer_.data() + at_, count);
      at_ += count;
      done += count;
    }
    return true;
  }

  const std::string& name() const { return stream_.name(); }

 private:
  bool next(char& byte) {
    if (at_ == size_ && !refill()) return false;
    byte = buffer_[at_++];
    return true;
  }

  bool refill() {
    at_ = 0;
    size_ = stream_.read(buffer_);
    return size_ > 0;
  }

  InputStream stream_;
  std::vector<char> buffer_;
  size_t at_ = 0;
  size_t size_ = 0;
};

void read_binary(InputStream stream, const FileShape& shape, WantedWords& words) {
  ByteReader reader(std::move(stream));
  reader.until('\n', kLongestWord);
  std::vector<float> vector(shape.dimensions);
  for (uint64_t w = 0; w < shape.n_words; ++w) {
    std::optional<std::string> word = reader.until(' ', kLongestWord);
    const std::string where = reader.name() + ": word " + std::to_string(w + 1);
    if (word && word->size() > kLongestWord) refuse("a word longer than 65,536 bytes", where);
    const std::span<char> bytes(reinterpret_cast<char*>(vector.data()), vector.size() * sizeof(float));
    if (!word || !reader.fill(bytes)) {
      refuse("the file ends in word " + std::to_string(w + 1) + " of " + std::to_string(shape.n_words), where);
    }
    word->erase(0, word->find_first_not_of('\n') == std::string::npos ? 0 : word->find_first_not_of('\n'));
    if (float* cells = words.place_for(*word, shape.dimensions)) {
      check_finite(vector.data(), shape.dimensions, where);
      std::copy(vector.begin(), vector.end(), cells);
    }
  }
}

FileShape read_file(InputStream stream, const WordVectorOptions& options, WantedWords& words) {
  std::string_view front = stream.peek(kPeekBytes);
  if (front.empty()) refuse("the file is empty", stream.name());
  if (front.starts_with("\xEF\xBB\xBF")) front.remove_prefix(3);  // a byte order mark, which lines are read without
  const std::optional<FileShape> header = header_of(front.substr(0, front.find('\n')));
  const bool binary = options.format == WordVectorFormat::binary ||
                      (options.format == WordVectorFormat::detect && header && looks_binary(front, *header));
  if (!binary) return read_text(std::move(stream), header, words);
  if (!header) refuse("no header \"words dimensions\" in a binary file", stream.name());
  if (is_surely_text(front)) {
    throw Error(ErrorCode::data, "word vectors: this is text, expected the binary format", stream.name(),
                "--word-vector-format detect, the default, tells the two from each other");
  }
  read_binary(std::move(stream), *header, words);
  return *header;
}

[[noreturn]] void refuse_unfound(const LabelNameList& names, const FileShape& shape, const std::string& where) {
  std::string why = "no label gets one";
  std::string hint = "the file should have words of the labels' names, such as " + shown(names.name_of(0));
  if (names.name_of(0).empty()) hint = "vectors are found by the labels' names, which label_names can give";
  if (shape.first_numbers > shape.dimensions) {
    why += ": the header promises " + counted(shape.dimensions, "number") + " for each word, the first line holds " +
           std::to_string(shape.first_numbers);
    hint = "is the header right?";
  }
  throw Error(ErrorCode::data, "word vectors: " + why, where, hint);
}

/// The vector of a name into `cells`; false when no word of it has one.
bool vector_of(std::string_view name, const WantedWords& words, std::vector<float>& cells) {
  const auto dimensions = static_cast<uint32_t>(cells.size());
  const std::vector<std::string> parts = words_of(name);
  for (const std::string& whole : {std::string(name), phrase_of(parts)}) {
    if (const float* found = words.find(whole, dimensions)) {
      std::copy(found, found + dimensions, cells.begin());
      return true;
    }
  }
  std::fill(cells.begin(), cells.end(), 0.0f);
  uint32_t count = 0;
  for (const std::string& part : parts) {
    const float* found = words.find(part, dimensions);
    if (found == nullptr) continue;
    ++count;
    for (uint32_t d = 0; d < dimensions; ++d) cells[d] += found[d];
  }
  for (float& cell : cells) cell /= static_cast<float>(std::max(count, 1u));
  return count > 0;
}

void add_row(std::span<const float> cells, CsrBuilder& builder) {
  for (uint32_t c = 0; c < cells.size(); ++c) {
    if (cells[c] != 0) builder.add(c, cells[c]);
  }
  builder.end_row();
}

}  // namespace

void describe(OptionTable& table, WordVectorOptions& options) {
  table.add(
      "word_vector_format", options.format,
      {{WordVectorFormat::detect, "detect"}, {WordVectorFormat::text, "text"}, {WordVectorFormat::binary, "binary"}},
      "The form of a file of word vectors (word2vec format): told by its first lines, or as said here.");
}

LabelVectors read_label_vectors(InputStream stream, const LabelNameList& names, const WordVectorOptions& options) {
  WantedWords words;
  for (uint32_t label = 0; label < names.n_labels; ++label) {
    const std::vector<std::string> parts = words_of(names.name_of(label));
    words.want(std::string(names.name_of(label)));
    words.want(phrase_of(parts));
    for (const std::string& part : parts) words.want(part);
  }
  const std::string input = stream.name();
  const FileShape shape = read_file(std::move(stream), options, words);
  LabelVectors result;
  result.n_words = shape.n_words;
  CsrBuilder builder(shape.dimensions);
  std::vector<float> cells(shape.dimensions);
  for (uint32_t label = 0; label < names.n_labels; ++label) {
    const bool found = !cells.empty() && vector_of(names.name_of(label), words, cells);
    result.n_found += found;
    add_row(found ? std::span<const float>(cells) : std::span<const float>(), builder);
  }
  if (result.n_found == 0 && names.n_labels > 0) refuse_unfound(names, shape, input);
  result.features = builder.build();
  return result;
}

Csr sparse_rows(std::span<const float> cells, uint32_t n_columns) {
  check(n_columns > 0 && cells.size() % n_columns == 0, "dense rows are whole");
  CsrBuilder builder(n_columns);
  for (size_t at = 0; at < cells.size(); at += n_columns) add_row(cells.subspan(at, n_columns), builder);
  return builder.build();
}

}  // namespace coppice
