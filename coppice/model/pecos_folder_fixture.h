// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace coppice {

/// A scratch folder in which tests write what PECOS would have written, byte by byte.
class PecosFolder {
 public:
  PecosFolder() {
    static int count = 0;
    root_ = std::filesystem::temp_directory_path() /
            ("coppice-pecos-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(root_);
  }
  ~PecosFolder() { std::filesystem::remove_all(root_); }
  PecosFolder(const PecosFolder&) = delete;
  PecosFolder& operator=(const PecosFolder&) = delete;

  std::string operator/(std::string_view name) const { return (root_ / name).string(); }

  void write(std::string_view name, std::string_view text) const {
    std::filesystem::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name, std::ios::binary) << text;
  }

  /// Words "window", "manager", "Fenêtre,"; and "window manager".
  void write_tfidf() const {
    write("tfidf/config.json", R"({"type": "tfidf", "kwargs": {"ngram_range": [1, 2]}})");
    write("tfidf/meta.json", R"({"kwargs": {"norm_p": 2, "num_base_vect": 1}, "type": "tfidf"})");
    write("tfidf/0.base/tokenizer/config.json", R"({"token_type": 10})");
    write("tfidf/0.base/tokenizer/vocab.txt", "3\n2\twindow\n0\tFen\xC3\xAAtre,\n1\tmanager\n");
    write("tfidf/0.base/vectorizer/config.json",
          R"({"type": "tfidf", "kwargs": {"add_one_idf": false, "binary": false, "keep_frequent_feature": true,
              "max_df_cnt": -1, "max_df_ratio": 1.0, "max_feature": 0, "max_length": -1, "min_df_cnt": 0,
              "min_df_ratio": 0.0, "ngram_range": [1, 2], "norm_p": "l2", "smooth_idf": true, "sublinear_tf": false,
              "use_idf": true}})");
    write("tfidf/0.base/vectorizer/tfidf-model.txt",
          "4\n3\t3.000000\t2\t2 1\n0\t0.500000\t1\t2\n2\t2.000000\t1\t0\n1\t1.250000\t1\t1\n");
  }

 private:
  std::filesystem::path root_;
};

}  // namespace coppice
