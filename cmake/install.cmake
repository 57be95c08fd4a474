# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts in place: libcoppice, its public headers, the CMake package and the pkg-config file.
include(CMakePackageConfigHelpers)

# The public headers are those that the front doors reach, so that no list of them can go stale.
function(coppice_public_headers out)
  set(queue ${ARGN})
  set(seen)
  while(queue)
    list(POP_FRONT queue header)
    if(header IN_LIST seen)
      continue()
    endif()
    list(APPEND seen ${header})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${header})
    file(STRINGS ${PROJECT_SOURCE_DIR}/${header} lines REGEX "^#include \"coppice/")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE "^#include \"([^\"]+)\".*" "\\1" included "${line}")
      list(APPEND queue ${included})
    endforeach()
  endwhile()
  set(${out} ${seen} PARENT_SCOPE)
endfunction()

# library|how an outside CMake project finds it|its pkg-config name, or how it is linked where it has none
set(COPPICE_KNOWN_LIBRARIES
  "fmt::fmt|find_dependency(fmt 9)|fmt"
  "gloo|find_dependency(Gloo)|-lgloo"
  "nlohmann_json::nlohmann_json|find_dependency(nlohmann_json 3.11)|nlohmann_json"
  "simdjson::simdjson|find_dependency(simdjson 3)|simdjson"
  "ZLIB::ZLIB|find_dependency(ZLIB)|zlib"
  "Boost::headers|find_dependency(Boost 1.74)|"
  "OpenSSL::SSL|find_dependency(OpenSSL 3)|libssl"
  "OpenSSL::Crypto|find_dependency(OpenSSL 3)|libcrypto"
  "SQLite::SQLite3|find_dependency(SQLite3 3.40)|sqlite3"
  "yaml-cpp|find_dependency(yaml-cpp 0.7)|yaml-cpp"
  "PkgConfig::gumbo|pkg_check_modules(gumbo REQUIRED IMPORTED_TARGET gumbo)|gumbo"
  "PkgConfig::utf8proc|pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)|libutf8proc"
  "PkgConfig::libpq|pkg_check_modules(libpq REQUIRED IMPORTED_TARGET libpq)|libpq"
  "PkgConfig::hwy|pkg_check_modules(hwy REQUIRED IMPORTED_TARGET libhwy)|libhwy"
  "PkgConfig::hwy_contrib|pkg_check_modules(hwy_contrib REQUIRED IMPORTED_TARGET libhwy-contrib)|libhwy-contrib"
  "PkgConfig::xxhash|pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)|libxxhash"
  "PkgConfig::zstd|pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)|libzstd"
  "PkgConfig::zip|pkg_check_modules(zip REQUIRED IMPORTED_TARGET libzip)|libzip")

# Appends to `finds`, and to `modules` or `flags`, what users need in order to link `library`.
macro(coppice_user_needs library finds modules flags)
  set(entry ${COPPICE_KNOWN_LIBRARIES})
  list(FILTER entry INCLUDE REGEX "^${library}[|]")
  if(NOT entry)
    message(FATAL_ERROR "cmake/install.cmake does not say how users of libcoppice find ${library}")
  endif()
  string(REPLACE "|" ";" entry "${entry}")
  list(GET entry 1 find)
  list(GET entry 2 module)
  string(APPEND ${finds} "${find}\n")
  if(module MATCHES "^-l")
    string(APPEND ${flags} " ${module}")
  else()
    string(APPEND ${modules} " ${module}")
  endif()
endmacro()

# The library that is installed, made of the objects of all folders but the program's.
get_property(folders GLOBAL PROPERTY COPPICE_FOLDERS)
list(REMOVE_ITEM folders app)
get_property(libraries GLOBAL PROPERTY COPPICE_LIBRARIES)
list(REMOVE_DUPLICATES libraries)
list(REMOVE_ITEM libraries CLI11::CLI11)
set(objects)
foreach(folder IN LISTS folders)
  list(APPEND objects $<TARGET_OBJECTS:coppice_${folder}>)
endforeach()

add_library(libcoppice ${objects})
add_library(coppice::coppice ALIAS libcoppice)
target_compile_features(libcoppice PUBLIC cxx_std_20)
target_include_directories(libcoppice PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                                             $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set(private_libraries ${libraries})
list(REMOVE_ITEM private_libraries nlohmann_json::nlohmann_json)
target_link_libraries(libcoppice PUBLIC nlohmann_json::nlohmann_json PRIVATE ${private_libraries} Threads::Threads)
set_target_properties(libcoppice PROPERTIES
  OUTPUT_NAME coppice EXPORT_NAME coppice LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

install(TARGETS libcoppice EXPORT coppice_targets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

set(front_doors coppice/coppice.h)
if(COPPICE_WITH_FLOW)
  list(APPEND front_doors coppice/flow.h)
endif()
coppice_public_headers(headers ${front_doors})
foreach(header IN LISTS headers)
  cmake_path(GET header PARENT_PATH folder)
  install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder})
endforeach()

# A shared library carries its own dependencies; a static one asks its users to link them.
set(COPPICE_FIND_DEPENDENCIES "find_dependency(Threads)\n")
set(COPPICE_PC_REQUIRES "")
set(COPPICE_PC_FLAGS "")
coppice_user_needs(nlohmann_json::nlohmann_json COPPICE_FIND_DEPENDENCIES COPPICE_PC_REQUIRES COPPICE_PC_FLAGS)
if(NOT BUILD_SHARED_LIBS)
  string(APPEND COPPICE_FIND_DEPENDENCIES "find_dependency(PkgConfig)\n")
  foreach(library IN LISTS private_libraries)
    coppice_user_needs(${library} COPPICE_FIND_DEPENDENCIES COPPICE_PC_REQUIRES COPPICE_PC_FLAGS)
  endforeach()
endif()

set(cmake_folder ${CMAKE_INSTALL_LIBDIR}/cmake/coppice)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/coppice-config.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/coppice-config.cmake INSTALL_DESTINATION ${cmake_folder})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/coppice-config-version.cmake
  COMPATIBILITY SameMinorVersion)
configure_file(${CMAKE_CURRENT_LIST_DIR}/coppice.pc.in ${CMAKE_CURRENT_BINARY_DIR}/coppice.pc @ONLY)
install(EXPORT coppice_targets NAMESPACE coppice:: DESTINATION ${cmake_folder})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/coppice-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/coppice-config-version.cmake
        DESTINATION ${cmake_folder})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/coppice.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
