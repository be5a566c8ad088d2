# Build rules shared by every room: compiler settings, one include root per library, test programs.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

find_program(THIMBLE_CCACHE ccache)
if(THIMBLE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # base_dir and nohashdir let checkouts in different folders share the cache
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
      CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros ${THIMBLE_CCACHE})
endif()

# Optimisation beyond -O2 pays in kernels alone; they ask for it themselves.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
option(THIMBLE_PCH "Precompile the standard headers that most sources include" ON)

find_package(Threads REQUIRED)

add_library(thimble_flags INTERFACE)
target_compile_options(thimble_flags INTERFACE
  -march=x86-64-v3 -fno-math-errno -fno-trapping-math
  -fstack-protector-strong $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wdouble-promotion -Wnon-virtual-dtor -Wold-style-cast
  # g++ 12 reports string concatenation falsely (gcc bugs 105651, 105329)
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-stringop-overflow -Wno-array-bounds>)
if(THIMBLE_WERROR)
  target_compile_options(thimble_flags INTERFACE -Werror)
endif()
target_link_libraries(thimble_flags INTERFACE Threads::Threads)
target_link_options(thimble_flags INTERFACE -Wl,-z,relro,-z,now)

# thimble_precompile(TARGET [HEADER ...]): a third of the build is reading the same standard headers again. Sources include
# what they use all the same: presets without precompiled headers and clang-check see them bare.
function(thimble_precompile target)
  if(NOT THIMBLE_PCH)
    return()
  endif()
  target_precompile_headers(${target} PRIVATE <algorithm> <array> <cmath> <cstdint> <filesystem> <functional> <map>
    <memory> <optional> <span> <string> <string_view> <variant> <vector> ${ARGN})
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)  # for ccache
endfunction()

# thimble_library(NAME SOURCES ... PUBLIC ... PRIVATE ... PRECOMPILE more headers ...)
# The library's folder is reachable only through its own include root ("door"): a target sees the headers of the
# libraries it links and of no other, so an include against the arrows of docs/architecture.md does not compile.
# NAME may hold a slash: hw/ir is opened as "hw/ir/...", target thimble::hw_ir.
function(thimble_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE;PRECOMPILE" ${ARGN})
  string(REPLACE "/" "_" target ${name})
  set(target thimble_${target})
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE thimble_flags ${arg_PRIVATE} PUBLIC ${arg_PUBLIC})
    list(LENGTH arg_SOURCES count)
    if(count GREATER 3)
      thimble_precompile(${target} ${arg_PRECOMPILE})
    endif()
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
    target_link_libraries(${target} INTERFACE ${arg_PUBLIC})
  endif()
  string(REGEX REPLACE "^thimble_" "" alias ${target})
  add_library(thimble::${alias} ALIAS ${target})
  set(door ${PROJECT_BINARY_DIR}/doors/${alias})
  get_filename_component(parent ${door}/${name} DIRECTORY)
  file(MAKE_DIRECTORY ${parent})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${door}/${name} SYMBOLIC)
  target_include_directories(${target} ${scope} ${door})
endfunction()

# thimble_program(NAME SOURCES ... LIBS ...): an executable in build/bin
function(thimble_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE thimble_flags ${arg_LIBS})
endfunction()
