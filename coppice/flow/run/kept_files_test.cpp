// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/kept_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "coppice/core/error.h"
#include "coppice/flow/temporary_folder.h"

namespace coppice {
namespace {

namespace fs = std::filesystem;

class KeptFiles : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  void touch(const std::string& name) const { std::ofstream(path(name)) << "x"; }

  /// Is an output of that path, below the folder, refused?
  bool refuses(const std::string& output, const std::vector<std::string>& kept) const {
    try {
      expect_none_replaced(folder_.path().string(), {{"index.html", "x"}, {output, "x"}}, kept);
      return false;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::data);
      EXPECT_NE(error.message().find("'" + output + "'"), std::string::npos) << error.message();
      return true;
    }
  }

  TemporaryFolder folder_;
};

TEST_F(KeptFiles, AJournalHasThoseBesideIt) {
  EXPECT_EQ(journal_files("a/runs.db"),
            (std::vector<std::string>{"a/runs.db", "a/runs.db-wal", "a/runs.db-shm", "a/runs.db-journal"}));
  EXPECT_EQ(journal_files("sqlite:runs.db"), journal_files("runs.db"));
  EXPECT_TRUE(journal_files("memory:").empty());
  EXPECT_TRUE(journal_files("postgresql://host/db").empty());
}

TEST_F(KeptFiles, NoneOfThemIsReplaced) {
  touch("runs.db");
  const std::vector<std::string> kept = journal_files(path("runs.db"));
  EXPECT_TRUE(refuses("runs.db", kept));
  EXPECT_TRUE(refuses("runs.db-journal", kept)) << "it is not there, and would be read when the journal is opened";
  EXPECT_TRUE(refuses("RUNS.DB-wal", kept)) << "on some file systems that is the same name";
  EXPECT_FALSE(refuses("runs.db.txt", kept));
  EXPECT_FALSE(refuses("below/runs.db", kept));
}

TEST_F(KeptFiles, LinksLeadToThem) {
  touch("site.yaml");
  fs::create_directory_symlink(folder_.path(), path("here"));
  EXPECT_TRUE(refuses("here/site.yaml", {path("site.yaml")}));
  EXPECT_TRUE(refuses("site.yaml", {path("here/site.yaml")}));
  EXPECT_TRUE(refuses("site.yaml", {path("here/../") + folder_.path().filename().string() + "/site.yaml"}));
  fs::create_hard_link(path("site.yaml"), path("other.yaml"));
  EXPECT_TRUE(refuses("other.yaml", {path("site.yaml")}));
}

TEST_F(KeptFiles, NothingIsWrittenIntoFoldersOfOurs) {
  EXPECT_TRUE(refuses(".coppice/x", {}));
  EXPECT_TRUE(refuses("a/.Coppice/x", {}));
  EXPECT_FALSE(refuses(".coppice.txt", {}));
  EXPECT_THROW(expect_none_replaced(path(".coppice"), {{"runs.db", "x"}}, {}), Error);
}

}  // namespace
}  // namespace coppice
