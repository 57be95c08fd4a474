// SPDX-License-Identifier: Apache-2.0
// coppice retrieve: a question in, the passages that fit it out.
#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "coppice/app/command.h"
#include "coppice/app/input_files.h"
#include "coppice/app/messages.h"
#include "coppice/app/output.h"
#include "coppice/app/signals.h"
#include "coppice/core/held_json.h"
#include "coppice/core/output_file.h"
#include "coppice/data/line_reader.h"
#include "coppice/data/row.h"
#include "coppice/data/utf8.h"
#include "coppice/model/retrieve.h"

namespace coppice::app {
namespace {

using nlohmann::ordered_json;

struct RetrieveArguments {
  CommonOptions common;
  RetrieveOptions retrieve;
  std::string model_path;
  std::string query;
  bool json = false;
  bool verify = false;

  bool reads_queries() const { return query == "-"; }
};

void describe(OptionTable& table, RetrieveArguments& arguments) {
  table.add("json", arguments.json,
            "Print a JSON object for each query, one a line, with the whole passages and what is known of them.");
  table.add("verify", arguments.verify, "Check every checksum of the model first.");
}

std::vector<InputFile> inputs_of(const RetrieveArguments& arguments) {
  std::vector<InputFile> inputs{{"model", arguments.model_path, kModel}};
  if (arguments.reads_queries()) inputs.push_back({"query", "-"});
  return inputs;
}

/// The beginning of a text on one line.
std::string beginning(const std::string& text) {
  constexpr size_t kMostBytes = 240;
  std::string line;
  for (const char c : text) {
    const bool is_space = static_cast<unsigned char>(c) <= ' ';
    if (is_space && (line.empty() || line.back() == ' ')) continue;
    line += is_space ? ' ' : c;
    if (line.size() > kMostBytes + 8) break;
  }
  if (line.size() <= kMostBytes) return line;
  line.resize(valid_utf8_bytes(std::string_view(line).substr(0, kMostBytes)));
  return line + " ...";
}

std::string to_text(const std::vector<RetrievedPassage>& found) {
  std::string text;
  for (size_t i = 0; i < found.size(); ++i) {
    text += fmt::format("{}. {}  score {:.3f}\n", i + 1, beginning(found[i].id), found[i].score);
    if (!found[i].text.empty()) text += fmt::format("   {}\n", beginning(found[i].text));
  }
  return text;
}

ordered_json to_json(const std::string& query, const std::vector<RetrievedPassage>& found) {
  ordered_json object{{"query", query}, {"passages", ordered_json::array()}};
  for (const RetrievedPassage& passage : found) {
    ordered_json one{{"id", passage.id}, {"score", shortest_decimal(passage.score)}, {"text", passage.text}};
    const HeldJson known = parse_held_json(passage.metadata);  // of a file that may be damaged
    if (known.value.is_object()) one["metadata"] = known.value;
    object["passages"].push_back(std::move(one));
  }
  return object;
}

class Answerer {
 public:
  explicit Answerer(const RetrieveArguments& arguments)
      : arguments_(arguments),
        model_(Model::load(arguments.model_path,
                           {arguments.verify ? Verify::checksums : Verify::structure, LoadMode::map})) {}

  std::string answer(const std::string& query) {
    const auto found = retrieve(model_, query, arguments_.retrieve, state_);
    n_found_ += found.size();
    if (!arguments_.json) return to_text(found);
    return to_json(query, found).dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  }

  size_t n_found() const noexcept { return n_found_; }

 private:
  const RetrieveArguments& arguments_;
  Model model_;
  RetrieveState state_;
  size_t n_found_ = 0;
};

/// One query a line of standard input; where people read the answers, a blank line parts them.
void answer_lines(Answerer& answerer, const RetrieveArguments& arguments) {
  Progress progress;
  const StopOnSignals stop(progress);
  LineReader reader(InputStream::open("-", &progress));
  while (const std::optional<Line> line = reader.next()) {
    progress.throw_if_stopped();
    const std::string query = repair_utf8(trimmed(line->text));
    if (query.empty()) continue;
    OutputFile output("-", &progress);  // whoever asked may wait for the answer before asking more
    output.write(answerer.answer(query));
    if (!arguments.json) output.write("\n");
    output.commit();
  }
}

void run(const RetrieveArguments& arguments) {
  Answerer answerer(arguments);
  if (arguments.reads_queries()) return answer_lines(answerer, arguments);
  print_out(answerer.answer(repair_utf8(arguments.query)));
  if (answerer.n_found() == 0) note("no passage has a word of the query", arguments.common);
}

}  // namespace

void add_retrieve(CommandList& commands) {
  Command command(commands, "retrieve", "Find the passages of an index that fit a question.",
                  "  coppice retrieve notes.coppice \"how are parts cut\" --top-k 3\n"
                  "  coppice retrieve notes.coppice \"how are parts cut\" --json | jq -r '.passages[].text'\n"
                  "  coppice retrieve notes.coppice - --json < questions.txt\n");
  auto arguments = std::make_shared<RetrieveArguments>();
  command.app().add_option("model", arguments->model_path, "the model file that coppice index wrote")->required();
  command.app().add_option("query", arguments->query, "the question; - = one a line of standard input")->required();
  OptionTable own, search, common;
  describe(own, *arguments);
  describe(search, arguments->retrieve);
  describe_quiet(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Retrieval");
  command.flags().add(command.app(), std::move(search), "Search");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments, &flags = command.flags()] {
    const std::vector<InputFile> inputs = inputs_of(*arguments);
    expect_named(inputs, flags);
    expect_readable(inputs);
    run(*arguments);
  });
}

}  // namespace coppice::app
