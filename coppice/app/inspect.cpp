// SPDX-License-Identifier: Apache-2.0
// coppice inspect: what is in a model file.
#include <memory>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/input_files.h"
#include "coppice/app/output.h"
#include "coppice/app/unused_options.h"
#include "coppice/core/error.h"
#include "coppice/index/tree_export.h"
#include "coppice/model/inspect.h"

namespace coppice::app {
namespace {

enum class TreeFormat { none, json, svg };

struct InspectArguments {
  CommonOptions common;
  std::string model_path;
  TreeViewOptions view;
  TreeFormat tree = TreeFormat::none;
  bool json = false;
  bool verify = false;
  bool audit = false;
};

void describe(OptionTable& table, InspectArguments& arguments) {
  table.add("json", arguments.json, "Print one JSON object for machines.");
  table.add("tree", arguments.tree, {{TreeFormat::none, "none"}, {TreeFormat::json, "json"}, {TreeFormat::svg, "svg"}},
            "Print the label tree with names: as nested JSON, or as a drawing.");
  table.add("verify", arguments.verify, "Check every checksum: any flipped bit is an error. Some GB/s.");
  table.add("audit", arguments.audit,
            "Check every checksum and every invariant, for a file whose maker is not trusted. Far slower than verify.");
}

std::vector<Unused> unused(const InspectArguments& arguments) {
  TreeViewOptions names;
  OptionTable view;
  describe(view, names);
  return {{arguments.tree == TreeFormat::none, names_of(view), "--tree asks for no tree"},
          {arguments.tree == TreeFormat::json, {"tree_children", "tree_rows"}, "they are the limits of a drawing"},
          {arguments.tree != TreeFormat::none, {"json"}, "--tree prints the tree alone"}};
}

Verify depth_of(const InspectArguments& arguments) {
  if (arguments.audit) return Verify::everything;
  return arguments.verify ? Verify::checksums : Verify::structure;
}

std::string tree_text(const Model& model, const InspectArguments& arguments) {
  const LabelNames& known = model.label_names();
  const std::vector<uint32_t> counts = model.label_counts().values();
  TreeNames names;
  names.frequencies = counts;
  if (known.size() > 0) {
    names.name_of = [&known](uint32_t label) { return known.name(label); };
    names.is_repeated = [&known](std::string_view name) { return known.is_repeated(name); };
  }
  const LabelTree& tree = model.ranker().tree;
  return arguments.tree == TreeFormat::json ? tree_to_json(tree, names, arguments.view)
                                            : tree_to_svg(tree, names, arguments.view);
}

/// What a file of a network has beside its checksums is checked where it is opened: by coppice-net.
void show_network(const ModelFile& file, const InspectArguments& arguments) {
  if (arguments.tree != TreeFormat::none) {
    throw Error(ErrorCode::unsupported, "a network has no tree", file.where());
  }
  if (depth_of(arguments) != Verify::structure) file.verify();
  const ModelReport report = inspect_network(file);
  print_out(arguments.json ? json_text(to_json(report)) : to_text(report));
  if (!arguments.json && depth_of(arguments) != Verify::structure) print_out("verified: every checksum holds\n");
}

void run(const InspectArguments& arguments) {
  const ModelFile file = ModelFile::map(arguments.model_path);
  if (file.has({SectionType::network})) return show_network(file, arguments);
  const Model model = Model::load(file, depth_of(arguments));
  if (arguments.tree != TreeFormat::none) {
    if (!arguments.audit) model.ranker().tree.validate();
    print_out(tree_text(model, arguments) + "\n");
    return;
  }
  const ModelReport report = inspect(file, model);
  print_out(arguments.json ? json_text(to_json(report)) : to_text(report));
  if (arguments.json || depth_of(arguments) == Verify::structure) return;
  print_out(arguments.audit ? "verified: every checksum and every invariant holds\n"
                            : "verified: every checksum holds\n");
}

}  // namespace

void add_inspect(CommandList& commands) {
  Command command(commands, "inspect", "Show what is in a model: sizes, tree, options, metrics.",
                  "  coppice inspect packages.coppice\n"
                  "  coppice inspect packages.coppice --verify\n"
                  "  coppice inspect packages.coppice --tree svg > tree.svg\n");
  auto arguments = std::make_shared<InspectArguments>();
  command.app().add_option("model", arguments->model_path, "the model file")->required();
  OptionTable own, view, common;
  describe(own, *arguments);
  describe(view, arguments->view);
  describe_quiet(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Inspection");
  command.flags().add(command.app(), std::move(view), "Tree");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments, &flags = command.flags()] {
    const std::vector<InputFile> inputs{{"model", arguments->model_path, kModel}};
    expect_named(inputs, flags);
    expect_readable(inputs);
    note_unused(flags, unused(*arguments), arguments->common);
    run(*arguments);
  });
}

}  // namespace coppice::app
