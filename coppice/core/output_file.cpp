// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/output_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

constexpr int kMostLinks = 40;  // as the kernel's own limit
constexpr int kMostTemporaries = 100;

void write_all(int descriptor, std::string_view bytes, const std::string& path, const Progress* stop) {
  while (!bytes.empty()) {
    if (stop != nullptr) stop->throw_if_stopped();
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      throw_io_error(path == "-" ? "write to standard output" : "write the file", path, errno);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

/// The path at the end of the links that start at `path`; what it names need not exist.
std::string behind_links(const std::string& path) {
  namespace fs = std::filesystem;
  fs::path place = path;
  std::error_code none;
  for (int links = 0; fs::is_symlink(fs::symlink_status(place, none)); ++links) {
    if (links == kMostLinks) throw_io_error("follow the links", path, ELOOP);
    // operator/ takes an absolute right side as it is.
    place = place.parent_path() / fs::read_symlink(place, none);
  }
  return place.string();
}

/// A file of its own; -1 where something lies already, a link included, and for what the system refuses (errno).
int create(const std::string& path, mode_t mode) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  // The lock ends with the process: by it others tell a file in work from one that was left.
  if (descriptor >= 0) ::flock(descriptor, LOCK_EX | LOCK_NB);
  return descriptor;
}

/// Removes our own file that nobody works on: process ids come again, so a run that was killed may have left it.
bool remove_if_left(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return false;
  struct stat found {};
  const bool ours = ::fstat(descriptor, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == ::geteuid();
  const bool removed = ours && ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && ::unlink(path.c_str()) == 0;
  ::close(descriptor);
  return removed;
}

/// Hands on the mode, and owner and group, or the group alone, if the system lets us. A group of ours in the place of
/// theirs may do no more than everybody. File systems without modes are left as they are.
void hand_on(const struct stat& replaced, int descriptor) {
  constexpr auto kSameOwner = static_cast<uid_t>(-1);
  mode_t mode = replaced.st_mode & 0777;
  const bool group_stays = ::fchown(descriptor, replaced.st_uid, replaced.st_gid) == 0 ||
                           ::fchown(descriptor, kSameOwner, replaced.st_gid) == 0;
  if (!group_stays) mode = (mode & ~mode_t{070}) | ((mode & 07) << 3);
  ::fchmod(descriptor, mode);
}

/// A new name lasts through a power cut once its folder is on disk. Not every file system can do that, and the file is
/// in its place already: so this is no reason to fail.
void sync_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

bool is_output_stream(const std::string& path) {
  if (path == "-") return true;
  std::error_code none;
  switch (std::filesystem::status(path, none).type()) {
    case std::filesystem::file_type::fifo:
    case std::filesystem::file_type::character:
      return true;
    case std::filesystem::file_type::directory:
      throw Error(ErrorCode::io, "cannot write the file: this is a directory", path);
    case std::filesystem::file_type::socket:
      throw Error(ErrorCode::io, "cannot write the file: this is a socket", path);
    case std::filesystem::file_type::block:
      throw Error(ErrorCode::io, "cannot write the file: this is a block device", path);
    default:
      return false;
  }
}

void expect_writable(const std::string& path) {
  if (!is_output_stream(path)) {
    OutputFile{path};  // creates and removes the temporary file
  } else if (path != "-" && ::access(path.c_str(), W_OK) != 0) {
    throw_io_error("open the file for writing", path, errno);
  }
}

OutputFile::OutputFile(std::string path, const Progress* stop) : path_(std::move(path)), stop_(stop) {
  if (path_.empty()) throw Error(ErrorCode::usage, "the path of the output is empty", {}, "- is standard output");
  if (is_output_stream(path_)) {
    open_stream();
  } else {
    open_temporary();
  }
}

void OutputFile::open_stream() {
  if (path_ == "-") {
    descriptor_ = STDOUT_FILENO;
    return;
  }
  while ((descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY)) < 0) {
    if (errno != EINTR) throw_io_error("open the file for writing", path_, errno);
    if (stop_ != nullptr) stop_->throw_if_stopped();
  }
}

void OutputFile::open_temporary() {
  target_path_ = behind_links(path_);
  const std::string base = target_path_ + ".tmp." + std::to_string(::getpid());
  struct stat replaced {};
  const bool replaces = ::stat(target_path_.c_str(), &replaced) == 0;
  for (int i = 0; descriptor_ < 0; ++i) {
    temporary_path_ = i == 0 ? base : base + "." + std::to_string(i);
    // What replaces a private file is never open to others, not even for a moment.
    const mode_t mode = replaces ? 0600 : 0644;
    descriptor_ = create(temporary_path_, mode);
    if (descriptor_ >= 0) break;
    const int reason = errno;
    if (reason != EEXIST || i == kMostTemporaries) throw_io_error("create the file", path_, reason);
    if (remove_if_left(temporary_path_)) descriptor_ = create(temporary_path_, mode);
  }
  if (replaces) hand_on(replaced, descriptor_);
}

OutputFile::~OutputFile() {
  if (path_ == "-" || descriptor_ < 0) return;
  ::close(descriptor_);
  if (!temporary_path_.empty()) ::unlink(temporary_path_.c_str());
}

void OutputFile::write(std::span<const std::byte> bytes) {
  write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void OutputFile::write(std::string_view text) {
  size_ += text.size();
  if (text.size() >= kBufferBytes) {
    flush();
    write_all(descriptor_, text, path_, stop_);
    return;
  }
  buffer_.append(text);
  if (buffer_.size() >= kBufferBytes) flush();
}

void OutputFile::write_at(uint64_t offset, std::span<const std::byte> bytes) {
  flush();
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written =
        ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (written < 0) {
      if (errno == EINTR) continue;
      throw_io_error("write the file", path_, errno);
    }
    done += static_cast<size_t>(written);
  }
}

void OutputFile::flush() {
  write_all(descriptor_, buffer_, path_, stop_);
  buffer_.clear();
}

void OutputFile::commit() {
  flush();
  if (path_ == "-") return;
  const bool stream = temporary_path_.empty();
  if (!stream && ::fsync(descriptor_) != 0) throw_io_error("write the file to disk", path_, errno);
  if (::close(std::exchange(descriptor_, -1)) != 0) throw_io_error("close the file", path_, errno);
  if (!stream && ::rename(temporary_path_.c_str(), target_path_.c_str()) != 0) {
    const int reason = errno;
    ::unlink(temporary_path_.c_str());
    throw_io_error("put the finished file in its place", path_, reason);
  }
  if (!stream) sync_folder_of(target_path_);
}

}  // namespace coppice
