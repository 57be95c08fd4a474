// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>  // Boost 1.74's coroutines use std::exchange and do not include it

#include <boost/asio/awaitable.hpp>

namespace coppice {

/// What a coroutine of an event loop returns. The headers of such coroutines are for our own use, not for users of the
/// library, and for sources that are not fuzzed: clang 14 refuses Boost's coroutines.
///
/// What g++ 12 makes wrong code of: a temporary aggregate with strings or vectors in it as an argument of what is
/// awaited (`co_await f(Options{...})`, `co_await f({})`) is destroyed twice. Give the type a constructor, or the value
/// a name before. What it refuses: a list of braces there for an initializer_list ("array used as initializer"). A
/// lambda that is a coroutine refers to its captures where the lambda lies: that has to outlive it.
template <class T>
using Awaitable = boost::asio::awaitable<T>;

}  // namespace coppice
