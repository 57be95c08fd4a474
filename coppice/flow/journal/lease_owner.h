// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace coppice {

/// What can be known from here of the process that an owner's name (journal_owner) stands for.
enum class OwnerLife {
  alive,   ///< it runs on this machine
  dead,    ///< it ran on this machine, since its last start, and is gone
  unknown  ///< of another machine, or no name of a process
};

/// A process is the same only where its start is: numbers are given again.
OwnerLife life_of(const std::string& owner);

/// "process 1234 on this machine", "process 1234 on buildbox"; what is no name of a process as it stands.
std::string owner_text(const std::string& owner);

}  // namespace coppice
