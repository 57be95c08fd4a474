// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "coppice/flow/run/run_outcome.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// The files that the outputs of a workflow come to. Content that is an object with `base64` (an image) is what that
/// says; another value that is no text is written as JSON. Throws `ErrorCode::data` for a path that leaves its folder:
/// one that is absolute, has "..", an empty part, a backslash or a control character, or is too long; and where two
/// have the same path.
std::vector<RunFile> make_run_files(const Workflow& workflow, const TemplateScope& scope);

/// What the checks of a workflow, which it has, say of the files.
CheckReport check_run_files(const Workflow& workflow, const TemplateScope& scope, const std::vector<RunFile>& files);

/// Makes the folder if need be. Throws `ErrorCode::io` where nothing can be written into it.
void expect_writable_folder(const std::string& folder);

/// Writes them below a folder, which is made if need be. Each appears whole or not at all. Throws `ErrorCode::io`, also
/// where a part of a path is a symbolic link.
void write_run_files(const std::string& folder, const std::vector<RunFile>& files);

}  // namespace coppice
