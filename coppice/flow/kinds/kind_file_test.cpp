// SPDX-License-Identifier: Apache-2.0
// A step that hands on a file of the workflow's folder, and none from elsewhere.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "coppice/flow/kinds/kinds.h"
#include "coppice/flow/run/runner.h"
#include "coppice/flow/temporary_folder.h"
#include "coppice/http/base64.h"

namespace coppice {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class FileKindTest : public testing::Test {
 protected:
  FileKindTest() {
    add_kinds(kinds_, {});
    fs::create_directories(folder_.path() / "store/sub");
    write("store/a.PNG", std::string("\x89PNG\0\xFF", 6));
    write("store/sub/b.svg", "<svg/>");
    write("secret.txt", "secret");
  }

  void write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_.path() / name, std::ios::binary) << bytes;
  }

  RunOutcome run(const std::string& path, const std::string& folder = "store") {
    const json whole = {
        {"workflow", "test"},
        {"steps", {{"a", {{"kind", "file"}, {"with", {{"folder", folder}, {"path", "{{ inputs }}"}}}}}}},
        {"outputs",
         {{"result", "{{ steps.a.output }}"}, {"files", {{{"path", "out"}, {"content", "{{ steps.a.output }}"}}}}}}};
    const Workflow flow = read_workflow_text(whole.dump(), kinds_);
    RunSettings settings;
    settings.folder = folder_.path();
    RunObserver observer;
    Runner runner({}, observer);
    return runner.run({&flow, path, settings});
  }

  /// "" where the run finished.
  std::string fault(const std::string& path, const std::string& folder = "store") {
    const RunOutcome outcome = run(path, folder);
    return outcome.error ? outcome.error->message() : "";
  }

  TemporaryFolder folder_;
  StepKinds kinds_;
};

TEST_F(FileKindTest, TheBytesOfAFileAreAnOutputLikeThatOfAPicture) {
  const RunOutcome picture = run("a.PNG");
  ASSERT_EQ(picture.state, "finished");
  EXPECT_EQ(picture.result["media_type"], "image/png");
  EXPECT_EQ(picture.result["bytes"], 6);
  ASSERT_EQ(picture.files.size(), 1u);
  EXPECT_EQ(picture.files[0].bytes, std::string("\x89PNG\0\xFF", 6));
  const RunOutcome drawing = run("sub/b.svg");
  EXPECT_EQ(drawing.result["media_type"], "image/svg+xml");
  EXPECT_EQ(base64_decoded(drawing.result["base64"].get<std::string>()), "<svg/>");
  EXPECT_EQ(run("secret.txt", ".").result["media_type"], "text/plain");
}

TEST_F(FileKindTest, NoPathLeadsOutOfTheFolder) {
  for (const char* path : {"../secret.txt", "sub/../../secret.txt", "/etc/passwd", "./a.PNG", "sub//b.svg", "a\\b"}) {
    EXPECT_NE(fault(path).find("leaves the folder"), std::string::npos) << path;
  }
  fs::create_symlink(folder_.path() / "secret.txt", folder_.path() / "store/link.txt");
  EXPECT_NE(fault("link.txt").find("leaves the folder"), std::string::npos);
  fs::create_symlink(folder_.path() / "store/a.PNG", folder_.path() / "store/inside.png");
  EXPECT_EQ(fault("inside.png"), "");
  fs::create_directory(folder_.path() / "store-of-others");
  write("store-of-others/x", "x");
  fs::create_symlink(folder_.path() / "store-of-others/x", folder_.path() / "store/x");
  EXPECT_NE(fault("x").find("leaves the folder"), std::string::npos) << "a name that begins the same is another folder";
}

TEST_F(FileKindTest, WhatIsNoFileOfReasonableSizeIsRefused) {
  EXPECT_NE(fault("none.png").find("store/none.png: cannot read"), std::string::npos);
  EXPECT_NE(fault("sub").find("no regular file"), std::string::npos);
  EXPECT_NE(fault("a.PNG", "none").find("none: cannot read"), std::string::npos);
  write("store/large", "");
  fs::resize_file(folder_.path() / "store/large", (uintmax_t{16} << 20) + 1);
  EXPECT_NE(fault("large").find("more than 16777216 bytes"), std::string::npos);
  fs::resize_file(folder_.path() / "store/large", uintmax_t{16} << 20);
  EXPECT_EQ(fault("large"), "");
}

TEST_F(FileKindTest, TheFolderIsTheAuthorsAlone) {
  EXPECT_THROW(run("a.PNG", "{{ inputs }}"), FaultyWorkflow);
}

}  // namespace
}  // namespace coppice
